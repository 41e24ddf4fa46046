"""Metrics by which arms are compared, and what each run of an arm has of them: the way to `Scores`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.sweeps.arms import Arm
from dancepose.sweeps.jobs import Job, LeftOut
from dancepose.sweeps.scores import (
    AccuracyScores,
    CalibrationScores,
    MacroF1Scores,
    PlainScores,
    Scores,
)

TEST = "test/"
SURE = ("accuracy", "macro_F1", "ECE")  # of motions: made of what was said of each sample
POSES = ("mAP", "PCK@0.2", "PCKh@0.5", "OKS_AP")  # of poses, where they stand


@dataclass(frozen=True)
class Metric:
    """How a metric is called and told.

    Attributes:
        name: as in metrics.json, without `test/`.
        title: of a column.
        scale: by which values are multiplied to be told.
        decimals: with which they are told.
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
        text = f"{self.scale * value:{'+' if signed else ''}.{self.decimals}f}"
        return text[1:] if text[0] in "+-" and float(text) == 0 else text  # no -0.0


def metric_of(name: str, poses: bool) -> Metric:
    """Return how a metric is told: percent, but for losses and calibration errors."""
    known = {"macro_F1": "macro-F1", "ECE": "calibration error", "mean_class_accuracy": "mean class accuracy"}
    title = known.get(name, name)
    if "loss" in name or name == "ECE":
        return Metric(name, title, 1.0, 3, False)
    return Metric(name, f"{title}, %", 1.0 if poses else 100.0, 1, True)


def choose_metrics(names: Sequence[str] | None, jobs: Sequence[Job], poses: bool) -> list[Metric]:
    """Return the metrics to compare.

    Args:
        names: with or without `test/`; None: those of the family.
        jobs: that are compared.
        poses: their family.

    Raises:
        ConfigError: a name is none; tells what there is. A metric of the validation is refused: by it the
            weights were chosen.
    """
    known = dict.fromkeys(SURE if not poses else ())
    for job in jobs:
        known.update(dict.fromkeys(key[len(TEST) :] for key in job.metrics if key.startswith(TEST)))
    if names is None:
        names = [name for name in (POSES if poses else SURE) if name in known] or list(known)[:1]
    chosen = []
    for given in names:
        if str(given).startswith(("val/", "train/")):
            raise ConfigError(
                f"metrics={given}: runs are compared on the test part alone; weights and epochs were chosen by "
                f"the validation. There are {', '.join(known)}"
            )
        name = str(given).removeprefix(TEST)
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"metrics={given}: no job has it.{hint} There are {', '.join(known)}")
        chosen.append(metric_of(name, poses))
    if not chosen:
        raise ConfigError(f"metrics=[]: at least one is needed. There are {', '.join(known)}")
    return list(dict.fromkeys(chosen))


def testable(jobs: Sequence[Job], poses: bool) -> tuple[list[Job], list[LeftOut]]:
    """Part from the others the jobs of motions that did not keep what they said of each sample."""
    if poses:
        return list(jobs), []
    there, left_out = [], []
    for job in jobs:
        if (job.path / FILE).is_file():
            there.append(job)
        else:
            cause = f"it has no {FILE}: evaluate it again (dancepose-evaluate run=...)"
            left_out.append(LeftOut(job.path, "done", cause))
    return there, left_out


class MotionTests:
    """What runs of motions said of the same test samples.

    Args:
        jobs: the runs; one of them at least.

    Attributes:
        labels: (N,) classes.
        clips: (N,) the clip of each sample; None where there are none.
        classes: names.
        predicted: job's folder -> (N,) classes.
        confidence: job's folder -> (N,) top probabilities, float32.

    Raises:
        DataError: a file is broken, or two runs were tested on different samples.
    """

    def __init__(self, jobs: Sequence[Job]):
        first: MotionSamples | None = None
        self.predicted: dict[Any, np.ndarray] = {}
        self.confidence: dict[Any, np.ndarray] = {}
        for job in jobs:
            samples = MotionSamples.load(job.path / FILE)
            if first is None:
                first, base = samples, job
            elif samples.ids != first.ids:
                samples = _ordered(samples, first, job, base)
            if samples.classes != first.classes or (samples.labels != first.labels).any():
                raise _other_samples(job, base, "classes or labels")
            predicted = samples.predicted
            self.predicted[job.path] = predicted.astype(np.int16)
            self.confidence[job.path] = samples.probabilities[np.arange(len(samples)), predicted].astype(
                np.float32
            )
        assert first is not None
        self.labels, self.clips, self.classes = first.labels, first.clustered, first.classes
        if not len(first):
            raise DataError(f"{base.path / FILE} holds no sample: there is nothing to compare")

    def scores(self, metric: str, jobs: Sequence[Job], seeds: Sequence[int]) -> Scores | None:
        """Return the scores of runs by one of `SURE`, None of another metric."""
        if metric not in SURE:
            return None
        predicted = np.stack([self.predicted[job.path] for job in jobs])
        if metric == "accuracy":
            return AccuracyScores(seeds, predicted == self.labels, self.clips)
        if metric == "macro_F1":
            return MacroF1Scores(seeds, self.labels, predicted, len(self.classes), self.clips)
        confidence = np.stack([self.confidence[job.path] for job in jobs])
        return CalibrationScores(seeds, confidence, predicted == self.labels, self.clips)

    def confusion(self, jobs: Sequence[Job]) -> np.ndarray:
        """Return the (C, C) matrix of runs together, labels by row."""
        count = len(self.classes)
        places = sum(
            np.bincount(self.labels * count + self.predicted[j.path], minlength=count**2) for j in jobs
        )
        return np.asarray(places).reshape(count, count)

    def recalls(self, job: Job) -> dict[str, float | None]:
        """Return the accuracy of each class, None of one without samples."""
        count = len(self.classes)
        all_of = np.bincount(self.labels, minlength=count)
        right = np.bincount(self.labels[self.predicted[job.path] == self.labels], minlength=count)
        return {n: float(r / a) if a else None for n, r, a in zip(self.classes, right, all_of, strict=True)}


def _ordered(samples: MotionSamples, first: MotionSamples, job: Job, base: Job) -> MotionSamples:
    places = {name: i for i, name in enumerate(samples.ids)}
    if places.keys() != set(first.ids):
        raise _other_samples(job, base, f"{len(samples)} and {len(first)} samples")
    return samples.select([places[name] for name in first.ids])


def _other_samples(job: Job, base: Job, what: str) -> DataError:
    return DataError(
        f"{job.name} and {base.name} were tested on different samples ({what}): runs are compared on the same. "
        "Give both the same data, split and classes, or compare them in tables of their own: split=[split]"
    )


class SeedMeans:
    """Scores of seeds that have several runs each: their means.

    Args:
        seeds: of the runs, in the order of `runs.seeds`.
        runs: scores of the runs.
    """

    def __init__(self, seeds: Sequence[int], runs: Scores):
        self.seeds = tuple(dict.fromkeys(seeds))
        self._runs = runs
        numbers = np.asarray(seeds)
        self._of = [np.flatnonzero(numbers == seed) for seed in self.seeds]

    @property
    def clusters(self) -> Any:
        """(N,) clip of each test sample, as of the runs."""
        return self._runs.clusters

    @cached_property
    def values(self) -> np.ndarray:
        """(S,) the mean of each seed's runs."""
        return self._mean(self._runs.values)

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean of each seed's runs under weights (R, N): (R, S)."""
        return self._mean(self._runs.of_weights(weights))

    def _mean(self, values: np.ndarray) -> np.ndarray:
        return np.stack([values[..., own].mean(axis=-1) for own in self._of], axis=-1)


def arm_scores(metric: str, arm: Arm, tests: MotionTests | None) -> Scores:
    """Return the scores of an arm, a value for each of its seeds.

    Args:
        metric: its name.
        arm: its runs.
        tests: of motions, what was said of each sample.
    """
    seeds = [job.seed for job in arm.jobs]
    once = len(set(seeds)) == len(seeds)
    numbers = seeds if once else list(range(len(seeds)))
    scores = tests.scores(metric, arm.jobs, numbers) if tests is not None else None
    if scores is None:
        scores = PlainScores(numbers, [job.metrics.get(f"{TEST}{metric}") for job in arm.jobs])
    return scores if once else SeedMeans(seeds, scores)
