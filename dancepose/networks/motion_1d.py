"""The motion classifier's one-dimensional variant, over the frames of a clip (motion paper, 2 and 3)."""

from collections.abc import Sequence

from torch import Tensor, nn

from dancepose.errors import DataError
from dancepose.layers.attention import Attention
from dancepose.layers.init import starts_small
from dancepose.networks.action import ActionNetwork, dense

LEAST = 4  # frames: two max pools halve them twice


class ResidualModule1d(nn.Module):
    """ReLU(1x1 to K/4 - Sx1 to K/4 - 1x1 to K, plus shortcut), batch norm after each (figure 1).

    Args:
        inputs: channels in.
        channels: K; divisible by 4.
        kernel: S, odd.
    """

    def __init__(self, inputs: int, channels: int, kernel: int = 3) -> None:
        super().__init__()
        inner = channels // 4
        self.residual = nn.Sequential(
            *_normalised(inputs, inner, 1),
            nn.ReLU(inplace=True),
            *_normalised(inner, inner, kernel),
            nn.ReLU(inplace=True),
            *_normalised(inner, channels, 1),
        )
        same = inputs == channels
        self.shortcut = nn.Identity() if same else nn.Sequential(*_normalised(inputs, channels, 1))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, K, T)."""
        return self.relu(self.residual(x) + self.shortcut(x))


class MotionNetwork1d(ActionNetwork):
    """A clip of one person's features to the logits of its action.

    Convolution of kernel 3 with ReLU (eq. 8), two max pools, residual modules, attention over time, mean over
    time, three fully connected layers (eq. 9) with dropout between them.

    Args:
        classes: number of actions.
        dimension: F, the number of features of a frame.
        width: channels of the first convolution.
        channels: K of each residual module; each divisible by 4.
        kernel: S of the residual modules, odd.
        attention: channels -> module that keeps (B, channels, T).
        dropout: probability of dropping a neuron in training.
    """

    inputs = ("sequence",)

    def __init__(
        self,
        classes: int,
        dimension: int,
        width: int = 64,
        channels: Sequence[int] = (64, 128, 256),
        kernel: int = 3,
        attention: Attention = nn.Identity,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(dimension, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool1d(2, ceil_mode=True),  # no frame is left out where their number is odd
            nn.MaxPool1d(2, ceil_mode=True),
        )
        widths = (width, *channels)
        pairs = zip(widths, widths[1:], strict=False)
        self.blocks = nn.Sequential(*(ResidualModule1d(a, b, kernel) for a, b in pairs))
        last = widths[-1]
        self.attention = attention(last)
        self.classifier = nn.Sequential(
            *dense((last, last, last // 2), dropout), starts_small(nn.Linear(last // 2, classes))
        )

    def forward(self, sequence: Tensor) -> Tensor:
        """(B, T, F) -> (B, classes).

        Raises:
            DataError: fewer than 4 frames.
        """
        if sequence.shape[1] < LEAST:
            raise DataError(
                f"a clip of {sequence.shape[1]} frames is too short: {LEAST} at least. Leave it out, or "
                "repeat its frames"
            )
        x = self.blocks(self.stem(sequence.transpose(1, 2)))  # (B, K, T / 4)
        return self.classifier(self.attention(x).mean(2))


def _normalised(inputs: int, outputs: int, kernel: int) -> tuple[nn.Conv1d, nn.BatchNorm1d]:
    convolution = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm1d(outputs)
