"""Initial weights: networks which differ in one switch start equal wherever they share a layer."""

import hashlib
import math
from typing import TypeVar

import torch
from torch import Tensor, nn

from dancepose.errors import ConfigError

SCHEMES = ("published", "kaiming")
SMALL = 1e-3  # standard deviation of the published HRNet and HigherHRNet

_RULE = "initial_rule"
_BIAS = "initial_bias"
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)
_Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d
_Weighted = nn.Conv1d | nn.Conv2d | _Transposed | nn.Linear

Layer = TypeVar("Layer", bound=nn.Module)


def starts_small(layer: Layer, bias: float = 0.0) -> Layer:
    """Mark a layer whose output must start near `bias`: a prediction, or what goes into a sigmoid gate."""
    setattr(layer, _RULE, "small")
    setattr(layer, _BIAS, bias)
    return layer


def starts_open(layer: Layer) -> Layer:
    """Mark the hidden layer of a gate: its input is a pooled map, and a ReLU follows.

    Pooled, rectified maps are all positive and much alike from image to image, so a hidden unit that starts
    shut is shut for every image and never gets a gradient. With C / 16 units, one or two in a narrow branch,
    whole gates would be off by the luck of the seed. So the weights of the first unit start with one sign,
    which keeps it open.
    """
    setattr(layer, _RULE, "open")
    return layer


def starts_above(norm: Layer, bias: float) -> Layer:
    """Mark a norm over the channels of pooled maps, behind which a ReLU follows: its bias starts at `bias`.

    From 0 half of the channels are below the mean, the same half for every image, and get no gradient.
    """
    setattr(norm, _BIAS, bias)
    return norm


def initialise(network: nn.Module, seed: int, scheme: str = "published") -> None:
    """Draw every parameter of a network from its own generator, seeded by (seed, name of the parameter).

    Neither the global generators nor the order or number of the other modules matter. Norms start at weight 1
    and bias 0 or that of `starts_above`, all other biases at 0 or where `starts_small` wants them. Weights
    are normal with mean 0 and standard deviation

    - `published`: 0.001 in convolutions without bias (a norm follows, which restores the scale), as in the
      published HigherHRNet; elsewhere, where nothing restores it, as in `kaiming`;
    - `kaiming`: sqrt(2 / fan-in) everywhere (He et al. 2015, eq. 10);
    - 0.001 in both for layers marked by `starts_small`.

    Args:
        network: changed in place; running statistics of norms are reset too.
        seed: any integer.
        scheme: `published` or `kaiming`.

    Raises:
        ConfigError: an unknown scheme.
        TypeError: a module holds parameters of its own and is none of the layers known here.
    """
    if scheme not in SCHEMES:
        raise ConfigError(f"model.init={scheme}: choose one of {', '.join(SCHEMES)}")
    for path, module in network.named_modules():
        own = dict(module.named_parameters(prefix=path, recurse=False))
        if not own:
            continue
        if isinstance(module, _NORMS):
            module.reset_parameters()  # 1 and 0, and the running statistics: nothing is drawn
            if hasattr(module, _BIAS):
                nn.init.constant_(module.bias, getattr(module, _BIAS))
        elif isinstance(module, _Weighted):
            with torch.no_grad():
                for name, parameter in own.items():
                    if parameter is module.weight:
                        parameter.copy_(_draw(module, f"{seed}/{name}", _deviation(module, scheme)))
                    else:
                        parameter.fill_(getattr(module, _BIAS, 0.0))
        else:
            raise TypeError(f"{path}: no initial weights are known for parameters of {type(module).__name__}")


def _draw(layer: _Weighted, key: str, deviation: float) -> Tensor:
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    generator = torch.Generator("cpu").manual_seed(int.from_bytes(digest, "big") >> 1)
    weight = torch.empty(layer.weight.shape, dtype=torch.float32, device="cpu")
    weight.normal_(0.0, deviation, generator=generator)
    if getattr(layer, _RULE, None) == "open":
        weight[0].abs_()
    return weight


def _deviation(layer: _Weighted, scheme: str) -> float:
    if getattr(layer, _RULE, None) == "small":
        return SMALL
    if scheme == "published" and layer.bias is None and not isinstance(layer, nn.Linear):
        return SMALL
    if isinstance(layer, _Transposed):  # (inputs, outputs, *kernel): each output sees kernel / stride taps
        fan_in = layer.weight[:, 0].numel() / math.prod(layer.stride)
    else:  # (outputs, inputs, *kernel)
        fan_in = layer.weight[0].numel()
    return math.sqrt(2.0 / fan_in)
