"""`Spread`: what the runs of one arm give together, and where another test part would have put it."""

from dataclasses import dataclass

import numpy as np

from dancepose.sweeps.bootstrap import LEVEL, RESAMPLES, Interval, bootstrap_weights
from dancepose.sweeps.sample_scores import cluster_sizes
from dancepose.sweeps.scores import AccuracyScores, Scores
from dancepose.sweeps.statistics import accuracy_interval


@dataclass(frozen=True)
class Spread:
    """A metric over the runs of one arm.

    Attributes:
        seeds: of the runs that have a number.
        without: seeds of the runs that have none.
        mean: of the runs, None without any.
        std: sample standard deviation over the runs, None of fewer than two.
        interval: of the mean, over other clips (samples, images) and these very runs; None where nothing is
            known of the test samples.
    """

    seeds: tuple[int, ...]
    without: tuple[int, ...]
    mean: float | None
    std: float | None
    interval: Interval | None


def describe(scores: Scores, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0) -> Spread:
    """Describe the runs of an arm.

    The interval of one run's accuracy is that of `accuracy_interval`: Wilson's where there are no clips. All
    others are BCa intervals over whole clips, or over samples where there are no clips.

    Args:
        scores: of the arm.
        level: confidence.
        resamples: of the bootstrap.
        seed: of its draws.

    Raises:
        ConfigError: level or resamples are out of range.
    """
    values = np.asarray(scores.values, np.float64)
    known = np.isfinite(values)
    seeds = tuple(s for s, there in zip(scores.seeds, known, strict=True) if there)
    without = tuple(s for s, there in zip(scores.seeds, known, strict=True) if not there)
    if not seeds:
        return Spread(seeds, without, None, None, None)
    mean = float(values[known].mean())
    std = float(np.std(values[known], ddof=1)) if len(seeds) > 1 else None
    if not scores.count:
        return Spread(seeds, without, mean, std, None)
    if scores.clusters is not None and isinstance(scores, AccuracyScores) and len(seeds) == 1:
        (right,) = scores.correct[known]
        interval = accuracy_interval(right, scores.clusters, level, resamples, seed)
        return Spread(seeds, without, mean, std, interval)
    runs = "this run" if len(seeds) == 1 else f"these {len(seeds)} runs"
    interval = bootstrap_weights(
        lambda weights: scores.of_clusters(weights)[:, known].mean(axis=1),
        scores.count,
        f"other {scores.unit} like these, and {runs}",
        scores.unit,
        level,
        resamples,
        seed,
        scores.resample(resamples, seed)[:, known].mean(axis=1),
        cluster_sizes(scores.clusters or ()),
    )
    return Spread(seeds, without, mean, std, interval)
