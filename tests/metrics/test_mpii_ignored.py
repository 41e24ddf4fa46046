"""What is neither truth nor error: ignored people, regions, incomplete frames, PoseTrack's variant."""

import numpy as np
import pytest
from pose_cases import found, frame_of, line_person

from dancepose.data.readers.labelme import read_labelme
from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.records import Person
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


class TestIgnored:
    def few(self, **fields):
        keypoints = np.zeros((15, 3))
        keypoints[:2] = [[3000, 50, 2], [3010, 50, 2]]
        return Person(keypoints, **fields)

    def on_few(self, score=0.95):
        return found(line_person(ALL15, 3000), score)

    def test_person_without_head_size_is_neither_truth_nor_a_source_of_false_ones(self):
        row = score([frame_of(ALL15, A, self.few())], [[self.on_few(), found(A)]])
        assert row.value == 100
        assert set(row.truth.values()) == {1}
        assert row.counts["ignored_people"] == row.counts["on_ignored"] == 1
        assert row.head_size_rules == {
            "head_box": 0.5,
            "head_neck": 0,
            "torso": 0,
            "extent": 0,
            "ignored": 0.5,
        }
        assert "ignored for want of a head size or a scored joint: 1" in row.notes[-1]

    def test_a_person_elsewhere_is_still_false(self):
        assert value([A, self.few()], [found(NOWHERE, 0.95), found(A)]) == pytest.approx(50)

    def test_reach_is_half_of_the_prediction_s_own_head_size(self):
        moved = self.on_few()
        moved.keypoints[:, 1] += 0.75 * 10 / 2  # upper_neck and head_top are 10 px apart
        assert value([A, self.few()], [moved, found(A)]) == 100
        moved.keypoints[:, 1] += 0.01
        assert value([A, self.few()], [moved, found(A)]) == pytest.approx(50)

    def test_reach_of_a_prediction_of_few_joints_is_the_frame_s(self):
        few = found(line_person(ALL15, 3000), 0.95, missing=tuple(range(2, 15)))  # head sizes here: 60 px
        few.keypoints[:2, 1] += 30
        names = ALL15.keypoints[:2]
        row = score([frame_of(ALL15, A, self.few())], [[few, found(A)]])
        assert [row.joints[name] for name in names] == [100, 100]
        few.keypoints[:2, 1] += 0.01
        row = score([frame_of(ALL15, A, self.few())], [[few, found(A)]])
        assert [row.joints[name] for name in names] == [50, 50]

    def test_half_of_the_joints_inside_the_ignored_person_s_box(self):
        nothing = Person(np.zeros((15, 3)), box=np.array([2990, 0, 80, 100]))  # 8 of 15, edges included
        assert value([A, nothing], [self.on_few(), found(A)]) == 100
        nothing.box = np.array([2990, 0, 79, 100])  # 7 of 15
        assert value([A, nothing], [self.on_few(), found(A)]) == pytest.approx(50)

    def test_person_without_scored_joints_is_ignored(self):
        pelvis_only = Person(np.zeros((16, 3)), head_box=np.array([0, 0, 60, 80]))
        pelvis_only.keypoints[MPII16.index("pelvis")] = [500, 50, 2]
        here = line_person(MPII16, 500 - 10 * MPII16.index("pelvis"))
        far_away = line_person(MPII16, 2000)
        people = [[found(here, 0.95), found(far_away)]]
        row = score([frame_of(MPII16, far_away, pelvis_only)], people, MPII16)
        assert row.value == 100
        assert row.counts["ignored_people"] == 1
        # the toolkit keeps a person with a head rectangle, whom nothing can match
        strict = frame_of(MPII16, far_away, pelvis_only, excuses=False)
        assert score([strict], people, MPII16).value == pytest.approx(50)
        assert score([strict], people, MPII16, protocol="posetrack").value == 100

    def test_polygons_excuse_unmatched_people_only(self):
        region = np.array([[-50, 0], [500, 0], [500, 100], [-50, 100]])
        crowd = found(line_person(ALL15, 200), 0.95)
        assert value([A], [crowd, found(A)], ignore=[[region]]) == 100
        assert value([A], [crowd, found(A)]) == pytest.approx(50)
        row = score([frame_of(ALL15, A, ignore=[[region]])], [[found(A)]])
        assert (row.value, row.truth["nose"]) == (100, 1)  # the labelled person within stays truth


class TestIncomplete:
    def test_far_people_are_not_counted_as_false(self):
        row = score([frame_of(ALL15, A, complete=False)], [[found(NOWHERE, 0.95), found(A)]])
        assert row.value == 100
        assert row.counts["far_in_incomplete"] == 1
        assert "not completely labelled: 1; people predicted far from the labelled ones, " in row.notes[-1]

    @pytest.mark.parametrize("gap, expected", [(140.0, 50), (140.01, 100)])
    def test_farther_than_the_diagonal_of_the_keypoint_box(self, gap, expected):
        # A's box is flat and ends at 140 px, its diagonal is 140 px; a mean joint lies 70 px from the first
        false = found(line_person(ALL15, 140 + gap - 70), 0.95)
        assert value([A], [false, found(A)], complete=False) == pytest.approx(expected)

    def test_with_nobody_labelled_nothing_is_false(self):
        frames = [frame_of(ALL15, complete=False), frame_of(ALL15, A)]
        assert score(frames, [[found(B, 0.95)], [found(A)]]).value == 100

    def test_complete_frame_without_people_gives_false_ones(self):
        frames = [frame_of(ALL15), frame_of(ALL15, A)]
        assert score(frames, [[found(B, 0.95)], [found(A)]]).value == pytest.approx(50)


class TestPoseTrack:
    def test_frames_without_truth_are_removed_with_their_predictions(self):
        frames = [frame_of(ALL15), frame_of(ALL15, A)]
        row = score(frames, [[found(B, 0.95)], [found(A)]], protocol="posetrack")
        assert row.value == 100
        assert row.counts["groups_without_truth"] == 1
        assert row.counts["groups"] == 1

    def test_points_inside_polygons_are_removed_from_both_sides(self):
        region = np.array([[-5, 0], [5, 0], [5, 100], [-5, 100]])  # joint 0 of A, on both sides
        row = score([frame_of(ALL15, A, ignore=[[region]])], [[wrong_joint(A, 0)]], protocol="posetrack")
        assert row.joints["nose"] is None  # removed from truth; the wrong one lies outside
        row = score(
            [frame_of(ALL15, A, B, ignore=[[region]])],
            [[found(A, 0.9), found(B, 0.8)]],
            protocol="posetrack",
        )
        assert row.joints["nose"] == 100
        assert row.truth["nose"] == 1

    def test_head_is_the_mean_of_three_joints(self):
        head = tuple(ALL15.indices(["nose", "head_top"]))
        row = score([frame_of(ALL15, A)], [[found(A, missing=head)]], protocol="posetrack")
        assert row.columns["Head"] == pytest.approx(100 / 3)
        assert row.value == pytest.approx(1300 / 15)

    @pytest.mark.parametrize("protocol", ["mpii", "posetrack"])
    def test_joint_without_a_score_ranks_last(self, protocol):
        unscored = found(A)
        unscored.scores = None
        false = found(NOWHERE, -100.0)
        assert value([A], [unscored, false], protocol) == pytest.approx(50)
        unscored.scores = np.full(15, np.nan)
        assert value([A], [unscored, false], protocol) == pytest.approx(50)
        lower = found(NOWHERE, -10000.0)
        assert value([A], [unscored, lower], protocol) == 100

    def test_unknown_protocol(self):
        with pytest.raises(ValueError, match="one of mpii, posetrack"):
            MPIIMeanAP(ALL15, protocol="coco")


@pytest.mark.shared
@pytest.mark.parametrize("name", ["mpii15", "coco17"])
def test_labels_of_real_scenes_as_predictions_are_perfect(shared, name):
    """Also with people labelled by a few keypoints, who are no truth, standing among the others."""
    skeleton = load_skeleton(name)
    frames, _ = read_labelme(shared / "data" / "scenes_labelme", skeleton)
    rng = np.random.default_rng(0)
    predictions = [[Person(p.keypoints, rng.random(len(skeleton))) for p in f.people] for f in frames]
    row = score(frames, predictions, skeleton)
    assert row.value == pytest.approx(100)
    assert row.counts["ignored_people"] == row.counts["on_ignored"] > 10
