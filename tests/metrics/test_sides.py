import numpy as np
import pytest
from pose_cases import found, frame_of, random_case

from dancepose.metrics.sides import SideSwaps
from dancepose.records import Person
from dancepose.skeleton import Skeleton, load_skeleton

MPII = load_skeleton("mpii15")
HEAD = 60.0  # of the head box below: a limb is matched within 30 px
LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def person(x0: float = 0.0, **fields) -> Person:
    """Keypoints 100 px apart, so that nothing is near two places."""
    keypoints = np.array([[x0 + 100.0 * k, 50.0, 2.0] for k in range(len(MPII))])
    return Person(keypoints, head_box=np.array([0.0, 0.0, 60.0, 80.0]), **fields)


def exchanged(truth: Person, *pairs: str) -> Person:
    """A prediction of a person in which the sides of some limbs are exchanged."""
    prediction = found(truth)
    for limb in pairs:
        a, b = (MPII.index(f"{side}_{limb}") for side in ("left", "right"))
        prediction.keypoints[[a, b]] = prediction.keypoints[[b, a]]
    return prediction


def score(predictions: list[Person], *people: Person, skeleton: Skeleton = MPII, **fields):
    metric = SideSwaps(skeleton)
    metric.update([predictions], [frame_of(skeleton, *people, **fields)])
    return metric.compute()


def test_who_is_found_rightly_swaps_nothing():
    row = score([found(person(), shift=29)], person())
    assert row.value == 0 and row.total == "all"
    assert list(row.columns) == ["Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "all"]
    assert row.counts["matched_limbs"] == 12 and row.counts["people"] == 1


def test_rate_of_each_column():
    row = score([exchanged(person(), "wrist", "knee")], person())
    assert [row.columns[name] for name in ("Shoulder", "Elbow", "Hip", "Ankle")] == [0] * 4
    assert row.columns["Wrist"] == row.columns["Knee"] == 100 and row.value == pytest.approx(100 / 3)
    assert row.counts["swapped_limbs"] == 4 and row.joints["left_wrist"] == 100


def test_one_whose_sides_are_all_exchanged_is_assigned_all_the_same():
    """By the mAP's own matching another prediction, of which less fits, would be the one that counts."""
    truth, partly = person(), found(person(), missing=tuple(range(9)))
    row = score([partly, exchanged(truth, *LIMBS)], truth)
    assert row.value == 100 and row.counts["matched_limbs"] == 12


def test_both_on_one_side_is_a_swap_of_one_limb():
    prediction = found(person())
    left, right = MPII.index("left_ankle"), MPII.index("right_ankle")
    prediction.keypoints[left] = prediction.keypoints[right]
    row = score([prediction], person())
    assert row.columns["Ankle"] == 50 and row.joints["left_ankle"] == 100 and row.joints["right_ankle"] == 0


def test_limbs_near_both_sides_or_of_unknown_sides_decide_nothing():
    truth = person()
    left, right = (MPII.index(f"{side}_wrist") for side in ("left", "right"))
    truth.keypoints[left, :2] = truth.keypoints[right, :2] + [10, 0]
    truth.keypoints[MPII.index("left_knee")] = 0  # the other knee may be at the place of this one
    row = score([exchanged(truth, "wrist")], truth)
    assert row.columns["Wrist"] is None and row.columns["Knee"] is None and row.value == 0
    assert row.counts["undecided_limbs"] == 2 and row.counts["matched_limbs"] == 8


@pytest.mark.parametrize(("shift", "matched"), [(30.0, 12), (30.001, 0)])
def test_matched_within_half_a_head_inclusive(shift, matched):
    assert score([found(person(), shift=shift)], person()).counts["matched_limbs"] == matched


def test_nothing_found_and_nobody_there():
    assert score([], person()).value is None
    assert score([found(person())]).value is None
    assert score([found(person())], person(), evaluated=False).counts["images"] == 0


@pytest.mark.parametrize("name", ["coco17", "lsp14", "openpose18", "crowdpose14"])
def test_batches_and_any_skeleton(name):
    """However frames are dealt out to updates, the figure is the same."""
    skeleton = load_skeleton(name)
    predictions, frames = random_case(skeleton, 3, 24)
    for one in {id(one): one for people in predictions[::2] for one in people}.values():
        one.keypoints = one.keypoints[skeleton.flip_index]
    whole, parts = SideSwaps(skeleton), SideSwaps(skeleton)
    whole.update(predictions, frames)
    for prediction, frame in zip(predictions, frames, strict=True):
        parts.update([prediction], [frame])
    row = whole.compute()
    assert row == parts.compute()
    assert row.counts["matched_limbs"] > row.counts["swapped_limbs"] > 5
