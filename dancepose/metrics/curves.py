"""`PrecisionRecall`: what lies behind an average precision, one joint's precision over its recall."""

from typing import NamedTuple

import numpy as np

RECALLS = np.arange(101) / 100  # where curves are written down: COCO's 101 recalls


class PrecisionRecall(NamedTuple):
    """The precision of one joint over its recall, made monotone from the right (rule 9): a step function.

    Recall rises by 1 / truth at each true detection. Above recall (k - 1) / truth and up to k / truth,
    inclusive, the precision is `precision[k - 1]`; beyond the last true detection it is 0.

    Attributes:
        precision: (T,) at the true detections in the order of their scores, 0 to 1, never rising.
        truth: number of annotated joints, at least 1 and at least T.
    """

    precision: np.ndarray
    truth: int

    @property
    def area(self) -> float:
        """The area under the steps, 0 to 1: the all-point VOC average precision."""
        return float(np.sum(self.precision) / self.truth)

    def at(self, recalls: np.ndarray) -> np.ndarray:
        """Return the precision (R,) at recalls (R,) of 0 to 1; at 0 the highest."""
        steps = np.zeros(self.truth)
        steps[: len(self.precision)] = self.precision
        # k / truth and i / 100 are correctly rounded quotients, so equal fractions compare as equal
        ends = np.arange(1, self.truth + 1) / self.truth
        return steps[np.searchsorted(ends, recalls, side="left")]


def precision_recall(scores: np.ndarray, labels: np.ndarray, truth: int) -> PrecisionRecall:
    """Rank one joint's detections by score and return their precision over recall.

    Everingham et al. 2010, The Pascal Visual Object Classes Challenge, with precision made monotone from the
    right and a step at every true detection. Equal scores keep the order in which they come.

    Args:
        scores: (n,) of all detections.
        labels: (n,) 1 for true, 0 for false.
        truth: number of annotated joints, at least 1.
    """
    true = labels[np.argsort(-scores, kind="stable")] > 0
    precision = np.cumsum(true) / np.arange(1, len(true) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return PrecisionRecall(precision[true], truth)
