import numpy as np
import pytest

from dancepose.sweeps.scores import AccuracyScores, MacroF1Scores, PlainScores
from dancepose.sweeps.spread import describe
from dancepose.sweeps.statistics import accuracy_interval, cluster_bootstrap, macro_f1_interval

CLIPS = np.repeat([f"c{i}" for i in range(20)], 5).tolist()
RIGHT = np.random.default_rng(0).random((3, 100)) < 0.8


def test_mean_and_scatter_of_the_runs():
    found = describe(AccuracyScores([4, 5, 6], RIGHT, CLIPS))
    values = RIGHT.mean(axis=1)
    assert found.seeds == (4, 5, 6) and found.without == ()
    assert (found.mean, found.std) == pytest.approx((values.mean(), values.std(ddof=1)))
    wanted = cluster_bootstrap(RIGHT.mean(axis=0), CLIPS)
    assert (found.interval.low, found.interval.high) == pytest.approx((wanted.low, wanted.high))
    assert found.interval.population == "other clips like these, and these 3 runs"
    assert describe(AccuracyScores([4, 5], RIGHT[:2])).interval.population.startswith("other samples")


def test_one_run_has_the_interval_of_its_report():
    for clips in (CLIPS, None):
        found = describe(AccuracyScores([0], RIGHT[:1], clips))
        assert found.interval == accuracy_interval(RIGHT[0], clips) and found.std is None
    assert found.interval.method == "Wilson"
    labels, predicted = np.random.default_rng(0).integers(0, 3, (2, 100))
    one = describe(MacroF1Scores([0], labels, predicted[None], 3, CLIPS)).interval
    wanted = macro_f1_interval(labels, predicted, 3, CLIPS)
    assert (one.low, one.high) == pytest.approx((wanted.low, wanted.high))
    assert one.population == "other clips like these, and this run"


def test_runs_without_a_number_are_named():
    found = describe(PlainScores([1, 2, 3], [0.5, None, 0.7]))
    assert (found.seeds, found.without, found.interval) == ((1, 3), (2,), None)
    assert (found.mean, found.std) == pytest.approx((0.6, 0.1414), abs=1e-4)
    empty = describe(PlainScores([1], [None]))
    assert (empty.seeds, empty.mean, empty.std) == ((), None, None)
