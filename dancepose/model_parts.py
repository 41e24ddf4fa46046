"""What all families of models share: the keys beside `model`, and the first weights of a network."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from torch import nn

from dancepose.checks import fits, needed
from dancepose.errors import CheckpointError, ConfigError, did_you_mean
from dancepose.layers.init import initialise
from dancepose.networks.weights import load_weights
from dancepose.skeleton import Skeleton, load_skeleton

KEYS = ("model", "skeleton", "seed", "test")
TESTED = {"precision": str, "channels_last": bool}  # of `test`, what every training notes

log = logging.getLogger(__name__)


class Common(NamedTuple):
    """The checked keys that every model has beside `model`."""

    skeleton: Skeleton
    seed: int
    test: dict[str, Any]


def read_common(config: Mapping[str, Any], tested: Mapping[str, Any], known: Iterable[str] = KEYS) -> Common:
    """Check the keys of `build`'s dictionary, and read those that every model has.

    Args:
        config: the dictionary.
        tested: type hints of the values in `test` that are read; others may stand beside them.
        known: keys that it may have.

    Raises:
        ConfigError: a key is unknown, missing or has a wrong value.
    """
    names = list(known)
    for key in config:
        if key not in names:
            raise ConfigError(f"unknown key {key}.{did_you_mean(key, names)}")
    if "skeleton" not in config:
        raise ConfigError("skeleton is missing: give the name of a skeleton, or its contents")
    node, seed, test = config["skeleton"], config.get("seed", 0), config.get("test", {})
    if not isinstance(seed, int):
        raise ConfigError(f"seed={seed!r}: an integer is needed")
    if not isinstance(test, Mapping):
        raise ConfigError(f"test={test!r}: a group of keys is needed")
    for key, hint in tested.items():
        if key in test and not fits(test[key], hint):
            raise ConfigError(f"test.{key}={test[key]!r}: {needed(hint)} is needed")
    skeleton = Skeleton.from_dict(dict(node)) if isinstance(node, Mapping) else load_skeleton(str(node))
    return Common(skeleton, seed, dict(test))


def first_weights(network: nn.Module, seed: int, init: str, weights: str | None) -> None:
    """Draw the initial weights of a network, then load `model.weights` over them.

    Raises:
        CheckpointError: the file cannot be loaded.
    """
    initialise(network, seed, init)
    if weights:
        try:
            log.info("%s", load_weights(network, weights))
        except CheckpointError as error:
            raise CheckpointError(f"model.weights: {error}") from None
