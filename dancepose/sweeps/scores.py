"""The metrics that comparisons of motion runs are made of: accuracy, macro-F1, calibration error."""

from collections.abc import Sequence

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.classification import BINS
from dancepose.sweeps.sample_scores import Clusters, SampleScores, Scores, check_seeds

__all__ = [
    "AccuracyScores",
    "CalibrationScores",
    "Clusters",
    "MacroF1Scores",
    "PlainScores",
    "SampleScores",
    "Scores",
]

TINY = 1e-300


class AccuracyScores(SampleScores):
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
        self.correct = self._fits("correct", correct).astype(bool)

    def _weigh(self, weights: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
        hits = _count(codes, count, np.zeros_like(self.correct, np.int64), 1, self.correct)
        return _divide(hits @ weights.T, _weight(weights, codes)).T


class MacroF1Scores(SampleScores):
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

    def _weigh(self, weights: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
        there = _count(codes, count, self.labels[None], self.classes) @ weights.T  # (C, R)
        result = np.empty((len(self.seeds), len(weights)))
        for part in self._portions(self.classes, max(count, len(weights))):
            answers = self.predicted[part]  # (s, N)
            shape = (len(answers), self.classes, len(weights))
            hits = _count(codes, count, answers, self.classes, answers == self.labels) @ weights.T
            said = (_count(codes, count, answers, self.classes) @ weights.T).reshape(shape)
            said += there
            np.maximum(said, TINY, out=said)  # a class that does not occur has no hits: its F1 is 0
            hits = hits.reshape(shape)
            hits /= said
            result[part] = 2 * hits.sum(axis=1)
        return _divide(result, (there > 0).sum(axis=0)).T


class CalibrationScores(SampleScores):
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

    def _weigh(self, weights: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
        result = np.empty((len(self.seeds), len(weights)))
        for part in self._portions(self.bins, max(count, len(weights))):
            gaps = _count(codes, count, self.places[part], self.bins, self.gaps[part]) @ weights.T
            np.abs(gaps, out=gaps)
            result[part] = gaps.reshape(-1, self.bins, len(weights)).sum(axis=1)
        return _divide(result, _weight(weights, codes)).T


class PlainScores:
    """A metric of which only one number a run is known: nothing can be said of other test samples.

    Args:
        seeds: of the runs.
        values: (S,), NaN where a run has none.
        unit: what the test samples are called, of which nothing is known.

    Raises:
        DataError: there are not as many values as seeds, or a seed comes twice.
    """

    clusters: Clusters | None = None
    count = 0

    def __init__(
        self, seeds: Sequence[int], values: np.ndarray | Sequence[float | None], unit: str = "samples"
    ):
        self.seeds, self.unit = check_seeds(seeds), unit
        self.values = np.array([np.nan if v is None else v for v in values], np.float64)
        if len(self.values) != len(self.seeds):
            raise DataError(f"{len(self.values)} values for {len(self.seeds)} seeds")

    def of_clusters(self, weights: np.ndarray) -> np.ndarray:
        """There are no samples to weigh.

        Raises:
            ValueError: always.
        """
        raise ValueError("of each run only one number is known: its samples cannot be weighed")

    def resample(self, resamples: int, seed: int) -> np.ndarray:
        """There are no samples to draw.

        Raises:
            ValueError: always.
        """
        raise ValueError("of each run only one number is known: its samples cannot be drawn")


def _count(
    codes: np.ndarray, groups: int, kinds: np.ndarray, count: int, values: np.ndarray | None = None
) -> np.ndarray:
    """Count the samples of each kind in each group, for all runs at once.

    Args:
        codes: (N,) group of each sample.
        groups: how many there are.
        kinds: (S, N) int, what each sample is in each run.
        count: how many kinds there are.
        values: (S, N) what each sample counts; None: 1.

    Returns:
        (S * kinds, groups) float64: resamples come last, so that what is done with them is done in a row.
    """
    runs = len(kinds)
    places = (np.arange(runs)[:, None] * count + kinds) * groups + codes
    weights = None if values is None else np.asarray(values, np.float64).ravel()
    found = np.bincount(places.ravel(), weights, minlength=groups * runs * count)
    return found.reshape(runs * count, groups).astype(np.float64)


def _weight(weights: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return how many samples each resample has: (R,)."""
    return weights @ np.bincount(codes, minlength=weights.shape[1]).astype(np.float64)


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return `part / whole`, NaN where whole is 0."""
    out = np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), np.nan)
    return np.divide(part, whole, out=out, where=np.broadcast_to(whole, out.shape) > 0)
