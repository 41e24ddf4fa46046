"""What is measured of a motion network over one part of the data: for validation, test and evaluation."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.aggregation import MeanMetric

from dancepose.metrics.classification import ActionScores


class MotionEvaluation(nn.Module):
    """Accuracy, confusion and calibration of the probabilities, and what was said of each sample.

    Args:
        classes: of the run.
        rejects: whether the network may call a sample none of the classes; the same on all processes, which
            wait for one another.
    """

    def __init__(self, classes: tuple[str, ...], rejects: bool = False):
        super().__init__()
        self.classes, self.rejects = classes, rejects
        self.scores = ActionScores(classes)
        self.loss, self.rejected = MeanMetric(), MeanMetric()
        self.said: list[tuple[Tensor, Tensor]] = []

    def reset(self) -> None:
        """Forget everything counted."""
        self.scores.reset()
        self.loss.reset()
        self.rejected.reset()
        self.said = []

    def step(self, logits: Tensor, batch: dict[str, Any], rejected: Tensor | None = None) -> None:
        """Count a batch.

        Args:
            logits: (B, C).
            batch: `label` and `index`, (B,) int64.
            rejected: (B,) bool: which samples a network that may say so calls none of the classes.
        """
        logits = logits.detach().float()
        probabilities = logits.softmax(1)
        self.scores.update(probabilities, batch["label"])
        losses = functional.cross_entropy(logits, batch["label"], reduction="none")
        self.loss.update(losses)
        self.said.append((batch["index"], probabilities))
        if rejected is not None:
            self.rejected.update(rejected.float())

    def compute(self) -> dict[str, Any]:
        """Return `scores` (ActionResult) and `scalars` (name -> float) over all processes."""
        scores = self.scores.compute()
        scalars = scores.scalars() | {"loss": float(self.loss.compute())}
        if self.rejects:
            scalars["rejected"] = float(self.rejected.compute())
        accuracies = {f"accuracy_{name}": v for name, v in scores.class_accuracy.items() if v is not None}
        return {"scores": scores, "scalars": scalars | accuracies}

    def gather_probabilities(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (N,) indices of the samples, rising, and their (N, C) probabilities, of all processes."""
        said = [(index.cpu(), probabilities.cpu()) for index, probabilities in self.said]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            parts: list[Any] = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(parts, said)
            said = [pair for part in parts for pair in part]
        if not said:
            return np.zeros(0, np.int64), np.zeros((0, len(self.classes)), np.float32)
        index = torch.cat([pair[0] for pair in said]).numpy()
        probabilities = torch.cat([pair[1] for pair in said]).numpy()
        order = np.argsort(index, kind="stable")
        return index[order], probabilities[order]
