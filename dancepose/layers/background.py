"""The background-information block of the pose paper: a global and a local path, fused by attention."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dancepose.errors import ConfigError
from dancepose.layers.attention import Attention
from dancepose.layers.init import starts_above, starts_open, starts_small
from dancepose.layers.pooled import PooledConv2d, channel_pools, full_precision, space_mean, widened
from dancepose.layers.residual import BasicBlock

# Where M of eq. 8 starts, before the sigmoid: near F_l. From M = 1/2 each of the 32 blocks on a branch would
# halve what its shortcut carries, and the network would start as one without shortcuts.
LOCAL = -4.0
# Where the units of the global path start with `layer`, in standard deviations over the channels: all open
OPEN = 4.0


class CSAM(nn.Module):
    """Channel and spatial attention, M(X') = sigmoid(M_c(X') + M_s(X')) (pose paper, eq. 9-11).

    M_c: mean over space, 1x1 convolution C -> C / r, ReLU, 1x1 convolution C / r -> C (eq. 10; without the
    ReLU the two would be one linear map). M_s: 3x3 convolution on [mean_c X'; max_c X'] (eq. 11).

    Args:
        channels: C.
        reduction: r; at least one channel stays.
        start: M starts near sigmoid(start).
    """

    def __init__(self, channels: int, reduction: int = 16, start: float = 0.0) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.channel = nn.Sequential(
            starts_open(PooledConv2d(channels, hidden)),
            nn.ReLU(inplace=True),
            starts_small(PooledConv2d(hidden, channels), start),
        )
        # no bias: the channel path's serves the sum
        self.spatial = starts_small(nn.Conv2d(2, 1, 3, padding=1, bias=False))

    def weight(self, features: Tensor) -> Tensor:
        """Return M, (B, C, H, W), each within (0, 1): what eq. 8 mixes with."""
        with full_precision(features):
            channel = self.channel(widened(space_mean(features)))  # (B, C, 1, 1)
        channel = channel.to(features.dtype)
        return torch.sigmoid(channel + self.spatial(channel_pools(features)))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> M(X') * X' of the same shape (eq. 9)."""
        return self.weight(features) * features


class PooledBatchNorm(nn.BatchNorm2d):
    """Batch norm of 1 x 1 maps, which has nothing to average over at one image a device.

    `nn.SyncBatchNorm.convert_sync_batchnorm` replaces it by one that averages over all devices.
    """

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, 1, 1) -> (B, C, 1, 1).

        Raises:
            ConfigError: one image in training mode.
        """
        if self.training and len(features) == 1:
            raise ConfigError(
                "model.global_norm=batch cannot train with one image a device: a 1 x 1 map of one image has "
                "no variance. Set model.global_norm=layer, or raise data.batch_size"
            )
        return super().forward(features)


GLOBAL_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": PooledBatchNorm,
    "layer": lambda channels: starts_above(nn.GroupNorm(1, channels), OPEN),
    "none": nn.Identity,
}


class BackgroundBlock(BasicBlock):
    """A residual block whose output is mixed with what the whole map says (pose paper, eq. 5-8).

    - global: F_g = two of (1x1 convolution, norm, ReLU) on the mean over space, (B, C, 1, 1) (eq. 5, 6)
    - local: F_l = `BasicBlock`, whose layers keep their names, so that weights carry over (eq. 7)
    - fusion: Y = M F_g + (1 - M) F_l with M = CSAM weight of F_g + F_l (eq. 8)

    Args:
        channels: C, in and out.
        attention: on the residual path of the local part.
        global_norm: norm of the global path. `batch` is the paper's letter, which cannot train at one image a
            device and is noisy at few; `layer` normalises over the channels of each image; `none`.
        reduction: of the CSAM.

    Raises:
        ValueError: an unknown norm.
    """

    def __init__(
        self,
        channels: int,
        attention: Attention = nn.Identity,
        global_norm: str = "layer",
        reduction: int = 16,
    ) -> None:
        super().__init__(channels, attention)
        if global_norm not in GLOBAL_NORMS:
            raise ValueError(f"global_norm is '{global_norm}': choose one of {', '.join(GLOBAL_NORMS)}")
        norm, bias = GLOBAL_NORMS[global_norm], global_norm == "none"
        self.context = nn.Sequential(
            PooledConv2d(channels, channels, bias),
            norm(channels),
            nn.ReLU(inplace=True),
            PooledConv2d(channels, channels, bias),
            norm(channels),
            nn.ReLU(inplace=True),
        )
        self.fusion = CSAM(channels, reduction, LOCAL)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W).

        Raises:
            ConfigError: `global_norm` is `batch` and one image is given in training mode.
        """
        local = super().forward(x)  # F_l, (B, C, H, W)
        with full_precision(x):
            whole = self.context(widened(space_mean(x)))  # F_g, (B, C, 1, 1)
        whole = whole.to(local.dtype)
        return torch.lerp(local, whole, self.fusion.weight(whole + local))  # eq. 8 in one pass
