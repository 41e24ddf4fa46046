import re

import numpy as np
import pytest
import torch
from pose_cases import found, frame_of, line_person

from dancepose.errors import DataError
from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.table import plain_table
from dancepose.records import Group, Person
from dancepose.skeleton import load_skeleton

ALL15 = load_skeleton("posetrack15")
MPII16 = load_skeleton("mpii16")
A, B = line_person(ALL15), line_person(ALL15, 1000)
NOWHERE = line_person(ALL15, 5000)


def score(frames, predictions, skeleton=ALL15, protocol="mpii"):
    metric = MPIIMeanAP(skeleton, protocol=protocol)
    metric.update(predictions, frames)
    return metric.compute()


def value(people, predictions, protocol="mpii", skeleton=ALL15, **fields):
    return score([frame_of(skeleton, *people, **fields)], [predictions], skeleton, protocol).value


def wrong_joint(person: Person, joint: int, score: float = 0.9) -> Person:
    prediction = found(person, score)
    prediction.keypoints[joint, 1] += 500
    return prediction


def mixture(joints_on_a: int, score: float) -> Person:
    prediction = found(A, score)
    prediction.keypoints[joints_on_a:] = B.keypoints[joints_on_a:]
    return prediction


def without(person: Person, joint: int) -> Person:
    keypoints = person.keypoints.copy()
    keypoints[joint] = 0
    return Person(keypoints, head_box=person.head_box)


VECTORS = {
    "two exact": ([A, B], [found(A), found(B)], 100),
    "one of two missed": ([A, B], [found(A)], 50),
    "duplicate second, lower score": ([A], [found(A, 0.9), found(A, 0.8)], 100),
    "duplicate second, higher score": ([A], [found(A, 0.8), found(A, 0.9)], 50),
    "shift 30 px": ([A], [found(A, shift=30)], 100),
    "shift 30.001 px": ([A], [found(A, shift=30.001)], 0),
    "false person above the true one": ([A], [found(NOWHERE, 0.9), found(A, 0.8)], 50),
    "no predictions": ([A], [], 0),
    "joint 0 wrong": ([A], [wrong_joint(A, 0)], 1400 / 15),
    "8 joints on A, 7 on B": ([A, B], [mixture(8, 0.9)], 400 / 15),
    "both prefer A, the second fits B partly": ([A, B], [found(A, 0.9), mixture(8, 0.8)], 50),
    "A lacks joint 0, it is predicted": ([without(A, 0), B], [found(A, 0.9), found(B, 0.8)], 1450 / 15),
    "joint 0 not predicted": ([A], [found(A, missing=(0,))], 1400 / 15),
}


@pytest.mark.parametrize("protocol", ["mpii", "posetrack"])
@pytest.mark.parametrize("name", VECTORS)
def test_vectors_of_the_protocol(name, protocol):
    people, predictions, expected = VECTORS[name]
    assert value(people, predictions, protocol) == pytest.approx(expected, abs=1e-9)


def test_vector_of_the_joint_that_truth_lacks():
    people, predictions, _ = VECTORS["A lacks joint 0, it is predicted"]
    row = score([frame_of(ALL15, *people)], [predictions])
    assert row.joints[ALL15.keypoints[0]] == 50
    assert row.truth[ALL15.keypoints[0]] == 1


def test_columns_are_means_of_left_and_right():
    person = line_person(MPII16)
    prediction = found(person, missing=tuple(MPII16.indices(["left_wrist", "pelvis", "thorax", "head_top"])))
    row = score([frame_of(MPII16, person)], [[prediction]], MPII16)
    assert row.columns == {
        "Head": 50,
        "Shoulder": 100,
        "Elbow": 100,
        "Wrist": 50,
        "Hip": 100,
        "Knee": 100,
        "Ankle": 100,
        "mAP": pytest.approx(600 / 7),
    }
    assert len(row.joints) == 14
    assert {"pelvis", "thorax"}.isdisjoint(row.joints)
    assert row.value == pytest.approx(1200 / 14)
    assert row.notes == []


def test_skeleton_without_head_says_that_it_is_not_comparable():
    coco = load_skeleton("coco17")
    row = score([frame_of(coco, line_person(coco))], [[found(line_person(coco))]], coco)
    assert row.columns["Head"] is None
    assert row.value == 100
    assert len(row.joints) == 12
    assert row.notes == ["not comparable: skeleton coco17 has no head joints"]
    assert re.search(r"all +MPII mAP +- +100\.0", plain_table({"all": row}))


def test_mpii_protocol_with_another_number_of_joints_says_so():
    assert "15 joints scored, the protocol has 14" in score([frame_of(ALL15, A)], [[found(A)]]).notes[0]
    assert score([frame_of(ALL15, A)], [[found(A)]], protocol="posetrack").notes == []


def test_joint_without_truth_is_left_out_of_the_means():
    person = without(line_person(MPII16), MPII16.index("left_knee"))
    row = score([frame_of(MPII16, person)], [[found(line_person(MPII16))]], MPII16)
    assert row.joints["left_knee"] is None
    assert row.columns["Knee"] == 100
    assert row.value == 100
    assert row.notes == ["1 joint had no truth, left out of the means: left_knee"]


def test_nothing_at_all():
    metric = MPIIMeanAP(ALL15)
    metric.update([], [])
    row = metric.compute()
    assert row.value is None
    assert set(row.columns.values()) == {None}
    assert row.counts["images"] == 0
    assert row.notes[-1] == "no joint had truth"


def test_joints_that_the_source_never_labels_are_left_out_of_that_frame():
    labelled = np.ones(15, dtype=bool)
    labelled[0] = False
    half = frame_of(ALL15, without(A, 0), labelled=labelled)
    row = score([half], [[found(A)]])
    assert row.joints[ALL15.keypoints[0]] is None
    assert row.value == 100
    row = score([half, frame_of(ALL15, A)], [[found(A, 0.9)], [found(A, 0.8)]])
    assert row.joints[ALL15.keypoints[0]] == 100  # the first frame's is no false one
    assert row.truth[ALL15.keypoints[0]] == 1


def test_visibility_does_not_matter():
    hidden = line_person(ALL15)
    hidden.keypoints[:, 2] = 1
    assert value([hidden], [found(A)]) == 100


class TestGroups:
    """Rule 2: box (100, 100, 300, 300), scale 1.1714, so that it grows by 50 px."""

    def frame(self, person, box=(100, 100, 300, 300), scale=1.1714):
        return frame_of(ALL15, person, groups=[Group([0], np.array(box), scale)])

    def person(self, x, y):
        keypoints = np.array([[x - 70 + 10 * k, y, 2] for k in range(15)], dtype=np.float64)  # centre (x, y)
        return Person(keypoints, head_box=np.array([0, 0, 60, 80]))

    @pytest.mark.parametrize(
        "x, y, inside", [(350, 200, True), (350.01, 200, False), (200, 50, True), (200, 49.99, False)]
    )
    def test_centre_of_mass_outside_the_grown_box_is_dropped(self, x, y, inside):
        truth = self.person(200, 200)
        row = score([self.frame(truth)], [[found(self.person(x, y), 0.95), found(truth, 0.9)]])
        assert row.counts["outside_group"] == int(not inside)
        assert row.value == pytest.approx(50 if inside else 100)

    def test_margin_follows_the_scale(self):
        truth = self.person(200, 200)
        false = found(self.person(350, 200), 0.95)
        row = score([self.frame(truth, scale=1.1714 / 2)], [[false, found(truth, 0.9)]])
        assert row.counts["outside_group"] == 1
        assert row.value == 100

    def test_groups_of_one_image_count_apart(self):
        near, away = self.person(200, 200), self.person(1200, 200)
        groups = [
            Group([0], np.array([100, 100, 300, 300]), 1.0),
            Group([1], np.array([1100, 100, 1300, 300]), 1.0),
        ]
        frame = frame_of(ALL15, near, away, groups=groups)
        row = score([frame], [[found(near), found(away)]])
        assert row.value == 100
        assert (row.counts["groups"], row.counts["images"], row.counts["people"]) == (2, 1, 2)
        assert row.counts["predictions"] == 2  # people, not pairs of one and a group
        assert row.counts["outside_group"] == row.counts["in_several_groups"] == 0
        row = score([frame], [[found(near), found(away), found(self.person(700, 200))]])
        assert (row.counts["predictions"], row.counts["outside_group"]) == (3, 1)

    def test_who_is_near_two_groups_is_scored_in_each_and_told(self):
        groups = [Group([i], np.array([100, 100, 300, 300]), 1.0) for i in (0, 1)]
        people = [self.person(150, 200), self.person(250, 200)]
        row = score([frame_of(ALL15, *people, groups=groups)], [[found(person) for person in people]])
        assert (row.counts["predictions"], row.counts["in_several_groups"]) == (2, 2)
        assert row.value < 100  # each is false in the other's group

    @pytest.mark.parametrize("protocol", ["mpii", "posetrack"])
    def test_pictures_without_a_group_are_passed_over(self, protocol):
        """Rule 1, in a data set that has groups: a split file may name such pictures for the test."""
        alone = frame_of(ALL15, B, evaluated=False)
        row = score([frame_of(ALL15, A), alone], [[found(A, 0.8)], [found(A), found(B)]], protocol=protocol)
        assert row.value == 100 and row.truth[ALL15.keypoints[0]] == 1
        counts = row.counts
        assert (counts["images"], counts["images_without_group"], counts["groups"]) == (2, 1, 1)
        assert (counts["people"], counts["predictions"]) == (1, 1)
        assert any(note.startswith("pictures without a group") for note in row.notes)

    def test_people_of_no_group_are_not_scored(self):
        frame = frame_of(ALL15, A, B, groups=[Group([1])])
        row = score([frame], [[found(B)]])
        assert (row.value, row.counts["people"]) == (100, 1)

    def test_box_without_scale_is_an_error(self):
        with pytest.raises(DataError, match="box but no scale"):
            score([self.frame(A, scale=None)], [[]])


class TestErrors:
    def test_other_skeleton(self):
        with pytest.raises(DataError, match="dance/1.jpg is labelled in skeleton posetrack15.*mpii16"):
            score([frame_of(ALL15, A, name="dance/1.jpg")], [[]], MPII16)

    def test_other_number_of_keypoints(self):
        with pytest.raises(DataError, match=r"1.jpg has keypoints of shape \(16, 3\)"):
            score([frame_of(ALL15, A, name="1.jpg")], [[found(line_person(MPII16))]])

    def test_place_that_is_not_finite(self):
        broken = found(A)
        broken.keypoints[3, 0] = np.nan
        with pytest.raises(DataError, match="not finite"):
            score([frame_of(ALL15, A)], [[broken]])

    def test_unequal_numbers(self):
        with pytest.raises(ValueError, match="predictions for 2 frames, truth for 1"):
            score([frame_of(ALL15, A)], [[], []])
        with pytest.raises(ValueError, match="1 indices for 2 frames"):
            MPIIMeanAP(ALL15).update([[], []], [frame_of(ALL15, A)] * 2, indices=[0])


class TestState:
    def test_equal_scores_keep_the_order_of_the_data_set(self):
        true, false = frame_of(ALL15, A, name="true"), frame_of(ALL15, name="false")
        first = score([true, false], [[found(A)], [found(NOWHERE)]]).value
        second = score([false, true], [[found(NOWHERE)], [found(A)]]).value
        assert (first, second) == (100, pytest.approx(50))
        metric = MPIIMeanAP(ALL15)
        metric.update([[found(NOWHERE)]], [false], indices=[1])
        metric.update([[found(A)]], [true], indices=torch.tensor([0]))
        assert metric.compute().value == 100

    def test_batches_do_not_matter_and_reset_forgets(self):
        frames = [frame_of(ALL15, A), frame_of(ALL15, A, B), frame_of(ALL15)]
        predictions = [[found(A, 0.7)], [found(B, 0.7)], [found(A, 0.7)]]
        whole = score(frames, predictions).to_dict()
        metric = MPIIMeanAP(ALL15)
        metric.update(predictions, frames)
        metric.reset()
        for prediction, frame in zip(predictions, frames, strict=True):
            metric.update([prediction], [frame])
        assert metric.compute().to_dict() == whole

    def test_forward_gives_the_batch_and_counts_it(self):
        metric = MPIIMeanAP(ALL15)
        metric.update([[found(A, 0.7)]], [frame_of(ALL15, A)])
        assert metric([[found(NOWHERE, 0.7)]], [frame_of(ALL15, A)]).value == 0
        assert metric.compute().value == pytest.approx(50)
        assert metric.compute().counts["images"] == 2
