"""What a network costs: parameters and multiply-accumulate operations of each of its modules."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from dancepose.networks.action import ActionNetwork

WEIGHED = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
PROBE = 64  # side of the small image that is really passed through


def count_macs(network: nn.Module, size: tuple[int, int]) -> dict[str, int]:
    """Count the multiply-accumulate operations of a forward pass on one image.

    Convolutions and linear layers count, as is the custom of the literature; norms, activations, pooling and
    the gates' products do not. A small image is passed through, and what has an extent there counts as many
    times more as the image is larger: exact for sides that are multiples of 32.

    Args:
        network: takes (B, 3, H, W); left as it was.
        size: height and width of the image.

    Returns:
        Name of each module, `""` for the whole -> operations within it.
    """
    weight = next(network.parameters())
    probe = torch.zeros(1, 3, PROBE, PROBE, device=weight.device, dtype=weight.dtype)
    return _count(network, lambda: network(probe), size[0] * size[1] / PROBE**2)


def count_macs_of(network: nn.Module, **inputs: Tensor) -> dict[str, int]:
    """Count the operations of a forward pass on these very inputs, of as many samples as they hold.

    For networks that take more than one image; what counts and what is returned are as in `count_macs`. The
    distances of an action network to its centres count, too; they are in the number of the whole alone.
    """
    counts = _count(network, lambda: network(**inputs), 1)
    if isinstance(network, ActionNetwork):
        counts[""] += network.other_macs * len(next(iter(inputs.values())))
    return counts


def measurable(network: nn.Module) -> AbstractContextManager[None]:
    """Within it a network takes inputs though it was never fitted to data, as long as it is only measured."""
    return network.measurable() if isinstance(network, ActionNetwork) else nullcontext()


@torch.no_grad()
def _count(network: nn.Module, run: Callable[[], Any], larger: float) -> dict[str, int]:
    names = {module: name for name, module in network.named_modules()}
    counts = dict.fromkeys(names.values(), 0)

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, WEIGHED)
        # each weight works once at every place: of the output, or of the input where that is spread out
        places = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        extent = 1 if isinstance(module, nn.Linear) else math.prod(places.shape[2:])
        operations = round(module.weight.numel() * len(output) * extent * (larger if extent > 1 else 1))
        path = names[module].split(".")
        for depth in range(len(path) + 1):
            counts[".".join(path[:depth])] += operations

    hooks = [m.register_forward_hook(count) for m in names if isinstance(m, WEIGHED)]
    training = [module for module in names if module.training]
    try:
        network.eval()
        with measurable(network):
            run()
    finally:
        for hook in hooks:
            hook.remove()
        for module in training:
            module.training = True
    return counts


def count_parameters(network: nn.Module) -> dict[str, int]:
    """Return name of each module, `""` for the whole -> number of the parameters within it."""
    return {name: sum(p.numel() for p in m.parameters()) for name, m in network.named_modules()}
