"""The background-information block, equation by equation."""

import pytest
import torch
import torch.nn.functional as F

from dancepose.errors import ConfigError
from dancepose.layers.background import CSAM, GLOBAL_NORMS, BackgroundBlock, PooledBatchNorm
from dancepose.layers.init import initialise
from dancepose.layers.residual import BasicBlock


def block(channels: int = 32, **settings) -> BackgroundBlock:
    made = BackgroundBlock(channels, **settings)
    initialise(made, seed=3, scheme="kaiming")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "bias" in name or "fusion" in name:  # these start at or near zero: give them something to say
                parameter.normal_(0, 0.3, generator=generator)
    return made


def maps(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class TestCSAM:
    def test_equations_9_to_11(self):
        csam = CSAM(8, reduction=4)
        for parameter in csam.parameters():
            torch.nn.init.normal_(parameter, 0, 0.5)
        x = maps(2, 8, 5, 6)
        first, _, second = csam.channel
        pooled = torch.stack([x[:, c].mean((1, 2)) for c in range(8)], 1)  # GAP, (B, C)
        hidden = F.relu(pooled @ first.weight[:, :, 0, 0].T + first.bias)
        channel = hidden @ second.weight[:, :, 0, 0].T + second.bias  # eq. 10
        stacked = torch.stack([x.mean(1), x.max(1).values], 1)
        spatial = F.conv2d(stacked, csam.spatial.weight, padding=1)  # eq. 11
        weight = 1 / (1 + torch.exp(-(channel[:, :, None, None] + spatial)))
        torch.testing.assert_close(csam.weight(x), weight)
        torch.testing.assert_close(csam(x), weight * x)  # eq. 9: stand-alone it is applied

    def test_weight_is_a_mixing_weight(self):
        weight = block().fusion.weight(maps(2, 32, 6, 6))
        assert weight.shape == (2, 32, 6, 6)
        assert 0 < weight.min() < 0.5 < weight.max() < 1

    @pytest.mark.parametrize(("channels", "hidden"), [(8, 1), (16, 1), (64, 4)])
    def test_parameter_count(self, channels, hidden):
        count = sum(p.numel() for p in CSAM(channels, 16).parameters())
        assert count == (channels * hidden + hidden) + (hidden * channels + channels) + 2 * 9


class TestFusion:
    def test_equations_5_to_8(self):
        made = block(8, global_norm="none").eval()
        x = maps(2, 8, 7, 5)
        first, second = made.context[0], made.context[3]
        pooled = x.sum((2, 3)) / (7 * 5)  # eq. 6
        hidden = F.relu(pooled @ first.weight[:, :, 0, 0].T + first.bias)
        whole = F.relu(hidden @ second.weight[:, :, 0, 0].T + second.bias)[:, :, None, None]  # eq. 5
        local = F.relu(made.bn1(made.conv1(x)))
        local = F.relu(made.bn2(made.conv2(local)) + x)  # eq. 7
        weight = made.fusion.weight(whole + local)
        torch.testing.assert_close(made(x), weight * whole + (1 - weight) * local)  # eq. 8

    @pytest.mark.parametrize("norm", GLOBAL_NORMS)
    def test_weight_one_gives_the_global_path_everywhere(self, norm, monkeypatch):
        made, x = block(global_norm=norm).eval(), maps(2, 32, 6, 6)
        monkeypatch.setattr(made.fusion, "weight", torch.ones_like)
        whole = made.context(x.mean((2, 3), keepdim=True))
        assert whole.shape == (2, 32, 1, 1) and whole.max() > 0
        torch.testing.assert_close(made(x), whole.expand(2, 32, 6, 6))

    def test_weight_zero_gives_the_residual_block(self, monkeypatch):
        made, x = block().eval(), maps(2, 32, 6, 6)
        monkeypatch.setattr(made.fusion, "weight", torch.zeros_like)
        basic = BasicBlock(32).eval()
        basic.load_state_dict({k: v for k, v in made.state_dict().items() if k in basic.state_dict()})
        assert torch.equal(made(x), basic(x))

    @pytest.mark.parametrize("norm", GLOBAL_NORMS)
    def test_a_corner_reaches_the_far_corner_in_one_block(self, norm):
        made = block(global_norm=norm).eval()
        x = maps(1, 32, 24, 24)
        changed = x.clone()
        changed[0, :, 0, 0] += 20 * maps(32, seed=5)
        far = (0, slice(None), -1, -1)
        assert (made(x)[far] - made(changed)[far]).abs().max() > 1e-3
        basic = BasicBlock(32).eval()  # which sees five pixels
        assert torch.equal(basic(x)[far], basic(changed)[far])

    @pytest.mark.parametrize("norm", GLOBAL_NORMS)
    def test_every_parameter_gets_a_gradient(self, norm):
        made = block(64, global_norm=norm).train()
        made(maps(2, 64, 8, 8)).square().sum().backward()
        for name, parameter in made.named_parameters():
            assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name

    @pytest.mark.parametrize(("norm", "extra"), [("batch", 4), ("layer", 4), ("none", 2)])
    @pytest.mark.parametrize("c", [16, 64])
    def test_parameter_count(self, norm, extra, c):
        h = max(c // 16, 1)
        local = 2 * 9 * c * c + 4 * c
        whole = 2 * c * c + extra * c  # weights and biases of two norms, or the biases of two convolutions
        csam = 2 * c * h + h + c + 18
        assert (
            sum(p.numel() for p in BackgroundBlock(c, global_norm=norm).parameters()) == local + whole + csam
        )

    def test_local_path_keeps_the_names_of_the_residual_block(self):
        shapes = {k: v.shape for k, v in BackgroundBlock(16).state_dict().items()}
        assert {k: v.shape for k, v in BasicBlock(16).state_dict().items()}.items() <= shapes.items()


class TestGlobalNorm:
    def test_batch_refuses_to_train_with_one_image_and_names_the_key(self):
        made = block(global_norm="batch").train()
        with pytest.raises(ConfigError, match=r"model\.global_norm=batch.*model\.global_norm=layer"):
            made(maps(1, 32, 6, 6))
        made(maps(2, 32, 6, 6))
        made.eval()(maps(1, 32, 6, 6))

    def test_synchronised_batch_norm_may_have_one_image_a_device(self):
        made = torch.nn.SyncBatchNorm.convert_sync_batchnorm(block(global_norm="batch"))
        assert not any(isinstance(m, PooledBatchNorm) for m in made.modules())

    @pytest.mark.parametrize("norm", ["layer", "none"])
    def test_the_others_train_with_one_image(self, norm):
        made = block(64, global_norm=norm).train()
        made(maps(1, 64, 6, 6)).square().sum().backward()
        assert made.context[0].weight.grad.abs().max() > 0

    def test_layer_normalises_over_the_channels_of_each_image(self):
        x = maps(3, 32, 4, 4)
        linear, norm = block(global_norm="layer").context[:2]
        with torch.no_grad():
            norm.weight.fill_(1.0)
            norm.bias.zero_()
        out = norm(linear(x.mean((2, 3), keepdim=True)))[:, :, 0, 0]
        torch.testing.assert_close(out.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
        torch.testing.assert_close(out.var(1, unbiased=False), torch.ones(3), atol=1e-2, rtol=0)

    def test_unknown_norm(self):
        with pytest.raises(ValueError, match="instance"):
            BackgroundBlock(8, global_norm="instance")


class TestStart:
    def test_a_branch_of_blocks_starts_with_its_shortcuts(self):
        """32 blocks stand on a branch: what goes in must still be there when training starts."""
        blocks = torch.nn.Sequential(*(BackgroundBlock(16) for _ in range(32)))
        initialise(blocks, seed=0)
        blocks.eval()  # with running statistics of 0 and 1 the residual path is small: the shortcut passes
        x = maps(2, 16, 8, 8).relu()
        with torch.no_grad():
            passed = blocks(x)
        rows = torch.stack([passed.flatten(), x.flatten()])
        assert torch.corrcoef(rows)[0, 1] > 0.9
        share = (passed * x).sum() / x.square().sum()
        assert share > 0.5, f"{share:.1e} of the input is left"

    @pytest.mark.parametrize("scheme", ["published", "kaiming"])
    @pytest.mark.parametrize("norm", ["layer", "batch"])
    def test_no_unit_of_the_global_path_starts_shut(self, norm, scheme):
        """Pooled maps are much alike: a unit that is shut for some pictures is shut for all, and stays so."""
        for seed in range(4):
            made = BackgroundBlock(64, global_norm=norm).train()
            initialise(made, seed=seed, scheme=scheme)
            x = (maps(1, 64, 8, 8) + 0.1 * maps(4, 64, 8, 8, seed=seed)).relu()
            (made(x) * maps(4, 64, 8, 8, seed=9)).sum().backward()
            for name, parameter in made.context.named_parameters():
                each = (
                    parameter.grad.flatten(1).abs().amax(1) if parameter.dim() > 1 else parameter.grad.abs()
                )
                assert each.min() > 0, f"{name}: {int((each == 0).sum())} units get no gradient"
