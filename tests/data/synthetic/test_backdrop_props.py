"""Backdrops and things: what they must be for the people before and behind them."""

import numpy as np
import pytest

from dancepose.data.synthetic import backdrop, props
from dancepose.data.synthetic.backdrop import KINDS as KINDS_OF_PLACE
from dancepose.data.synthetic.backdrop import draw_backdrop, draw_light, frontal, horizon_row
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.effects import shadows
from dancepose.data.synthetic.material import KINDS, Material, shade
from dancepose.data.synthetic.props import draw_prop
from dancepose.data.synthetic.raster import Raster, Surfaces
from dancepose.data.synthetic.scenery import draw_colour, floor_grain
from dancepose.data.synthetic.shapes import Cone, Ellipsoid, Shape

CAMERA = Camera(np.array([0, 1.5, 0]), 0.1, 600.0, (640, 480))


def test_the_wall_meets_the_floor_where_perspective_says():
    level = Camera(np.array([0, 1.5, 0]), 0.0, 600.0, (640, 480))
    assert horizon_row(level, 6.0) == pytest.approx(239.5 + 600 * 1.5 / 6, abs=1)
    rows = [horizon_row(CAMERA, wall) for wall in (3.0, 6.0, 60.0)]
    assert rows == sorted(rows, reverse=True) and 0 <= rows[-1] < 240  # it looks down: the horizon is above


def test_the_floor_lies_at_height_0_and_nearer_further_down():
    row = horizon_row(CAMERA, 8.0)
    x, z = backdrop._floor_places(CAMERA, row + 1)
    points = CAMERA.view(np.stack([x, np.zeros_like(x), z], -1))
    pixels = CAMERA.project(points)
    columns, rows = np.meshgrid(np.arange(640), np.arange(row + 1, 480))
    assert np.abs(pixels - np.stack([columns, rows], -1)).max() < 2e-3
    assert (np.diff(z[:, 320]) > 0).all() and z[0, 320] == pytest.approx(-8, abs=0.3)


@pytest.mark.parametrize("hard", [0.0, 1.0])
def test_every_kind_is_painted_and_lit(hard):
    kinds = set()
    for seed in range(24):
        drawn = draw_backdrop(np.random.default_rng(seed), CAMERA, 6.0, hard)
        kinds.add(drawn.kind)
        assert drawn.image.shape == (480, 640, 3) and 0 <= drawn.image.min() < drawn.image.max() <= 1
        assert drawn.light.lamps and (drawn.light.ambient > 0).all() and drawn.thickness >= 0
    assert kinds == set(backdrop.KINDS)


@pytest.mark.parametrize(("pitch", "row"), [(0.6, 0), (0.395, 9), (-0.5, 480), (0.1, 473)])
def test_views_of_nearly_only_floor_or_wall(pitch, row):
    """A camera high above sees no wall, one near the floor that looks up no floor; some see a strip."""
    camera = Camera(np.array([0, 1.5, 0]), pitch, 600.0, (640, 480))
    wall = 60.0 if row < 240 else 3.0
    assert horizon_row(camera, wall) == pytest.approx(row, abs=10)
    for seed in range(16):
        drawn = draw_backdrop(np.random.default_rng(seed), camera, wall, 1.0)
        assert np.isfinite(drawn.image).all() and drawn.image.std() > 0


def test_every_kind_of_thing_stands_on_the_floor_before_the_place_and_has_its_materials():
    place, shapes_seen = np.array([0.0, -5.0]), set()
    for seed in range(60):
        shapes, materials = draw_prop(np.random.default_rng(seed), place, 0.0, 3)
        raster = Raster(CAMERA)
        raster.add({0: shapes})
        assert len(raster.surfaces().pixels)
        for shape in shapes:
            assert 3 <= shape.material < 3 + len(materials)
            centre = (shape.start + shape.end) / 2 if isinstance(shape, Cone) else shape.centre
            assert -5.0 < centre[2] < -1.5 and lowest(shape) > -1e-9
        shapes_seen.add(tuple(type(shape).__name__ for shape in shapes))
        assert all(material.pattern in KINDS for material in materials)
    assert len(shapes_seen) >= len(props.PROPS) - 1  # of other shapes each


def lowest(shape: Shape) -> float:
    """Height of a shape's lowest point; an open cone that stands has none below its ends."""
    if isinstance(shape, Cone):
        ends = zip((shape.start, shape.end), shape.radii, strict=True)
        return min(float(end[1]) - (0.0 if shape.open else radius) for end, radius in ends)
    return float(shape.centre[1] - np.linalg.norm(shape.frame[1] * shape.radii))


def test_leaves_hang_on_their_stem():
    """And are no greener than leaves."""
    found = 0
    for seed in range(80):
        shapes, materials = draw_prop(np.random.default_rng(seed), np.array([0.0, -5.0]), 0.0, 3)
        leaves = [s for s in shapes if isinstance(s, Ellipsoid) and s.material == 4 and s.radii[0] == 0.2]
        if not leaves:
            continue
        found += 1
        (stem,) = [s for s in shapes if isinstance(s, Cone) and s.material == 4]
        for leaf in leaves:
            ends = [leaf.centre + side * 0.2 * leaf.frame[:, 0] for side in (-1, 1)]
            assert min(np.hypot(*(end - stem.start)[[0, 2]]) for end in ends) < 0.03
        green = np.asarray(materials[1].colour)
        assert green[1] < 2.2 * green[0]
    assert found > 5


def test_the_floor_is_darker_under_things_and_as_it_was_elsewhere():
    image = np.ones((480, 640, 3), np.float32)
    ball = Ellipsoid(np.array([0.5, 0.2, -5.0]), np.eye(3), np.full(3, 0.2), 0)
    shadows(image, CAMERA, [], [ball])
    x, y = CAMERA.project(CAMERA.view(np.array([0.5, 0.0, -5.0]))).round().astype(int)
    assert image[y, x].max() < 0.75 and image[y, 100].min() == image[50].min() == 1


@pytest.mark.parametrize("kind", KINDS_OF_PLACE)
@pytest.mark.parametrize("hard", [0.0, 0.4, 1.0])
def test_nobody_stands_in_the_dark(kind, hard):
    light = [frontal(draw_light(np.random.default_rng(seed), kind, hard)) for seed in range(60)]
    assert min(light) >= backdrop.LEAST - 1e-6 and np.ptp(light) > 0.3


def test_the_light_on_what_faces_the_camera_is_what_frontal_says():
    light = draw_light(np.random.default_rng(3), "stage", 1.0)
    surfaces = Surfaces(
        np.zeros(1, int), np.zeros(1, np.int16), np.ones(1), np.array([[0.0], [0], [-1]]), np.zeros((3, 1))
    )
    white = shade(surfaces, [Material(np.ones(3))], light)
    assert white.mean() == pytest.approx(frontal(light), rel=1e-3)


def test_a_floor_s_grain_is_finer_far_away():
    row = horizon_row(CAMERA, 8.0)
    drawn = floor_grain(np.random.default_rng(0), CAMERA, row)
    assert drawn.shape == (480 - row, 640) and abs(drawn.mean()) < 0.3 and 0.4 < drawn.std() < 1.5

    def likeness(line):  # of neighbours 6 pixels apart
        return np.corrcoef(line[:, :-6].ravel(), line[:, 6:].ravel())[0, 1]

    assert likeness(drawn[-40:]) > likeness(drawn[:40]) + 0.1


def test_most_surfaces_are_of_muted_colours():
    drawn = np.array([draw_colour(np.random.default_rng(seed), 0.5, 0.2, 0.8) for seed in range(200)])
    assert drawn.min() >= 0.1 - 1e-6 and drawn.max() <= 0.8 + 1e-6
    assert (np.ptp(drawn, axis=1) / drawn.max(1)).max() <= 0.5 + 1e-6
    assert np.mean((drawn[:, 0] >= drawn[:, 1]) & (drawn[:, 1] >= drawn[:, 2])) > 0.4  # red to yellow
