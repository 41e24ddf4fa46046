"""How often the samples of each class come up in training: the samplers of the motion classifier."""

from collections.abc import Sequence

import numpy as np

SAMPLERS = ("none", "balanced", "confusion")
SMOOTHING = 0.5  # of the recall over epochs
FLOOR = 0.1  # a class that is always recognised keeps this much
BOUNDS = (0.2, 5.0)  # of a weight, in means of all


class ClassWeights:
    """Weight of each class, relative to those of the others, from one epoch to the next.

    - `none`: 1, every sample once an epoch;
    - `balanced`: 1 / n_c, every class equally often;
    - `confusion`: (1 / n_c) (1 - recall_c + 0.1), so that classes which are mistaken for others come up more
      often. The recall is that of a part of the training data which is held out, a running mean over epochs
      (factor 0.5); at first it is 0 for all, and of a class that the part lacks it is the others' mean.
      Weights stay within 0.2 and 5 times their mean over the classes.

    Args:
        sampler: one of `SAMPLERS`.
        counts: training samples of each class, n_c; in a mix each counts as often as its data set comes up.
    """

    def __init__(self, sampler: str, counts: Sequence[float]):
        self.sampler, self.counts = sampler, tuple(counts)
        self.recall: list[float | None] = [None] * len(self.counts)

    def update(self, recall: Sequence[float | None]) -> None:
        """Take the recall of an epoch in.

        Args:
            recall: of each class, 0 to 1; None for a class that the held-out part lacks.
        """
        self.recall = [
            old
            if new is None
            else float(new)
            if old is None
            else (1 - SMOOTHING) * old + SMOOTHING * float(new)
            for old, new in zip(self.recall, recall, strict=True)
        ]

    def per_sample(self) -> np.ndarray:
        """(C,) float64: weight of a sample of each class, w_c, with mean 1 over all samples."""
        counts = np.array(self.counts, dtype=np.float64)
        there = counts > 0
        if self.sampler == "none":
            return np.ones(len(counts))
        weights = 1 / np.maximum(counts, 1)
        if self.sampler == "confusion":
            known = [value for value in self.recall if value is not None]
            unknown = sum(known) / len(known) if known else 0.0
            recall = np.array([unknown if value is None else value for value in self.recall])
            weights = weights * (1 - recall + FLOOR)
            weights = np.clip(weights, *(bound * weights[there].mean() for bound in BOUNDS))
        total = (weights * counts).sum()
        return weights * counts.sum() / total if total else weights

    def shares(self) -> np.ndarray:
        """(C,) float64: share of an epoch's samples that each class gets, summing to 1."""
        mass = self.per_sample() * np.array(self.counts, dtype=np.float64)
        return mass / max(mass.sum(), 1e-12)

    def state_dict(self) -> dict[str, list[float | None]]:
        """Return what a resumed training needs, in plain values."""
        return {"recall": list(self.recall)}

    def load_state_dict(self, state: dict[str, list[float | None]]) -> None:
        """Take the state back."""
        self.recall = list(state["recall"])
