import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.errors import DataError
from dancepose.metrics.classification import score_samples
from dancepose.metrics.samples import MotionSamples
from dancepose.sweeps.sample_scores import SampleScores
from dancepose.sweeps.scores import (
    AccuracyScores,
    CalibrationScores,
    MacroF1Scores,
    PlainScores,
)

CLASSES = ("a", "b", "c", "d")


def drawn(seed: int, samples: int = 12, runs: int = 3):
    """Labels of which some classes may not occur, and what some runs say of them."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, draw.integers(1, 5), samples)
    probabilities = draw.dirichlet(np.full(4, 0.4), (runs, samples)).astype(np.float32)
    clips = [None if i == 0 else f"clip {i}" for i in draw.integers(0, 5, samples)]
    return labels, probabilities, clips


def all_scores(labels, probabilities, clips=None) -> list[SampleScores]:
    predicted = probabilities.argmax(axis=2)
    seeds = range(len(probabilities))
    return [
        AccuracyScores(seeds, predicted == labels, clips),
        MacroF1Scores(seeds, labels, predicted, 4, clips),
        CalibrationScores(seeds, probabilities.max(axis=2), predicted == labels, clips),
    ]


def figures(labels, probabilities) -> list[list[float]]:
    """What the reports of the runs say: accuracy, macro-F1, calibration error."""
    found = []
    for of_run in probabilities:
        ids = [str(i) for i in range(len(labels))]
        result = score_samples(MotionSamples(ids, [None] * len(ids), labels, of_run, CLASSES))
        found.append([result.accuracy, result.macro_f1, result.ece])
    return [list(values) for values in zip(*found, strict=True)]


@given(st.integers(0, 10**6), st.data())
def test_weights_count_samples_as_the_reports_do(seed, data):
    """A sample of weight k is k samples."""
    labels, probabilities, _ = drawn(seed)
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=12, max_size=12)))
    if not weights.any():
        weights[0] = 1
    wanted = figures(np.repeat(labels, weights), np.repeat(probabilities, weights, axis=1))
    scores = all_scores(labels, probabilities)
    for metric, values in zip(scores, wanted, strict=True):
        assert metric.of_weights(weights[None].astype(float))[0] == pytest.approx(values, abs=1e-6)
    for metric, values in zip(scores, figures(labels, probabilities), strict=True):
        assert metric.values == pytest.approx(values, abs=1e-6) and metric.values.shape == (3,)


@given(st.integers(0, 10**6))
def test_a_weighed_clip_is_all_its_samples(seed):
    labels, probabilities, clips = drawn(seed)
    for metric in all_scores(labels, probabilities, clips):
        weights = np.random.default_rng(seed).integers(0, 3, (5, metric.count)).astype(float)
        weights[:, 0] += 1
        np.testing.assert_allclose(
            metric.of_clusters(weights), metric.of_weights(weights[:, metric.codes]), rtol=1e-12
        )
        assert metric.unit == "clips" or not any(clips)


def test_metrics_of_the_same_clips_share_their_draws():
    labels, probabilities, clips = drawn(0, samples=60)
    first, second, _ = all_scores(labels, np.stack([probabilities[0]] * 2), clips)
    same = AccuracyScores([7], (probabilities[:1].argmax(axis=2) == labels), clips)
    np.testing.assert_array_equal(first.resample(50, 0)[:, 1:], same.resample(50, 0))
    assert first.resample(50, 0) is first.resample(50, 0)
    assert (first.resample(50, 0) != first.resample(50, 1)).any() and second.resample(20, 0).shape == (20, 2)


def test_many_runs_are_weighed_in_portions(monkeypatch):
    labels, probabilities, clips = drawn(1, runs=7)
    whole = [metric.resample(40, 0) for metric in all_scores(labels, probabilities, clips)]
    monkeypatch.setattr("dancepose.sweeps.sample_scores.AT_ONCE", 500)
    for metric, wanted in zip(all_scores(labels, probabilities, clips), whole, strict=True):
        np.testing.assert_allclose(metric.resample(40, 0), wanted)


def test_nothing_drawn_has_no_metric():
    for metric in all_scores(*drawn(0)[:2]):
        assert np.isnan(metric.of_weights(np.zeros((1, 12)))).all()


def test_plain_numbers():
    scores = PlainScores([1, 2, 3], [0.5, None, 0.25])
    assert scores.count == 0 and scores.clusters is None and np.isnan(scores.values[1])
    for ask in (lambda: scores.of_clusters(np.ones((1, 3))), lambda: scores.resample(10, 0)):
        with pytest.raises(ValueError, match="only one number"):
            ask()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AccuracyScores([1, 1], np.ones((2, 4))), "seed 1 comes twice"),
        (lambda: AccuracyScores([1, 2], np.ones((1, 4))), r"shape \(1, 4\) for 2 seeds and 4"),
        (lambda: AccuracyScores([1], np.ones((1, 4)), ["a"]), "1 clips for 4 test samples"),
        (lambda: MacroF1Scores([1], np.array([0, 4]), np.array([[0, 1]]), 4), "there are 4 classes"),
        (lambda: MacroF1Scores([1], np.array([0, 1]), np.array([[0, -1]]), 4), "there are 4 classes"),
        (lambda: CalibrationScores([1], np.ones((1, 3)), np.ones((1, 4))), "confidence of shape"),
        (lambda: PlainScores([1, 2], [0.5]), "1 values for 2 seeds"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()
