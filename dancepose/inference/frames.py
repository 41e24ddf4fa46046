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
        expected: about how many frames there will be; None where nothing tells.
        announced: how many frames the file names, with those that it does not want shown; None where it names
            no number.
        damaged: frames so far that could not be decoded.
        missing: frames that the file announces and does not hold; known when all frames are read.
        not_shown: entries of the file that are no frames to be shown; known when all frames are read.
        truncated: the file ended before its duration; known when all frames are read.
    """

    name: str
    rate: Fraction | None
    expected: int | None
    announced: int | None
    damaged: int
    missing: int
    not_shown: int
    truncated: bool

    def __iter__(self) -> Iterator[TimedImage]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *raised: Any) -> None: ...


class Clock:
    """Seconds after the first frame, which go forward whatever a file says.

    Args:
        step: seconds between frames.

    Attributes:
        begin: of the first frame, in seconds by the file.
        last: of the last one, in seconds after the first.
    """

    def __init__(self, step: float) -> None:
        self.step, self.begin, self.last = step, 0.0, -step

    def after(self, time: float) -> float:
        """Return the time of what follows the last frame: a step after it, where its own is not after it."""
        return time - self.begin if time - self.begin > self.last else self.last + self.step

    def advance(self, time: float) -> float:
        """Return the time of the next frame."""
        self.last = self.after(time)
        return self.last
