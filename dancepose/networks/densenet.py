"""`DenseNet` for images of 32 x 32 (Huang et al. 2017), which STR (Pham et al. 2019) trains on skeletons."""

import torch
from torch import Tensor, nn

from dancepose.layers.residual import convolution
from dancepose.networks.action import ActionNetwork

BLOCKS = 3
FIRST = 16  # channels in front of the first block


class DenseLayer(nn.Module):
    """BN-ReLU-conv3x3 of all that came before, joined to it.

    Args:
        channels: in; `growth` more come out.
        growth: k.
        dropout: probability of dropping one of the new channels' values, in training.
    """

    def __init__(self, channels: int, growth: int, dropout: float) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = convolution(channels, growth, 3)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C + growth, H, W)."""
        return torch.cat([x, self.dropout(self.conv(self.relu(self.bn(x))))], 1)


class DenseNet(ActionNetwork):
    """Three dense blocks at 32, 16 and 8 pixels, mean over space, one linear layer.

    Between two blocks BN-ReLU-conv1x1 keeps the channels and a mean pool halves the side; no bottlenecks and
    no compression. Huang et al. train depth 40 with growth 12; 16 is ours, for a small data set.

    Args:
        classes: C.
        depth: L = 3 n + 4 layers, n in each block; see `layers_per_block`.
        growth: k, channels that each layer adds.
        dropout: after each convolution of the blocks.
    """

    inputs = ("skeleton_image",)

    def __init__(self, classes: int, depth: int = 16, growth: int = 12, dropout: float = 0.2) -> None:
        super().__init__()
        channels = FIRST
        stages: list[nn.Module] = [convolution(3, channels, 3)]
        for block in range(BLOCKS):
            if block:
                stages.append(_transition(channels))
            for _ in range(layers_per_block(depth)):
                stages.append(DenseLayer(channels, growth, dropout))
                channels += growth
        self.features = nn.Sequential(*stages, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, skeleton_image: Tensor) -> Tensor:
        """Classify.

        Args:
            skeleton_image: (B, 3, 32, 32): uint8, or floats already in -1 .. 1.

        Returns:
            (B, classes) logits.
        """
        if skeleton_image.dtype == torch.uint8:
            skeleton_image = skeleton_image.to(self.classifier.weight.dtype) / 127.5 - 1
        return self.classifier(self.features(skeleton_image).mean((2, 3)))


def layers_per_block(depth: int) -> int:
    """Return n of depth L = 3 n + 4.

    Raises:
        ValueError: there is no such n of 1 or more.
    """
    layers, rest = divmod(depth - BLOCKS - 1, BLOCKS)
    if layers < 1 or rest:
        raise ValueError(f"depth={depth}: it must be 3 n + 4, as 7, 10, 16, 28 or 40")
    return layers


def _transition(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        convolution(channels, channels, 1),
        nn.AvgPool2d(2),
    )
