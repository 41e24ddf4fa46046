"""Initial weights depend on seed and name alone."""

import math

import pytest
import torch
from torch import nn

from dancepose.errors import ConfigError
from dancepose.layers.attention import CBAM, ORDERS
from dancepose.layers.init import initialise, starts_small


def network(**extra: nn.Module) -> nn.Sequential:
    made = nn.Sequential()
    for name, module in extra.items():
        made.add_module(name, module)
    made.add_module("conv", nn.Conv2d(16, 32, 3, bias=False))
    made.add_module("norm", nn.BatchNorm2d(32))
    return made


def test_a_parameter_does_not_depend_on_the_others():
    small, large = network(), network(before=nn.Conv2d(3, 8, 5), linear=nn.Linear(4, 4))
    initialise(small, seed=7)
    torch.manual_seed(99)
    initialise(large, seed=7)
    assert torch.equal(small.conv.weight, large.conv.weight)


def test_the_global_generator_neither_matters_nor_moves():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    made = network()
    torch.set_rng_state(before)
    initialise(made, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_seed_and_name_matter_and_zero_is_a_seed():
    weights = []
    for seed in (0, 1):
        made = nn.ModuleDict({"a": nn.Conv2d(8, 8, 3), "b": nn.Conv2d(8, 8, 3)})
        initialise(made, seed=seed)
        weights += [made["a"].weight, made["b"].weight]
    for i in range(4):
        for j in range(i):
            assert not torch.equal(weights[i], weights[j])
    again = nn.ModuleDict({"a": nn.Conv2d(8, 8, 3)})
    initialise(again, seed=0)
    assert torch.equal(again["a"].weight, weights[0])


def test_drawn_alike_in_other_memory_formats():
    one, two = network(), network().to(memory_format=torch.channels_last)
    initialise(one, seed=0)
    initialise(two, seed=0)
    assert torch.equal(one.conv.weight, two.conv.weight)


def test_published_scheme():
    """Deviation .001 where a norm follows; norms 1 and 0; by fan-in where nothing restores the scale."""
    made = network(
        bare=nn.Conv2d(64, 64, 3),
        up=nn.ConvTranspose2d(64, 64, 4, 2, 1, bias=False),
        linear=nn.Linear(512, 64),
        predict=starts_small(nn.Conv2d(64, 64, 1)),
        group=nn.GroupNorm(1, 8),
    )
    made.norm.running_mean.fill_(3.0)
    for parameter in made.parameters():
        nn.init.constant_(parameter, 9.0)
    initialise(made, seed=0, scheme="published")
    for name in ("conv", "up", "predict"):
        assert made.get_submodule(name).weight.std().item() == pytest.approx(1e-3, rel=0.05)
    assert made.bare.weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.05)
    assert made.linear.weight.std().item() == pytest.approx(math.sqrt(2 / 512), rel=0.05)
    for name in ("bare", "linear", "predict", "norm", "group"):
        assert (made.get_submodule(name).bias == 0).all()
    assert (made.norm.weight == 1).all() and (made.group.weight == 1).all()
    assert (made.norm.running_mean == 0).all()


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(64, 64, 3, padding=1, bias=False),
        nn.ConvTranspose2d(64, 64, 4, 2, 1, bias=False),
        nn.Conv1d(64, 64, 3, padding=1),
    ],
)
def test_kaiming_keeps_the_scale_through_a_relu(layer):
    initialise(nn.Sequential(layer), seed=0, scheme="kaiming")
    x = torch.randn(4, 64, 24, 24, generator=torch.Generator().manual_seed(0))
    out = layer(x[..., 0] if isinstance(layer, nn.Conv1d) else x)
    inner = out[..., 2:-2] if out.ndim == 3 else out[..., 2:-2, 2:-2]
    assert inner.relu().square().mean().item() == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("seed", range(20))
def test_no_gate_starts_shut(seed):
    """A single hidden unit behind a ReLU must be open for pooled, rectified maps, or it never learns."""
    cbam = CBAM(16, reduction=16)
    initialise(cbam, seed=seed)
    x = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(seed)).relu()
    cbam(x).sum().backward()
    assert all(p.grad.abs().max() > 0 for p in cbam.parameters())


def test_attentions_start_equal_in_every_order():
    states = []
    for order in ORDERS:
        cbam = CBAM(32, order)
        initialise(cbam, seed=4)
        states.append(cbam.state_dict())
    for state in states[1:]:
        assert all(torch.equal(state[name], value) for name, value in states[0].items())


def test_unknown_parameters_are_an_error():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

    with pytest.raises(TypeError, match=r"inner.*Own"):
        initialise(nn.ModuleDict({"inner": Own()}), seed=0)


def test_unknown_scheme():
    with pytest.raises(ConfigError, match="xavier"):
        initialise(network(), seed=0, scheme="xavier")
