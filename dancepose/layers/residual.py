"""Residual blocks, with an optional attention on the residual path."""

import torch.nn.functional as F
from torch import Tensor, nn

from dancepose.layers.attention import Attention

FEW = 16  # channels of a block of oneDNN's kernels with AVX-512; with AVX2 it is 8


class StridedPointwise(nn.Conv2d):
    """1x1 convolution of a stride, as one of stride 1 on the pixels that it reads; the very same map.

    In channels_last the weight gradient that oneDNN computes of a strided 1x1 convolution with fewer channels
    than a block holds is wrong and written over foreign memory (oneDNN issue 6035, there with torch 2.13).
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride), rounded up."""
        down, right = self.stride
        return F.conv2d(x[..., ::down, ::right], self.weight, self.bias)


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution that keeps the size at stride 1; without bias, for a norm follows."""
    kind = StridedPointwise if kernel == 1 and stride > 1 and inputs < FEW else nn.Conv2d
    return kind(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def normalised(inputs: int, outputs: int, kernel: int, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Return convolution, batch norm and, unless told otherwise, ReLU."""
    layers = [convolution(inputs, outputs, kernel, stride), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class BasicBlock(nn.Module):
    """ReLU(attention(conv3x3-BN-ReLU-conv3x3-BN(x)) + shortcut(x)), of HRNet's branches and small ResNets.

    Args:
        channels: channels that come out.
        attention: stands on the residual path before the shortcut is added, as in the published CBAM.
        inputs: channels in; as many as come out unless told otherwise.
        stride: of the first convolution and of the shortcut.
    """

    expansion = 1

    def __init__(
        self, channels: int, attention: Attention = nn.Identity, inputs: int | None = None, stride: int = 1
    ) -> None:
        super().__init__()
        inputs = inputs or channels
        self.conv1 = convolution(inputs, channels, 3, stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = convolution(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels)
        self.attention = attention(channels)
        self.downsample = _shortcut(inputs, channels, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, channels, H / stride, W / stride)."""
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.attention(self.bn2(self.conv2(residual)))
        return self.relu(residual + self.downsample(x))


class Bottleneck(nn.Module):
    """ReLU(attention(conv1x1-BN-ReLU-conv3x3-BN-ReLU-conv1x1-BN(x)) + shortcut(x)): HRNet's layer1, ResNets.

    Args:
        inputs: channels in.
        channels: width of the 3x3 convolution; 4 times as many channels come out.
        attention: stands on the residual path before the shortcut is added.
        stride: of the 3x3 convolution, as in the public ImageNet weights, and of the shortcut.
    """

    expansion = 4

    def __init__(
        self, inputs: int, channels: int, attention: Attention = nn.Identity, stride: int = 1
    ) -> None:
        super().__init__()
        outputs = channels * self.expansion
        self.conv1 = convolution(inputs, channels, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = convolution(channels, channels, 3, stride)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = convolution(channels, outputs, 1)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.attention = attention(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, 4 * channels, H / stride, W / stride)."""
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.attention(self.bn3(self.conv3(residual)))
        return self.relu(residual + self.downsample(x))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return normalised(inputs, outputs, 1, stride, relu=False)
