"""`Scores`: a metric of runs that differ by their seed, of the whole test part and of resamples of it.

A resample is a row of weights, how often each test sample stands in it; all rows are answered at once, by
matrix products.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.classification import BINS
from dancepose.metrics.pose_images import PoseImages

AT_ONCE = 2**22  # numbers of a table held at once: 32 MiB

Clusters = Sequence[str | None]


class Scores(Protocol):
    """A metric of the runs of one arm of a comparison.

    Attributes:
        seeds: of the runs, none twice.
        clusters: (N,) the clip (or image) of each test sample, None of no clip; None where of each run only
            one number is known.
        unit: what the clusters are called: `clips`; `samples` or `images` where each stands for itself.
        values: (S,) the metric of each run on the whole test part; NaN where it has none.
    """

    @property
    def seeds(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def clusters(self) -> Clusters | None: ...  # noqa: D102

    @property
    def unit(self) -> str: ...  # noqa: D102

    @property
    def values(self) -> np.ndarray: ...  # noqa: D102

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the metric of each run under weights (R, N) of the test samples: (R, S)."""
        ...


class _SampleScores:
    """What is common to metrics of which each sample is known."""

    def __init__(self, seeds: Sequence[int], samples: int, clusters: Clusters | None):
        self.seeds = _checked(seeds)
        self.clusters: Clusters = [None] * samples if clusters is None else clusters
        if len(self.clusters) != samples:
            raise DataError(f"{len(self.clusters)} clips for {samples} test samples: one for each is needed")
        self.samples = samples
        self.unit = "clips" if any(name is not None for name in self.clusters) else "samples"

    def _fits(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return (S, N) values of runs.

        Raises:
            DataError: they are of another shape.
        """
        values = np.asarray(values)
        if values.shape != (len(self.seeds), self.samples):
            raise DataError(
                f"{name} of shape {values.shape} for {len(self.seeds)} seeds and {self.samples} test samples"
            )
        return values

    @cached_property
    def values(self) -> np.ndarray:
        """(S,) the metric of each run on the whole test part."""
        return self.of_weights(np.ones((1, self.samples)))[0]

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the metric of each run under weights (R, N) of the test samples: (R, S)."""
        raise NotImplementedError


class AccuracyScores(_SampleScores):
    """The share of test samples that are right, 0 to 1.

    Args:
        seeds: of the runs.
        correct: (S, N) bool.
        clusters: (N,) clip of each sample; None: each stands for itself.

    Raises:
        DataError: shapes do not fit, or a seed comes twice.
    """

    def __init__(self, seeds: Sequence[int], correct: np.ndarray, clusters: Clusters | None = None):
        super().__init__(seeds, np.shape(correct)[-1], clusters)
        self.correct = self._fits("correct", correct).astype(np.float64).T

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the accuracy of each run under weights (R, N) of the test samples: (R, S)."""
        return _divide(weights @ self.correct, weights.sum(axis=1, keepdims=True))


class MacroF1Scores(_SampleScores):
    """The mean F1 over the classes that occur, 0 to 1, by the rule of `confusion.macro_f1`.

    Args:
        seeds: of the runs.
        labels: (N,) class of each sample.
        predicted: (S, N) class that each run gives.
        classes: how many there are.
        clusters: (N,) clip of each sample; None: each stands for itself.

    Raises:
        DataError: shapes do not fit, a seed comes twice, or a class is none.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        labels: np.ndarray,
        predicted: np.ndarray,
        classes: int,
        clusters: Clusters | None = None,
    ):
        super().__init__(seeds, len(labels), clusters)
        self.labels = np.asarray(labels, np.int64)
        self.predicted = self._fits("predicted", predicted).astype(np.int64)
        self.classes = classes
        for name, values in (("labels", self.labels), ("predicted", self.predicted)):
            if values.size and not (0 <= values.min() and values.max() < classes):
                raise DataError(f"{name} from {values.min()} to {values.max()}: there are {classes} classes")

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the macro-F1 of each run under weights (R, N) of the test samples: (R, S)."""
        names = np.arange(self.classes)
        of_class = (self.labels[:, None] == names).astype(np.float64)  # (N, C)
        there = (weights @ of_class)[:, None, :]  # (R, 1, C)
        occurs = there > 0
        result = np.empty((len(weights), len(self.seeds)))
        step = max(1, AT_ONCE // max(1, self.classes * max(self.samples, len(weights))))
        for start in range(0, len(self.seeds), step):
            answers = self.predicted[start : start + step]  # (s, N)
            given = (answers.T[:, :, None] == names).astype(np.float64)  # (N, s, C)
            shape = (len(weights), len(answers), self.classes)
            hits = (weights @ (given * of_class[:, None]).reshape(self.samples, -1)).reshape(shape)
            said = (weights @ given.reshape(self.samples, -1)).reshape(shape)
            f1 = _divide(2 * hits, there + said, instead=0.0)  # of a class that does not occur: not counted
            result[:, start : start + step] = _divide((f1 * occurs).sum(axis=2), occurs.sum(axis=2))
        return result


class CalibrationScores(_SampleScores):
    """The expected calibration error, 0 to 1, over bins of the top probability of equal width.

    Guo et al. 2017, On Calibration of Modern Neural Networks; the bins are those of `ActionResult.ece`.

    Args:
        seeds: of the runs.
        confidence: (S, N) top probability of each sample.
        correct: (S, N) bool.
        clusters: (N,) clip of each sample; None: each stands for itself.
        bins: how many.

    Raises:
        DataError: shapes do not fit, or a seed comes twice.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        confidence: np.ndarray,
        correct: np.ndarray,
        clusters: Clusters | None = None,
        bins: int = BINS,
    ):
        super().__init__(seeds, np.shape(correct)[-1], clusters)
        sure = np.clip(self._fits("confidence", confidence).astype(np.float32), 0, 1)
        inner = np.arange(1, bins, dtype=np.float32) / np.float32(bins)
        self.places = np.searchsorted(inner, sure, side="left")  # edges belong to the bin below
        self.gaps = self._fits("correct", correct).astype(np.float64) - sure
        self.bins = bins

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the calibration error of each run under weights (R, N) of the test samples: (R, S)."""
        result = np.empty((len(weights), len(self.seeds)))
        step = max(1, AT_ONCE // max(1, self.bins * max(self.samples, len(weights))))
        for start in range(0, len(self.seeds), step):
            inside = self.places[start : start + step].T[:, :, None] == np.arange(self.bins)  # (N, s, bins)
            table = inside * self.gaps[start : start + step].T[:, :, None]
            sums = (weights @ table.reshape(self.samples, -1)).reshape(len(weights), -1, self.bins)
            result[:, start : start + step] = np.abs(sums).sum(axis=2)
        return _divide(result, weights.sum(axis=1, keepdims=True))


class MeanAPScores(_SampleScores):
    """The mAP of pose runs, in percent, over weighted test images; see `PoseImages.mean_ap`.

    Args:
        seeds: of the runs.
        runs: what each found, in the same images.

    Raises:
        DataError: there are not as many runs as seeds, a seed comes twice, or two runs are of other images.
    """

    def __init__(self, seeds: Sequence[int], runs: Sequence[PoseImages]):
        first = runs[0] if runs else None
        clips, names = (first.clips, first.names) if first else ([], [])
        own = [f"image {name}" if clip is None else clip for clip, name in zip(clips, names, strict=True)]
        super().__init__(seeds, len(names), own)
        self.unit = "clips" if any(clip is not None for clip in clips) else "images"
        if len(runs) != len(self.seeds):
            raise DataError(f"{len(runs)} runs for {len(self.seeds)} seeds")
        for seed, run in zip(self.seeds, runs, strict=True):
            if first is not None and not run.same_test(first):
                raise DataError(
                    f"the runs of seeds {self.seeds[0]} and {seed} were tested on other images or labels: "
                    "runs of one arm must have the same data and split"
                )
        self.runs = tuple(runs)

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the mAP of each run under weights (R, N) of the test images: (R, S)."""
        found = [run.mean_ap(weights) for run in self.runs]
        return np.stack(found, axis=1) if found else np.zeros((len(weights), 0))


class PlainScores:
    """A metric of which only one number a run is known: nothing can be said of other test samples.

    Args:
        seeds: of the runs.
        values: (S,), NaN where a run has none.

    Raises:
        DataError: there are not as many values as seeds, or a seed comes twice.
    """

    clusters: Clusters | None = None
    unit = "samples"

    def __init__(self, seeds: Sequence[int], values: np.ndarray | Sequence[float | None]):
        self.seeds = _checked(seeds)
        self.values = np.array([np.nan if v is None else v for v in values], np.float64)
        if len(self.values) != len(self.seeds):
            raise DataError(f"{len(self.values)} values for {len(self.seeds)} seeds")

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """There are no samples to weigh.

        Raises:
            ValueError: always.
        """
        raise ValueError("of each run only one number is known: its samples cannot be weighed")


def _checked(seeds: Sequence[int]) -> tuple[int, ...]:
    found = tuple(int(seed) for seed in seeds)
    if len(set(found)) < len(found):
        twice = next(seed for i, seed in enumerate(found) if seed in found[:i])
        raise DataError(f"seed {twice} comes twice in one arm: its runs must differ by their seeds alone")
    return found


def _divide(part: np.ndarray, whole: np.ndarray, instead: float = np.nan) -> np.ndarray:
    """Return `part / whole`, `instead` where whole is 0."""
    out = np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), instead)
    return np.divide(part, whole, out=out, where=np.broadcast_to(whole, out.shape) > 0)
