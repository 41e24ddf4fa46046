"""The bootstrap over clusters (clips), BCa, vectorised over resamples.

Frames of a video are no independent samples: whole clips are drawn, with all their samples. A resample is a
row of weights, how often each cluster was drawn; a statistic is a function of many such rows at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from dancepose.errors import ConfigError
from dancepose.sweeps.cluster_sizes import told_few

LEVEL, RESAMPLES = 0.95, 2000
AT_ONCE = 2**22  # weights held at once: 32 MiB
OVER_CLUSTERS, OVER_SEEDS = 0, 1  # streams of draws, where both are drawn: independent of each other

ByWeights = Callable[[np.ndarray], np.ndarray]  # (R, clusters) weights -> (R,) values, (R, ...) of many


@dataclass(frozen=True)
class Interval:
    """An estimate and where the truth may lie.

    Attributes:
        estimate: the value of the samples at hand, None without samples.
        low: lower end, None where there is no interval; `note` says why.
        high: upper end, None where there is no interval.
        level: confidence.
        method: how it was made: `Wilson`, `BCa bootstrap over 31 clips`.
        population: of what the interval speaks: `other clips like these`.
        note: what must stand beside it; empty where nothing must.
    """

    estimate: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    population: str
    note: str = ""

    @property
    def words(self) -> str:
        """Level, method and population in one line: `95 %, Wilson, for other samples like these`."""
        return f"{100 * self.level:g} %, {self.method}, for {self.population}"


def bootstrap_weights(
    value: ByWeights,
    clusters: int,
    population: str = "other clips like these",
    unit: str = "clips",
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
    replicates: np.ndarray | None = None,
    sizes: np.ndarray | None = None,
) -> Interval:
    """Return the BCa interval (Efron 1987, Better Bootstrap Confidence Intervals) of a statistic.

    Resamples in which the statistic is NaN (a class that was not drawn) are left out. The interval is
    widened to hold the estimate, which BCa at low levels does not warrant.

    Args:
        value: gives the statistic of each row of weights.
        clusters: how many there are.
        population: of what the interval will speak.
        unit: what the clusters are, for the words.
        level: confidence, between 0 and 1.
        resamples: how many.
        seed: of the draws.
        replicates: (R,) what `resample` gave for the same value, where that is known already.
        sizes: (clusters,) samples of each; None: all have as many.

    Raises:
        ConfigError: level or resamples are out of range.
    """
    check_level(level)
    check_resamples(resamples)
    method = f"BCa bootstrap over {clusters} {unit}"

    def without(estimate: float | None, note: str) -> Interval:
        return Interval(estimate, None, None, level, method, population, note)

    if clusters == 0:
        return without(None, "no interval: there are no samples")
    estimate = float(value(np.ones((1, clusters)))[0])
    if np.isnan(estimate):
        return without(None, "no interval: the samples have no such value")
    if clusters == 1:
        return without(estimate, f"no interval: all is of one of the {unit}, which says nothing of others")
    rows = max(1, AT_ONCE // clusters)
    if replicates is None:
        replicates = resample(value, clusters, resamples, seed)
    replicates = replicates[~np.isnan(replicates)]
    if not len(replicates) or np.ptp(replicates) <= 1e-12 * max(1.0, abs(estimate)):
        return without(estimate, f"no interval: the {unit} do not differ")
    places = np.arange(clusters)
    left_out = np.concatenate(
        [
            value((places[start : start + rows, None] != places).astype(np.float64))
            for start in range(0, clusters, rows)
        ]
    )
    low, high = _bca(replicates, left_out[~np.isnan(left_out)], estimate, level)
    few = told_few(np.ones(clusters) if sizes is None else sizes, unit)  # where BCa is known to be too narrow
    note = f"{few}: the interval is likely too narrow" if few else ""
    return Interval(estimate, min(low, estimate), max(high, estimate), level, method, population, note)


def resample(value: ByWeights, clusters: int, resamples: int, seed: int) -> np.ndarray:
    """Return the values (R, ...) of resamples of at least one cluster, some at once.

    Equal numbers of clusters, resamples and seeds give equal draws, whatever is weighed by them.
    """
    rows = max(1, AT_ONCE // clusters)
    return np.concatenate(
        [
            value(draw_weights(clusters, min(rows, resamples - start), (seed, OVER_CLUSTERS, start)))
            for start in range(0, resamples, rows)
        ]
    )


@lru_cache(maxsize=4)  # comparisons of many arms on the same test samples share their draws
def draw_weights(count: int, resamples: int, key: tuple[int, ...]) -> np.ndarray:
    """Return (R, count) how often each was drawn, `count` draws a row; equal keys give equal draws."""
    generator = np.random.default_rng(key)
    weights = generator.multinomial(count, np.full(count, 1 / count), resamples).astype(np.float64)
    weights.flags.writeable = False
    return weights


def check_level(level: float) -> None:
    """Refuse a confidence that is none.

    Raises:
        ConfigError: it does not lie between 0 and 1.
    """
    if not 0 < level < 1:
        raise ConfigError(f"level={level}: a confidence lies between 0 and 1, 0.95 for instance")


def check_resamples(resamples: int) -> None:
    """Refuse a number of resamples that is none.

    Raises:
        ConfigError: it is below 1.
    """
    if resamples < 1:
        raise ConfigError(f"resamples={resamples}: at least 1 is needed")


def _bca(replicates: np.ndarray, left_out: np.ndarray, estimate: float, level: float) -> tuple[float, float]:
    """Return the ends of the interval.

    Args:
        replicates: (R,) values of the resamples.
        left_out: values with each cluster left out once.
        estimate: value of the sample.
        level: confidence.
    """
    count = len(replicates)
    # ties, of which whole numbers of hits have many, count half on each side
    slack = 1e-12 * max(1.0, abs(estimate))  # equal ones may differ in rounding
    below = (np.sum(replicates < estimate - slack) + np.sum(replicates <= estimate + slack)) / (2 * count)
    bias = ndtri(np.clip(below, 0.5 / count, 1 - 0.5 / count))
    influence = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    spread = float(np.sum(influence**2)) ** 1.5
    acceleration = float(np.sum(influence**3)) / (6 * spread) if spread > 0 else 0.0
    shifted = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    slope = 1 - acceleration * shifted
    # beyond the pole of the correction lies nothing but the end of the distribution
    places = np.where(
        slope > 0, ndtr(bias + shifted / np.where(slope > 0, slope, 1)), np.where(shifted > 0, 1.0, 0.0)
    )
    low, high = np.quantile(replicates, places)
    return float(low), float(high)
