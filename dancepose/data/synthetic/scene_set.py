"""`SceneSet`: what a data set of drawn scenes is made of."""

import hashlib
import json
from dataclasses import asdict, dataclass

from dancepose.checks import at_least, one_of
from dancepose.data.synthetic.staging import DIFFICULTIES
from dancepose.data.synthetic.truth import drawn_names
from dancepose.errors import ConfigError
from dancepose.skeleton import load_skeleton

VERSION = 5  # of the drawing: a change of what a seed gives makes another data set
PARTS = ("train", "val", "test")
FORMATS = ("labelme", "coco", "actions", "mpii")


@dataclass(frozen=True)
class SceneSet:
    """What a data set of drawn scenes is made of; equal values give equal files.

    Attributes:
        train: scenes of the training part.
        val: scenes of the validation part.
        test: scenes of the test part.
        difficulty: `easy`, `medium` or `hard`.
        format: `labelme`, `coco`, `actions` or `mpii`.
        skeleton: name of the keypoints that are labelled.
        seed: of everything.
        frames: pictures of each scene, a clip where there are several.
        rate: pictures a second of a clip.
    """

    train: int = 600
    val: int = 60
    test: int = 120
    difficulty: str = "medium"
    format: str = "labelme"
    skeleton: str = "mpii15"
    seed: int = 0
    frames: int = 1
    rate: float = 10.0

    def check(self, key: str = "") -> None:
        """Refuse impossible values.

        Args:
            key: prefix of the config keys, for messages.

        Raises:
            ConfigError: names the key.
        """
        prefix = f"{key}." if key else ""
        for name, known in (("difficulty", DIFFICULTIES), ("format", FORMATS)):
            one_of(f"{prefix}{name}", getattr(self, name), known)
        for name, least in (("train", 0), ("val", 0), ("test", 0), ("seed", 0), ("frames", 1)):
            at_least(f"{prefix}{name}", getattr(self, name), least)
        if not self.rate > 0:
            raise ConfigError(f"{prefix}rate={self.rate}: give a positive number of pictures a second")
        if not self.train + self.val + self.test:
            raise ConfigError(f"{prefix}train=0, val=0 and test=0: there is nothing to draw")
        remedy = f"give {prefix}skeleton=mpii15, say, and its keypoints become the run's by their names"
        try:
            skeleton = load_skeleton(self.skeleton)
        except ConfigError as error:
            raise ConfigError(f"{prefix}skeleton={self.skeleton}: {error} Or {remedy}") from None
        if not any(drawn_names(skeleton)):
            first = ", ".join(skeleton.keypoints[:3])
            raise ConfigError(
                f"{prefix}skeleton={self.skeleton}: nothing that it names ({first}, ...) is drawn; {remedy}, "
                f"if aliases in {self.skeleton} tell which is which"
            )

    @property
    def hash(self) -> str:
        """16 hexadecimal digits: the same for equal values and the same version of the drawing."""
        values = asdict(self) | {"rate": float(self.rate) if self.frames > 1 else None}
        text = json.dumps([VERSION, values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def span(self) -> float:
        """Seconds from a clip's first picture to its last."""
        return (self.frames - 1) / self.rate

    def scene_names(self) -> list[str]:
        """Return the names of all scenes, `train_00000` and so on."""
        return [f"{part}_{i:05d}" for part in PARTS for i in range(getattr(self, part))]

    def frame_names(self, scene: str) -> list[str]:
        """Return the names of a scene's pictures, without ending."""
        return [scene] if self.frames == 1 else [f"{scene}_{i:03d}" for i in range(self.frames)]

    def picture(self, frame: str) -> str:
        """Return the path of a picture below the folder."""
        return f"images/{frame}.jpg" if self.format == "mpii" else f"{frame}.jpg"
