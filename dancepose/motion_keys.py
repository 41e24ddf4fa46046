"""Keys of the motion networks: a dataclass for each, which makes its encoder and the network itself.

To add a network: its class in `dancepose/networks`, a dataclass of its keys, one line in `MOTION` of
`dancepose/motion_model.py`, and a YAML file in `conf/model`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dancepose.attentions import AttentionConfig
from dancepose.checks import at_least, one_of
from dancepose.encoders import Encoder, FrameEncoder, ImageOnly, SequenceEncoder
from dancepose.errors import ConfigError
from dancepose.features import FEATURES, KeypointFeatures
from dancepose.layers.init import SCHEMES
from dancepose.networks.action import ActionNetwork
from dancepose.networks.motion import ENTRIES, ImageBranch, KeypointBranch, MotionNetwork
from dancepose.networks.motion_1d import LEAST, MotionNetwork1d
from dancepose.networks.resnet import DEPTHS, PLACEMENTS, ResNet
from dancepose.skeleton import Skeleton

FUSION_TRAININGS = ("joint", "staged")
OF_BRANCH = {  # keys of `model` that one branch alone reads
    "keypoints": ("features", "literal_first_layer"),
    "image": ("attention", "attention_placement", "depth", "width"),
}


@dataclass(frozen=True)
class MotionConfig(ABC):
    """Keys that every network of the family has in `conf/model/*.yaml`."""

    network: str
    init: str = "kaiming"
    weights: str | None = None

    def __post_init__(self) -> None:
        one_of("model.init", self.init, SCHEMES)

    @property
    def images(self) -> bool:
        """Whether the network looks at the person's picture."""
        return False

    @property
    def staged(self) -> bool:
        """Whether parts of the network are trained before the whole."""
        return False

    @property
    def idle(self) -> tuple[str, ...]:
        """Keys of `model` that have no place in the network, whatever they say."""
        return ("attention",)

    @property
    def difference_from_paper(self) -> str:
        """What a result row says beside the figure; empty where there is nothing to say."""
        return ""

    @abstractmethod
    def encoder(self, skeleton: Skeleton) -> Encoder:
        """Make what turns keypoints of a skeleton into the network's inputs."""

    @abstractmethod
    def make(self, skeleton: Skeleton, classes: int) -> ActionNetwork:
        """Make the network, with the weights that torch draws."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain containers that `motion_config` reads back, every default written out."""
        return asdict(self)


@dataclass(frozen=True)
class FeatureConfig(MotionConfig):
    """Keys of the networks that take features of keypoints; see `KeypointFeatures`."""

    features: list[str] = field(default_factory=lambda: list(FEATURES))
    dropout: float = 0.5
    attention: AttentionConfig = field(default_factory=AttentionConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_choice("model.features", self.features, FEATURES)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"model.dropout={self.dropout}: it must lie in [0, 1)")

    def keypoint_features(self, skeleton: Skeleton) -> KeypointFeatures:
        """Make the features of the keypoints of a skeleton."""
        return KeypointFeatures(skeleton, self.features)


@dataclass(frozen=True)
class FusionConfig(FeatureConfig):
    """Keys of `conf/model/motion.yaml`; see `MotionNetwork`, `KeypointBranch` and `ResNet`."""

    network: str = "motion"
    branches: list[str] = field(default_factory=lambda: list(ENTRIES))
    literal_first_layer: bool = False
    depth: int = 50
    width: int = 64
    attention_placement: str = "final"
    fusion_training: str = "joint"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_choice("model.branches", self.branches, ENTRIES)
        if self.depth not in DEPTHS:
            raise ConfigError(f"model.depth={self.depth}: choose one of {', '.join(map(str, DEPTHS))}")
        at_least("model.width", self.width, 1)
        one_of("model.attention_placement", self.attention_placement, PLACEMENTS)
        one_of("model.fusion_training", self.fusion_training, FUSION_TRAININGS)

    @property
    def staged(self) -> bool:
        """Whether two branches are trained before their fusion; one alone has none."""
        return self.fusion_training == "staged" and len(self.branches) > 1

    @property
    def images(self) -> bool:
        """Whether the network looks at the person's picture."""
        return "image" in self.branches

    @property
    def idle(self) -> tuple[str, ...]:
        """Keys of `model` that are of a branch which is left out, or of a fusion where one is alone."""
        keys = tuple(key for branch, own in OF_BRANCH.items() if branch not in self.branches for key in own)
        return (*keys, "fusion_training") if len(self.branches) == 1 else keys

    def encoder(self, skeleton: Skeleton) -> Encoder:
        """Make the encoder of one picture's keypoints, or none for the image branch alone."""
        return FrameEncoder(self.keypoint_features(skeleton)) if "keypoints" in self.branches else ImageOnly()

    def make(self, skeleton: Skeleton, classes: int) -> MotionNetwork:
        """Make the network of one or two branches."""
        makers = {"keypoints": self._keypoint_branch, "image": self._image_branch}
        branches = {name: makers[name](skeleton) for name in self.branches}
        return MotionNetwork(classes, branches, self.dropout, self.staged)

    def _keypoint_branch(self, skeleton: Skeleton) -> KeypointBranch:
        dimension = self.keypoint_features(skeleton).dimension
        return KeypointBranch(dimension, self.dropout, self.literal_first_layer)

    def _image_branch(self, skeleton: Skeleton) -> ImageBranch:
        attention = self.attention.make()
        return ImageBranch(ResNet(self.depth, self.width, attention, self.attention_placement, self.dropout))


@dataclass(frozen=True)
class SequenceConfig(FeatureConfig):
    """Keys of `conf/model/motion_1d.yaml`; see `MotionNetwork1d`. `frames`: length of a clip, T."""

    network: str = "motion_1d"
    frames: int = 32
    width: int = 64
    channels: list[int] = field(default_factory=lambda: [64, 128, 256])
    kernel: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("model.frames", self.frames, LEAST)
        at_least("model.width", self.width, 1)
        if not self.channels or any(n < 4 or n % 4 for n in self.channels):
            raise ConfigError(f"model.channels={self.channels}: multiples of 4 are needed, for K / 4")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ConfigError(f"model.kernel={self.kernel}: it must be odd, to have a centre")

    @property
    def idle(self) -> tuple[str, ...]:
        """None: attention is over time."""
        return ()

    def encoder(self, skeleton: Skeleton) -> Encoder:
        """Make the encoder of a window of frames."""
        return SequenceEncoder(self.keypoint_features(skeleton), self.frames)

    def make(self, skeleton: Skeleton, classes: int) -> MotionNetwork1d:
        """Make the network over time."""
        return MotionNetwork1d(
            classes,
            self.keypoint_features(skeleton).dimension,
            self.width,
            self.channels,
            self.kernel,
            self.attention.make(dim=1),
            self.dropout,
        )


def _check_choice(where: str, given: Sequence[str], known: Sequence[str] | Mapping[str, Any]) -> None:
    for value in given:
        one_of(where, value, known)
    if not given or len(set(given)) < len(given):
        raise ConfigError(f"{where}={given}: some of {', '.join(known)} are needed, each once")
