"""Activation maps: where a network's features are strong, and what its attention gates let through.

One method for all networks and attentions, so that pictures of variants can be laid side by side: the
activation-based attention map of Zagoruyko and Komodakis 2017 (Paying More Attention to Attention, section
3.1), F(A) = sum over channels of |A|^2. It needs no target and no gradient, and is taken at places that
every variant has. The gates of CBAM are shown beside it as they are.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dancepose.errors import ConfigError
from dancepose.inference.canvas import contact_sheet, fit
from dancepose.inference.figure import new_figure, rgb
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.heat import draw_strength
from dancepose.layers.attention import ChannelGate, SpatialGate
from dancepose.layers.pixels import PixelNorm
from dancepose.networks.hrnet import HRNet
from dancepose.networks.resnet import ResNet

# where the maps are taken: name in the network -> what the picture calls it. An attention that is switched
# off is an identity, whose place is there all the same
PLACES: dict[type[nn.Module], dict[str, str]] = {
    HRNet: {"layer1": "1/4", "stage2": "stage 2", "stage3": "stage 3", "stage4": "what the head reads"},
    ResNet: {
        "layer1": "layer 1",
        "layer2": "layer 2",
        "layer3": "layer 3",
        "layer4": "layer 4",
        "attention": "what is averaged",
    },
}
GATES = 8  # of each kind on a picture, at most: the last ones
TILE = 240  # pixels


@dataclass
class Activations:
    """What a network did with a batch.

    Attributes:
        maps: place -> (B, h, w) float32, sum over channels of the squared features.
        spatial: name of a spatial gate -> (B, h, w) float32 within 0 .. its `scales`; 1 changes nothing.
        channel: name of a channel gate -> (B, C) float32, likewise.
        scales: name of a gate -> the largest value that it can have.
        images: (B, H, W, 3) uint8 RGB, the pictures that the network was given.
    """

    maps: dict[str, np.ndarray] = field(default_factory=dict)
    spatial: dict[str, np.ndarray] = field(default_factory=dict)
    channel: dict[str, np.ndarray] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    images: np.ndarray | None = None


@contextmanager
def recorded(network: nn.Module) -> Iterator[Activations]:
    """Record the maps and gates of the first forward pass inside; the network is left as it was.

        with recorded(classifier.model.network) as found:
            classifier([sample])
        picture = draw_activations(found.images[0], found)

    Raises:
        ConfigError: the network looks at no picture.
    """
    found, places = Activations(), _places(network)

    def keep(kind: str, name: str, scale: float | None) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            target = getattr(found, kind)
            if name in target:  # the pass of a mirror image, or of another scale
                return
            tensor: Tensor = output[0] if isinstance(output, list) else output  # the finest branch
            values = tensor.detach().float()
            if kind == "maps":
                values = values.square().sum(1)
            target[name] = (values[:, 0] if kind == "spatial" else values).cpu().numpy()
            if kind == "channel":
                target[name] = target[name].reshape(len(values), -1)
            if scale is not None:
                found.scales[name] = scale

        return hook

    def keep_images(module: nn.Module, inputs: Any, output: Any) -> None:
        if found.images is None and inputs[0].dtype == torch.uint8:
            found.images = inputs[0].permute(0, 2, 3, 1).cpu().numpy()

    with ExitStack() as hooks:
        for name, module in network.named_modules():
            if isinstance(module, (SpatialGate, ChannelGate)):
                kind = "spatial" if isinstance(module, SpatialGate) else "channel"
                handle = module.register_forward_hook(keep(kind, name, module.scale))
                hooks.callback(handle.remove)
            elif isinstance(module, PixelNorm):
                hooks.callback(module.register_forward_hook(keep_images).remove)
        for module, name in places:
            hooks.callback(module.register_forward_hook(keep("maps", name, None)).remove)
        yield found


def _places(network: nn.Module) -> list[tuple[nn.Module, str]]:
    for kind, names in PLACES.items():
        for module in network.modules():
            if isinstance(module, kind):
                return [(module.get_submodule(name), told) for name, told in names.items()]
    raise ConfigError(
        "activation maps are of networks that look at pictures: a pose network, or a classifier with the "
        "image branch"
    )


@torch.inference_mode()
def pose_activations(
    network: nn.Module, geometry: TestGeometry, image: np.ndarray
) -> tuple[Activations, np.ndarray]:
    """Return what a pose network does with a picture, and the part of its input that the maps cover.

    Args:
        network: in evaluation mode; takes (B, 3, H, W) uint8 RGB.
        geometry: how the picture becomes an input.
        image: (H, W, 3) uint8 RGB.

    Returns:
        The activations of a batch of one, cut to the picture inside the padded input; and that picture,
        (h, w, 3) uint8 RGB.
    """
    pixels, _ = geometry.warp(image)
    width, height = geometry.plan(image.shape[1], image.shape[0]).content
    device = next(network.parameters()).device
    with recorded(network) as found:
        network(torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device))
    for kind in (found.maps, found.spatial):
        for name, value in kind.items():
            rows = cut_cells(value, 1, height / pixels.shape[0])
            kind[name] = cut_cells(rows, 2, width / pixels.shape[1])
    return found, pixels[:height, :width]


def cut_cells(value: np.ndarray, axis: int, share: float) -> np.ndarray:
    """Cut the end off a map along an axis; where that goes through a cell, all are interpolated anew.

    Args:
        value: the map.
        axis: along which.
        share: of its length that is kept, above 0 up to 1.

    Returns:
        The map in as many cells as the kept part touches, which cover this part evenly.
    """
    kept = value.shape[axis] * share
    count = math.ceil(kept - 1e-6)
    places = np.clip((np.arange(count) + 0.5) * kept / count - 0.5, 0, value.shape[axis] - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, value.shape[axis] - 1)
    part = (places - low).astype(value.dtype).reshape([-1 if i == axis else 1 for i in range(value.ndim)])
    return value.take(low, axis) * (1 - part) + value.take(high, axis) * part


def draw_activations(
    image: np.ndarray, found: Activations, index: int = 0, title: str | None = None, tile: int = TILE
) -> np.ndarray:
    """Draw maps and gates over a picture, tile by tile.

    A map is shown relative to its own maximum, a gate from 0 to the largest value that it can have, so that
    gates of different networks compare. Of many gates the last ones are drawn; the captions say which of how
    many, and a spatial gate's least value, mean and largest.

    Args:
        image: (H, W, 3) uint8 RGB, all of what the maps cover.
        found: what was recorded.
        index: of the picture in the batch.
        title: a line above all.
        tile: longer side of each tile in pixels.

    Returns:
        (H', W', 3) uint8 RGB.
    """
    small = fit(image, tile)
    more = f"\nspatial {_told_last(found.spatial)}" if len(found.spatial) > GATES else ""
    pictures, captions = [small], [f"picture{more}"]
    for name, value in found.maps.items():
        peak = float(value[index].max())
        pictures.append(draw_strength(small, value[index], peak if peak > 0 else 1.0))
        captions.append(name)
    for name, value in _last(found.spatial):
        pictures.append(draw_strength(small, value[index], found.scales[name]))
        number = list(found.spatial).index(name) + 1
        captions.append(f"spatial gate {number} of {len(found.spatial)}\n{_range(value[index])}")
    channels = _last(found.channel)
    if channels:
        pictures.append(_bars({name: value[index] for name, value in channels}, found.scales, tile))
        shades = ", the last is the darkest" if len(channels) > 1 else ""
        captions.append(f"channel {_told_last(found.channel)}\nsorted{shades}")
    return contact_sheet(pictures, captions, tile=tile, title=title)


def _last(gates: dict[str, np.ndarray]) -> Sequence[tuple[str, np.ndarray]]:
    return list(gates.items())[-GATES:]


def _told_last(gates: dict[str, np.ndarray]) -> str:
    """Say which gates of how many `_last` gives."""
    count, first = len(gates), max(0, len(gates) - GATES) + 1
    return f"gate {count} of {count}" if first == count else f"gates {first} to {count} of {count}"


def _range(values: np.ndarray) -> str:
    return f"{values.min():.2f} to {values.max():.2f}, mean {values.mean():.2f}"


def _bars(gates: dict[str, np.ndarray], scales: dict[str, float], side: int) -> np.ndarray:
    """Draw the values of channel gates, each sorted from open to shut, as steps."""
    with new_figure(side / 100, side / 100, 100) as figure:
        axes = figure.subplots()
        for number, values in enumerate(gates.values()):
            shade = str(0.75 * (1 - (number + 1) / len(gates)))  # the last one is the darkest
            axes.step(np.linspace(0, 1, len(values)), np.sort(values)[::-1], color=shade, where="mid")
        top = max(scales[name] for name in gates)
        axes.set(xlim=(0, 1), ylim=(0, top), xlabel="share of channels", ylabel="gate")
        axes.grid(alpha=0.3)
        return rgb(figure)
