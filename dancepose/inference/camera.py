"""Reading cameras, one frame at a time."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self

import cv2

from dancepose.errors import DataError
from dancepose.inference.frames import TimedImage

log = logging.getLogger(__name__)


class CameraReader:
    """The frames of a camera, through OpenCV, which finds cameras by number on every system.

    Attributes: those of `Frames`; `expected` and `announced` are None, for a camera has no end.
    """

    expected: int | None = None
    announced: int | None = None
    damaged = missing = not_shown = 0
    truncated = False

    def __init__(self, index: int) -> None:
        """Open a camera.

        Raises:
            DataError: there is none of this number, or it is in use.
        """
        self.name = f"camera {index}"
        self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            self._capture.release()
            raise DataError(f"there is no camera {index}, or another program is using it")
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = Fraction(told).limit_denominator(1001) if told > 0 else None

    def __iter__(self) -> Iterator[TimedImage]:
        """Yield frames until the camera gives no more; their times are those of their arrival."""
        begin: int | None = None
        number, last = 0, -1.0
        while True:
            there, image = self._capture.read()
            if not there:
                log.warning("%s gives no more frames", self.name)
                return
            ticks = cv2.getTickCount()
            begin = ticks if begin is None else begin
            time = max((ticks - begin) / cv2.getTickFrequency(), last + 1e-6)
            yield TimedImage(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), number, time)
            number, last = number + 1, time

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
