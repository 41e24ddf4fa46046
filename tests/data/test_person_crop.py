from dataclasses import replace

import numpy as np
import pytest
from factories import make_actions, make_labelme
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.hashes import label_hashes
from dancepose.data.person_crop import PersonTransform
from dancepose.data.readers.actions import read_actions
from dancepose.data.readers.labelme import read_labelme
from dancepose.data.transforms import Augmentation
from dancepose.inference.person_crop import (
    cut_people,
    cut_square,
    person_matrix,
    person_square,
    square_matrix,
)
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("coco17")
RECIPE = Augmentation(rotation=15, scale=(0.8, 1.2), translation=16, flip=0.5)


def person(points: np.ndarray, box: np.ndarray | None = None) -> Person:
    keypoints = np.zeros((len(SKELETON), 3))
    keypoints[: len(points)] = np.column_stack([points, np.full(len(points), 2)]) if len(points) else 0
    return Person(keypoints, box=box)


def test_the_longer_side_decides_and_gets_a_margin_on_each_side():
    x, y, side = person_square(person(np.array([[100, 60], [140, 160]])), (640, 480), 0.15)
    assert (x, y, side) == (120, 110, pytest.approx(130))


@pytest.mark.parametrize(
    ("points", "middle"),
    [
        ([[0, 0], [40, 100]], (64.5, 64.5)),  # would reach over the left and upper edge
        ([[600, 380], [639, 479]], (639.5 - 64.35, 479.5 - 64.35)),
    ],
)
def test_a_square_is_moved_into_the_picture(points, middle):
    x, y, side = person_square(person(np.array(points)), (640, 480), 0.15)
    assert x - side / 2 >= -0.5 - 1e-9 and y - side / 2 >= -0.5 - 1e-9
    assert x + side / 2 <= 639.5 + 1e-9 and y + side / 2 <= 479.5 + 1e-9
    assert (x, y) == pytest.approx(middle, abs=1)


def test_a_square_larger_than_the_picture_stands_in_its_middle():
    assert person_square(person(np.array([[10, 0], [20, 99]])), (400, 100), 0.15)[1:] == (
        49.5,
        pytest.approx(128.7),
    )


def test_without_keypoints_the_box_decides_and_without_that_the_picture():
    box = np.array([100, 100, 50, 80.0])
    assert person_square(person(np.zeros((0, 2)), box), (640, 480), 0.0) == (125, 140, 80)
    assert person_square(person(np.zeros((0, 2))), (640, 480), 0.15) == (319.5, 239.5, 640)
    assert (
        person_square(person(np.array([[5.0, 5.0]]), box), (640, 480), 0.0)[2] == 80
    )  # one point has no extent


def test_what_the_skeleton_lacks_belongs_to_the_person():
    """Common13 has nothing above the shoulders, and the head is to be in the picture."""
    bare = person(np.array([[100, 60], [140, 160]]))
    with_face = replace(bare, extent=np.array([95.0, 40, 140, 160]))
    assert person_square(bare, (640, 480), 0.0)[2] == 100
    assert person_square(with_face, (640, 480), 0.0) == (117.5, 100, 120)


def test_a_box_and_keypoints_are_joined():
    """A forearm alone says little of where the body is, and a box may end before the hands do."""
    box = np.array([100, 100, 50, 200.0])
    forearm = person(np.array([[140, 150], [180, 160]]), box)
    assert person_square(forearm, (640, 480), 0.0) == (140, 200, 200)
    wide = replace(forearm, extent=np.array([140.0, 150, 400, 160]))
    assert person_square(wide, (640, 480), 0.0) == (250, 200, 300)


@pytest.mark.parametrize("kind", ["actions", "labelme"])
def test_the_crop_does_not_depend_on_the_runs_skeleton(tmp_path, kind):
    squares = []
    if kind == "actions":
        make_actions(tmp_path, clips=1, skeleton="coco17")
    else:
        make_labelme(tmp_path, frames=2, skeleton="coco17")
        (tmp_path / "dataset.yaml").write_text("sources: [{match: '*', skeleton: coco17}]")
    for name in ("coco17", "openpose18", "common13", "mpii15"):
        skeleton = load_skeleton(name)
        if kind == "actions":
            frames, _ = read_actions(tmp_path / "actions.json", skeleton, tmp_path)
            people = [(replace(p, box=None), f.size) for f in frames for p in f.people]
        else:
            frames, _ = read_labelme(tmp_path, skeleton)
            people = [(p, f.size) for f in frames for p in f.people]
        squares.append([person_square(p, size, 0.15) for p, size in people])
        lacking = name in ("common13", "mpii15")
        assert all((p.extent is not None) == lacking for p, _ in people), "said only where it says something"
    assert len(squares[0]) == 4 and all(found == squares[0] for found in squares)
    without = [replace(f, people=[replace(p, extent=None) for p in f.people]) for f in frames]
    same = label_hashes(frames) == label_hashes(without)
    assert same == (kind == "labelme"), "a classifier's pictures change with it, poses do not"


def checkerboard(size: int = 120) -> np.ndarray:
    image = np.zeros((size, size, 3), np.uint8)
    image[40:60, 70:90] = 255
    return image


@given(seed=st.integers(0, 2**32))
def test_keypoints_follow_the_picture(seed: int):
    transform = PersonTransform(96, 96, RECIPE, SKELETON.flip_index)
    matrix, mirrored = transform.draw((60.0, 60.0, 120.0), seed)
    spot = np.zeros((len(SKELETON), 3))
    spot[0] = [79.5, 49.5, 2]  # the middle of the white square; the nose has no partner
    x, y, v = transform.keypoints(spot, matrix, mirrored)[0]
    crop = transform.image(checkerboard(), matrix, seed)
    ys, xs = np.nonzero(crop[..., 0] > 127)
    if len(xs) and 12 < x < 84 and 12 < y < 84:  # wholly inside
        assert (xs.mean(), ys.mean()) == pytest.approx((x, y), abs=0.6) and v == 2


def test_without_a_recipe_the_middle_of_the_square_is_kept():
    transform = PersonTransform(224, 256, Augmentation(), SKELETON.flip_index)
    matrix, mirrored = transform.draw((50.0, 70.0, 100.0), 0)
    middle = transform.keypoints(np.array([[50.0, 70.0, 2.0]] * len(SKELETON)), matrix, mirrored)[0]
    assert not mirrored and middle[:2] == pytest.approx([111.5, 111.5])
    edge = transform.keypoints(np.array([[100.0, 70.0, 2.0]] * len(SKELETON)), matrix, mirrored)[0]
    assert edge[0] - middle[0] == pytest.approx(128)  # half of 256: the crop of 224 cuts 16 off each side


def test_a_prediction_cuts_as_the_test_of_a_training_does():
    transform, image = PersonTransform(96, 110, Augmentation(), SKELETON.flip_index), checkerboard()
    people = [
        person(np.array(points)) for points in ([[70.0, 40.0], [90.0, 60.0]], [[5.0, 5.0], [60.0, 99.0]])
    ]
    cuts = [(image, person_matrix(p, (120, 120), 96, 110, 0.15)) for p in people]
    crops = cut_people(cuts, 96)
    assert crops.shape == (2, 3, 96, 96)
    for p, crop in zip(people, crops.permute(0, 2, 3, 1).numpy(), strict=True):
        matrix, _ = transform.draw(person_square(p, (120, 120), 0.15), 0)
        assert (crop == transform.image(image, matrix, 0)).all() and crop.any()


def test_a_mirror_swaps_left_and_right_and_leaves_what_is_missing_at_zero():
    transform = PersonTransform(100, 100, Augmentation(flip=1.0), SKELETON.flip_index)
    matrix, mirrored = transform.draw((49.5, 49.5, 100.0), 3)
    keypoints = np.zeros((2, len(SKELETON), 3))
    left, right = SKELETON.index("left_wrist"), SKELETON.index("right_wrist")
    keypoints[:, left] = [10, 20, 2]
    moved = transform.keypoints(keypoints, matrix, mirrored)
    assert mirrored and moved[1, right] == pytest.approx([89, 20, 2])
    assert not np.delete(moved, right, axis=1).any()


def test_keypoints_outside_the_crop_are_kept():
    transform = PersonTransform(50, 100, Augmentation(), SKELETON.flip_index)
    matrix, mirrored = transform.draw((50.0, 50.0, 100.0), 0)
    keypoints = np.zeros((len(SKELETON), 3))
    keypoints[3] = [1.0, 50.0, 1.0]
    assert transform.keypoints(keypoints, matrix, mirrored)[3, 0] < 0


@given(seed=st.integers(0, 2**32))
def test_strengths_do_not_change_what_else_is_drawn(seed: int):
    square = (60.0, 60.0, 120.0)
    one = PersonTransform(96, 96, RECIPE, SKELETON.flip_index).draw(square, seed)
    same = PersonTransform(96, 96, RECIPE, SKELETON.flip_index).draw(square, seed)
    still = PersonTransform(96, 96, Augmentation(flip=0.5), SKELETON.flip_index).draw(square, seed)
    assert (one[0] == same[0]).all() and one[1] == same[1] == still[1]


def test_colours_change_by_the_seed_alone():
    transform = PersonTransform(96, 96, Augmentation(brightness=0.5, noise=1.0), SKELETON.flip_index)
    matrix, _ = transform.draw((60.0, 60.0, 120.0), 1)
    first, again, other = (transform.image(checkerboard(), matrix, seed) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_without_a_picture_the_units_are_those_of_the_file():
    square = person_square(person(np.array([[0.2, 0.1], [0.4, 0.9]])), (0, 0), 0.0)
    assert square == pytest.approx((0.3, 0.5, 0.8))
    assert person_square(person(np.array([[0.2, 0.1], [0.2, 0.1]])), (0, 0), 0.0)[2] == 1.0


def test_a_person_in_a_picture_wider_than_opencv_warps():
    """`cv2.warpAffine` takes sides below 32,767; the same pixels come out of a part of the picture."""
    picture = np.random.default_rng(0).integers(0, 256, (60, 40_000, 3), dtype=np.uint8)
    at = 35_000
    matrix = square_matrix((at + 20.0, 30.0, 50.0), 32, 40)
    part = picture[:, at - 100 : at + 200]
    moved = square_matrix((120.0, 30.0, 50.0), 32, 40)
    np.testing.assert_array_equal(cut_square(picture, matrix, 32), cut_square(part, moved, 32))
    outside = cut_square(picture, square_matrix((50_000.0, 30.0, 50.0), 32, 40), 32)
    assert not outside.any()
