"""The motion family: skeleton, encoder and network of an action classifier from a plain dictionary."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dancepose.attentions import AttentionConfig
from dancepose.baselines import QesConfig, StrConfig
from dancepose.checks import one_of, read_arguments
from dancepose.encoders import Encoder
from dancepose.errors import ConfigError
from dancepose.model_parts import KEYS, TESTED, first_weights, read_common
from dancepose.motion_keys import FusionConfig, MotionConfig, SequenceConfig
from dancepose.networks.action import ActionNetwork
from dancepose.skeleton import Skeleton

__all__ = [
    "MOTION",
    "MotionConfig",
    "MotionModel",
    "build_motion",
    "example_inputs",
    "motion_config",
    "motion_encoder",
]


MOTION: dict[str, type[MotionConfig]] = {
    "motion": FusionConfig,
    "motion_1d": SequenceConfig,
    "motion_str": StrConfig,
    "motion_qes": QesConfig,
}
MOTION_TESTED: dict[str, Any] = {**TESTED, "size": int, "resize": int, "margin": float}  # see `CROP`


def motion_config(plain: Mapping[str, Any]) -> MotionConfig:
    """Check the `model` node of a configuration, given as plain containers; reads no data and no weights.

    Raises:
        ConfigError: names the key that is unknown (and the nearest known one) or whose value does not fit.
    """
    name = plain.get("network", next(iter(MOTION)))
    one_of("model.network", name, MOTION)
    kind = MOTION[name]
    values = read_arguments(kind, {**plain, "network": name}, "model")
    if any(f.name == "attention" for f in fields(kind)):
        node = read_arguments(AttentionConfig, values.get("attention", {}), "model.attention")
        values["attention"] = AttentionConfig(**node)
    return kind(**values)


def motion_encoder(config: MotionConfig, skeleton: Skeleton) -> Encoder:
    """Make the encoder of a model, without its network.

    Raises:
        ConfigError: the skeleton lacks what the features need.
    """
    return config.encoder(skeleton)


@dataclass(frozen=True)
class MotionModel:
    """What `build_motion` makes.

    Attributes:
        skeleton: whose keypoints the encoder takes.
        encoder: makes the network's inputs from keypoints; the image, where it takes one, is not among them.
        classes: names of the actions, in the order of the logits.
        network: the network with its weights.
        config: plain `{"model": ..., "skeleton": ..., "seed": ..., "classes": ...}` from which `build_motion`
            makes the same again.
        test: how its training tested it; empty where that is not known.
    """

    skeleton: Skeleton
    encoder: Encoder
    classes: tuple[str, ...]
    network: ActionNetwork
    config: dict[str, Any]
    test: dict[str, Any] = field(default_factory=dict)


def example_inputs(
    network: ActionNetwork, encoder: Encoder, keypoints: int, side: int, batch: int = 1
) -> dict[str, Tensor]:
    """Return inputs that show a network nothing: zeros of the shapes that it takes.

    Args:
        network: takes them by name.
        encoder: makes its inputs from keypoints.
        keypoints: of a person.
        side: of the picture, in pixels.
        batch: samples.
    """
    blank = np.zeros((encoder.frames or 1, keypoints, 3))
    made = {
        name: torch.from_numpy(array)[None] for name, array in encoder(blank, np.ones(len(blank))).items()
    }
    made["image"] = torch.zeros(1, 3, side, side)
    return {name: made[name].repeat(batch, *[1] * (made[name].ndim - 1)) for name in network.inputs}


def build_motion(config: Mapping[str, Any]) -> MotionModel:
    """Make skeleton, encoder and network; draw the initial weights, then load `model.weights` over them.

    The global random generators are left as they were.

    Args:
        config: plain containers: `model`, `skeleton`, `seed` and `test` as in `build_pose`, and `classes`,
            the names of the actions in the order of the logits.

    Raises:
        ConfigError: a key or value of the configuration is wrong.
        CheckpointError: `model.weights` cannot be loaded.
    """
    skeleton, seed, test = read_common(config, MOTION_TESTED, (*KEYS, "classes"))
    model = motion_config(config.get("model", {}))
    if "classes" not in config:
        raise ConfigError("classes is missing: give the names of the actions")
    classes = config["classes"]
    named = isinstance(classes, (list, tuple)) and all(isinstance(name, str) and name for name in classes)
    if not named or len(classes) < 2 or len(set(classes)) < len(classes):
        raise ConfigError(f"classes={classes!r}: two names of actions at least are needed, each once")
    encoder = motion_encoder(model, skeleton)
    with torch.random.fork_rng(devices=[]):  # torch draws first weights that are thrown away
        network = model.make(skeleton, len(classes))
    first_weights(network, seed, model.init, model.weights)
    plain = {
        "model": model.to_dict(),
        "skeleton": skeleton.to_dict(),
        "seed": seed,
        "classes": list(classes),
    }
    return MotionModel(skeleton, encoder, tuple(classes), network, plain, test)
