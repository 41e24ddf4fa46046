"""Transforms: exact geometry (a drawn blob and its coordinate agree), left and right, masks, and seeds."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dancepose.affine import affine_matrix, clip_polygon, shrink, transform_points
from dancepose.data.transforms import Augmentation, TrainTransform
from dancepose.errors import ConfigError
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")
PUBLIC = Augmentation(rotation=30, scale=(0.75, 1.5), scale_type="short", translation=40, flip=0.5)
NAMES = MPII15.keypoints


def frame_of(points: np.ndarray, size: tuple[int, int], **changes) -> Frame:
    """A frame of one person whose first keypoints are at the points, all visible."""
    keypoints = np.zeros((len(NAMES), 3))
    keypoints[: len(points), :2], keypoints[: len(points), 2] = points, 2
    return Frame(
        Path("a.jpg"), size, [Person(keypoints)], "mpii15", "a.jpg", np.ones(len(NAMES), bool), **changes
    )


def blob(size: tuple[int, int], centre: np.ndarray, sigma: float) -> np.ndarray:
    y, x = np.mgrid[: size[1], : size[0]]
    value = 250 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(value).astype(np.uint8)[..., None], 3, axis=2)


def centroid(image: np.ndarray) -> np.ndarray:
    weight = image[..., 0].astype(np.float64)
    weight[weight < 3] = 0  # the far tail is lost in rounding to whole grey values
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def test_matrix_equals_the_published_code(golden):
    arrays = golden("affine")
    for i in range(len(arrays) // 2):
        x, y, scale, height, width, rotation = arrays[f"m{i}_args"].tolist()
        matrix = affine_matrix((x, y), scale, (int(width), int(height)), rotation)
        np.testing.assert_allclose(matrix, arrays[f"m{i}"], atol=1e-9)


def test_matrix_of_a_centre_crop():
    np.testing.assert_allclose(
        affine_matrix((320, 240), 2.4, (240, 240), 0), [[0.5, 0, -40], [0, 0.5, 0], [0, 0, 1]], atol=1e-12
    )
    quarter = affine_matrix((50, 50), 0.5, (100, 100), 90)  # anticlockwise: what was right is up
    np.testing.assert_allclose(transform_points(quarter, np.array([90, 50])), [50, 10], atol=1e-12)


@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([(160, 120), (97, 143), (400, 300)]),
    place=st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)),
)
def test_blob_and_coordinate_agree_within_a_tenth_of_a_pixel(seed: int, size: tuple, place: tuple):
    centre = np.array(place) * np.array(size)
    # of the same size in each crop, also where the picture shrinks
    image = blob(size, centre, sigma=3 * min(size) / 96)
    crop, frame = TrainTransform(96, PUBLIC, MPII15)(image, frame_of(centre[None], size), seed)
    assert crop.shape == (96, 96, 3) and crop.dtype == np.uint8 and frame.size == (96, 96)
    assume(frame.people)
    (found,) = frame.people[0].keypoints[frame.people[0].present][:, :2]
    assume((found > 16).all() and (found < 79).all())  # the whole blob is inside
    np.testing.assert_allclose(centroid(crop), found, atol=0.1)


@given(width=st.integers(20, 300), height=st.integers(20, 300), scale=st.floats(0.05, 1.5))
def test_shrinking_first_changes_no_place(width: int, height: int, scale: float):
    matrix = np.array([[scale, 0.1 * scale, 3], [-0.1 * scale, scale, -2], [0, 0, 1]])
    image = np.zeros((height, width, 3), np.uint8)
    small, after = shrink(image, matrix)
    if small is image:
        assert after is matrix and (scale > 0.49 or min(width, height) < 1 / scale)
    # the outer edges of the picture stay the outer edges
    for corner in (0, 1):
        full = corner * np.array([width, height]) - 0.5
        reduced = corner * np.array(small.shape[1::-1]) - 0.5
        np.testing.assert_allclose(
            transform_points(after, reduced), transform_points(matrix, full), atol=1e-9
        )


def test_a_mirror_is_exact_and_swaps_left_and_right():
    random = np.random.default_rng(0)
    image = random.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    points = random.uniform(0, 63, (len(NAMES), 2))
    plain, frame = TrainTransform(64, Augmentation(), MPII15)(image, frame_of(points, (64, 64)), 0)
    mirror, mirrored = TrainTransform(64, Augmentation(flip=1), MPII15)(image, frame_of(points, (64, 64)), 0)
    np.testing.assert_array_equal(plain, image)
    np.testing.assert_array_equal(mirror, image[:, ::-1])
    np.testing.assert_allclose(frame.people[0].keypoints[:, :2], points)
    left, right = MPII15.index("left_wrist"), MPII15.index("right_wrist")
    x, y, _ = frame.people[0].keypoints[left]
    np.testing.assert_allclose(mirrored.people[0].keypoints[right], [63 - x, y, 2])
    expected = frame.people[0].keypoints[MPII15.flip_index] * [-1, 1, 1] + [63, 0, 0]
    np.testing.assert_allclose(mirrored.people[0].keypoints, expected)


def test_what_a_source_does_not_label_changes_sides_too():
    frame = frame_of(np.full((15, 2), 30.0), (64, 64))
    frame.labelled[MPII15.index("left_hip")] = False
    image = np.zeros((64, 64, 3), np.uint8)
    _, mirrored = TrainTransform(64, Augmentation(flip=1), MPII15)(image, frame, 0)
    assert [NAMES[k] for k in np.flatnonzero(~mirrored.labelled)] == ["right_hip"]
    assert not frame.labelled[MPII15.index("left_hip")]  # the original is as it was


def test_visibility_is_recomputed():
    points = np.array([[0, 32], [-0.4, 32], [-0.6, 32], [63.4, 32], [63.6, 32], [32, 500]])
    frame = frame_of(points, (64, 64))
    frame.people[0].keypoints[0, 2] = 1
    _, found = TrainTransform(64, Augmentation(), MPII15)(np.zeros((64, 64, 3), np.uint8), frame, 0)
    keypoints = found.people[0].keypoints
    assert keypoints[:7, 2].tolist() == [1, 2, 0, 2, 0, 0, 0]
    np.testing.assert_array_equal(keypoints[keypoints[:, 2] == 0], 0)


def test_a_picture_longer_than_opencv_warps():
    """A panorama of whose middle a crop is taken, seen by the person in it."""
    picture, middle = np.zeros((64, 40_000, 3), np.uint8), 20_000
    picture[30:34, middle - 2 : middle + 2] = 250
    frame = frame_of(np.array([[middle - 0.5, 31.5]]), (40_000, 64))
    crop, found = TrainTransform(64, Augmentation(), MPII15)(picture, frame, 0)
    np.testing.assert_allclose(centroid(crop), found.people[0].keypoints[0, :2], atol=0.1)


def test_people_outside_the_crop_are_gone():
    frame = frame_of(np.array([[200.0, 30.0]]), (256, 64))
    frame.people.append(Person(np.full((15, 3), 0.0)))
    _, found = TrainTransform(64, Augmentation(), MPII15)(np.zeros((64, 256, 3), np.uint8), frame, 0)
    assert found.people == [] and len(frame.people) == 2


def test_boxes_follow():
    frame = frame_of(np.array([[30.0, 30.0]]), (64, 64))
    frame.people[0].head_box = np.array([10.0, 20.0, 30.0, 50.0])
    frame.people[0].box = np.array([10.0, 20.0, 20.0, 30.0])
    _, found = TrainTransform(128, Augmentation(flip=1), MPII15)(np.zeros((64, 64, 3), np.uint8), frame, 0)
    np.testing.assert_allclose(found.people[0].head_box, [67, 40, 107, 100])
    np.testing.assert_allclose(found.people[0].box, [67, 40, 40, 60])


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Even-odd rule, one point and edge at a time."""
    found = []
    for x, y in points:
        crossings = 0
        for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                crossings += 1
        found.append(crossings % 2 == 1)
    return np.array(found)


@given(seed=st.integers(0, 10**6))
def test_ignore_polygons_follow_and_are_cut(seed: int):
    random = np.random.default_rng(seed)
    polygon = random.uniform(-20, 120, (random.integers(3, 7), 2))
    points = random.uniform(0, [120, 90], (15, 2))
    frame = frame_of(points, (120, 90), ignore=[[polygon]])
    _, found = TrainTransform(96, Augmentation(30, (0.75, 1.5), "short", 40, 0), MPII15)(
        np.zeros((90, 120, 3), np.uint8), frame, seed
    )
    assume(found.people)
    present = found.people[0].present
    moved = found.people[0].keypoints[present, :2]
    after = inside(moved, found.ignore[0][0]) if found.ignore else np.zeros(len(moved), bool)
    np.testing.assert_array_equal(after, inside(points[present], polygon))
    assert all((area >= -0.5).all() and (area <= 95.5).all() for area in found.ignored_polygons)


@given(seed=st.integers(0, 10**6))
def test_clipping_keeps_what_is_inside(seed: int):
    random = np.random.default_rng(seed)
    polygon = random.uniform(-15, 35, (random.integers(3, 7), 2))  # perhaps concave, perhaps crossing itself
    points = random.uniform(-0.5, [19.5, 14.5], (50, 2))
    clipped = clip_polygon(polygon, (20, 15))
    assert (clipped >= -0.5).all() and (clipped <= [19.5, 14.5]).all()
    np.testing.assert_array_equal(inside(points, clipped), inside(points, polygon))


def test_clipping_of_simple_shapes():
    square = np.array([[-10.0, -10], [30, -10], [30, 30], [-10, 30]])
    np.testing.assert_allclose(
        sorted(clip_polygon(square, (20, 10)).tolist()),
        [[-0.5, -0.5], [-0.5, 9.5], [19.5, -0.5], [19.5, 9.5]],
    )
    assert clip_polygon(square + 100, (20, 10)).shape == (0, 2)
    np.testing.assert_allclose(clip_polygon(square[:3] * 0.1 + 5, (20, 10)), square[:3] * 0.1 + 5)


def test_nothing_random_is_left_without_a_recipe():
    image = np.random.default_rng(0).integers(0, 255, (50, 80, 3), dtype=np.uint8)
    crops = [
        TrainTransform(50, Augmentation(), MPII15)(image, frame_of(np.zeros((1, 2)), (80, 50)), s)[0]
        for s in (0, 1)
    ]
    np.testing.assert_array_equal(crops[0], crops[1])
    np.testing.assert_array_equal(crops[0], image[:, 15:65])


def test_long_side_shows_the_whole_picture():
    image = np.full((50, 100, 3), 200, np.uint8)
    transform = TrainTransform(100, Augmentation(scale_type="long"), MPII15)
    crop, _ = transform(image, frame_of(np.zeros((1, 2)), (100, 50)), 0)
    assert (crop[25:75] == 200).all() and (crop[:25] == 0).all() and (crop[75:] == 0).all()  # black outside


@pytest.mark.parametrize("side", ["short", "long"])
def test_draws_stay_within_the_recipe(side: str):
    recipe = Augmentation(30, (0.75, 1.5), side, 40, 0.5)
    points = np.array([[60.0, 45.0], [61.0, 45.0]])
    scales, angles, shifts, mirrored = [], [], [], 0
    transform = TrainTransform(512, recipe, MPII15)
    image = np.zeros((90, 120, 3), np.uint8)
    for seed in range(400):
        _, frame = transform(image, frame_of(points, (120, 90)), seed)
        a, b = frame.people[0].keypoints[:2, :2]
        step = b - a
        mirrored += step[0] < 0
        step[0] = abs(step[0])
        scales.append(512 / np.hypot(*step) / (90 if side == "short" else 120))
        angles.append(np.degrees(np.arctan2(*step[::-1])))
        shifts.append(np.hypot(*(a - 255.75)))
    assert 0.75 <= min(scales) < 0.77 and 1.48 < max(scales) <= 1.5 + 1e-9
    assert -30 <= min(angles) < -28.5 and 28.5 < max(angles) <= 30
    assert 45 < max(shifts) <= 40 * 2**0.5 + 1
    assert 160 < mirrored < 240


def test_seed_decides_everything():
    recipe = Augmentation(30, (0.75, 1.5), "short", 40, 0.5, 0.3, 0.3, 0.3, 0.2, 0.3, 0.5, 0.5)
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    frame = frame_of(np.array([[40.0, 30.0]]), (80, 60))
    first, second = (pickle.loads(pickle.dumps(TrainTransform(64, recipe, MPII15))) for _ in range(2))
    for seed in range(30):
        second(image, frame, 1000 + seed)  # what was drawn before does not matter
        np.random.seed(seed)  # nor does the global state
        a, b = first(image, frame, seed), second(image, frame, seed)
        np.testing.assert_array_equal(a[0], b[0])
        assert len(a[1].people) == len(b[1].people)
    assert not np.array_equal(first(image, frame, 0)[0], first(image, frame, 1)[0])


def test_seeding_leaves_the_global_generators_alone():
    import random

    states = np.random.get_state()[1].copy(), random.getstate()
    TrainTransform(64, PUBLIC, MPII15)(
        np.zeros((60, 80, 3), np.uint8), frame_of(np.zeros((1, 2)), (80, 60)), 5
    )
    assert (np.random.get_state()[1] == states[0]).all() and random.getstate() == states[1]


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue", "grey", "blur", "noise"])
def test_photometric_switches_change_pixels_only(name: str):
    image = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    frame = frame_of(np.array([[40.0, 30.0]]), (60, 60))
    strength = 1.0 if name in ("grey", "blur", "noise") else 0.4
    transform = TrainTransform(64, Augmentation(**{name: strength}), MPII15)
    plain, still = TrainTransform(64, Augmentation(), MPII15)(image, frame, 3)
    changed, same = transform(image, frame, 3)
    assert changed.shape == plain.shape and changed.dtype == np.uint8 and not np.array_equal(changed, plain)
    np.testing.assert_array_equal(same.people[0].keypoints, still.people[0].keypoints)


def test_photometric_switches_leave_the_geometry_of_a_seed_alone():
    image = np.zeros((60, 80, 3), np.uint8)
    frame = frame_of(np.array([[40.0, 30.0]]), (80, 60))
    colour = Augmentation(**{**PUBLIC.__dict__, "noise": 1.0, "brightness": 0.5})
    for seed in range(10):
        one = TrainTransform(64, PUBLIC, MPII15)(image, frame, seed)[1]
        two = TrainTransform(64, colour, MPII15)(image, frame, seed)[1]
        np.testing.assert_array_equal(one.keypoint_array(), two.keypoint_array())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rotaton": 3}, r"data\.augmentation\.rotaton.*Did you mean 'rotation'"),
        ({"rotation": -3}, r"data\.augmentation\.rotation=-3"),
        ({"flip": 2}, r"data\.augmentation\.flip=2"),
        ({"hue": 0.7}, r"data\.augmentation\.hue"),
        ({"scale": [1.5, 0.75]}, r"data\.augmentation\.scale="),
        ({"scale": [0, 1]}, r"data\.augmentation\.scale="),
        ({"scale": 1}, r"data\.augmentation\.scale="),
        ({"scale_type": "width"}, r"data\.augmentation\.scale_type"),
        ({"noise": "much"}, r"data\.augmentation\.noise"),
        ({"noise": True}, r"data\.augmentation\.noise"),
    ],
)
def test_wrong_values_name_the_key(values: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Augmentation.from_dict(values)
