"""What the networks of the motion classifier have in common."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, nn


class ActionNetwork(nn.Module):
    """A network from entries of a batch to the logits (B, classes) of actions.

    Called as `network(**{name: batch[name] for name in network.inputs})`. Whoever uses a network asks it what
    it can do beside that; what is here holds for one that is trained by gradient alone and always answers.

    Attributes:
        inputs: names of the entries: `features` (B, F), `image` (B, 3, H, W), `sequence` (B, T, F).
        rejects: whether it may call a sample none of the classes; then `rejected` says which.
        keeps_score: whether over a video its answers add up to a score of each class (`ScoreSmoother`).
    """

    inputs: tuple[str, ...]
    rejects: bool = False
    keeps_score: bool = False

    @property
    def unfitted(self) -> bool:
        """Whether `fit` has to be called before it is trained by gradient."""
        return False

    def fit(self, *args: Any, **given: Any) -> None:
        """Look at all training samples at once, where `unfitted` asks for it: `fit(labels=labels, **arrays)`.

        Args:
            args: of an implementation, the same by place.
            given: arrays (N, ...) of `inputs` by name, without pictures, and `labels`, (N,) class indices.

        Raises:
            DataError: nothing can be learnt from these samples.
        """
        raise NotImplementedError(f"{type(self).__name__} is not fitted")

    def rejected(self, *args: Any, **given: Any) -> Tensor | None:
        """Return (B,) bool: which samples are none of the classes; None of a network that `rejects` none.

        Args:
            args: of an implementation, the same by place.
            given: what the network is called with, whose logits do not change.
        """
        return None

    @property
    def other_macs(self) -> int:
        """Multiply-accumulate operations on a sample in no convolution or linear layer, but of their kind."""
        return 0

    def measurable(self) -> AbstractContextManager[None]:
        """Within it the network takes samples whatever it lacks: for who counts or times, not for results."""
        return nullcontext()


def dense(widths: Sequence[int], dropout: float) -> nn.Sequential:
    """Return linear layers from each width to the next, a ReLU and dropout after each."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True), nn.Dropout(dropout)]
    return nn.Sequential(*layers)
