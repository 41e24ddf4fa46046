"""The one place that turns a plain dictionary into skeleton, codec and network, and loads their weights.

Training, evaluation, prediction and export all come through here, and a checkpoint carries the dictionary, so
that inference needs neither Lightning nor Hydra. The dataclasses below are the keys of `conf/model/**`: a key
that is none of their fields, or none of the codec's arguments, is an error.

To add an attention or a codec: its class in a file of its own, one line in `ATTENTIONS` or `CODECS`, and a
YAML file in `conf/model/attention` or `conf/model/codec`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dancepose.checks import at_least, default_arguments, one_of, read_arguments
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.base import Codec
from dancepose.errors import CheckpointError, ConfigError, did_you_mean
from dancepose.layers.attention import CBAM, SPATIAL_NORMS
from dancepose.layers.background import GLOBAL_NORMS
from dancepose.layers.init import SCHEMES, initialise
from dancepose.networks.hrnet import CONTEXTS, DEPTHS, PLACEMENTS, STEMS, HRNet
from dancepose.networks.pose import STRIDES, Head, PoseNetwork
from dancepose.networks.weights import load_weights, read_file
from dancepose.skeleton import Skeleton, load_skeleton

__all__ = ["Model", "ModelConfig", "build", "build_codec", "load_checkpoint", "load_weights", "model_config"]

# order -> class with CBAM's arguments; nn.Identity takes any
ATTENTIONS: dict[str, Callable[..., nn.Module]] = {
    "none": nn.Identity,
    "cbam0": CBAM,
    "cbam1": CBAM,
    "cbam2": CBAM,
}
CODECS: dict[str, Callable[..., Codec]] = {"ae": AssociativeEmbedding}
KEYS = ("model", "skeleton", "seed", "test")
NOT_CONFIGURED = ("skeleton", "strides")  # of a codec: the run's and the head's
PREFIX = "network."  # of the network's tensors in a checkpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttentionConfig:
    """Keys of `conf/model/attention/*.yaml`; see `CBAM`. `gate_scale` None: 2 at placement module, else 1."""

    order: str = "none"
    reduction: int = 16
    kernel: int = 7
    spatial_norm: str = "none"
    gate_scale: float | None = None

    def __post_init__(self) -> None:
        one_of("model.attention.order", self.order, ATTENTIONS)
        one_of("model.attention.spatial_norm", self.spatial_norm, SPATIAL_NORMS)
        at_least("model.attention.reduction", self.reduction, 1)
        at_least("model.attention.kernel", self.kernel, 1)
        if self.kernel % 2 == 0:
            raise ConfigError(f"model.attention.kernel={self.kernel}: it must be odd, to have a centre")
        if self.gate_scale is not None and self.gate_scale <= 0:
            raise ConfigError(f"model.attention.gate_scale={self.gate_scale}: it must be above 0, or null")


@dataclass(frozen=True)
class HeadConfig:
    """Keys of `conf/model/head/*.yaml`: the scales at which maps are predicted."""

    strides: list[int] = field(default_factory=lambda: [4, 2])

    def __post_init__(self) -> None:
        known = [list(STRIDES[: n + 1]) for n in range(len(STRIDES))]
        if list(self.strides) not in known:
            raise ConfigError(
                f"model.head.strides={self.strides}: choose one of {', '.join(map(str, known))}"
            )


@dataclass(frozen=True)
class CodecConfig:
    """Keys of `conf/model/codec/*.yaml`: the name, and the arguments of the class that it stands for."""

    name: str = "ae"
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelConfig:
    """Keys of `conf/model/*.yaml`; see `HRNet`, `Head`, `initialise` and `load_weights`."""

    network: str = "pose"
    width: int = 32
    depth: str = "full"
    stem: str = "conv"
    context: str = "basic"
    global_norm: str = "layer"
    attention_placement: str = "module"
    dropout: float = 0.0
    init: str = "published"
    weights: str | None = None
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    codec: CodecConfig = field(default_factory=CodecConfig)

    def __post_init__(self) -> None:
        one_of("model.network", self.network, ["pose"])
        at_least("model.width", self.width, 1)
        one_of("model.depth", self.depth, DEPTHS)
        one_of("model.stem", self.stem, STEMS)
        one_of("model.context", self.context, CONTEXTS)
        one_of("model.global_norm", self.global_norm, GLOBAL_NORMS)
        one_of("model.attention_placement", self.attention_placement, PLACEMENTS)
        one_of("model.init", self.init, SCHEMES)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"model.dropout={self.dropout}: it must lie in [0, 1)")

    def to_dict(self) -> dict[str, Any]:
        """Return plain containers that `model_config` reads back, every default written out."""
        return {**asdict(self), "codec": {"name": self.codec.name, **self.codec.arguments}}


@dataclass(frozen=True)
class Model:
    """What `build` makes.

    Attributes:
        skeleton: the keypoints that the network predicts.
        codec: encodes, scores and decodes its maps.
        network: the network with its weights.
        config: plain `{"model": ..., "skeleton": ..., "seed": ...}` from which `build` makes the same again.
        test: how its training tested it (see `PoseTask.test_settings`); empty where that is not known.
    """

    skeleton: Skeleton
    codec: Codec
    network: PoseNetwork
    config: dict[str, Any]
    test: dict[str, Any] = field(default_factory=dict)


def model_config(plain: Mapping[str, Any]) -> ModelConfig:
    """Check the `model` node of a configuration, given as plain containers.

    Raises:
        ConfigError: names the key that is unknown (and the nearest known one) or whose value does not fit.
    """
    values = read_arguments(ModelConfig, plain, "model")
    for key, kind in (("attention", AttentionConfig), ("head", HeadConfig)):
        values[key] = kind(**read_arguments(kind, values.get(key, {}), f"model.{key}"))
    arguments = dict(values.get("codec", {}))
    name = arguments.pop("name", CodecConfig.name)
    one_of("model.codec.name", name, CODECS)
    read_arguments(CODECS[name], arguments, "model.codec", NOT_CONFIGURED)
    values["codec"] = CodecConfig(name, default_arguments(CODECS[name], NOT_CONFIGURED) | arguments)
    return ModelConfig(**values)


def build(config: Mapping[str, Any]) -> Model:
    """Make skeleton, codec and network; draw the initial weights, then load `model.weights` over them.

    The global random generators are left as they were.

    Args:
        config: plain containers: `model` (keys of `conf/model/**`), `skeleton` (name, path of a YAML file, or
            its contents) and `seed` of the initial weights (0); `test`, of a checkpoint, is handed on.

    Raises:
        ConfigError: a key or value of the configuration is wrong.
        CheckpointError: `model.weights` cannot be loaded.
    """
    for key in config:
        if key not in KEYS:
            raise ConfigError(f"unknown key {key}.{did_you_mean(key, KEYS)}")
    if "skeleton" not in config:
        raise ConfigError("skeleton is missing: give the name of a skeleton, or its contents")
    node, seed, test = config["skeleton"], config.get("seed", 0), config.get("test", {})
    if not isinstance(seed, int):
        raise ConfigError(f"seed={seed!r}: an integer is needed")
    if not isinstance(test, Mapping):
        raise ConfigError(f"test={test!r}: a group of keys is needed")
    model = model_config(config.get("model", {}))
    skeleton = Skeleton.from_dict(dict(node)) if isinstance(node, Mapping) else load_skeleton(str(node))
    codec = build_codec(model, skeleton)
    with torch.random.fork_rng(devices=[]):  # torch draws first weights that are thrown away
        network = _network(model, [output.channels for output in codec.outputs])
    initialise(network, seed, model.init)
    if model.weights:
        try:
            log.info("%s", load_weights(network, model.weights))
        except CheckpointError as error:
            raise CheckpointError(f"model.weights: {error}") from None
    plain = {"model": model.to_dict(), "skeleton": skeleton.to_dict(), "seed": seed}
    return Model(skeleton, codec, network, plain, dict(test))


def build_codec(model: ModelConfig, skeleton: Skeleton) -> Codec:
    """Make the codec of a model, without its network.

    Raises:
        ConfigError: an argument does not fit, or the codec needs other strides than the head has.
    """
    strides = tuple(model.head.strides)
    try:
        codec = CODECS[model.codec.name](skeleton, strides=strides, **model.codec.arguments)
    except ValueError as error:
        own = str(error).partition("=")[0] in model.codec.arguments  # which then names its key
        raise ConfigError(f"model.codec{'.' if own else ': '}{error}") from None
    if (made := tuple(output.stride for output in codec.outputs)) != strides:
        raise ConfigError(
            f"model.head.strides={list(strides)}: model.codec.name={model.codec.name} needs {list(made)}"
        )
    return codec


def _network(model: ModelConfig, channels: list[int]) -> PoseNetwork:
    scale = model.attention.gate_scale
    if scale is None:  # on the trunk a gate has to start near the identity, or 8 modules fade the signal
        scale = 2.0 if model.attention_placement == "module" else 1.0
    settings = asdict(replace(model.attention, gate_scale=scale))
    attention = partial(ATTENTIONS[model.attention.order], **settings)
    backbone = HRNet(
        model.width,
        model.stem,
        model.context,
        model.global_norm,
        attention,
        model.attention_placement,
        model.depth,
    )
    return PoseNetwork(backbone, Head(model.width, channels, model.dropout, DEPTHS[model.depth].blocks))


def load_checkpoint(path: str | Path) -> Model:
    """Make the model of a checkpoint again, with its weights (the averaged ones, where training averaged).

    Reads what `PoseTask` has Lightning write: the dictionary of `build` under `dancepose`, and `state_dict`.

    Raises:
        CheckpointError: the file is missing, truncated, foreign, holds pickled code, or does not fit itself.
    """
    content = read_file(path, "copy it again, or give another checkpoint of the run")
    if not isinstance(content, Mapping) or not {"dancepose", "state_dict"} <= content.keys():
        raise CheckpointError(
            f"{path} is no checkpoint of dancepose-train: it lacks its configuration. To start "
            f"from bare weights, give model.weights={path}"
        )
    config = content["dancepose"]
    state = {k.removeprefix(PREFIX): v for k, v in content["state_dict"].items() if k.startswith(PREFIX)}
    try:
        # the weights that training started from are not read again
        model = build({**config, "model": {**config["model"], "weights": None}})
        model.network.load_state_dict(state)
    except (ConfigError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path} does not fit this version of dancepose: {reason}") from None
    return replace(model, config={key: value for key, value in config.items() if key != "test"})
