"""`PoseNetwork`: a backbone and a head that predicts maps at one or more scales."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dancepose.errors import ConfigError
from dancepose.layers.init import starts_small
from dancepose.layers.pixels import PixelNorm
from dancepose.layers.residual import BasicBlock
from dancepose.networks.hrnet import MULTIPLE

STRIDES = (4, 2, 1)  # of the scales that a head can have


class Head(nn.Module):
    """Predicts maps at 1/4 and, with further scales, at 1/2 (HigherHRNet, Cheng et al. 2020) and 1/1.

    Each further scale: a transposed convolution 4x4 of stride 2 on [features; predictions], four basic
    blocks, and a 1x1 convolution.

    Args:
        features: channels of the backbone.
        channels: maps to predict at each scale, from coarse to fine.
        dropout: probability of dropping a feature channel in front of the predicting convolutions, in
            training.
        blocks: basic blocks at each further scale.
    """

    def __init__(self, features: int, channels: Sequence[int], dropout: float = 0.0, blocks: int = 4) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(dropout) if dropout else nn.Identity()
        self.final_layers = nn.ModuleList(starts_small(nn.Conv2d(features, n, 1)) for n in channels)
        self.deconv_layers = nn.ModuleList(
            nn.Sequential(
                nn.Sequential(
                    nn.ConvTranspose2d(features + n, features, 4, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(features),
                    nn.ReLU(inplace=True),
                ),
                *(nn.Sequential(BasicBlock(features)) for _ in range(blocks)),  # nested as published
            )
            for n in channels[:-1]
        )

    def forward(self, features: Tensor) -> list[Tensor]:
        """(B, C, H / 4, W / 4) -> [(B, channels[i], H / 4 * 2^i, W / 4 * 2^i)]."""
        maps = [self.final_layers[0](self.dropout(features))]
        for upsample, predict in zip(self.deconv_layers, self.final_layers[1:], strict=True):
            features = upsample(torch.cat([features, maps[-1]], 1))
            maps.append(predict(self.dropout(features)))
        return maps


class PoseNetwork(nn.Module):
    """Images to maps, fully convolutional.

    Args:
        backbone: images to features at 1/4 of their size.
        head: features to a list of maps.
    """

    def __init__(self, backbone: nn.Module, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.pixels = PixelNorm()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Predict the maps of a batch.

        Args:
            images: (B, 3, H, W) RGB: uint8, or floats already normalised by the ImageNet mean and deviation.

        Returns:
            One (B, channels, H / stride, W / stride) for each scale of the head, from coarse to fine.

        Raises:
            ConfigError: H or W is not divisible by 32; says what to pad to.
        """
        self._check(images)
        return self.head(self.backbone(self.pixels(images)))

    @staticmethod
    def _check(images: Tensor) -> None:
        height, width = images.shape[-2:]
        if height % MULTIPLE or width % MULTIPLE:
            padded = [-(-size // MULTIPLE) * MULTIPLE for size in (width, height)]
            raise ConfigError(
                f"images of {width} x {height} pixels do not fit: both must be divisible by {MULTIPLE}. "
                f"Pad them (right, bottom) to {padded[0]} x {padded[1]}"
            )
