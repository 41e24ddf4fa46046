"""Networks that find people without any training: heat and tags are set to the scale of a trained one."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from dancepose.build import Model
from dancepose.inference.pose import PosePredictor
from dancepose.inference.runs import geometry_of

HEAT, TAG = 0.3, 2.0  # standard deviations; peaks stand out by far more than rounding


def let_find(model: Model, pictures: Sequence[np.ndarray], seed: int = 0) -> None:
    """Redraw the last layers of a network, in place, so that their maps vary over pictures as given above.

    The statistics of its normalisation become those of the pictures, too.

    Args:
        model: a network of associative embedding, at the start of training or near it.
        pictures: (H, W, 3) uint8 RGB.
        seed: of the weights.
    """
    generator = torch.Generator().manual_seed(seed)
    predictor, count = (
        PosePredictor(model, geometry_of(model.test), flip=False, device="cpu"),
        len(model.skeleton),
    )
    inputs = [predictor.geometry.warp(picture)[0] for picture in pictures]
    set_statistics(model.network, inputs)
    for index, layer in enumerate(model.network.head.final_layers):
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
            layer.bias.zero_()
        maps = [predictor.run(pixels[None])[index][0] for pixels in inputs]
        values = torch.cat([m.flatten(1) for m in maps], dim=1)
        scale = torch.full((len(values),), TAG)
        scale[:count] = HEAT
        scale /= values.std(dim=1)
        with torch.no_grad():
            layer.weight.mul_(scale[:, None, None, None])
            layer.bias.copy_(-scale * values.mean(dim=1))


def set_statistics(network: nn.Module, inputs: Sequence[np.ndarray]) -> None:
    """Average what the batch normalisation of a network sees of inputs, (H, W, 3) uint8 each."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean
    with torch.no_grad():
        for pixels in inputs:
            network.train()(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()
