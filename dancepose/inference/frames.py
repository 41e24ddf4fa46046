"""What the readers of videos and cameras have in common: frames with their times."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, Self

import numpy as np


@dataclass(frozen=True)
class TimedImage:
    """A frame of a video.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright.
        number: its place in the video, from 0; damaged frames have a number, too.
        time: seconds after the first frame; greater than that of the frame before.
    """

    image: np.ndarray
    number: int
    time: float


class Frames(Protocol):
    """What frames come from.

    Attributes:
        name: what messages call it.
        rate: frames a second, None where it is not known.
        expected: how many frames there will be, as far as the file tells; None where it does not.
        damaged: frames so far that could not be decoded.
        missing: frames that the file announces and does not hold; known when all frames are read.
        truncated: the file ended before its duration; known when all frames are read.
    """

    name: str
    rate: Fraction | None
    expected: int | None
    damaged: int
    missing: int
    truncated: bool

    def __iter__(self) -> Iterator[TimedImage]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *raised: Any) -> None: ...
