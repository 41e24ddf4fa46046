"""How sure a figure is: intervals of accuracies, macro-F1 and their differences.

Each says by which method it was made and of what population it speaks. Where there is none it says why, in
words: nothing here is ever NaN.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest

from dancepose.metrics.confusion import count_confusion, macro_f1
from dancepose.sweeps.bootstrap import LEVEL, RESAMPLES, Interval, bootstrap_weights, check_level

__all__ = [
    "Interval",
    "accuracy_interval",
    "cluster_bootstrap",
    "macro_f1_interval",
    "mean",
    "paired_cluster_bootstrap",
    "wilson_interval",
]

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]  # values (N,), weights (R, N) -> (R,)
Clips = Sequence[Hashable | None] | np.ndarray
SAMPLES = "other samples like these"


def mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted means of values (N,) by each row of weights (R, N): (R,)."""
    return weights @ values / weights.sum(axis=1)


def wilson_interval(hits: int, count: int, level: float = LEVEL, population: str = SAMPLES) -> Interval:
    """Return the score interval of a share (Wilson 1927), for independent samples.

    Args:
        hits: of the samples that are right.
        count: samples; without any there is no interval.
        level: confidence.
        population: of what the interval will speak.

    Raises:
        ConfigError: the level lies not between 0 and 1.
        ValueError: there are more hits than samples, or less than none.
    """
    check_level(level)
    hits, count = int(hits), int(count)
    if not 0 <= hits <= count:
        raise ValueError(f"{hits} hits of {count} samples")
    if count == 0:
        return Interval(None, None, None, level, "Wilson", population, "no interval: there are no samples")
    ends = binomtest(hits, count).proportion_ci(level, method="wilson")
    share = hits / count  # rounding may put an end of 0 or 1 on its wrong side
    low, high = max(0.0, min(float(ends.low), share)), min(1.0, max(float(ends.high), share))
    return Interval(share, low, high, level, "Wilson", population)


def cluster_bootstrap(
    values: np.ndarray,
    clusters: Clips,
    statistic: Statistic = mean,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the interval of a statistic of samples that come in clusters; whole clusters are drawn.

    Args:
        values: (N,) of the samples.
        clusters: (N,) the cluster of each; a sample of None is a cluster of its own.
        statistic: of values (N,) and weights (R, N), how often each sample stands in each resample: (R,).
        level: confidence.
        resamples: how many.
        seed: of the draws.

    Raises:
        ConfigError: level or resamples are out of range.
        ValueError: there are not as many clusters as values.
    """
    values = np.asarray(values, np.float64)
    codes, count = number_clusters(clusters, len(values))
    return bootstrap_weights(
        lambda weights: statistic(values, weights[:, codes]),
        count,
        *_named(clusters),
        level=level,
        resamples=resamples,
        seed=seed,
        sizes=np.bincount(codes, minlength=count),
    )


def paired_cluster_bootstrap(
    first: np.ndarray,
    second: np.ndarray,
    clusters: Clips | None = None,
    statistic: Statistic = mean,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the interval of `statistic(first) - statistic(second)` of two systems on the same samples.

    Args:
        first: (N,) values of one system.
        second: (N,) values of the other, the same samples in the same order.
        clusters: (N,) the cluster of each sample; None: each is its own.
        statistic: as in `cluster_bootstrap`; both systems get the same weights.
        level: confidence.
        resamples: how many.
        seed: of the draws.

    Raises:
        ConfigError: level or resamples are out of range.
        ValueError: lengths differ.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"values of shape {first.shape} and {second.shape}: pairs are needed")
    groups: Clips = [None] * len(first) if clusters is None else clusters
    codes, count = number_clusters(groups, len(first))

    def difference(weights: np.ndarray) -> np.ndarray:
        drawn = weights[:, codes]
        return statistic(first, drawn) - statistic(second, drawn)

    return bootstrap_weights(
        difference,
        count,
        *_named(groups),
        level=level,
        resamples=resamples,
        seed=seed,
        sizes=np.bincount(codes, minlength=count),
    )


def macro_f1_interval(
    labels: np.ndarray,
    predicted: np.ndarray,
    classes: int,
    clips: Clips | None = None,
    against: np.ndarray | None = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the interval of macro-F1, or of its difference to another system's on the same samples.

    Each cluster has a confusion matrix, and that of a resample is their weighted sum. The mean is over the
    classes that occur in a resample, the rule of `confusion.macro_f1`.

    Args:
        labels: (N,) classes.
        predicted: (N,) classes.
        classes: how many there are.
        clips: (N,) the clip of each sample, None of no clip; None: each sample stands for itself.
        against: (N,) classes that the other system predicts.
        level: confidence.
        resamples: how many.
        seed: of the draws.

    Raises:
        ConfigError: level or resamples are out of range.
        ValueError: lengths differ, or a class is none.
    """
    groups: Clips = [None] * len(labels) if clips is None else clips
    codes, count = number_clusters(groups, len(labels))

    def of(answers: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        count_confusion(labels, answers, classes)  # refuses what is no class
        tables = np.zeros((count, classes**2))
        np.add.at(tables, (codes, np.asarray(labels) * classes + np.asarray(answers)), 1)
        return lambda weights: macro_f1((weights @ tables).reshape(-1, classes, classes))

    own = of(predicted)
    other = None if against is None else of(against)
    return bootstrap_weights(
        own if other is None else lambda weights: own(weights) - other(weights),
        count,
        *_named(groups),
        level=level,
        resamples=resamples,
        seed=seed,
        sizes=np.bincount(codes, minlength=count),
    )


def accuracy_interval(
    correct: np.ndarray,
    clips: Clips | None = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the interval of an accuracy: bootstrapped over clips where there are any, else Wilson's.

    Wilson's is also taken where no clip holds two samples. Where all samples of the clips are right, or none,
    resamples cannot differ: then it is Wilson's of as many samples as there are clips, as if each clip were
    seen once, which is wider than if each sample counted.

    Args:
        correct: (N,) bool.
        clips: (N,) the clip of each sample, None of no clip (it counts as one of its own); None: no clips.
        level: confidence.
        resamples: how many.
        seed: of the draws.

    Raises:
        ConfigError: level or resamples are out of range.
        ValueError: there are not as many clips as samples.
    """
    correct = np.asarray(correct, bool)
    hits, samples = int(correct.sum()), len(correct)
    groups: Clips = [None] * samples if clips is None else clips
    _, count = number_clusters(groups, samples)
    population, _ = _named(groups)
    if count == samples:
        return wilson_interval(hits, samples, level, population)
    if count > 1 and hits in (0, samples):
        alike = wilson_interval(count if hits else 0, count, level, population)
        what = "right" if hits else "wrong"
        note = f"all samples are {what}: the interval counts each of the {count} clips once"
        return Interval(alike.estimate, alike.low, alike.high, level, "Wilson", population, note)
    return cluster_bootstrap(correct, groups, mean, level, resamples, seed)


def number_clusters(clusters: Clips, count: int) -> tuple[np.ndarray, int]:
    """Number the clusters of (N,) samples: (N,) numbers, and how many clusters there are."""
    if len(clusters) != count:
        raise ValueError(f"{len(clusters)} clusters for {count} samples: one for each is needed")
    numbers: dict[Any, int] = {}
    keys = ((i,) if name is None else name for i, name in enumerate(clusters))
    # no clip is called by a tuple of one number: a sample of none cannot meet one of another clip
    codes = [numbers.setdefault(key, len(numbers)) for key in keys]
    return np.array(codes, np.int64), len(numbers)


def _named(clusters: Clips) -> tuple[str, str]:
    """Return in words of what population an interval speaks, and what the clusters are called."""
    if any(name is not None for name in clusters):
        return "other clips like these", "clips"
    return SAMPLES, "samples"
