"""The two stems."""

import pytest
import torch
import torch.nn.functional as F

from dancepose.layers.init import initialise
from dancepose.layers.stem import ConvStem, PyramidStem


def stem(kind: type) -> torch.nn.Module:
    made = kind()
    initialise(made, seed=1, scheme="kaiming")
    return made


def images(size: int = 32, batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, 3, size, size + 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", [ConvStem, PyramidStem])
def test_64_channels_at_a_quarter(kind):
    assert stem(kind)(images()).shape == (1, 64, 8, 16)
    assert kind(24)(images()).shape == (1, 24, 8, 16)


@pytest.mark.parametrize("kind", [ConvStem, PyramidStem])
def test_one_image_trains_every_parameter(kind):
    made = stem(kind).train()
    made(images()).square().sum().backward()
    for name, parameter in made.named_parameters():
        assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name


def test_parameter_counts():
    conv = 27 * 64 + 9 * 64**2 + 2 * 128
    assert sum(p.numel() for p in ConvStem().parameters()) == conv
    third, laterals, down, smooth = 9 * 64**2 + 128, 2 * (64**2 + 64), 9 * 64**2 + 64, 9 * 64**2 + 128
    assert sum(p.numel() for p in PyramidStem().parameters()) == conv + third + laterals + down + smooth


def test_pyramid_is_the_sum_of_three_scales():
    made, x = stem(PyramidStem).eval(), images()
    half = F.relu(made.bn1(made.conv1(x)))
    quarter = F.relu(made.bn2(made.conv2(half)))
    eighth = F.relu(made.bn3(made.conv3(quarter)))
    assert [t.shape[2] for t in (half, quarter, eighth)] == [16, 8, 4]
    top = made.lateral_eighth(eighth).repeat_interleave(2, 2).repeat_interleave(2, 3)  # nearest
    total = made.lateral_quarter(quarter) + top + made.lateral_half(half)
    conv, norm, _ = made.smooth
    torch.testing.assert_close(made(x), F.relu(norm(conv(total))))


def test_stems_share_their_first_layers():
    plain, pyramid = stem(ConvStem).state_dict(), stem(PyramidStem).state_dict()
    assert all(torch.equal(value, pyramid[name]) for name, value in plain.items())
