"""What goes into a pipeline and comes out of it, and what it asks of a pose network."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
from PIL import Image

from dancepose.codecs.base import Found
from dancepose.errors import DataError
from dancepose.image_files import from_pillow
from dancepose.inference.geometry import TestGeometry
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

Picture = str | Path | np.ndarray | Image.Image
TAKEN = "a path, a (H, W, 3) uint8 RGB array or a Pillow image"


class PoseModel(Protocol):
    """Pictures -> maps -> people: a network of a run, an ONNX file, or in a test an oracle.

    `run` and `people` are called from two threads at the same time, each from one.

    Attributes:
        skeleton: the keypoints that are found.
        geometry: how a picture becomes an input.
    """

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints that are found."""

    @property
    def geometry(self) -> TestGeometry:
        """How a picture becomes an input."""

    def run(self, inputs: np.ndarray) -> Any:
        """Run the network.

        Args:
            inputs: (B, H, W, 3) uint8 RGB, as `geometry.warp` makes them, all of one size.

        Returns:
            What `people` and `heatmaps` take; it is computed when this returns.
        """

    def people(self, maps: Any) -> list[Found]:
        """Return the people of each input, in its pixels, and how many there was no room for."""

    def heatmaps(self, maps: Any) -> np.ndarray | None:
        """Return (B, K, h, w) float32 heatmaps, peaks near 1, over the inputs; None if there are none."""


@dataclass
class Item:
    """One picture that is asked about.

    Attributes:
        image: path of the file or (H, W, 3) uint8 RGB; None where it could not be read.
        name: what results call it.
        error: why there is no picture; the item then passes through, and its result carries the error.
        clip: the video that it is from, if any.
    """

    image: Path | str | np.ndarray | None
    name: str = ""
    error: str | None = None
    clip: str | None = None


def is_picture(given: Any) -> TypeGuard[Picture]:
    """Tell whether something is one picture, right or wrong, or several.

    Raises:
        TypeError: it can be neither; says what is taken.
    """
    if isinstance(given, (str, Path, np.ndarray, Image.Image)):
        return True
    if isinstance(given, (bytes, bytearray)) or not isinstance(given, Iterable):
        raise TypeError(f"{TAKEN}, or an iterable of such is needed, not {type(given).__name__}")
    return False


def as_item(given: Any) -> Any:
    """Return the item of a picture, named by its path, an array without a name; items return as they are.

    Raises:
        TypeError: it is neither; says what is taken.
    """
    if isinstance(given, Image.Image):
        name = str(getattr(given, "filename", ""))
        try:
            return Item(from_pillow(given), name)
        except DataError as error:
            return Item(None, name, str(error))
    if isinstance(given, np.ndarray):
        return Item(given)
    if isinstance(given, (str, Path)):
        return Item(Path(given), str(given))
    if not hasattr(given, "image"):
        raise TypeError(f"each picture must be {TAKEN}, not {type(given).__name__}")
    return given


@dataclass
class Prediction:
    """What was found in one picture.

    Attributes:
        item: that was asked about, the very object.
        frame: the people, in original pixels; nobody where there is an error.
        picture: (H, W, 3) uint8 RGB, None where it was not asked for or could not be read.
        error: why nothing was predicted, in one line; None where all is well.
        left_out: reason -> number of people that were found and are not in the frame.
        joined: how often somebody was found again in another tile, and taken for the same person.
        without_action: reason -> number of the frame's people who get no action.
        heatmaps: (K, h, w) float32 over `heated`, where asked for.
        heated: (H', W', 3) uint8 RGB, the network's input without its padding, that the heatmaps cover.
    """

    item: Item
    frame: Frame
    picture: np.ndarray | None = None
    error: str | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    joined: int = 0
    without_action: dict[str, int] = field(default_factory=dict)
    heatmaps: np.ndarray | None = None
    heated: np.ndarray | None = None
