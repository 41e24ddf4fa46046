"""HRNet's parts: branches, exchange, and where the paper's changes stand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dancepose.layers.attention import CBAM
from dancepose.layers.background import BackgroundBlock
from dancepose.layers.init import initialise
from dancepose.layers.residual import BasicBlock, Bottleneck
from dancepose.networks.hrnet import Exchange, ExchangeModule, HRNet, Transition


def count(module: nn.Module, kind: type) -> int:
    return sum(type(m) is kind for m in module.modules())


def branches_of(network: HRNet) -> list[tuple[int, nn.Module]]:
    """Every branch with its place: 0 for 1/4, 1 for 1/8, ..."""
    stages = (network.stage2, network.stage3, network.stage4)
    return [(i, b) for stage in stages for module in stage for i, b in enumerate(module.branches)]


@pytest.fixture(scope="module")
def meta():
    """Build on the meta device: shapes without numbers."""

    def build(**settings) -> HRNet:
        with torch.device("meta"):
            return HRNet(**settings)

    return build


class TestStructure:
    def test_blocks(self, meta):
        network = meta(width=8)
        assert len(branches_of(network)) == 1 * 2 + 4 * 3 + 3 * 4 == 26
        assert count(network, BasicBlock) == 26 * 4
        assert count(network, Bottleneck) == 4

    @pytest.mark.parametrize(
        ("depth", "modules", "blocks", "bottlenecks", "expanded"),
        [("full", (1, 4, 3), 4, 4, 256), ("small", (1, 1, 1), 2, 1, 128), ("small_v2", (1, 3, 2), 2, 2, 256)],
    )
    def test_depth(self, meta, depth, modules, blocks, bottlenecks, expanded):
        """As HRNet-W18-Small and its version 2 have it."""
        network = meta(width=8, depth=depth)
        assert tuple(len(s) for s in (network.stage2, network.stage3, network.stage4)) == modules
        assert {count(branch, BasicBlock) for _, branch in branches_of(network)} == {blocks}
        assert count(network.layer1, Bottleneck) == bottlenecks
        assert network.layer1[-1].conv3.out_channels == expanded
        assert network(torch.empty(1, 3, 64, 96, device="meta")).shape == (1, 8, 16, 24)

    @pytest.mark.parametrize(
        ("depth", "stem_width", "expanded"), [("full", 64, 256), ("full", 32, 128), ("small", 24, 48)]
    )
    @pytest.mark.parametrize("stem", ["conv", "pyramid"])
    def test_stem_width(self, meta, stem, depth, stem_width, expanded):
        """Narrower stems take the bottlenecks with them; branches, and with them the head, stay."""
        network = meta(width=8, stem=stem, depth=depth, stem_width=stem_width)
        assert network.stem.conv2.out_channels == network.layer1[0].conv1.in_channels == stem_width
        assert {m.conv3.out_channels for m in network.layer1} == {expanded}
        assert network(torch.empty(1, 3, 64, 96, device="meta")).shape == (1, 8, 16, 24)

    def test_unknown_depth(self, meta):
        with pytest.raises(ValueError, match="'tiny': choose one of"):
            meta(depth="tiny")

    def test_no_background_block_at_a_quarter(self, meta):
        network = meta(width=8, context="background")
        for place, branch in branches_of(network):
            assert count(branch, BackgroundBlock) == (0 if place == 0 else 4)
            assert count(branch, BasicBlock) == (4 if place == 0 else 0)
        assert count(network, BackgroundBlock) == 4 * (26 - 8)
        assert count(network.layer1, BackgroundBlock) == 0

    def test_attention_at_module_ends(self, meta):
        network = meta(width=8, attention=CBAM)
        assert count(network, CBAM) == 26
        assert not any(count(branch, CBAM) for _, branch in branches_of(network))

    @pytest.mark.parametrize("context", ["basic", "background"])
    def test_attention_in_blocks(self, meta, context):
        network = meta(width=8, attention=CBAM, placement="block", context=context)
        assert count(network, CBAM) == sum(count(b, CBAM) for _, b in branches_of(network)) == 26 * 4

    def test_parameters_of_each_change(self, meta):
        def parameters(**settings) -> int:
            return sum(p.numel() for p in meta(width=32, **settings).parameters())

        plain, widths = parameters(), [32, 64, 128, 256]
        places = {0: 8, 1: 8, 2: 7, 3: 3}  # branches at 1/4, 1/8, 1/16, 1/32

        def cbam(c: int) -> int:
            h = c // 16
            return 2 * c * h + h + c + 2 * 49

        per_branch = sum(n * cbam(widths[i]) for i, n in places.items())
        assert parameters(attention=CBAM) == plain + per_branch
        assert parameters(attention=CBAM, placement="block") == plain + 4 * per_branch

        def background(c: int) -> int:
            h = c // 16
            return 2 * c * c + 4 * c + 2 * c * h + h + c + 18

        extra = sum(4 * n * background(widths[i]) for i, n in places.items() if i)
        assert parameters(context="background") == plain + extra
        assert parameters(stem="pyramid") == plain + 3 * 9 * 64**2 + 2 * 64**2 + 3 * 64 + 2 * 128

    @pytest.mark.parametrize("wrong", [{"stem": "fpn"}, {"context": "global"}, {"placement": "modul"}])
    def test_unknown_names_are_told(self, meta, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong.values()))):
            meta(width=8, **wrong)


class TestExchange:
    def test_every_output_is_the_sum_over_all_branches(self):
        module = ExchangeModule([4, 8, 16], [BasicBlock] * 3, nn.Identity, outputs=3).eval()
        initialise(module, seed=0, scheme="kaiming")
        xs = [torch.randn(1, 4 * 2**i, 16 // 2**i, 24 // 2**i) for i in range(3)]
        a, b, c = (branch(x) for branch, x in zip(module.branches, xs, strict=True))
        fuse = module.fuse_layers

        def up(layers: nn.Sequential, x: torch.Tensor, factor: int) -> torch.Tensor:
            x = layers[1](F.conv2d(x, layers[0].weight))
            return x.repeat_interleave(factor, 2).repeat_interleave(factor, 3)

        def down(layers: nn.Sequential, x: torch.Tensor, relu: bool) -> torch.Tensor:
            x = layers[1](F.conv2d(x, layers[0].weight, stride=2, padding=1))
            return F.relu(x) if relu else x

        quarter = a + up(fuse[0][1], b, 2) + up(fuse[0][2], c, 4)
        eighth = down(fuse[1][0][0], a, relu=False) + b + up(fuse[1][2], c, 2)
        chain = down(fuse[2][0][1], down(fuse[2][0][0], a, relu=True), relu=False)
        sixteenth = chain + down(fuse[2][1][0], b, relu=False) + c
        for out, wanted in zip(module(xs), (quarter, eighth, sixteenth), strict=True):
            torch.testing.assert_close(out, F.relu(wanted))

    def test_input_is_left_alone(self):
        exchange = nn.ModuleList(Exchange([4, 8, 16], target) for target in range(3))
        xs = [torch.randn(2, 4, 16, 16), torch.randn(2, 8, 8, 8), torch.randn(2, 16, 4, 4)]
        kept = [x.clone() for x in xs]
        for one in exchange:
            one(xs)
        assert all(torch.equal(x, k) for x, k in zip(xs, kept, strict=True))

    def test_of_branches_in_two_precisions_the_wider_one_is_kept(self):
        exchange = Exchange([4, 4, 4], 0)
        for source in (1, 2):
            exchange[source] = nn.Identity()
        kinds = (torch.bfloat16, torch.bfloat16, torch.float32)
        out = exchange(
            [torch.full((1, 4, 2, 2), value, dtype=k) for k, value in zip(kinds, (1, 2, 2**-9), strict=True)]
        )
        assert out.dtype == torch.float32 and (out == 3 + 2**-9).all()

    def test_attention_acts_before_the_exchange(self):
        class Shut(nn.Module):
            def __init__(self, channels: int):
                super().__init__()

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return 0 * x

        module = ExchangeModule([4, 8], [BasicBlock] * 2, Shut, outputs=2).eval()
        xs = [torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)]
        assert all((out == 0).all() for out in module(xs))

    def test_transition_adds_a_branch_from_the_coarsest(self):
        transition = Transition([4, 8], [4, 8, 16]).eval()
        xs = [torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)]
        out = transition(xs)
        assert out[0] is xs[0] and out[1] is xs[1]
        assert out[2].shape == (1, 16, 2, 2)


def test_output_is_at_a_quarter():
    network = HRNet(width=8).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 8, 16, 24)
