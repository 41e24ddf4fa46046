"""The camera and what is nearest in each pixel, against geometry worked out by hand."""

import numpy as np
import pytest

from dancepose.data.synthetic.raster import FAR, Camera, Cone, Ellipsoid, Raster

CAMERA = Camera(np.array([0, 1.0, 0]), 0.0, 100.0, (81, 61))


def test_the_camera_looks_along_minus_z_and_down():
    assert CAMERA.project(CAMERA.view(np.array([0, 1.0, -5]))) == pytest.approx([40, 30])
    assert CAMERA.project(CAMERA.view(np.array([0.5, 1.25, -5]))) == pytest.approx([50, 25])
    down = Camera(np.array([0, 1.0, 0]), 0.3, 100.0, (81, 61))
    seen = down.view(np.array([0, 1.0, 0]) + 4 * np.array([0, -np.sin(0.3), -np.cos(0.3)]))
    assert seen == pytest.approx([0, 0, 4]) and np.linalg.det(down.axes) == pytest.approx(1)
    rolled = Camera(np.zeros(3), 0.2, 100.0, (81, 61), roll=0.4)
    assert rolled.axes @ rolled.axes.T == pytest.approx(np.eye(3))


def test_a_ball_is_a_disk_of_the_right_size_and_depth():
    raster = Raster(CAMERA)
    raster.add(Ellipsoid(np.array([0, 1.0, -5]), np.eye(3), np.full(3, 0.5), material=2), owner=1)
    inside = raster.material == 2
    assert inside.sum() == pytest.approx(np.pi * (100 * 0.5 / np.sqrt(25 - 0.25)) ** 2, rel=0.05)
    assert raster.depth[30, 40] == pytest.approx(4.5, abs=1e-4)
    assert raster.surface[30, 40, :3] == pytest.approx([0, 0, -1], abs=1e-3)  # towards the camera
    assert (raster.owner == 1).sum() == inside.sum() and raster.depth[0, 0] == FAR


def test_the_nearer_shape_hides_the_other_whatever_comes_first():
    near = Ellipsoid(np.array([0, 1.0, -3]), np.eye(3), np.full(3, 0.3), material=0)
    far = Ellipsoid(np.array([0, 1.0, -6]), np.eye(3), np.full(3, 2.0), material=1)
    owners = []
    for shapes in ((near, far), (far, near)):
        raster = Raster(CAMERA)
        for shape in shapes:
            raster.add(shape, owner=shape.material)
        owners.append(raster.owner)
    assert np.array_equal(*owners) and owners[0][30, 40] == 0 and (owners[0] == 1).any()


def test_a_cone_has_its_place_along_and_across():
    raster = Raster(CAMERA)
    raster.add(Cone(np.array([-0.5, 1.0, -5]), np.array([0.5, 1.0, -5]), (0.1, 0.1), material=0), owner=0)
    along = raster.surface[30, 30:51, 4]
    assert along == pytest.approx(np.linspace(0, 1, 21), abs=1e-5)
    assert raster.depth[30, 40] == pytest.approx(4.9, abs=1e-5)
    rows = np.flatnonzero(raster.material[:, 40] == 0)
    assert rows.tolist() == [29, 30, 31]
    assert raster.surface[29, 40, 1] < 0 < raster.surface[31, 40, 1]  # y points down


@pytest.mark.parametrize(
    "shape",
    [
        Ellipsoid(np.array([0, 1.0, 2]), np.eye(3), np.full(3, 0.5), 0),
        Ellipsoid(np.array([50, 1.0, -5]), np.eye(3), np.full(3, 0.5), 0),
        Cone(np.array([0, 1.0, -5]), np.array([0, 1.0, 5]), (0.1, 0.1), 0),
        Cone(np.array([90, 1.0, -5]), np.array([91, 1.0, -5]), (0.1, 0.1), 0),
    ],
    ids=["behind", "beside", "half behind", "cone beside"],
)
def test_what_is_not_in_front_of_the_camera_is_not_drawn(shape):
    raster = Raster(CAMERA)
    raster.add(shape, 0)
    assert (raster.material == -1).all()


@pytest.mark.parametrize("tilt", [0.0, 0.3, 0.8, 1.2, 1.5, np.pi / 2])
def test_a_limb_that_points_at_the_camera_has_the_depth_of_balls_along_it(tilt):
    """Against many balls between its ends."""
    start = np.array([0.02, 1.05, -4.0])
    end = start + np.array([np.cos(tilt), 0.1, np.sin(tilt)])
    limb, balls = Raster(CAMERA), Raster(CAMERA)
    limb.add(Cone(start, end, (0.15, 0.15), 0), 0)
    for share in np.linspace(0, 1, 400):
        balls.add(Ellipsoid(start + share * (end - start), np.eye(3), np.full(3, 0.15), 0), 0)
    both = (limb.material == 0) & (balls.material == 0)
    either = (limb.material == 0) | (balls.material == 0)
    assert both.sum() > 0.85 * either.sum()
    wrong = (
        np.abs(limb.depth - balls.depth)[both] > 0.15
    )  # the limb's radius: at its rim depth falls off fast
    assert wrong.mean() < 0.06
