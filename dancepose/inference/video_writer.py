"""Writing videos: H.264 where there is an encoder, and a name that says whether the file is whole."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np

from dancepose.errors import DanceposeError
from dancepose.files import unwritable

log = logging.getLogger(__name__)

# the first that this build of FFmpeg has; its settings
ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"crf": "20", "preset": "veryfast"},
    "libopenh264": {},
    "mpeg4": {"b": "8000000", "qmax": "6"},
}
TICKS = 60_000  # a second, of the file's clock: whole steps at usual rates; MPEG-4 takes no more than 65,535
USUAL_RATE = Fraction(25)


class VideoWriter:
    """Writes a video, picture by picture; a context manager.

    While it is written, and for good where something stops it (an error, Ctrl-C), the file is called
    `<name>.partial.<ending>`: closed in order, so that it plays, but not all that it should be. Only a file
    that was written to the end gets its own name, and only then takes the place of an older one.

    Pictures are shown at the times that are given with them, so that a video whose rate varies keeps its
    timing. A side of an odd number of pixels is continued by one, for most players want colours at half the
    resolution. There is no sound.

    Attributes:
        path: of the finished file.
        partial: of the unfinished one.
        frames: pictures written so far.
    """

    def __init__(self, path: Path, rate: Fraction | None = None) -> None:
        """Set up; the file is begun with the first picture, which tells its size.

        Args:
            path: of the video; its ending names the kind of file.
            rate: frames a second of what is written, as far as known.
        """
        self.path, self.partial = path, path.with_name(f"{path.stem}.partial{path.suffix}")
        self.frames = 0
        self._rate = rate or USUAL_RATE
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream
        self._size = (0, 0)  # width, height
        self._clock = -1

    def write(self, image: np.ndarray, time: float) -> None:
        """Write a picture.

        Args:
            image: (H, W, 3) uint8 RGB; one of another size than the first is resized to it.
            time: seconds after the first picture.

        Raises:
            DanceposeError: the file cannot be written, or holds no such video.
        """
        with self._told():
            if self._container is None:
                self._begin(image.shape[1], image.shape[0])
            if image.shape[1::-1] != self._size:
                image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
            height, width = image.shape[:2]
            if height % 2 or width % 2:
                image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            self._clock = max(round(time * TICKS), self._clock + 1)  # encoders refuse equal times
            frame.pts, frame.time_base = self._clock, Fraction(1, TICKS)
            self._mux(frame)
            self.frames += 1

    def close(self, whole: bool = True) -> None:
        """End the file in order.

        Args:
            whole: nothing is missing: it gets its own name.

        Raises:
            DanceposeError: the end cannot be written; what is there keeps the name of a partial file.
        """
        if self._container is None:
            return
        container, self._container = self._container, None
        with self._told():
            try:
                for packet in self._stream.encode(None):
                    container.mux(packet)
            finally:
                container.close()
            if whole:
                os.replace(self.partial, self.path)
            else:
                log.warning("%s holds the first %d frames", self.partial, self.frames)

    def _begin(self, width: int, height: int) -> None:
        self._size = (width, height)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        container = av.open(str(self.partial), mode="w")
        try:
            name = next(name for name in ENCODERS if _available(name))
            stream = container.add_stream(name, rate=self._rate, options=dict(ENCODERS[name]))
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = width + width % 2, height + height % 2
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, TICKS)
            container.start_encoding()  # refuses here what this kind of file cannot hold
        except BaseException:
            container.close()
            self.partial.unlink(missing_ok=True)
            raise
        self._container, self._stream = container, stream

    def _mux(self, frame: av.VideoFrame) -> None:
        assert self._container is not None
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, OSError):
                raise unwritable(self.path, error) from error
            why = getattr(error, "strerror", None) or error
            raise DanceposeError(f"{self.path} cannot be written as a video: {why}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close(whole=kind is None)
        except DanceposeError as second:
            if kind is None:
                raise
            log.warning("%s", second)  # the first error is told by whoever catches it


def _available(encoder: str) -> bool:
    try:
        av.codec.Codec(encoder, "w")
    except (av.FFmpegError, ValueError):
        return False
    return True
