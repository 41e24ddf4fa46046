"""The two baselines of the motion paper's table 4: their configuration, and how each is made from it.

A baseline is a pair: an encoder, which turns keypoints into batch entries in the data workers, and a network
that takes these entries by name and gives logits. To run one is `model=motion_str` or `model=motion_qes`.
"""

from dataclasses import dataclass

from dancepose.body import CHOICES
from dancepose.checks import at_least, one_of
from dancepose.errors import ConfigError
from dancepose.motion_keys import MotionConfig
from dancepose.networks.densenet import DenseNet, layers_per_block
from dancepose.networks.qes import QesNetwork
from dancepose.skeleton import Skeleton
from dancepose.skeleton_image import StrEncoder
from dancepose.torso_frame import TorsoFrameEncoder


@dataclass(frozen=True)
class StrConfig(MotionConfig):
    """Keys of `conf/model/motion_str.yaml`; see `StrEncoder`, `DenseNet`, `initialise` and `load_weights`."""

    network: str = "motion_str"
    keypoints: str = "common13"
    frames: int | None = None
    clip_limit: float = 2.0
    tiles: int = 2
    depth: int = 16
    growth: int = 12
    dropout: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_common(self, "motion_str")
        if self.frames is not None and self.frames < 2:
            raise ConfigError(
                f"model.frames={self.frames}: a window has at least 2 frames; null is for single pictures"
            )
        if not self.clip_limit > 0:
            raise ConfigError(f"model.clip_limit={self.clip_limit}: it must be above 0")
        at_least("model.tiles", self.tiles, 1)
        at_least("model.growth", self.growth, 1)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"model.dropout={self.dropout}: it must lie in [0, 1)")
        try:
            layers_per_block(self.depth)
        except ValueError as error:
            raise ConfigError(f"model.{error}") from None

    @property
    def difference_from_paper(self) -> str:
        """What a result row says beside the figure."""
        text = (
            "STR on 2-D keypoints: the directions' third component is 0, distances are in torso lengths; "
            f"DenseNet-{self.depth} on 32 x 32"
        )
        if self.frames is None:
            text += "; single frames: the motion half of the image is absent, what is left fills the square"
        return text

    def encoder(self, skeleton: Skeleton) -> StrEncoder:
        """Make what draws keypoints as an image.

        Raises:
            ConfigError: the skeleton lacks what the encoder needs.
        """
        return StrEncoder(skeleton, self.keypoints, self.frames, self.clip_limit, self.tiles)

    def make(self, skeleton: Skeleton, classes: int) -> DenseNet:
        """Make the network."""
        return DenseNet(classes, self.depth, self.growth, self.dropout)


@dataclass(frozen=True)
class QesConfig(MotionConfig):
    """Keys of `conf/model/motion_qes.yaml`; see `TorsoFrameEncoder` and `QesNetwork`."""

    network: str = "motion_qes"
    keypoints: str = "common13"
    groups: int = 3
    hidden: int = 15
    fuzziness: float = 2.0
    postures: int = 1
    free_iterations: int = 0
    reject_group: float = 0.5
    reject_membership: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_common(self, "motion_qes")
        for key in ("groups", "hidden", "postures"):
            at_least(f"model.{key}", getattr(self, key), 1)
        at_least("model.free_iterations", self.free_iterations, 0)
        if not self.fuzziness > 1:
            raise ConfigError(f"model.fuzziness={self.fuzziness}: it must be above 1")
        for key in ("reject_group", "reject_membership"):
            if not 0 <= getattr(self, key) <= 1:
                raise ConfigError(
                    f"model.{key}={getattr(self, key)}: it must lie in [0, 1]; 0 rejects nothing"
                )

    @property
    def difference_from_paper(self) -> str:
        """What a result row says beside the figure."""
        text = (
            "QES on 2-D keypoints, not inertial sensors; groups are clusters of the torso's orientation, "
            "and each counts by its probability; the first stage also learns from the actions by gradient; "
            "rejection changes no figure; each picture stands by itself, without the score over a video"
        )
        if self.postures > 1:
            text += (
                f"; up to {self.postures} centres a class in each group, by fuzzy C-means over its samples"
            )
        else:
            text += "; centres are the classes' means in each group"
        if self.free_iterations:
            text += (
                f", moved by up to {self.free_iterations} iterations of fuzzy C-means over all its samples"
            )
        else:
            text += " and stay there: no fuzzy C-means over samples of several classes"
        return text

    def encoder(self, skeleton: Skeleton) -> TorsoFrameEncoder:
        """Make what turns keypoints into orientation and posture.

        Raises:
            ConfigError: the skeleton lacks what the encoder needs.
        """
        return TorsoFrameEncoder(skeleton, self.keypoints)

    def make(self, skeleton: Skeleton, classes: int) -> QesNetwork:
        """Make the network; `fit` has to be called before it is trained."""
        return QesNetwork(
            self.encoder(skeleton).width,
            classes,
            self.groups,
            self.hidden,
            self.fuzziness,
            self.postures,
            self.free_iterations,
            self.reject_group,
            self.reject_membership,
        )


def _check_common(config: StrConfig | QesConfig, network: str) -> None:
    one_of("model.network", config.network, [network])
    one_of("model.keypoints", config.keypoints, CHOICES)
