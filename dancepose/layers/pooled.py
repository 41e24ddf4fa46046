"""Maps pooled over space or channels, and layers on what is left: small tensors, where calls cost most.

Means and maxima are PyTorch's own; their backward passes are not. Those write several whole maps, in a memory
format that the features do not have, for gradients which are one number a map or a place.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class PooledConv2d(nn.Conv2d):
    """A 1x1 convolution of (B, C, 1, 1), computed as the linear map that it is.

    On a CPU the general convolution's set-up outweighs so little work, forward and back. The parameters
    keep a convolution's names and shapes.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, 1, 1) -> (B, outputs, 1, 1)."""
        return F.linear(features.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


class PooledConv1d(nn.Conv1d):
    """The same of (B, C, 1)."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, 1) -> (B, outputs, 1)."""
        return F.linear(features.flatten(1), self.weight.flatten(1), self.bias)[:, :, None]


class _SpaceMean(torch.autograd.Function):
    """The mean over space, whose gradient is a view of one number a channel."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.shape = features.shape
        return features.mean(tuple(range(2, features.dim())), keepdim=True)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return (gradient / math.prod(ctx.shape[2:])).expand(ctx.shape)


class _ChannelPools(torch.autograd.Function):
    """[mean_c; max_c] with the gradient of `mean` and `amax`: channels of equal maximum share its part."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        peak = features.amax(1, keepdim=True)
        ctx.save_for_backward(features, peak)
        return torch.cat([features.mean(1, keepdim=True), peak], 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        features, peak = ctx.saved_tensors
        of_mean, of_peak = gradient.split(1, 1)
        of_mean = of_mean / features.shape[1]
        if features.device.type == "cpu" and features.dtype == torch.float32:
            # 1 and 0 as numbers: with a map of bool the steps below take three times as long
            highest = torch.eq(features, peak, out=torch.empty_like(features))
            return highest.mul_(of_peak / highest.sum(1, keepdim=True)).add_(of_mean)
        highest = features == peak
        return torch.where(highest, of_mean + of_peak / highest.sum(1, keepdim=True), of_mean)


def _plain(features: Tensor) -> bool:
    """Return whether PyTorch's own operations will do: no gradient is asked for, or a graph is recorded."""
    return torch.compiler.is_compiling() or not (torch.is_grad_enabled() and features.requires_grad)


def space_mean(features: Tensor) -> Tensor:
    """Return the mean over space: (B, C, *space) -> (B, C, 1, ...)."""
    if _plain(features):
        return features.mean(tuple(range(2, features.dim())), keepdim=True)
    return _SpaceMean.apply(features)


def channel_pools(features: Tensor) -> Tensor:
    """Return mean and maximum over the channels: (B, C, *space) -> (B, 2, *space).

    Its gradient has no gradient of its own.
    """
    if _plain(features):
        return torch.cat([features.mean(1, keepdim=True), features.amax(1, keepdim=True)], 1)
    return _ChannelPools.apply(features)


def highest(features: Tensor) -> Tensor:
    """Return the maximum over space: (B, C, *space) -> (B, C, 1, ...).

    In eager mode by pooling, whose backward pass writes one cell where that of `amax` compares all. A graph
    that is compiled or exported gets `amax`, which fuses, and which ONNX has for any size.
    """
    if torch.compiler.is_compiling():
        return features.amax(tuple(range(2, features.dim())), keepdim=True)
    pool = F.adaptive_max_pool2d if features.dim() == 4 else F.adaptive_max_pool1d
    return pool(features, 1)


def widened(features: Tensor) -> Tensor:
    """Return half-precision features in float32, others as they are."""
    return features.float() if features.dtype in (torch.bfloat16, torch.float16) else features


def full_precision(features: Tensor) -> AbstractContextManager:
    """Switch autocast off: casting the weights of so small a layer costs more than float32 does."""
    kind = features.device.type
    if not torch.is_autocast_enabled(kind):
        return nullcontext()  # nothing for an exported graph to record
    return torch.autocast(kind, enabled=False)
