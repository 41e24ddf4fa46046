"""The residual blocks and where an attention stands in them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dancepose.layers.background import BackgroundBlock
from dancepose.layers.init import initialise
from dancepose.layers.residual import BasicBlock, Bottleneck, StridedPointwise, convolution
from dancepose.networks.resnet import ResNet


class Shut(nn.Module):
    """An attention that lets nothing through."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[1] == self.channels
        return 0 * x


def maps(channels: int) -> torch.Tensor:
    return torch.randn(2, channels, 6, 5, generator=torch.Generator().manual_seed(0))


def drawn(block: nn.Module) -> nn.Module:
    initialise(block, seed=0, scheme="kaiming")
    return block.eval()


def test_basic_block():
    block, x = drawn(BasicBlock(8)), maps(8)
    inner = F.relu(block.bn1(F.conv2d(x, block.conv1.weight, padding=1)))
    residual = block.bn2(F.conv2d(inner, block.conv2.weight, padding=1))
    torch.testing.assert_close(block(x), F.relu(residual + x))


@pytest.mark.parametrize("inputs", [16, 6, 20])
def test_bottleneck(inputs):
    """A 1x1 convolution with batch norm in the shortcut where the channels change, else nothing."""
    block, x = drawn(Bottleneck(inputs, 4)), maps(inputs)
    inner = F.relu(block.bn1(F.conv2d(x, block.conv1.weight)))
    inner = F.relu(block.bn2(F.conv2d(inner, block.conv2.weight, padding=1)))
    residual = block.bn3(F.conv2d(inner, block.conv3.weight))
    shortcut = x
    if inputs != 16:
        conv, norm = block.downsample
        shortcut = norm(F.conv2d(x, conv.weight))
    torch.testing.assert_close(block(x), F.relu(residual + shortcut))


@pytest.mark.parametrize("inputs", [8, 6])
def test_strided_blocks(inputs):
    """The stride is in the 3x3 convolution, as in the public weights, and in the shortcut."""
    x = maps(inputs)
    block = drawn(BasicBlock(8, inputs=inputs, stride=2))
    inner = F.relu(block.bn1(F.conv2d(x, block.conv1.weight, stride=2, padding=1)))
    residual = block.bn2(F.conv2d(inner, block.conv2.weight, padding=1))
    conv, norm = block.downsample
    shortcut = norm(F.conv2d(x, conv.weight, stride=2))
    torch.testing.assert_close(block(x), F.relu(residual + shortcut))
    block = drawn(Bottleneck(inputs, 2, stride=2))
    inner = F.relu(block.bn1(F.conv2d(x, block.conv1.weight)))
    inner = F.relu(block.bn2(F.conv2d(inner, block.conv2.weight, stride=2, padding=1)))
    residual = block.bn3(F.conv2d(inner, block.conv3.weight))
    conv, norm = block.downsample
    torch.testing.assert_close(block(x), F.relu(residual + norm(F.conv2d(x, conv.weight, stride=2))))


@pytest.mark.parametrize("make", [BasicBlock, lambda c, attention: Bottleneck(c, c // 4, attention)])
def test_attention_stands_on_the_residual_path_before_the_shortcut(make):
    """An attention that shuts the path leaves the shortcut alone."""
    x = maps(16)
    assert torch.equal(drawn(make(16, attention=Shut))(x), x.relu())


def test_attention_in_a_background_block_stands_in_its_local_part():
    block, x = drawn(BackgroundBlock(16, attention=Shut)), maps(16)
    whole = block.context(x.mean((2, 3), keepdim=True))
    weight = block.fusion.weight(whole + x.relu())
    torch.testing.assert_close(block(x), weight * whole + (1 - weight) * x.relu())


def test_input_is_left_alone():
    for block in (BasicBlock(16), Bottleneck(16, 4), BackgroundBlock(16)):
        x = maps(16)
        kept = x.clone()
        block(x)
        assert torch.equal(x, kept)


class TestStridedPointwise:
    """The shortcut of a stride, where oneDNN's own weight gradient is wrong and overwrites foreign memory."""

    @pytest.mark.parametrize("inputs", [2, 4, 6, 8, 15, 16, 64])
    def test_map_and_gradients_are_those_of_the_plain_convolution(self, inputs):
        layer = convolution(inputs, 24, 1, stride=2).to(memory_format=torch.channels_last)
        x = torch.randn(2, inputs, 9, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
        exact = nn.Conv2d(inputs, 24, 1, 2, bias=False).double()  # in float64 oneDNN takes no part
        exact.weight.data.copy_(layer.weight.data)
        same = x.detach().double().requires_grad_()
        layer(x).square().sum().backward()
        exact(same).square().sum().backward()
        torch.testing.assert_close(layer(x), exact(same).float())
        torch.testing.assert_close(x.grad, same.grad.float(), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(layer.weight.grad, exact.weight.grad.float(), rtol=1e-4, atol=1e-3)

    @pytest.mark.parametrize("width", [1, 4, 8, 16])
    @pytest.mark.parametrize("depth", [18, 50])
    def test_no_narrow_shortcut_of_a_resnet_is_left_to_it(self, width, depth):
        for layer in ResNet(depth, width).modules():
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.stride == (2, 2):
                assert isinstance(layer, StridedPointwise) == (layer.in_channels < 16)
