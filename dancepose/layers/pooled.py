"""Layers on what is left of a map when its space is pooled away: small tensors, where calls cost most."""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
