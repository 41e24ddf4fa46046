"""CBAM against the published implementation, against its equations, and against its known mistakes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dancepose.layers.attention import CBAM, ORDERS, ChannelGate, SpatialGate
from dancepose.layers.init import initialise


def filled(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give every parameter a value of order one, so that no term of an equation hides behind a zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.5, generator=generator)
    return module


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def channel_weight(gate: ChannelGate, x: np.ndarray) -> np.ndarray:
    """M_c by the equation, written out: (B, C, H, W) -> (B, C)."""
    w0, b0, w1, b1 = (p.detach().double().numpy() for p in gate.mlp.parameters())
    w0, w1 = w0[:, :, 0, 0], w1[:, :, 0, 0]

    def mlp(v: np.ndarray) -> np.ndarray:
        return np.maximum(v @ w0.T + b0, 0) @ w1.T + b1

    return sigmoid(mlp(x.mean((2, 3))) + mlp(x.max((2, 3))))


def spatial_weight(gate: SpatialGate, x: np.ndarray) -> np.ndarray:
    """M_s by the equation, written out place by place: (B, C, H, W) -> (B, H, W)."""
    kernel = gate.conv.weight.detach().double().numpy()[0]
    half = kernel.shape[-1] // 2
    pooled = np.stack([x.mean(1), x.max(1)], 1)
    padded = np.pad(pooled, ((0, 0), (0, 0), (half, half), (half, half)))
    out = np.empty_like(x[:, 0])
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            out[:, i, j] = (padded[:, :, i : i + 2 * half + 1, j : j + 2 * half + 1] * kernel).sum((1, 2, 3))
    return sigmoid(out)


class TestPublishedCode:
    """The official CBAM: channel then spatial, with batch norm in the spatial gate."""

    @staticmethod
    def translate(state: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """Its names and shapes -> ours. It stacks [max, mean], the papers and we [mean, max]."""
        tensors = {k: torch.from_numpy(np.asarray(v)) for k, v in state.items()}
        ours = {}
        for theirs, mine in (("1", "0"), ("3", "2")):
            ours[f"channel.mlp.{mine}.weight"] = tensors[f"ChannelGate.mlp.{theirs}.weight"][..., None, None]
            ours[f"channel.mlp.{mine}.bias"] = tensors[f"ChannelGate.mlp.{theirs}.bias"]
        ours["spatial.conv.weight"] = tensors["SpatialGate.spatial.conv.weight"].flip(1)
        for key, value in tensors.items():
            if key.startswith("SpatialGate.spatial.bn."):
                ours[key.replace("SpatialGate.spatial.bn.", "spatial.norm.")] = value
        return ours

    @pytest.mark.shared
    @pytest.mark.parametrize("channels", [16, 64])
    def test_forward_backward_and_state_agree(self, golden, channels):
        arrays = golden(f"cbam_C{channels}_r16")
        part = {p: {k[len(p) :]: v for k, v in arrays.items() if k.startswith(p)} for p in ("sd.", "grad.")}
        cbam = CBAM(channels, "cbam0", reduction=16, kernel=7, spatial_norm="batch", gate_scale=1.0)
        cbam.load_state_dict(self.translate(part["sd."]))
        x = torch.from_numpy(arrays["input"]).requires_grad_()

        cbam.eval()
        close = dict(rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            x * cbam.channel(x), torch.from_numpy(arrays["out_channelgate_eval"]), **close
        )
        torch.testing.assert_close(cbam(x), torch.from_numpy(arrays["out_eval"]), **close)

        cbam.train()
        out = cbam(x)
        torch.testing.assert_close(out, torch.from_numpy(arrays["out_train"]), **close)
        out.backward(torch.from_numpy(arrays["grad_out"]))
        torch.testing.assert_close(x.grad, torch.from_numpy(arrays["grad_in"]), rtol=1e-4, atol=1e-4)
        wanted = self.translate(part["grad."])
        for name, parameter in cbam.named_parameters():
            torch.testing.assert_close(parameter.grad, wanted[name], rtol=1e-3, atol=1e-3, msg=name)
        after = "sd_after_train.SpatialGate.spatial.bn."
        for name in ("running_mean", "running_var"):
            torch.testing.assert_close(
                getattr(cbam.spatial.norm, name), torch.from_numpy(arrays[after + name]), rtol=1e-4, atol=1e-6
            )


class TestEquations:
    def test_channel_gate(self):
        gate = filled(ChannelGate(6, reduction=2)).double()
        x = maps(2, 6, 4, 5).double()
        torch.testing.assert_close(
            gate(x)[:, :, 0, 0].detach(), torch.from_numpy(channel_weight(gate, x.numpy()))
        )

    @pytest.mark.parametrize("kernel", [3, 7])
    def test_spatial_gate(self, kernel):
        gate = filled(SpatialGate(kernel)).double()
        x = maps(2, 6, 4, 5).double()
        torch.testing.assert_close(gate(x)[:, 0].detach(), torch.from_numpy(spatial_weight(gate, x.numpy())))

    @pytest.mark.parametrize("order", ORDERS)
    def test_orders(self, order):
        cbam = filled(CBAM(6, order, reduction=2, kernel=3)).double()
        x = maps(2, 6, 4, 5).double()
        f = x.numpy()

        def channel(v: np.ndarray) -> np.ndarray:
            return channel_weight(cbam.channel, v)[:, :, None, None]

        def spatial(v: np.ndarray) -> np.ndarray:
            return spatial_weight(cbam.spatial, v)[:, None]

        if order == "cbam0":
            f1 = channel(f) * f
            wanted = spatial(f1) * f1
        elif order == "cbam1":
            f1 = spatial(f) * f
            wanted = channel(f1) * f1
        else:
            wanted = channel(f) * spatial(f) * f
        torch.testing.assert_close(cbam(x).detach(), torch.from_numpy(wanted))

    def test_orders_differ_in_output_but_not_in_parameters(self):
        x, outputs, states = maps(2, 16, 8, 6), [], []
        for order in ORDERS:
            cbam = filled(CBAM(16, order, reduction=4))
            states.append({k: v.shape for k, v in cbam.state_dict().items()})
            outputs.append(cbam(x))
        assert states[0] == states[1] == states[2]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert not torch.allclose(outputs[a], outputs[b], atol=1e-3)

    @pytest.mark.parametrize("order", ORDERS)
    def test_one_implementation_serves_time_too(self, order):
        """A sequence is a map of width 1 whose kernel has only its middle column."""
        flat, square = filled(CBAM(8, order, 4, 7, dim=1)), CBAM(8, order, 4, 7)
        state = {k: v[..., None] if v.ndim > 1 else v for k, v in flat.state_dict().items()}
        kernel = torch.zeros(1, 2, 7, 7)
        kernel[..., 3] = flat.spatial.conv.weight.detach()
        square.load_state_dict({**state, "spatial.conv.weight": kernel})
        x = maps(2, 8, 11)
        torch.testing.assert_close(flat(x), square(x[..., None])[..., 0])


@pytest.mark.parametrize("dim", [1, 2])
class TestKnownMistakes:
    """What re-implementations get wrong, over time and over maps."""

    def test_mlp_is_shared_and_counted_once(self, dim):
        count = sum(p.numel() for p in ChannelGate(64, 16, dim=dim).parameters())
        assert count == 64 * 4 + 4 + 4 * 64 + 64
        # where a channel is the same everywhere its mean is its maximum, so that the MLP counts twice
        gate, flat = filled(ChannelGate(8, 2, dim=dim)), maps(2, 8, *[1] * dim)
        wanted = torch.sigmoid(2 * gate.mlp(flat))
        torch.testing.assert_close(gate(flat.expand(2, 8, *[6] * dim)), wanted)

    def test_max_branch_counts(self, dim):
        """Equal means and unequal maxima must give unequal weights, in both gates."""
        x = maps(1, 8, *[6] * dim)
        y = x.clone()
        y.flatten(2)[0, :, 0] += 3.0
        y.flatten(2)[0, :, -1] -= 3.0
        torch.testing.assert_close(x.flatten(2).mean(2), y.flatten(2).mean(2))
        gate = filled(ChannelGate(8, 2, dim=dim))
        assert not torch.allclose(gate(x), gate(y), atol=1e-3)
        z = x.clone()
        z[0, 0] += 3.0
        z[0, 1] -= 3.0
        gate = filled(SpatialGate(3, dim=dim))
        assert not torch.allclose(gate(x), gate(z), atol=1e-3)

    def test_mean_branch_counts(self, dim):
        x = maps(1, 8, *[6] * dim)
        peak = x.amax(tuple(range(2, 2 + dim)), keepdim=True)
        y = torch.where(x == peak, x, x - 1.0)  # the maxima over space stay
        gate = filled(ChannelGate(8, 2, dim=dim))
        assert not torch.allclose(gate(x), gate(y), atol=1e-3)
        z = torch.where(x == x.amax(1, keepdim=True), x, x - 1.0)  # those over the channels stay
        gate = filled(SpatialGate(3, dim=dim))
        assert not torch.allclose(gate(x), gate(z), atol=1e-3)

    def test_pooling_is_global(self, dim):
        """A channel's weight is one number, and does not depend on where things are."""
        gate, x = filled(ChannelGate(8, 2, dim=dim)), maps(2, 8, *[9] * dim)
        places = torch.randperm(9**dim, generator=torch.Generator().manual_seed(1))
        assert gate(x).shape == (2, 8, *[1] * dim)
        torch.testing.assert_close(gate(x), gate(x.flatten(2)[..., places].view_as(x)))
        for place in (0, 9**dim // 2, 9**dim - 1):  # the one peak counts wherever it is
            y = torch.zeros_like(x)
            y.flatten(2)[..., place] = 3.0
            assert not torch.allclose(gate(y), gate(torch.full_like(x, 3.0 / 9**dim)), atol=1e-3)

    @pytest.mark.parametrize("scale", [1.0, 2.0])
    def test_gates_are_sigmoids_that_reach_both_ends(self, dim, scale):
        """Bounded (a sigmoid is there), and below scale / 2 as well as above (no ReLU stands before it)."""
        x = 5 * maps(4, 16, *[8] * dim)
        for gate in (ChannelGate(16, 2, scale, dim), SpatialGate(7, scale=scale, dim=dim)):
            weight = filled(gate)(x)
            assert 0 <= weight.min() < 0.45 * scale
            assert 0.55 * scale < weight.max() <= scale

    @given(channels=st.integers(1, 70), reduction=st.integers(1, 70), kernel=st.sampled_from([1, 3, 7]))
    def test_hidden_width_is_never_zero_and_count_is_closed(self, dim, channels, reduction, kernel):
        hidden = max(channels // reduction, 1)
        cbam = CBAM(channels, "cbam0", reduction, kernel, dim=dim)
        count = sum(p.numel() for p in cbam.parameters())
        assert count == 2 * channels * hidden + hidden + channels + 2 * kernel**dim

    def test_batch_norm_has_the_published_momentum(self, dim):
        assert CBAM(4, spatial_norm="batch", dim=dim).spatial.norm.momentum == 0.01


class TestUse:
    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("norm", ["none", "batch"])
    def test_one_image_trains_every_parameter(self, order, norm):
        cbam = filled(CBAM(16, order, 4, spatial_norm=norm)).train()
        cbam(maps(1, 16, 8, 8)).square().sum().backward()
        for name, parameter in cbam.named_parameters():
            assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name

    @pytest.mark.parametrize("order", ORDERS)
    def test_channels_last_stays_and_changes_nothing(self, order):
        cbam, x = filled(CBAM(16, order)), maps(2, 16, 8, 6)
        out = cbam(x.contiguous(memory_format=torch.channels_last))
        assert out.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(out, cbam(x))

    def test_scale_two_starts_near_the_identity_and_one_at_a_quarter(self):
        x = maps(2, 32, 8, 8).relu()
        for scale, factor in ((2.0, 1.0), (1.0, 0.25)):
            cbam = CBAM(32, gate_scale=scale)
            initialise(cbam, seed=0)
            torch.testing.assert_close(cbam(x), factor * x, rtol=0.05, atol=1e-6)

    @pytest.mark.parametrize("wrong", [{"order": "cbam3"}, {"kernel": 4}, {"spatial_norm": "layer"}])
    def test_wrong_arguments_are_told(self, wrong):
        with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
            CBAM(8, **wrong)
