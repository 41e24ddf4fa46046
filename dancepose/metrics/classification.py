"""`ActionScores`: accuracy, confusion and calibration of a classifier of actions, safe under distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import MulticlassConfusionMatrix

from dancepose.errors import DanceposeError
from dancepose.metrics.action_result import ActionResult, ReliabilityBin

if TYPE_CHECKING:
    from dancepose.metrics.samples import MotionSamples

__all__ = ["ActionResult", "ActionScores", "Reliability", "ReliabilityBin", "score_samples"]

# equal in width, of the top probability: Guo et al. 2017, On Calibration of Modern Neural Networks
BINS = 15
FIXED = 2**32  # confidences are summed as whole multiples of 1 / FIXED: exact in whatever order
SLACK = 0.02  # by which a sample's probabilities may miss 1; those of bfloat16 miss it by up to 0.01


class Reliability(Metric):
    """Counts, hits and summed confidences of the bins of the top probability.

    Torchmetrics' own calibration error keeps each sample in a list, which grows, and whose gathering can
    wait for ever where a process has seen none; here every state is a sum of whole numbers.

    Args:
        bins: how many, equal in width.
    """

    full_state_update = False
    count: Tensor
    hits: Tensor
    confidence: Tensor

    def __init__(self, bins: int = BINS):
        super().__init__()
        self.bins = bins
        for name in ("count", "hits", "confidence"):
            self.add_state(name, torch.zeros(bins, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, confidence: Tensor, right: Tensor) -> None:
        """Add samples: (B,) top probabilities, float32, and (B,) bool, whether the class is right."""
        confidence = confidence.clamp(0, 1)  # rounding may exceed 1
        inner = torch.arange(1, self.bins, device=confidence.device) / self.bins
        places = torch.bucketize(confidence, inner)  # edges belong to the bin below
        whole = (confidence * FIXED).round().to(torch.int64)
        for state, values in (
            (self.count, torch.ones_like(whole)),
            (self.hits, right),
            (self.confidence, whole),
        ):
            state.index_add_(0, places, values.to(torch.int64))

    def compute(self) -> Tensor:
        """Return (3, bins) int64 over all processes: counts, hits, confidences in multiples of 1 / FIXED."""
        return torch.stack([self.count, self.hits, self.confidence])


def _describe(table: Tensor) -> tuple[ReliabilityBin, ...]:
    """Put what `Reliability` counted into words."""
    bins = table.shape[1]
    return tuple(
        ReliabilityBin(
            low=i / bins,
            high=(i + 1) / bins,
            count=count,
            confidence=total / FIXED / count if count else None,
            accuracy=hits / count if count else None,
        )
        for i, (count, hits, total) in enumerate(table.T.tolist())
    )


class ActionScores(nn.Module):
    """Counts what a classifier of actions gets right; two processes give exactly what one gives.

    Accuracies, precision and F1 all follow from the one confusion matrix.

    Args:
        classes: names, at least one, none twice.
    """

    def __init__(self, classes: Sequence[str]):
        super().__init__()
        self.classes = tuple(classes)
        if not classes or len(set(classes)) < len(classes):
            raise ValueError(f"classes {list(classes)}: different names are needed")
        # what it would check is checked below; a single class is none too few for a count
        self.confusion = MulticlassConfusionMatrix(max(2, len(classes)), validate_args=False)
        self.reliability = Reliability()

    def reset(self) -> None:
        """Forget all samples."""
        self.confusion.reset()
        self.reliability.reset()

    def update(self, probabilities: Tensor, labels: Tensor) -> None:
        """Add samples. Of equal probabilities the first class counts as predicted.

        Args:
            probabilities: (B, C) float, each row a distribution.
            labels: (B,) int64, 0 to C - 1.

        Raises:
            DanceposeError: a probability is NaN or infinite, or a row is no distribution.
            ValueError: shapes or labels do not fit the classes.
        """
        count = len(self.classes)
        if probabilities.shape != (len(labels), count) or labels.ndim != 1:
            raise ValueError(
                f"probabilities of shape {tuple(probabilities.shape)} and labels of shape "
                f"{tuple(labels.shape)}; with {count} classes (B, {count}) and (B,) are needed"
            )
        if not len(labels):
            return
        values = probabilities.detach().float()
        self._check(values, labels)
        confidence, predicted = values.amax(dim=1), values.argmax(dim=1)
        self.confusion.update(predicted, labels)
        self.reliability.update(confidence, predicted == labels)

    def _check(self, values: Tensor, labels: Tensor) -> None:
        """Refuse what is no distribution or no label, with one look at the device where all is well."""
        finite = values.isfinite().all(dim=1)
        proper = ((values >= -SLACK).all(dim=1)) & ((values.sum(dim=1) - 1).abs() <= SLACK)
        known = (labels >= 0) & (labels < values.shape[1])
        if bool((finite & proper & known).all()):
            return
        if len(wrong := torch.nonzero(~finite)):
            raise DanceposeError(
                f"the probabilities of {len(wrong)} of {len(values)} samples of a batch are NaN or infinite, "
                f"first those of sample {int(wrong[0])}: {values[int(wrong[0])].tolist()}. The network gives "
                "no numbers any more: lower optimizer.lr, or set trainer.precision=32-true"
            )
        if len(wrong := torch.nonzero(~proper)):
            raise DanceposeError(
                f"what sample {int(wrong[0])} of a batch has are no probabilities, which are 0 to 1 and sum "
                f"to 1: {values[int(wrong[0])].tolist()}. Of logits take the softmax first"
            )
        raise ValueError(
            f"labels from {int(labels.min())} to {int(labels.max())}: there are {values.shape[1]} classes"
        )

    def compute(self) -> ActionResult:
        """Return the figures over all processes."""
        count = len(self.classes)
        confusion = self.confusion.compute()[:count, :count].cpu().numpy().astype(np.int64)
        return ActionResult(self.classes, confusion, _describe(self.reliability.compute()))


def score_samples(samples: MotionSamples) -> ActionResult:
    """Return the figures of samples that are at hand, of a file of a run for instance."""
    scores = ActionScores(samples.classes)
    if len(samples.labels):
        scores.update(torch.from_numpy(samples.probabilities), torch.from_numpy(samples.labels))
    return scores.compute()
