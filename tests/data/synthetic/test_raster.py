"""The camera and what is nearest in each pixel, against geometry worked out by hand."""

import numpy as np
import pytest

from dancepose.data.synthetic.camera import NEAR, Camera
from dancepose.data.synthetic.quadrics import FAR
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.shapes import Cone, Ellipsoid

CAMERA = Camera(np.array([0, 1.0, 0]), 0.0, 100.0, (81, 61))


def test_the_camera_looks_along_minus_z_and_down():
    assert CAMERA.project(CAMERA.view(np.array([0, 1.0, -5]))) == pytest.approx([40, 30])
    assert CAMERA.project(CAMERA.view(np.array([0.5, 1.25, -5]))) == pytest.approx([50, 25])
    down = Camera(np.array([0, 1.0, 0]), 0.3, 100.0, (81, 61))
    seen = down.view(np.array([0, 1.0, 0]) + 4 * np.array([0, -np.sin(0.3), -np.cos(0.3)]))
    assert seen == pytest.approx([0, 0, 4]) and np.linalg.det(down.axes) == pytest.approx(1)
    rolled = Camera(np.zeros(3), 0.2, 100.0, (81, 61), roll=0.4)
    assert rolled.axes @ rolled.axes.T == pytest.approx(np.eye(3))


def drawn(*shapes: Ellipsoid | Cone, camera: Camera = CAMERA) -> Raster:
    """Each shape under its own number."""
    raster = Raster(camera)
    raster.add({owner: [shape] for owner, shape in enumerate(shapes)})
    return raster


def image(raster: Raster, name: str) -> np.ndarray:
    """(H, W) or (H, W, 3) of what `surfaces` gives; NaN where there is nothing."""
    surfaces = raster.surfaces()
    values = getattr(surfaces, name).T
    width, height = raster.camera.size
    found = np.full((height * width, *values.shape[1:]), np.nan)
    found[surfaces.pixels] = values
    return found.reshape(height, width, *values.shape[1:])


def test_a_ball_is_a_disk_of_the_right_size_and_depth():
    raster = drawn(Ellipsoid(np.array([0, 1.0, -5]), np.eye(3), np.full(3, 0.5), material=2))
    inside = image(raster, "material") == 2
    assert inside.sum() == pytest.approx(np.pi * (100 * 0.5 / np.sqrt(25 - 0.25)) ** 2, rel=0.05)
    assert raster.depth[30, 40] == pytest.approx(4.5, abs=1e-3)
    assert image(raster, "normal")[30, 40] == pytest.approx([0, 0, -1], abs=1e-3)  # towards the camera
    assert image(raster, "place")[30, 40] == pytest.approx([0, 0, 1], abs=1e-3)
    (rows, columns), shown = raster.shown(0)
    assert shown.sum() == inside.sum() == inside[rows, columns].sum() and raster.depth[0, 0] == FAR
    assert raster.shown(5)[1].sum() == 0


def test_an_ellipsoid_lies_where_its_axes_say_and_its_cut_shows_what_is_behind():
    turn = np.array([[np.cos(0.5), -np.sin(0.5), 0], [np.sin(0.5), np.cos(0.5), 0], [0, 0, 1]])
    shape = Ellipsoid(np.array([0.1, 1.2, -5]), turn, np.array([0.6, 0.2, 0.3]), 0)
    raster = drawn(shape)
    rng = np.random.default_rng(0)
    points = rng.standard_normal((4000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    pixels = CAMERA.project(CAMERA.view(shape.centre + points * shape.radii @ turn.T)).round().astype(int)
    outline = np.zeros((61, 81), bool)
    outline[pixels[:, 1], pixels[:, 0]] = True
    assert (outline ^ (raster.number == 0)).mean() < 0.01
    back = Ellipsoid(np.array([0.1, 1.2, -8]), np.eye(3), np.full(3, 2.0), 1)
    shape.cut = np.array([1.0, 0, 0, 0.0])
    number = drawn(shape, back).number
    assert 0.4 < (number == 0).sum() / (raster.number == 0).sum() < 0.6
    assert (number[raster.number == 0] >= 0).all()


def test_the_nearer_shape_hides_the_other_whatever_comes_first():
    near = Ellipsoid(np.array([0, 1.0, -3]), np.eye(3), np.full(3, 0.3), material=0)
    far = Ellipsoid(np.array([0, 1.0, -6]), np.eye(3), np.full(3, 2.0), material=1)
    materials = [image(drawn(*shapes), "material") for shapes in ((near, far), (far, near))]
    assert np.array_equal(*materials, equal_nan=True)
    assert materials[0][30, 40] == 0 and (materials[0] == 1).any()


def test_any_number_of_shapes_is_drawn_and_told_apart():
    """More than are drawn at once, some of one thing in both lots."""
    balls = [
        Ellipsoid(np.array([x, y, -5.0]), np.eye(3), np.full(3, 0.04), number)
        for number, (x, y) in enumerate((x / 10, y / 10) for y in range(12) for x in range(-9, 10))
    ]
    raster = Raster(CAMERA)
    raster.add({7: balls[:100], 8: balls[100:150], 9: balls[150:]})
    assert set(range(228)) == set(raster.surfaces().material.tolist())
    counts = []
    for owner, (first, last) in {7: (0, 100), 8: (100, 150), 9: (150, 228)}.items():
        (rows, columns), shown = raster.shown(owner)
        number = raster.number
        assert shown.sum() == ((number >= first) & (number < last)).sum()
        counts.append(int(shown.sum()))
    assert sum(counts) == len(raster.surfaces().pixels)


def test_a_cone_has_its_place_along_and_across():
    raster = drawn(Cone(np.array([-0.5, 1.0, -5]), np.array([0.5, 1.0, -5]), (0.09, 0.09), material=0))
    place = image(raster, "place")
    assert place[30, 31:50, 1] == pytest.approx(np.linspace(0, 1, 21)[1:-1], abs=0.02)
    assert raster.depth[30, 40] == pytest.approx(4.91, abs=1e-3)
    rows = np.flatnonzero(raster.number[:, 40] == 0)
    assert rows.tolist() == [29, 30, 31]
    assert place[29, 40, 0] == pytest.approx(-place[31, 40, 0]) and abs(place[30, 40, 0]) < 1e-3
    normal = image(raster, "normal")
    assert normal[29, 40, 1] < 0 < normal[31, 40, 1]  # y points down
    assert normal[30, 40] == pytest.approx([0, 0, -1], abs=1e-3)


def test_an_open_cone_ends_at_its_ends():
    camera = Camera(np.array([0, 1.0, 0]), 0.0, 1000.0, (401, 401))
    skirt = Cone(np.array([0, 1.6, -10]), np.array([0, 0.6, -10]), (0.2, 0.6), 0, open=True)
    raster = drawn(skirt, camera=camera)
    rows, columns = np.nonzero(raster.number == 0)
    assert rows.min() == pytest.approx(200 - 60, abs=2) and rows.max() == pytest.approx(200 + 42, abs=2)
    for row, radius in ((145, 0.222), (239, 0.59)):
        width = columns[rows == row]
        assert np.ptp(width) == pytest.approx(200 * radius, rel=0.04)
    normal = image(raster, "normal")[200, 200]
    assert normal == pytest.approx(np.array([0, -0.4, -1]) / np.hypot(0.4, 1), abs=0.01)


@pytest.mark.parametrize(
    "shape",
    [
        Ellipsoid(np.array([0, 1.0, 2]), np.eye(3), np.full(3, 0.5), 0),
        Ellipsoid(np.array([50, 1.0, -5]), np.eye(3), np.full(3, 0.5), 0),
        Cone(np.array([0, 1.0, 1]), np.array([0, 1.0, 5]), (0.1, 0.1), 0),
        Cone(np.array([90, 1.0, -5]), np.array([91, 1.0, -5]), (0.1, 0.1), 0),
        Cone(np.array([90, 1.0, -5]), np.array([91, 1.0, -5]), (0.1, 0.2), 0, open=True),
    ],
    ids=["behind", "beside", "cone behind", "cone beside", "open cone beside"],
)
def test_what_is_not_in_front_of_the_camera_is_not_drawn(shape):
    raster = drawn(shape)
    assert (raster.number == -1).all() and not len(raster.surfaces().pixels)


@pytest.mark.parametrize("reversed_", [False, True])
def test_of_a_limb_that_reaches_behind_the_camera_the_part_in_front_is_drawn(reversed_):
    """Against one that ends where the camera does not see it any more."""
    ends = [np.array([0.3, 0.6, -4.0]), np.array([2.5, 0.9, 1.0])]
    whole = drawn(Cone(*ends[:: -1 if reversed_ else 1], (0.12, 0.12), 0))
    part = drawn(Cone(ends[0], ends[0] + 0.75 * (ends[1] - ends[0]), (0.12, 0.12), 0))
    assert (whole.number == 0).sum() > 100
    assert np.array_equal(whole.number, part.number)
    assert whole.depth == pytest.approx(part.depth, rel=1e-3)


def test_of_a_ball_around_the_camera_s_plane_the_part_in_front_is_drawn():
    raster = drawn(Ellipsoid(np.array([0.3, 1.0, -0.15]), np.eye(3), np.full(3, 0.28), 0))
    column = 80
    ray = np.array([(column - 40) / 100, 0, 1.0])
    towards = ray @ np.array([0.3, 0, 0.15])
    depth = (towards - np.sqrt(towards**2 - ray @ ray * (0.3**2 + 0.15**2 - 0.28**2))) / (ray @ ray)
    assert depth < NEAR and raster.depth[30, column] == pytest.approx(NEAR, rel=1e-3)
    assert (raster.number[:, :20] == -1).all() and (raster.number[30, 75:] == 0).all()


@pytest.mark.parametrize("tilt", [0.0, 0.3, 0.8, 1.2, 1.5, np.pi / 2])
@pytest.mark.parametrize("radii", [(0.15, 0.15), (0.05, 0.2), (0.2, 0.05)])
def test_a_limb_has_the_depth_of_balls_along_it(tilt, radii):
    """Against many balls between its ends."""
    start = np.array([0.02, 1.05, -4.0])
    end = start + np.array([np.cos(tilt), 0.1, np.sin(tilt)])
    limb = drawn(Cone(start, end, radii, 0))
    shares = np.linspace(0, 1, 400)
    sizes = radii[0] + shares * (radii[1] - radii[0])
    balls = drawn(
        *(
            Ellipsoid(start + share * (end - start), np.eye(3), np.full(3, size), 0)
            for share, size in zip(shares, sizes, strict=True)
        )
    )
    both = (limb.number >= 0) & (balls.number >= 0)
    either = (limb.number >= 0) | (balls.number >= 0)
    assert both.sum() >= either.sum() - 2
    assert np.abs(limb.depth - balls.depth)[both].max() < 0.02


@pytest.mark.parametrize("turn", [0.0, 0.5, 1.2])
def test_of_an_open_cone_whose_hem_faces_the_camera_the_inside_is_seen(turn):
    """A skirt of who bends over or kicks: its far wall, lit from where the camera is, is no hole."""
    along = np.array([0.0, -np.sin(turn), np.cos(turn)])  # from the waist to the hem, towards the camera
    waist = np.array([0, 1.0, -5.0])
    skirt = Cone(waist, waist + 0.5 * along, (0.2, 0.5), 1, open=True)
    raster = drawn(skirt)
    seen = image(raster, "material") == 1
    disk = Ellipsoid(waist + 0.5 * along, np.eye(3), np.array([0.5, 0.5, 0.5]), 1)
    mouth = image(drawn(disk), "material") == 1
    if turn == 0:
        back = np.hypot(*np.mgrid[-30:31, -40:41]) < 100 * 0.2 / 5 - 1  # the waist is open as well
        assert (seen & mouth).sum() > 0.8 * mouth.sum() and not seen[back].any()
    else:
        assert seen.sum() > 0.5 * mouth.sum()
    columns, rows = np.meshgrid(np.arange(81) - 40, np.arange(61) - 30)
    rays = np.stack([columns / 100, rows / 100, np.ones_like(rows)], -1)
    facing = (image(raster, "normal") * rays).sum(-1)
    assert (facing[seen] < 1e-3).all(), "every surface is lit on the side that is seen"
