"""Metrics by which arms are compared, and what each run of an arm has of them: the way to `Scores`."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dancepose.errors import ConfigError, did_you_mean
from dancepose.metrics.direction import higher_is_better
from dancepose.sweeps.answers import SURE, MotionAnswers, PoseAnswers
from dancepose.sweeps.arms import Arm
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.keypoint_groups import TEST, group_metrics
from dancepose.sweeps.scores import PlainScores, Scores

POSES = ("mAP", "PCK@0.2", "PCKh@0.5", "OKS_AP")  # of poses, where they stand


@dataclass(frozen=True)
class Metric:
    """How a metric is called and told.

    Attributes:
        name: as in metrics.json, without `test/`.
        title: of a column, with its unit.
        scale: from its unit in files to that of the title; everything of a comparison is in the latter.
        decimals: with which values are told.
        higher: whether more is better.
    """

    name: str
    title: str
    scale: float
    decimals: int
    higher: bool

    def told(self, value: float | None, signed: bool = False) -> str:
        """Return a value as it stands in a table; `-` where there is none."""
        if value is None or not np.isfinite(value):
            return "-"
        text = f"{value:{'+' if signed else ''}.{self.decimals}f}"
        return text[1:] if text[0] in "+-" and float(text) == 0 else text  # no -0.0


def metric_of(name: str, poses: bool) -> Metric:
    """Return how a metric is told: percent, but for losses and calibration errors."""
    known = {"macro_F1": "macro-F1", "ECE": "calibration error", "mean_class_accuracy": "mean class accuracy"}
    title = known.get(name, name)
    if name == "swaps":
        return Metric(name, "left/right swaps, %", 1.0, 1, False)
    if not higher_is_better(name):
        return Metric(name, title, 1.0, 3, False)
    return Metric(name, f"{title}, %", 1.0 if poses else 100.0, 1, True)


def choose_metrics(names: Sequence[str] | None, jobs: Sequence[Job], poses: bool) -> list[Metric]:
    """Return the metrics to compare.

    Args:
        names: with or without `test/`; `PCK@0.2_*` stands for all that begin so; None: those of the family.
        jobs: that are compared.
        poses: their family.

    Raises:
        ConfigError: a name is none; tells what there is. A metric of the validation is refused: by it the
            weights were chosen.
    """
    known = dict.fromkeys(SURE if not poses else ())
    for job in jobs:
        known.update(dict.fromkeys(key[len(TEST) :] for key in job.metrics if key.startswith(TEST)))
    known.update(dict.fromkeys(group_metrics(jobs)))
    if names is None:
        names = [name for name in (POSES if poses else SURE) if name in known] or list(known)[:1]
    chosen = []
    for given in names:
        if str(given).startswith(("val/", "train/")):
            raise ConfigError(
                f"metrics={given}: runs are compared on the test part alone, for weights were chosen by the "
                f"validation. There are {', '.join(known)}"
            )
        name = str(given).removeprefix(TEST)
        several = fnmatch.filter(known, name) if "*" in name else []
        if name not in known and not several:
            hint = did_you_mean(name, known)
            raise ConfigError(f"metrics={given}: no job has it.{hint} There are {', '.join(known)}")
        chosen += [metric_of(one, poses) for one in several or [name]]
    if not chosen:
        raise ConfigError(f"metrics=[]: at least one is needed. There are {', '.join(known)}")
    return list(dict.fromkeys(chosen))


class Scaled:
    """Scores in another unit.

    Args:
        scores: of runs.
        scale: by which they are multiplied.
    """

    def __init__(self, scores: Scores, scale: float):
        self.seeds, self.clusters = scores.seeds, scores.clusters
        self.unit, self.count = scores.unit, scores.count
        self._scores, self._scale = scores, scale

    @property
    def values(self) -> np.ndarray:
        """(S,) of each run."""
        return self._scale * self._scores.values

    def of_clusters(self, weights: np.ndarray) -> np.ndarray:
        """Return the metric of each run under weights (R, clusters): (R, S)."""
        return self._scale * self._scores.of_clusters(weights)

    def resample(self, resamples: int, seed: int) -> np.ndarray:
        """Return it of resamples of the clusters: (R, S)."""
        return self._scale * self._scores.resample(resamples, seed)


class SeedMeans:
    """Scores of seeds that have several runs each: their means.

    Args:
        seeds: of the runs, in the order of `runs.seeds`.
        runs: scores of the runs.
    """

    def __init__(self, seeds: Sequence[int], runs: Scores):
        self.seeds, self.clusters = tuple(dict.fromkeys(seeds)), runs.clusters
        self.unit, self.count = runs.unit, runs.count
        self._runs = runs
        numbers = np.asarray(seeds)
        self._of = [np.flatnonzero(numbers == seed) for seed in self.seeds]

    @cached_property
    def values(self) -> np.ndarray:
        """(S,) the mean of each seed's runs."""
        return self._mean(self._runs.values)

    def of_clusters(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean of each seed's runs under weights (R, clusters): (R, S)."""
        return self._mean(self._runs.of_clusters(weights))

    def resample(self, resamples: int, seed: int) -> np.ndarray:
        """Return it of resamples of the clusters: (R, S)."""
        return self._mean(self._runs.resample(resamples, seed))

    def _mean(self, values: np.ndarray) -> np.ndarray:
        return np.stack([values[..., own].mean(axis=-1) for own in self._of], axis=-1)


def arm_scores(metric: str, arm: Arm, answers: MotionAnswers | PoseAnswers) -> Scores:
    """Return the scores of an arm, a value for each of its seeds.

    Args:
        metric: its name.
        arm: its runs.
        answers: of its runs.
    """
    seeds = [job.seed for job in arm.jobs]
    once = len(set(seeds)) == len(seeds)
    numbers = seeds if once else list(range(len(seeds)))
    scores = answers.scores(metric, arm.jobs, numbers)
    if scores is None:
        values = [job.metrics.get(f"{TEST}{metric}") for job in arm.jobs]
        scores = PlainScores(numbers, values, answers.unit)
    return scores if once else SeedMeans(seeds, scores)
