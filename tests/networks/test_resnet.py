"""ResNet: the public one by names, counts and outputs; where an attention stands in it."""

import json
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dancepose.errors import ConfigError
from dancepose.layers.attention import CBAM, ORDERS
from dancepose.layers.init import initialise
from dancepose.networks.cost import count_macs
from dancepose.networks.resnet import DEPTHS, PLACEMENTS, ResNet

PUBLISHED_CBAM = partial(CBAM, order="cbam0", spatial_norm="batch")


def small(depth: int = 18, **settings) -> ResNet:
    made = ResNet(depth, 8, **settings)
    initialise(made, 0, "kaiming")
    return made.eval()


def images(batch: int = 2, side: int = 64) -> Tensor:
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(0))


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


class Shut(nn.Module):
    """An attention that lets nothing through."""

    def __init__(self, channels: int):
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return 0 * x


def plain(state: dict[str, Tensor], depth: int, x: Tensor) -> Tensor:
    """The published ResNet written out over a state dict: (B, 3, H, W) -> (B, C)."""

    def norm(x: Tensor, name: str) -> Tensor:
        of = [state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *of)

    def conv(x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    bottleneck, counts = depth > 34, DEPTHS[depth][1]
    x = F.max_pool2d(F.relu(norm(conv(x, "conv1", 2), "bn1")), 3, 2, 1)
    for stage, blocks in enumerate(counts, start=1):
        for number in range(blocks):
            name, stride = f"layer{stage}.{number}", 2 if stage > 1 and number == 0 else 1
            strides = (1, stride, 1) if bottleneck else (stride, 1)
            y = x
            for i, s in enumerate(strides, start=1):
                y = norm(conv(y, f"{name}.conv{i}", s), f"{name}.bn{i}")
                y = F.relu(y) if i < len(strides) else y
            if f"{name}.downsample.0.weight" in state:
                x = norm(conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
            x = F.relu(y + x)
    return x.mean((2, 3))


class TestPublished:
    @pytest.mark.parametrize(
        ("depth", "settings", "wanted"),
        [
            (18, {}, 11_689_512),
            (34, {}, 21_797_672),
            (50, {}, 25_557_032),
            (101, {}, 44_549_160),
            (50, {"attention": PUBLISHED_CBAM, "placement": "block"}, 28_089_624),
        ],
    )
    def test_parameters_with_the_classifier_of_imagenet(self, depth, settings, wanted):
        with torch.device("meta"):
            made = ResNet(depth, classes=1000, **settings)
        assert count(made) == wanted

    @pytest.mark.shared
    def test_names_and_shapes(self, shared):
        published = json.loads((shared / "golden" / "statedict_cbam_resnet50.json").read_text())
        published = {name: shape for name, shape in published.items() if ".cbam." not in name}
        with torch.device("meta"):
            ours = ResNet(50, classes=1000).state_dict()
        assert {name: list(value.shape) for name, value in ours.items()} == published

    @pytest.mark.parametrize("depth", [18, 50])
    @pytest.mark.parametrize("placement", PLACEMENTS)
    @torch.no_grad()
    def test_without_attention_it_is_the_plain_one_bit_for_bit(self, depth, placement):
        made, x = small(depth, placement=placement), images()
        state = made.state_dict()
        for name, value in state.items():  # so that no statistic hides behind 0 and 1
            if value.is_floating_point() and value.ndim == 1:
                value.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(len(name)))
        assert not any("attention" in name for name in state)
        assert torch.equal(made(x), plain(state, depth, x))
        assert made(x).shape == (2, made.features)

    @torch.no_grad()
    def test_classifier(self):
        made, x = small(classes=5), images()
        bare = small()
        bare.load_state_dict(made.state_dict(), strict=False)
        assert torch.equal(made(x), made.fc(bare(x)))


class TestAttention:
    @pytest.mark.parametrize("depth", [18, 50])
    @pytest.mark.parametrize("placement", PLACEMENTS)
    def test_orders_cost_the_same_and_differ(self, depth, placement):
        made = {
            order: small(depth, attention=partial(CBAM, order=order, reduction=4), placement=placement)
            for order in ORDERS
        }
        for network in made.values():  # gates that start at one half everywhere would hide the order
            for module in network.modules():
                if isinstance(module, CBAM):
                    for number, parameter in enumerate(module.parameters()):
                        nn.init.normal_(parameter, 0, 0.1, torch.Generator().manual_seed(number))
        first = made["cbam0"]
        with torch.no_grad():
            # in training mode: without statistics of their own the maps are so large that gates saturate
            outputs = [network.train()(images()) for network in made.values()]
        for order, out in list(zip(made, outputs, strict=True))[1:]:
            assert made[order].state_dict().keys() == first.state_dict().keys()
            assert count(made[order]) == count(first)
            assert count_macs(made[order], (224, 224)) == count_macs(first, (224, 224))
            assert not torch.allclose(out, outputs[0], rtol=1e-3)
        assert not torch.allclose(outputs[1], outputs[2], rtol=1e-3)

    @pytest.mark.parametrize("depth", [18, 50])
    def test_number_of_attentions(self, depth):
        for placement, wanted in (("final", 1), ("block", sum(DEPTHS[depth][1]))):
            made = small(depth, attention=CBAM, placement=placement)
            assert sum(isinstance(m, CBAM) for m in made.modules()) == wanted

    @pytest.mark.parametrize("depth", [18, 50])
    @torch.no_grad()
    def test_in_blocks_it_stands_before_the_shortcut(self, depth):
        """An attention that shuts every residual path leaves the shortcuts; after the sum, nothing."""
        out = small(depth, attention=Shut, placement="block")(images())
        assert out.abs().max() > 0
        assert small(depth, attention=Shut, placement="final")(images()).abs().max() == 0

    @torch.no_grad()
    def test_at_the_end_it_sees_the_last_feature_map(self):
        seen = []

        def watch(channels: int) -> nn.Module:
            module = nn.Identity()
            module.register_forward_hook(lambda m, inputs, output: seen.append((channels, inputs[0].shape)))
            return module

        small(50, attention=watch, placement="final")(images(side=96))
        assert seen == [(256, (2, 256, 3, 3))]

    def test_layers_that_are_shared_start_equal(self):
        none = small().state_dict()
        for placement in PLACEMENTS:
            state = small(attention=CBAM, placement=placement).state_dict()
            assert all(torch.equal(state[name], value) for name, value in none.items())


def test_dropout_stands_between_the_third_and_the_fourth_stage():
    made, order = small(dropout=0.3), []
    for name in ("layer3", "dropout", "layer4", "attention"):
        made.get_submodule(name).register_forward_hook(lambda *_, name=name: order.append(name))
    x = images()
    made(x)
    assert order == ["layer3", "dropout", "layer4", "attention"]
    assert made.dropout.p == 0.3 and torch.equal(made(x), small()(x))
    dropped = made.dropout.train()(torch.ones(1, 64, 8, 8))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("make", [lambda: ResNet(49), lambda: ResNet(18, placement="module")])
def test_wrong_arguments_are_told(make: Callable[[], ResNet]):
    with pytest.raises(ConfigError, match="choose one of"):
        make()
