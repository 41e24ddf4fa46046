"""Residual blocks, with an optional attention on the residual path."""

from torch import Tensor, nn

from dancepose.layers.attention import Attention


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution that keeps the size at stride 1; without bias, for a norm follows."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def normalised(inputs: int, outputs: int, kernel: int, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Return convolution, batch norm and, unless told otherwise, ReLU."""
    layers = [convolution(inputs, outputs, kernel, stride), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class BasicBlock(nn.Module):
    """ReLU(attention(conv3x3-BN-ReLU-conv3x3-BN(x)) + x), the block of HRNet's branches.

    Args:
        channels: C, in and out.
        attention: stands on the residual path before the shortcut is added, as in the published CBAM.
    """

    def __init__(self, channels: int, attention: Attention = nn.Identity) -> None:
        super().__init__()
        self.conv1 = convolution(channels, channels, 3)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = convolution(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels)
        self.attention = attention(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.attention(self.bn2(self.conv2(residual)))
        return self.relu(residual + x)


class Bottleneck(nn.Module):
    """ReLU(attention(conv1x1-BN-ReLU-conv3x3-BN-ReLU-conv1x1-BN(x)) + shortcut(x)), of HRNet's layer1.

    Args:
        inputs: channels in.
        channels: width of the 3x3 convolution; 4 times as many channels come out.
        attention: stands on the residual path before the shortcut is added.
    """

    expansion = 4

    def __init__(self, inputs: int, channels: int, attention: Attention = nn.Identity) -> None:
        super().__init__()
        outputs = channels * self.expansion
        self.conv1 = convolution(inputs, channels, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = convolution(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = convolution(channels, outputs, 1)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.attention = attention(outputs)
        self.downsample = nn.Identity() if inputs == outputs else normalised(inputs, outputs, 1, relu=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, 4 * channels, H, W)."""
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.attention(self.bn3(self.conv3(residual)))
        return self.relu(residual + self.downsample(x))
