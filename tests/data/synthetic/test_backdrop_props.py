"""Backdrops and things: what they must be for the people before and behind them."""

import numpy as np
import pytest

from dancepose.data.synthetic import backdrop, props
from dancepose.data.synthetic.backdrop import draw_backdrop, horizon_row
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.material import KINDS
from dancepose.data.synthetic.props import draw_prop
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.shapes import Cone

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
            assert -5.0 < centre[2] < -1.5 and centre[1] >= -0.5
        shapes_seen.add(tuple(type(shape).__name__ for shape in shapes))
        assert all(material.pattern in KINDS for material in materials)
    assert len(shapes_seen) >= len(props.PROPS) - 1  # a pole and a column are both one cone
