import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.metrics.head_size import HEAD_RULES, NO_RULE, head_box_array, head_sizes, torso_sizes
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

MPII = load_skeleton("mpii15")
PLACES = {
    "head_top": (50, 0),
    "upper_neck": (50, 40),
    "left_shoulder": (70, 50),
    "right_shoulder": (30, 50),
    "left_hip": (60, 150),
    "right_hip": (40, 150),
    "left_ankle": (60, 300),
    "right_ankle": (40, 300),
}


def person(*names: str, head_box=None) -> Person:
    keypoints = np.zeros((len(MPII), 3))
    for name in names:
        keypoints[MPII.index(name)] = [*PLACES[name], 1]
    return Person(keypoints, head_box=head_box)


def measure(who: Person, **options) -> tuple[float, int]:
    keypoints = who.keypoints[None]
    sizes, rules = head_sizes(keypoints, keypoints[..., 2] > 0, head_box_array([who]), MPII, **options)
    return float(sizes[0]), int(rules[0])


@pytest.mark.parametrize(
    "who, size, rule",
    [
        (person(*PLACES, head_box=np.array([10, 20, 70, 100])), 60.0, "head_box"),
        (person(*PLACES), 0.75 * 40, "head_neck"),
        (person("left_shoulder", "right_shoulder", "left_hip", "right_hip", "head_top"), 44.0, "torso"),
        (
            person("head_top", "left_shoulder", "left_hip", "right_hip", "left_ankle"),
            0.136 * np.hypot(30, 300),
            "extent",
        ),
        (
            person("head_top", "left_shoulder", "right_shoulder", "left_hip"),
            0.136 * np.hypot(40, 150),
            "extent",
        ),
    ],
)
def test_first_rule_that_applies(who, size, rule):
    assert measure(who) == (pytest.approx(size, rel=1e-12), HEAD_RULES.index(rule))


def test_no_rule_under_four_keypoints():
    size, rule = measure(person("head_top", "left_shoulder", "right_shoulder"))
    assert np.isnan(size)
    assert rule == NO_RULE
    assert measure(person())[1] == NO_RULE


def test_never_under_three_pixels():
    assert measure(person(head_box=np.array([0, 0, 1, 1]))) == (3.0, 0)
    assert measure(person("head_top", head_box=np.array([5, 5, 5, 5]))) == (3.0, 0)
    together = person("head_top", "upper_neck")
    together.keypoints[MPII.index("upper_neck"), :2] = PLACES["head_top"]
    assert measure(together) == (3.0, 1)


def test_pckh_takes_the_neck_link_itself():
    assert measure(person(*PLACES), neck_factor=1.0) == (40.0, 1)
    boxed = person(*PLACES, head_box=np.array([10, 20, 70, 100]))
    assert measure(boxed, neck_factor=1.0) == (60.0, 0)


def test_skeleton_without_head_goes_to_the_torso():
    coco = load_skeleton("coco17")
    keypoints = np.zeros((1, len(coco), 3))
    for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"):
        keypoints[0, coco.index(name)] = [*PLACES[name], 2]
    none = np.full((1, 4), np.nan)
    sizes, rules = head_sizes(keypoints, keypoints[..., 2] > 0, none, coco)
    assert sizes[0] == pytest.approx(44.0)
    assert HEAD_RULES[rules[0]] == "torso"


def test_torso_falls_back_to_the_other_diagonal():
    sizes, rules = [], []
    for names in (tuple(PLACES), ("left_shoulder", "right_hip", "left_hip"), ("left_shoulder", "left_hip")):
        keypoints = person(*names).keypoints[None]
        size, rule = torso_sizes(keypoints, keypoints[..., 2] > 0, MPII)
        sizes.append(size[0])
        rules.append(rule[0])
    assert sizes[0] == pytest.approx(np.hypot(30, 100))
    assert sizes[1] == pytest.approx(np.hypot(30, 100))
    assert np.isnan(sizes[2])
    assert rules == [0, 1, 2]


def test_torso_of_no_length_is_none():
    flat = person("right_shoulder", "left_hip")
    flat.keypoints[:, :2] = 7
    sizes, _ = torso_sizes(flat.keypoints[None], flat.keypoints[None, :, 2] > 0, MPII)
    assert np.isnan(sizes[0])


def test_nobody():
    nobody = np.zeros((0, len(MPII), 3))
    sizes, rules = head_sizes(nobody, nobody[..., 2] > 0, head_box_array([]), MPII)
    assert sizes.shape == rules.shape == (0,)


@given(st.integers(0, 2**32 - 1), st.floats(1, 50), st.floats(-500, 500))
def test_grows_with_the_person_and_does_not_move_with_it(seed, factor, shift):
    rng = np.random.default_rng(seed)
    keypoints = np.zeros((3, len(MPII), 3))
    keypoints[..., :2] = rng.uniform(0, 500, (3, len(MPII), 2))
    annotated = rng.random((3, len(MPII))) < 0.6
    boxes = np.concatenate([x := rng.uniform(0, 99, (3, 2)), x + rng.uniform(20, 90, (3, 2))], axis=1)
    boxes[rng.random(3) < 0.5] = np.nan
    sizes, rules = head_sizes(keypoints, annotated, boxes, MPII)
    moved, same_rules = head_sizes(keypoints * factor + shift, annotated, boxes * factor + shift, MPII)
    assert (rules == same_rules).all()
    plain = sizes > 3
    np.testing.assert_allclose(moved[plain], factor * sizes[plain], rtol=1e-6)
