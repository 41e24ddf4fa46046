"""`ActionResult`: what was measured of a classifier of actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dancepose.metrics import confusion as figures


@dataclass(frozen=True)
class ReliabilityBin:
    """The samples whose top probability lies in (low, high]; the first bin holds 0 too.

    Attributes:
        low: lower edge.
        high: upper edge.
        count: samples.
        confidence: their mean top probability, None without samples.
        accuracy: the share of them that is right, None without samples.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class ActionResult:
    """What was measured. All figures are shares from 0 to 1, None where there is nothing to measure.

    Attributes:
        classes: names, in the order of the matrix.
        confusion: (C, C) int64, rows labels, columns predictions.
        bins: of the reliability diagram, in rising order.
    """

    classes: tuple[str, ...]
    confusion: np.ndarray
    bins: tuple[ReliabilityBin, ...]

    @property
    def samples(self) -> int:
        """The number of samples."""
        return int(self.confusion.sum())

    @property
    def counts(self) -> dict[str, int]:
        """Class -> number of samples that it labels."""
        return dict(zip(self.classes, self.confusion.sum(axis=1).tolist(), strict=True))

    @property
    def most_frequent(self) -> tuple[str, float] | None:
        """The class that most samples are of, and its share: who says nothing else is so often right."""
        if not self.samples:
            return None
        name = max(self.counts, key=self.counts.__getitem__)
        return name, self.counts[name] / self.samples

    @property
    def accuracy(self) -> float | None:
        """The share of samples whose most probable class is the label."""
        return _or_none(figures.accuracy(self.confusion))

    @property
    def class_accuracy(self) -> dict[str, float | None]:
        """Class -> its accuracy: the share of its own samples that is right: recall, the paper's table 2."""
        values = figures.recall(self.confusion)
        return {name: _or_none(value) for name, value in zip(self.classes, values, strict=True)}

    @property
    def class_precision(self) -> dict[str, float | None]:
        """Class -> the share of its predictions that is right; None where it is never predicted."""
        values = figures.precision(self.confusion)
        return {name: _or_none(value) for name, value in zip(self.classes, values, strict=True)}

    @property
    def mean_class_accuracy(self) -> float | None:
        """The mean of the accuracies of the classes that occur."""
        there = [value for value in self.class_accuracy.values() if value is not None]
        return sum(there) / len(there) if there else None

    @property
    def macro_f1(self) -> float | None:
        """The mean F1 over the classes that occur, by the rule of `confusion.macro_f1`."""
        return _or_none(figures.macro_f1(self.confusion))

    @property
    def ece(self) -> float | None:
        """The expected calibration error: mean of |accuracy - confidence| over the bins, by their counts."""
        gaps = [
            b.count * abs(b.accuracy - b.confidence)
            for b in self.bins
            if b.accuracy is not None and b.confidence is not None
        ]
        return sum(gaps) / self.samples if gaps else None

    def scalars(self) -> dict[str, float]:
        """Return name -> value of what has one: accuracy, macro_F1, ECE, mean_class_accuracy."""
        values = {
            "accuracy": self.accuracy,
            "macro_F1": self.macro_f1,
            "ECE": self.ece,
            "mean_class_accuracy": self.mean_class_accuracy,
        }
        return {name: value for name, value in values.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "samples": self.samples,
            "accuracy": self.accuracy,
            "macro_F1": self.macro_f1,
            "ECE": self.ece,
            "mean_class_accuracy": self.mean_class_accuracy,
            "classes": list(self.classes),
            "counts": self.counts,
            "class_accuracy": self.class_accuracy,
            "class_precision": self.class_precision,
            "confusion": self.confusion.tolist(),
            "bins": [vars(b) for b in self.bins],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ActionResult:
        """Return the result of which `to_dict` made these values.

        Raises:
            KeyError, TypeError, ValueError: they are of something else.
        """
        classes = tuple(values["classes"])
        confusion = np.array(values["confusion"], np.int64).reshape(len(classes), len(classes))
        return cls(classes, confusion, tuple(ReliabilityBin(**b) for b in values["bins"]))


def _or_none(value: np.ndarray | float) -> float | None:
    return None if np.isnan(value) else float(value)
