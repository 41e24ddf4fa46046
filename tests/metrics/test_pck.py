import json

import numpy as np
import pytest
import torch
from pose_cases import frame_of, random_case

from dancepose.errors import DataError
from dancepose.metrics.pck import PCK
from dancepose.metrics.table import details
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

LSP = load_skeleton("lsp14")
TORSO = 100.0
PLACES = {
    "head_top": (50, -40),
    "upper_neck": (50, 0),
    "left_shoulder": (80, 10),
    "right_shoulder": (20, 10),
    "left_hip": (80, 90),
    "right_hip": (20, 90),
}


def standing(*missing: str, **fields) -> Person:
    """Torso diagonals of 100 px, head link of 40 px."""
    keypoints = np.array([[*PLACES.get(name, (200, 200)), 2.0] for name in LSP.keypoints])
    keypoints[LSP.indices(missing)] = 0
    return Person(keypoints, **fields)


def peaks_of(person: Person, **shifts: float) -> np.ndarray:
    """(K, 3) peaks at the truth, some joints moved to the right."""
    peaks = person.keypoints.copy()
    for joint, shift in shifts.items():
        peaks[LSP.index(joint), 0] += shift
    peaks[:, 2] = 0.5
    return peaks


def score(reference, frames, predictions, skeleton=LSP, **options):
    metric = PCK(skeleton, reference, **options)
    metric.update(predictions, frames)
    return metric.compute()


def test_within_a_fifth_of_the_torso_inclusive():
    person = standing()
    row = score("torso", [frame_of(LSP, person)], peaks_of(person, left_wrist=20.0, left_knee=20.001)[None])
    assert row.metric == "PCK@0.2"
    assert row.joints["left_wrist"] == 100
    assert row.joints["left_knee"] == 0
    assert row.columns["Knee"] == 50
    assert row.value == row.columns["mean"] == pytest.approx(1300 / 14)
    assert row.head_size_rules == {
        "right_shoulder_to_left_hip": 1,
        "left_shoulder_to_right_hip": 0,
        "left_out": 0,
    }


def test_other_diagonal_and_left_out():
    people = [standing(), standing("right_shoulder"), standing("right_shoulder", "left_shoulder")]
    frames = [frame_of(LSP, person) for person in people]
    row = score("torso", frames, np.stack([peaks_of(person) for person in people]))
    assert row.value == 100
    assert row.truth["left_ankle"] == 2
    assert row.truth["right_shoulder"] == 1
    assert list(row.head_size_rules.values()) == [pytest.approx(1 / 3)] * 3
    assert row.counts["without_reference"] == 1
    assert row.notes == ["people left out for want of a torso length: 1"]


def test_pckh_is_half_of_the_neck_link_itself():
    person = standing()
    row = score("head", [frame_of(LSP, person)], peaks_of(person, left_wrist=20.0, left_knee=20.001)[None])
    assert row.metric == "PCKh@0.5"
    assert (row.joints["left_wrist"], row.joints["left_knee"]) == (100, 0)
    assert row.head_size_rules["head_neck"] == 1


def test_pckh_takes_the_head_box_first_and_the_torso_last():
    boxed = standing(head_box=np.array([0, 0, 60, 80]))
    row = score("head", [frame_of(LSP, boxed)], peaks_of(boxed, left_wrist=30.0, left_knee=30.01)[None])
    assert (row.joints["left_wrist"], row.joints["left_knee"]) == (100, 0)
    headless = standing("head_top")  # 0.44 x 80
    row = score("head", [frame_of(LSP, headless)], peaks_of(headless, left_wrist=17.6, left_knee=17.61)[None])
    assert (row.joints["left_wrist"], row.joints["left_knee"]) == (100, 0)
    assert row.joints["head_top"] is None
    assert row.notes == ["1 joint had no truth, left out of the means: head_top"]


def test_threshold():
    person = standing()
    row = score("torso", [frame_of(LSP, person)], peaks_of(person, left_wrist=20.0)[None], threshold=0.1)
    assert row.metric == "PCK@0.1"
    assert row.joints["left_wrist"] == 0


def test_people_in_place_of_peaks():
    person = standing()
    right = Person(peaks_of(person), score=0.9)
    right.keypoints[LSP.index("left_wrist")] = 0  # not predicted: missed
    wrong = Person(peaks_of(person) + [500, 0, 0], score=0.8)
    frames = [frame_of(LSP, person), frame_of(LSP, person)]
    row = score("torso", frames, [[wrong, right], []])
    assert row.joints["left_wrist"] == 0
    assert row.joints["left_ankle"] == 50


def test_only_pictures_of_exactly_one_person():
    person = standing()
    region = np.array([[0, 0], [9, 0], [9, 9]])
    frames = [
        frame_of(LSP, person),
        frame_of(LSP, person, person),
        frame_of(LSP),
        frame_of(LSP, person, complete=False),
        frame_of(LSP, person, ignore=[[region]]),
    ]
    row = score("torso", frames, torch.zeros(5, 14, 3))
    assert row.counts == {"images": 5, "people": 1, "without_reference": 0, "not_single_person": 4}
    assert row.value == 0
    assert row.notes == ["pictures left out, not of exactly one person: 4"]
    nothing = score("torso", frames[1:3], np.zeros((2, 14, 3)))
    assert nothing.value is None


def test_joints_that_the_source_never_labels_do_not_count():
    person, labelled = standing(), np.ones(14, dtype=bool)
    labelled[LSP.index("left_wrist")] = False
    row = score("torso", [frame_of(LSP, person, labelled=labelled)], np.stack([peaks_of(person)]))
    assert row.joints["left_wrist"] is None


def test_skeleton_without_head():
    coco = load_skeleton("coco17")
    row = score("head", [frame_of(coco)], np.zeros((1, 17, 3)), coco)
    assert row.columns["Head"] is None
    assert row.notes[0] == "not comparable: skeleton coco17 has no head joints"


def test_peaks_and_people_give_the_same():
    predictions, frames = random_case(LSP, seed=3, frames=60)
    one_each = [people[:1] for people in predictions]
    peaks = np.full((60, 14, 3), np.nan)
    for peak, people in zip(peaks, one_each, strict=True):
        for person in people:
            peak[person.present] = person.keypoints[person.present]
    for reference in ("torso", "head"):
        row = score(reference, frames, peaks)
        assert row == score(reference, frames, one_each)
        assert row.counts["people"] > 5
        assert row.value > 0


def test_the_row_has_the_standard_error_over_pictures():
    """Of all joints or none the shares of the pictures are 0 and 100: as if a coin were thrown."""
    frames = [frame_of(LSP, standing(), name=str(i)) for i in range(10)]
    shifts = [0] * 4 + [500] * 6
    people = [frame.people[0] for frame in frames]
    peaks = np.stack([peaks_of(p) + [shift, 0, 0] for p, shift in zip(people, shifts, strict=True)])
    for reference in ("torso", "head"):
        row = score(reference, frames, peaks)
        assert row.value == pytest.approx(40)
        assert row.standard_error == pytest.approx(100 * np.sqrt(0.4 * 0.6 / 9)) and row.drawn == "10 images"
        assert f"standard error of the mean over 10 images: {row.standard_error:.2f}" in details(row)
    for frame, clip in zip(frames, "aabbccddee", strict=True):
        frame.clip = clip
    row = score("torso", frames, peaks)
    assert row.drawn == "5 clips" and row.standard_error == pytest.approx(100 * np.sqrt(0.4 * 0.6 / 4))
    alone = score("torso", frames[:1], peaks[:1])
    assert alone.value == 100 and alone.standard_error is None and "standard" not in " ".join(details(alone))
    written = json.loads(json.dumps(row.to_dict()))
    assert written["standard_error"] == row.standard_error and "hits" not in written


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_the_row_has_the_joints_of_each_picture():
    """Also where processes or batches meet the pictures in another order."""
    frames = [frame_of(LSP, standing("left_wrist")), frame_of(LSP), frame_of(LSP, standing())]
    peaks = np.stack([peaks_of(standing(), left_knee=500.0) for _ in frames])
    metric = PCK(LSP)
    for place in (2, 0, 1):
        metric.update(peaks[[place]], [frames[place]], [place])
    hits, (wrist, knee) = metric.compute().hits, LSP.indices(["left_wrist", "left_knee"])
    assert hits.places.tolist() == [0, 2]
    assert hits.counted[:, wrist].tolist() == [False, True] and hits.counted[:, knee].all()
    assert hits.found.sum(axis=1).tolist() == [12, 13] and not hits.found[:, knee].any()
    metric.reset()
    assert not len(metric.compute().hits.places)


def test_errors():
    with pytest.raises(ValueError, match="one of torso, head"):
        PCK(LSP, "box")
    with pytest.raises(DataError, match="labelled in skeleton lsp14"):
        score("torso", [frame_of(LSP)], np.zeros((1, 17, 3)), load_skeleton("coco17"))
    with pytest.raises(DataError, match=r"peaks of shape \(1, 17, 3\)"):
        score("torso", [frame_of(LSP, standing())], np.zeros((1, 17, 3)))
