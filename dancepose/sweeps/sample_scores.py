"""`Scores` and `SampleScores`: a metric of runs that differ by their seed, of resamples of the test part.

A resample is a row of weights, how often each test sample stands in it; all rows are answered at once, by
matrix products.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from dancepose.errors import DataError
from dancepose.sweeps.bootstrap import AT_ONCE, resample
from dancepose.sweeps.statistics import number_clusters

Clusters = Sequence[str | None]


class Scores(Protocol):
    """A metric of the runs of one arm of a comparison.

    Attributes:
        seeds: of the runs, none twice.
        clusters: (N,) the clip (or image) of each test sample, None of no clip; None where of each run only
            one number is known.
        unit: what the clusters are called: `clips`; `samples` or `images` where each stands for itself, or
            none are known.
        count: how many clusters there are, a sample of no clip counting as one; 0 where none are known.
        values: (S,) the metric of each run on the whole test part; NaN where it has none.
    """

    @property
    def seeds(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def clusters(self) -> Clusters | None: ...  # noqa: D102

    @property
    def unit(self) -> str: ...  # noqa: D102

    @property
    def count(self) -> int: ...  # noqa: D102

    @property
    def values(self) -> np.ndarray: ...  # noqa: D102

    def of_clusters(self, weights: np.ndarray) -> np.ndarray:
        """Return the metric of each run under weights (R, clusters), numbered by first appearance: (R, S)."""
        ...

    def resample(self, resamples: int, seed: int) -> np.ndarray:
        """Return it of resamples of the clusters, which are equal for all of equal clusters: (R, S)."""
        ...


class SampleScores(ABC):
    """A metric of which each test sample is known.

    Args:
        seeds: of the runs.
        samples: how many each was tested on.
        clusters: (N,) clip of each sample, None of no clip; None: each stands for itself.

    Raises:
        DataError: a seed comes twice, or there are not as many clips as samples.
    """

    def __init__(self, seeds: Sequence[int], samples: int, clusters: Clusters | None):
        self.seeds = check_seeds(seeds)
        self.clusters: Clusters = [None] * samples if clusters is None else clusters
        if len(self.clusters) != samples:
            raise DataError(f"{len(self.clusters)} clips for {samples} test samples: one for each is needed")
        self.samples = samples
        self.unit = "clips" if any(name is not None for name in self.clusters) else "samples"
        self._kept: dict[tuple[int, int], np.ndarray] = {}

    @cached_property
    def codes(self) -> np.ndarray:
        """(N,) number of the cluster of each sample."""
        return _number(tuple(self.clusters))

    @property
    def count(self) -> int:
        """How many clusters there are, a sample of no clip counting as one."""
        return int(self.codes.max(initial=-1)) + 1

    @cached_property
    def values(self) -> np.ndarray:
        """(S,) the metric of each run on the whole test part."""
        return self.of_weights(np.ones((1, self.samples)))[0]

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the metric of each run under weights (R, N) of the test samples: (R, S)."""
        return self._weigh(weights, np.arange(self.samples), self.samples)

    def of_clusters(self, weights: np.ndarray) -> np.ndarray:
        """Return it under weights (R, clusters), numbered by first appearance: (R, S)."""
        return self._weigh(weights, self.codes, self.count)

    def resample(self, resamples: int, seed: int) -> np.ndarray:
        """Return the metric of resamples of the clusters: (R, S); metrics of equal clusters share the draws.

        What was computed is kept: an arm is described, and compared with several.
        """
        if (resamples, seed) not in self._kept:
            self._kept[resamples, seed] = resample(self.of_clusters, self.count, resamples, seed)
        return self._kept[resamples, seed]

    @abstractmethod
    def _weigh(self, weights: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
        """Return the metric (R, S) under weights (R, count) of groups, sample n being of group `codes[n]`."""

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

    def _portions(self, columns: int, rows: int) -> Iterator[slice]:
        """Yield portions of the runs whose tables of so many columns a run are held at once."""
        step = max(1, AT_ONCE // max(1, columns * rows))
        return (slice(start, start + step) for start in range(0, len(self.seeds), step))


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of an arm.

    Raises:
        DataError: one comes twice.
    """
    found = tuple(int(seed) for seed in seeds)
    if len(set(found)) < len(found):
        twice = next(seed for i, seed in enumerate(found) if seed in found[:i])
        raise DataError(f"seed {twice} comes twice in one arm: its runs must differ by their seeds alone")
    return found


def cluster_sizes(clusters: Clusters) -> np.ndarray:
    """Return how many test samples each cluster has, numbered by first appearance: (clusters,)."""
    return np.bincount(_number(tuple(clusters)))


@lru_cache(maxsize=16)  # the runs of a sweep have one test part
def _number(clusters: tuple[str | None, ...]) -> np.ndarray:
    codes, _ = number_clusters(clusters, len(clusters))
    codes.flags.writeable = False
    return codes
