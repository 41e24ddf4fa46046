"""The one door to all models: a plain dictionary in, skeleton, network and what belongs to them out.

Training, evaluation, prediction and export all come through here, and a checkpoint carries the dictionary, so
that inference needs neither Lightning nor Hydra. `model.network` chooses the family. Keys of `conf/model/**`
are fields of a family's dataclasses: a key that is none of them is an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from torch import Tensor

from dancepose import pose_model
from dancepose.checks import one_of
from dancepose.codecs.base import Codec
from dancepose.errors import CheckpointError, ConfigError
from dancepose.model_card import read_card
from dancepose.motion_model import (
    MOTION,
    MotionConfig,
    MotionModel,
    build_motion,
    motion_config,
    motion_encoder,
)
from dancepose.networks.weights import load_weights, read_file, read_metadata
from dancepose.pose_model import Model, ModelConfig, build_pose, pose_config
from dancepose.skeleton import Skeleton

__all__ = [
    "Model",
    "ModelConfig",
    "MotionConfig",
    "MotionModel",
    "build",
    "build_codec",
    "expect",
    "load_checkpoint",
    "load_weights",
    "model_config",
    "motion_config",
    "motion_encoder",
]

PREFIX = "network."  # of the network's tensors in a checkpoint
IN_PARTS = "in_parts"  # key of a checkpoint: only parts of its network are trained so far


class Family(NamedTuple):
    """How the models of a family are made.

    Attributes:
        read: checks the `model` node.
        build: makes the model.
    """

    read: Callable[[Mapping[str, Any]], ModelConfig | MotionConfig]
    build: Callable[[Mapping[str, Any]], Model | MotionModel]


# value of model.network -> its family
FAMILIES: dict[str, Family] = {
    "pose": Family(pose_config, build_pose),
    **dict.fromkeys(MOTION, Family(motion_config, build_motion)),
}
NEEDED: dict[type, str] = {Model: "a pose network", MotionModel: "a motion classifier"}

AnyModel = TypeVar("AnyModel", Model, MotionModel)


def model_config(plain: Mapping[str, Any]) -> ModelConfig | MotionConfig:
    """Check the `model` node of a configuration, given as plain containers.

    Raises:
        ConfigError: names the key that is unknown (and the nearest known one) or whose value does not fit.
    """
    return _family(plain).read(plain)


def build(config: Mapping[str, Any]) -> Model | MotionModel:
    """Make what belongs to a network and the network; see `build_pose` and `build_motion`.

    Args:
        config: plain containers: `model`, `skeleton`, `seed`, `test`; of a motion classifier also `classes`.

    Raises:
        ConfigError: a key or value of the configuration is wrong.
        CheckpointError: `model.weights` cannot be loaded.
    """
    return _family(config.get("model", {})).build(config)


def build_codec(model: ModelConfig | MotionConfig, skeleton: Skeleton) -> Codec:
    """Make the codec of a pose model, without its network.

    Raises:
        ConfigError: an argument does not fit, the codec needs other strides than the head has, or the model
            is none of poses.
    """
    if not isinstance(model, ModelConfig):
        raise ConfigError(f"model.network={model.network}: {NEEDED[Model]} is needed here, model=hrnet say")
    return pose_model.build_codec(model, skeleton)


def expect(model: Model | MotionModel, kind: type[AnyModel]) -> AnyModel:
    """Return a model that must be of one kind.

    Raises:
        ConfigError: it is of another.
    """
    if not isinstance(model, kind):
        raise ConfigError(f"model.network={model.config['model']['network']}: {NEEDED[kind]} is needed here")
    return model


def load_checkpoint(path: str | Path) -> Model | MotionModel:
    """Make the model of a checkpoint again, with its weights (the averaged ones, where training averaged).

    Reads what the tasks have Lightning write: the dictionary of `build` under `dancepose`, and `state_dict`;
    or, where the name ends in `.safetensors`, what `dancepose-export` wrote: the weights and their card.

    Raises:
        CheckpointError: the file is missing, truncated, foreign, holds pickled code, or does not fit itself.
    """
    exported = Path(path).suffix == ".safetensors"
    config, state = _exported(path) if exported else _trained(path)
    try:
        # the weights that training started from are not read again
        model = build({**config, "model": {**config["model"], "weights": None}})
        _check_complete(path, set(model.network.state_dict()), set(state))
        model.network.load_state_dict(state)
    except (ConfigError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path} does not fit this version of dancepose: {reason}") from None
    return replace(model, config={key: value for key, value in config.items() if key != "test"})


def _check_complete(path: str | Path, wanted: set[str], found: set[str]) -> None:
    """Refuse a file that has nothing foreign but lacks something; other networks lack and have."""
    if (missing := sorted(wanted - found)) and found <= wanted:
        named = f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}"
        raise CheckpointError(
            f"{path} is incomplete: it lacks {len(missing)} of the network's {len(wanted)} tensors "
            f"({named}). Copy it again, or write it anew"
        )


def _trained(path: str | Path) -> tuple[Any, dict[str, Tensor]]:
    """Return configuration and weights of a checkpoint of a training."""
    content = read_file(path, "copy it again, or give another checkpoint of the run")
    if not isinstance(content, Mapping) or not {"dancepose", "state_dict"} <= content.keys():
        raise CheckpointError(
            f"{path} is no checkpoint of dancepose-train: it lacks its configuration. To start "
            f"from bare weights, give model.weights={path}"
        )
    if content.get(IN_PARTS):
        raise CheckpointError(
            f"{path}: so far the branches are trained, and the fusion is not (model.fusion_training=staged). "
            "Go on with dancepose-train resume=<run directory>"
        )
    state = {k.removeprefix(PREFIX): v for k, v in content["state_dict"].items() if k.startswith(PREFIX)}
    return content["dancepose"], state


def _exported(path: str | Path) -> tuple[Any, dict[str, Tensor]]:
    """Return configuration and weights of an exported safetensors file."""
    card = read_card(read_metadata(path), path)
    return card.config, read_file(path)


def _family(plain: Any) -> Family:
    if not isinstance(plain, Mapping):
        raise ConfigError(f"model={plain!r}: a group of keys is needed")
    name = plain.get("network", next(iter(FAMILIES)))
    one_of("model.network", name, FAMILIES)
    return FAMILIES[name]
