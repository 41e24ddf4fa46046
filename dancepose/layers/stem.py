"""From the image to a quarter of its size."""

import torch.nn.functional as F
from torch import Tensor, nn

from dancepose.layers.residual import convolution, normalised

CHANNELS = 64  # as published


class ConvStem(nn.Module):
    """HRNet's own: two 3x3 convolutions of stride 2, each with batch norm and ReLU.

    Args:
        channels: of both; published: 64.
    """

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.conv1 = convolution(3, channels, 3, stride=2)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = convolution(channels, channels, 3, stride=2)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, channels, H / 4, W / 4)."""
        half = self.relu(self.bn1(self.conv1(images)))
        return self.relu(self.bn2(self.conv2(half)))


class PyramidStem(ConvStem):
    """A feature pyramid of three scales in place of the plain stem (pose paper, section 3.1 and figure 3).

    Bottom-up: the plain stem's two convolutions to 1/2 and 1/4, under the same names, and a third to 1/8.
    Each level then comes to 1/4 through one convolution: 1/8 by a 1x1 and nearest upsampling, 1/4 by a 1x1,
    1/2 by a 3x3 of stride 2 (a 1x1 in front of it would be one linear map with it). Their sum goes through
    3x3, batch norm, ReLU.

    Args:
        channels: of each level; published: 64.
    """

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__(channels)
        self.conv3 = convolution(channels, channels, 3, stride=2)
        self.bn3 = nn.BatchNorm2d(channels)
        self.lateral_eighth = nn.Conv2d(channels, channels, 1)
        self.lateral_quarter = nn.Conv2d(channels, channels, 1)
        self.lateral_half = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.smooth = normalised(channels, channels, 3)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, channels, H / 4, W / 4); H and W must be multiples of 8."""
        half = self.relu(self.bn1(self.conv1(images)))
        quarter = self.relu(self.bn2(self.conv2(half)))
        eighth = self.relu(self.bn3(self.conv3(quarter)))
        top = F.interpolate(self.lateral_eighth(eighth), scale_factor=2.0, mode="nearest")
        return self.smooth(self.lateral_quarter(quarter) + top + self.lateral_half(half))
