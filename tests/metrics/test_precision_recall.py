"""Precision-recall curves: the steps, and that the area under each is the very figure that is reported."""

import numpy as np
import pytest
from pose_cases import found, frame_of, line_person, random_case
from test_mpii import VECTORS, A, B, without

from dancepose.metrics.curves import RECALLS, precision_recall
from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.table import ResultRow, column_curves
from dancepose.skeleton import Skeleton, load_skeleton

ALL15 = load_skeleton("posetrack15")
COCO17 = load_skeleton("coco17")


def row_of(skeleton: Skeleton, predictions, frames) -> ResultRow:
    metric = MPIIMeanAP(skeleton)
    metric.update(predictions, frames)
    return metric.compute()


def areas(row: ResultRow, skeleton: Skeleton) -> dict[str, float | None]:
    """Integrate what `column_curves` gives, in percent: between any two steps it is constant."""
    counts = {count for count in row.truth.values() if count}
    ends = np.unique(np.concatenate([[0.0], *(np.arange(1, n + 1) / n for n in counts)]))
    curves = column_curves(row, skeleton, ends[1:])
    return {n: None if c is None else 100 * float(np.diff(ends) @ c) for n, c in curves.items()}


def test_steps_by_hand():
    scores = np.array([0.5, 0.9, 0.7, 0.6, 0.4])  # ranked: false, true, true, false, false
    curve = precision_recall(scores, np.array([0, 0, 1, 1, 0]), truth=4)
    assert curve.precision.tolist() == [2 / 3, 2 / 3] and curve.area == pytest.approx(1 / 3, abs=1e-15)
    recalls = np.array([0, 0.25, 0.26, 0.5, np.nextafter(0.5, 1), 1])
    assert curve.at(recalls).tolist() == [2 / 3] * 4 + [0, 0]


def test_a_step_ends_at_its_recall_whatever_the_number_of_joints():
    """k / n and i / 100 are the same number where they are the same fraction."""
    for truth in (3, 7, 10, 49, 100, 300):
        steps = np.arange(truth, 0, -1) / truth
        curve = precision_recall(np.arange(truth)[::-1], np.ones(truth), truth)._replace(precision=steps)
        wanted = [steps[max(-(-i * truth // 100) - 1, 0)] for i in range(101)]
        assert curve.at(RECALLS).tolist() == wanted


def test_equal_scores_keep_their_order():
    assert precision_recall(np.zeros(2), np.array([1, 0]), 1).area == 1
    assert precision_recall(np.zeros(2), np.array([0, 1]), 1).area == 0.5


@pytest.mark.parametrize("name", VECTORS)
def test_the_area_is_the_known_figure(name):
    people, predictions, wanted = VECTORS[name]
    row = row_of(ALL15, [predictions], [frame_of(ALL15, *people)])
    assert areas(row, ALL15)["mAP"] == pytest.approx(wanted, abs=1e-12)
    assert 100 * np.mean([c.area for c in row.curves.values() if c]) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_area_is_the_figure_of_every_column(seed):
    for skeleton in (ALL15, COCO17):
        row = row_of(skeleton, *random_case(skeleton, seed, frames=12))
        assert row.value and areas(row, skeleton) == pytest.approx(row.columns, abs=1e-9)
        for curve in column_curves(row, skeleton).values():
            assert curve is None or (np.diff(curve) <= 0).all()


def test_left_and_right_are_not_pooled():
    """One ranking of both wrists would put the left one's false detection above the right one's true."""
    left = ALL15.keypoints.index("left_wrist")
    prediction = found(A, 0.5)
    prediction.keypoints[left, 1] += 500
    prediction.scores[left] = 0.9
    row = row_of(ALL15, [[prediction]], [frame_of(ALL15, A)])
    assert row.columns["Wrist"] == 50 and column_curves(row, ALL15)["Wrist"].tolist() == [0.5] * 101


def test_no_detections_no_truth_nobody():
    none = row_of(ALL15, [[]], [frame_of(ALL15, A)])
    assert {tuple(c) for c in column_curves(none, ALL15).values()} == {(0.0,) * 101}
    noses = [without(person, 0) for person in (A, B)]
    blind = row_of(ALL15, [[found(A)]], [frame_of(ALL15, *noses)])
    assert blind.curves[ALL15.keypoints[0]] is None and areas(blind, ALL15) == pytest.approx(blind.columns)
    assert row_of(COCO17, [[]], [frame_of(COCO17, line_person(COCO17))]).columns["Head"] is None
    for predictions, frames in (([], []), ([[found(A)]], [frame_of(ALL15)])):
        nobody = row_of(ALL15, predictions, frames)
        assert set(column_curves(nobody, ALL15).values()) == {None} == set(nobody.columns.values())


def test_a_row_of_plain_values_leaves_the_curves_out():
    row = row_of(ALL15, [[found(A)]], [frame_of(ALL15, A)])
    assert "curves" not in row.to_dict() and row.curves["nose"].truth == 1
