import numpy as np
import pytest
from scipy.stats import t as student

from dancepose.sweeps.bootstrap import draw_weights
from dancepose.sweeps.crossed import cross


def resampled(table: np.ndarray, resamples: int = 20_000) -> np.ndarray:
    """(R, n) means over resampled clips of a table (n, clips)."""
    clips = table.shape[1]
    return draw_weights(clips, resamples, (0, 0, 0)) @ table.T / clips


def test_its_variance_is_that_of_the_formula():
    """Owen 2007, theorem 3: of seeds, of samples, and three times of what both have together."""
    draw = np.random.default_rng(0)
    seeds, clips = 10, 60
    table = (
        0.3
        + draw.normal(0, 0.1, (seeds, 1))
        + draw.normal(0, 0.4, clips)
        + draw.normal(0, 0.5, (seeds, clips))
    )
    found = cross(table.mean(axis=1), resampled(table), np.full(clips, 9), "clips", 1, 0.95, 0)
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns + table.mean()
    of_seeds, of_clips = rows.var() / seeds, columns.var() / clips
    together = (rest**2).mean() / seeds / clips
    bootstrap = of_seeds + of_clips + together  # the first two hold `together` once each
    of_seeds, of_clips = of_seeds * seeds / (seeds - 1), of_clips * clips / (clips - 1)
    parts = of_seeds + of_clips
    wanted = bootstrap * parts / (rows.var() / seeds + columns.var() / clips)
    assert found.error**2 == pytest.approx(wanted, rel=0.03)
    freedom = parts**2 / (of_seeds**2 / (seeds - 1) + of_clips**2 / (clips - 1))
    reach = student.isf(0.025, freedom) * found.error
    assert found.interval.high - found.interval.estimate == pytest.approx(reach, rel=0.02)
    assert found.samples == pytest.approx(of_clips - together, rel=0.2)


def test_a_family_makes_it_wider():
    table = np.random.default_rng(1).normal(size=(8, 30))
    widths = []
    for comparisons in (1, 3, 6):
        interval = cross(
            table.mean(axis=1), resampled(table, 500), np.ones(30), "clips", comparisons, 0.95, 0
        ).interval
        widths.append(interval.high - interval.low)
        assert ("at once" in interval.method) == (comparisons > 1)
    assert widths[0] < widths[1] < widths[2]


def test_resamples_without_the_metric_are_left_out():
    table = np.random.default_rng(2).normal(size=(5, 20))
    values = resampled(table, 400)
    some = np.where(np.arange(400)[:, None] % 4 == 0, np.nan, values)
    found = cross(table.mean(axis=1), some, np.ones(20), "images", 1, 0.95, 0)
    assert found.interval.low < found.interval.high and "20 images" in found.interval.method
    none = cross(table.mean(axis=1), np.full((400, 5), np.nan), np.ones(20), "clips", 1, 0.95, 0)
    assert none.interval.low is None and "no such value" in none.interval.note


def test_without_any_scatter_there_is_none():
    found = cross(np.full(4, 0.5), np.full((100, 4), 0.5), np.ones(10), "clips", 1, 0.95, 0).interval
    assert found.low is None and found.note == "no interval: neither the seeds nor the clips differ"


def test_few_clips_are_told_and_unequal_ones_make_it_wider():
    table = np.random.default_rng(3).normal(size=(8, 12))
    values = resampled(table, 2000)
    equal = cross(table.mean(axis=1), values, np.full(12, 9), "clips", 1, 0.95, 0).interval
    one_large = np.array([60, *[4] * 11])
    unequal = cross(table.mean(axis=1), values, one_large, "clips", 1, 0.95, 0).interval
    assert equal.note == "" and unequal.high - unequal.low > 1.5 * (equal.high - equal.low)
    assert "weigh no more than 2.9 equal ones: what is said of other clips rests on few" in unequal.note
