"""CBAM in three orders, over maps (dim 2) and over time (dim 1).

An attention is one callable `(channels) -> nn.Module` whose module keeps the shape of its input; no attention
is `nn.Identity`. Networks take the callable and know nothing else of it. To add one: write its module in a
file of its own in this folder with CBAM's constructor arguments, name it in `ATTENTIONS` of
`dancepose/attentions.py`, and put `conf/model/attention/<name>.yaml` with the same five keys beside the
others.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dancepose.layers.init import starts_open, starts_small
from dancepose.layers.pooled import (
    PooledConv1d,
    PooledConv2d,
    channel_pools,
    full_precision,
    highest,
    space_mean,
    widened,
)

Attention = Callable[[int], nn.Module]
ORDERS = ("cbam0", "cbam1", "cbam2")
SPATIAL_NORMS = ("none", "batch")
POOLED: dict[int, Callable[..., nn.Module]] = {1: PooledConv1d, 2: PooledConv2d}
CONVOLUTIONS: dict[int, Callable[..., nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d}
BATCH_NORMS: dict[int, Callable[..., nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}


class ChannelGate(nn.Module):
    """Weight of each channel, M_c(F) = scale * sigmoid(MLP(mean F) + MLP(max F)).

    Eq. 3 of the pose paper, eq. 1 of the motion paper. One MLP serves both pooled vectors.

    Args:
        channels: C.
        reduction: r; the MLP is C -> max(C // r, 1) -> C with a ReLU between and biases.
        scale: what the sigmoid is multiplied by.
        dim: 2 for (B, C, H, W), 1 for (B, C, T).
    """

    def __init__(self, channels: int, reduction: int = 16, scale: float = 1.0, dim: int = 2) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        conv = POOLED[dim]
        self.mlp = nn.Sequential(
            starts_open(conv(channels, hidden)),
            nn.ReLU(inplace=True),
            starts_small(conv(hidden, channels)),
        )
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, *space) -> (B, C, 1, ...), each within (0, scale)."""
        mean, peak = space_mean(features), highest(features)
        with full_precision(features):
            both = self.mlp(widened(torch.cat([mean, peak])))  # one MLP, so one call
            count = mean.shape[0]  # len() would fix the batch of an exported graph
            gate = self.scale * torch.sigmoid(both[:count] + both[count:])
        return gate.to(features.dtype)


class SpatialGate(nn.Module):
    """Weight of each place, M_s(F) = scale * sigmoid(conv([mean_c F; max_c F])).

    Eq. 4 of the pose paper, eq. 2 of the motion paper.

    Args:
        kernel: width of the one convolution, odd.
        norm: `none` by the equation; `batch` puts a batch norm before the sigmoid, as the published code
            does.
        scale: what the sigmoid is multiplied by.
        dim: 2 for (B, C, H, W), 1 for (B, C, T).

    Raises:
        ValueError: an even kernel, which has no centre, or an unknown norm.
    """

    def __init__(self, kernel: int = 7, norm: str = "none", scale: float = 1.0, dim: int = 2) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"the spatial kernel is {kernel}: it must be odd")
        if norm not in SPATIAL_NORMS:
            raise ValueError(f"spatial_norm is '{norm}': choose one of {', '.join(SPATIAL_NORMS)}")
        self.conv = starts_small(CONVOLUTIONS[dim](2, 1, kernel, padding=kernel // 2, bias=False))
        self.norm = BATCH_NORMS[dim](1, momentum=0.01) if norm == "batch" else nn.Identity()
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, *space) -> (B, 1, *space), each within (0, scale)."""
        return self.scale * torch.sigmoid(self.norm(self.conv(channel_pools(features))))


class CBAM(nn.Module):
    """Channel and spatial attention in one of three orders, with equal parameters and equal work.

    With the motion paper's equations (the pose paper has `cbam0`):

    - `cbam0`: channel, then spatial: F1 = M_c(F) F, F2 = M_s(F1) F1 (eq. 3, 4)
    - `cbam1`: spatial, then channel: F1 = M_s(F) F, F2 = M_c(F1) F1 (eq. 5, 6)
    - `cbam2`: both from F: F2 = M_c(F) M_s(F) F (eq. 7; its M_c(F_1) is undefined there, its text says F)

    Args:
        channels: C.
        order: `cbam0`, `cbam1` or `cbam2`.
        reduction: of the channel gate's MLP.
        kernel: of the spatial gate's convolution.
        spatial_norm: `none` or `batch`, in the spatial gate.
        gate_scale: of both gates. 1 is the papers'; 2 lets a gate on the trunk start near the identity.
        dim: 2 for maps, 1 for sequences.

    Raises:
        ValueError: an unknown order or norm, or an even kernel.
    """

    def __init__(
        self,
        channels: int,
        order: str = "cbam0",
        reduction: int = 16,
        kernel: int = 7,
        spatial_norm: str = "none",
        gate_scale: float = 1.0,
        dim: int = 2,
    ) -> None:
        super().__init__()
        if order not in ORDERS:
            raise ValueError(f"order is '{order}': choose one of {', '.join(ORDERS)}")
        self.order = order
        self.channel = ChannelGate(channels, reduction, gate_scale, dim)
        self.spatial = SpatialGate(kernel, spatial_norm, gate_scale, dim)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, *space) -> (B, C, *space)."""
        if self.order == "cbam2":
            return features * self.channel(features) * self.spatial(features)
        gates = (self.channel, self.spatial) if self.order == "cbam0" else (self.spatial, self.channel)
        for gate in gates:
            features = features * gate(features)
        return features
