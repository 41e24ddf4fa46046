"""What the networks of the motion classifier have in common."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from torch import nn


class ActionNetwork(nn.Module):
    """A network from entries of a batch to the logits (B, classes) of actions.

    Called as `network(**{name: batch[name] for name in network.inputs})`.

    Attributes:
        inputs: names of the entries: `features` (B, F), `image` (B, 3, H, W), `sequence` (B, T, F).
    """

    inputs: tuple[str, ...]

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
