"""The pose family: skeleton, codec and network from plain keys.

To add a codec: its class in a file of its own, one line in `CODECS`, and a YAML file in `conf/model/codec`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch

from dancepose.attentions import AttentionConfig
from dancepose.checks import at_least, default_arguments, one_of, read_arguments
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.base import Codec
from dancepose.errors import ConfigError
from dancepose.layers.background import GLOBAL_NORMS
from dancepose.layers.init import SCHEMES
from dancepose.model_parts import TESTED, first_weights, read_common
from dancepose.networks.hrnet import CONTEXTS, DEPTHS, PLACEMENTS, STEMS, HRNet
from dancepose.networks.pose import STRIDES, Head, PoseNetwork
from dancepose.skeleton import Skeleton

CODECS: dict[str, Callable[..., Codec]] = {"ae": AssociativeEmbedding}
NOT_CONFIGURED = ("skeleton", "strides")  # of a codec: the run's and the head's
POSE_TESTED: dict[str, Any] = {  # type hints of `PoseTask.test_settings`
    **TESTED,
    "flip": bool,
    "scales": list[float],
    "test_size": int,
    "resize": Literal["short", "long"],
    "pad_multiple": int,
}


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
    stem_width: int = 64
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
        at_least("model.stem_width", self.stem_width, 1)
        one_of("model.context", self.context, CONTEXTS)
        one_of("model.global_norm", self.global_norm, GLOBAL_NORMS)
        one_of("model.attention_placement", self.attention_placement, PLACEMENTS)
        one_of("model.init", self.init, SCHEMES)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"model.dropout={self.dropout}: it must lie in [0, 1)")

    def to_dict(self) -> dict[str, Any]:
        """Return plain containers that `pose_config` reads back, every default written out."""
        return {**asdict(self), "codec": {"name": self.codec.name, **self.codec.arguments}}


@dataclass(frozen=True)
class Model:
    """What `build_pose` makes.

    Attributes:
        skeleton: the keypoints that the network predicts.
        codec: encodes, scores and decodes its maps.
        network: the network with its weights.
        config: plain `{"model": ..., "skeleton": ..., "seed": ...}` from which `build_pose` makes the same.
        test: how its training tested it (see `PoseTask.test_settings`); empty where that is not known.
    """

    skeleton: Skeleton
    codec: Codec
    network: PoseNetwork
    config: dict[str, Any]
    test: dict[str, Any] = field(default_factory=dict)


def pose_config(plain: Mapping[str, Any]) -> ModelConfig:
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


def build_pose(config: Mapping[str, Any]) -> Model:
    """Make skeleton, codec and network; draw the initial weights, then load `model.weights` over them.

    The global random generators are left as they were.

    Args:
        config: plain containers: `model` (keys of `conf/model/**`), `skeleton` (name, path of a YAML file, or
            its contents) and `seed` of the initial weights (0); `test`, of a checkpoint, is handed on.

    Raises:
        ConfigError: a key or value of the configuration is wrong.
        CheckpointError: `model.weights` cannot be loaded.
    """
    skeleton, seed, test = read_common(config, POSE_TESTED)
    model = pose_config(config.get("model", {}))
    codec = build_codec(model, skeleton)
    with torch.random.fork_rng(devices=[]):  # torch draws first weights that are thrown away
        network = _network(model, [output.channels for output in codec.outputs])
    first_weights(network, seed, model.init, model.weights)
    plain = {"model": model.to_dict(), "skeleton": skeleton.to_dict(), "seed": seed}
    return Model(skeleton, codec, network, plain, test)


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
    # on the trunk a gate has to start near the identity, or 8 modules fade the signal
    attention = model.attention.make(scale=2.0 if model.attention_placement == "module" else 1.0)
    backbone = HRNet(
        model.width,
        model.stem,
        model.context,
        model.global_norm,
        attention,
        model.attention_placement,
        model.depth,
        model.stem_width,
    )
    return PoseNetwork(backbone, Head(model.width, channels, model.dropout, DEPTHS[model.depth].blocks))
