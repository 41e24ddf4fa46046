"""Reading videos: one frame at a time, from whatever a file still holds."""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.stream import Disposition

from dancepose.errors import DataError
from dancepose.inference.camera import CameraReader
from dancepose.inference.frame_numbers import FrameNumbers, Lost
from dancepose.inference.frames import Clock, Frames, TimedImage

__all__ = ["CameraReader", "Frames", "TimedImage", "VideoReader", "open_video"]

log = logging.getLogger(__name__)

TOLD = 3  # damaged frames that are reported one by one; after that they are only counted
NO_VIDEOS = ("image2", "tty")  # what FFmpeg takes a picture or a text for; `..._pipe` are pictures, too
USUAL_RATE = Fraction(25)  # where a file says nothing of time
OBLONG = (0.25, 4.0)  # width : height of pixels; a file that says more says nonsense
SQUARE = 0.01  # off 1 by less than this they count as square: nobody could tell


def open_video(source: str | Path | int) -> "VideoReader | CameraReader":
    """Open a video file, or a camera by its number (`0`, or the text `"0"`).

    Raises:
        DataError: see `VideoReader` and `CameraReader`.
    """
    if isinstance(source, int) or (isinstance(source, str) and source.isdecimal()):
        return CameraReader(int(source))
    return VideoReader(Path(source))


class VideoReader:
    """The frames of a video file, in the order of time; holds only the one that is looked at.

    What cannot be decoded, or only with errors that the decoder notices, is reported, counted and left out.
    A file that was cut off yields what it holds, and it is said that it ends early. The rotation that a
    telephone writes beside its pictures is applied, and pictures whose pixels are not square are stretched,
    as a player shows them. Of several streams the best is taken, never the picture of a cover.

    Attributes: those of `Frames`, and
        path: of the file.
        duration: seconds as the file tells, None where it does not.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            DataError: it is missing, no video, holds no pictures, or is cut off before the first.
        """
        self.path, self.name = path, str(path)
        self.damaged, self.missing, self.not_shown, self.truncated = 0, 0, 0, False
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such file. Give a video, a picture, a folder, a glob, or the number of "
                "a camera"
            )
        try:
            # a playlist must not make us read from the network, and `12:30.mp4` is no protocol
            self._container = av.open(str(path.resolve()), mode="r", options={"protocol_whitelist": "file"})
        except (av.FFmpegError, ValueError, OSError) as error:
            raise DataError(
                f"{path} cannot be read as a video ({_reason(error)}). If it is one, its recording was "
                "broken off before its index was written, or it is of a kind that FFmpeg does not know"
            ) from None
        try:
            self._stream = self._find_stream()
        except BaseException:
            self._container.close()
            raise
        stream = self._stream
        self.rate = stream.average_rate or stream.guessed_rate or None
        self.duration: float | None = None
        self._slack = 2 / float(self.rate or USUAL_RATE)
        if stream.duration is not None and stream.time_base is not None:
            self.duration = float(stream.duration * stream.time_base)
        elif self._container.duration:
            self.duration = self._container.duration / av.time_base
            begin = (self._container.start_time or 0) / av.time_base
            if "matroska" in self._container.format.name and 0 < begin < self.duration:
                self.duration -= begin  # there it is the time of the end
            # beside a longer sound track, the duration of all says little of the pictures'
            self._slack = max(1.0, 0.02 * self.duration)
        self.announced = self._announced() or None
        guess = round(self.duration * self.rate) if self.duration and self.rate else 0
        self.expected: int | None = self.announced or guess or None

    def _find_stream(self) -> av.VideoStream:
        kind = self._container.format.name
        if kind in NO_VIDEOS or kind.endswith("_pipe"):
            raise DataError(f"{self.path} is a {'text' if kind == 'tty' else 'picture'}, no video")
        if not self._container.streams.video:
            raise DataError(f"{self.path} holds no pictures: {_streams(self._container)}")
        stream = self._container.streams.best("video") or self._container.streams.video[0]
        assert isinstance(stream, av.VideoStream)
        if stream.disposition & Disposition.attached_pic:
            raise DataError(f"{self.path} holds no pictures but a cover")
        try:
            known = stream.codec_context is not None
        except av.FFmpegError:
            known = False
        if not known:
            raise DataError(f"{self.path}: FFmpeg has no decoder for its pictures. Convert it to H.264 first")
        return stream

    def _announced(self) -> int:
        """Return how many frames the file names, those that its edit list cuts away left out; else 0."""
        named, index = self._stream.frames, self._stream.index_entries
        if named and "mov" in self._container.format.name:  # else indices grow while the file is read
            return min(named, sum(not entry.is_discard for entry in index) or named)
        return named

    def __iter__(self) -> Iterator[TimedImage]:
        """Yield the frames, once.

        Raises:
            DataError: not one can be decoded.
        """
        reached, end, given = 0.0, 0.0, 0  # seconds, by the file: where packets begin, and where they end
        stream, step = self._stream, 1 / float(self.rate or USUAL_RATE)
        ratio, base = stream.sample_aspect_ratio, stream.time_base
        clock = self._clock = Clock(step)
        if stream.start_time is not None and base is not None:
            clock.begin = float(stream.start_time * base)
        numbers = FrameNumbers(stream.codec_context.name, base)
        for packet in self._packets():
            self._report(numbers.expect(packet))
            if packet.pts is not None and packet.time_base is not None:
                at = float(packet.pts * packet.time_base)
                ends = at + (float(packet.duration * packet.time_base) if packet.duration else step)
                reached, end = max(reached, at), max(end, ends)
            try:
                frames = stream.decode(packet)
            except av.FFmpegError as error:
                self._report(numbers.failed(packet.pts, reached, _reason(error), flushed=not packet.size))
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self._report(numbers.failed(frame.pts, reached, "the decoder had to guess parts of it"))
                    continue
                if numbers.is_late(frame):
                    continue
                self._report(numbers.before(frame))
                number = numbers.next - 1
                time = frame.time if frame.time is not None else number * step
                if not given:
                    clock.begin = time
                yield TimedImage(_upright(frame, ratio), number, clock.advance(time))
                given += 1
        self._report(numbers.rest())
        if not given:
            raise DataError(f"{self.path}: none of its pictures can be decoded")
        reached = max(end - clock.begin, clock.last + step)
        if self.duration is not None and reached < self.duration - self._slack:
            self.truncated = True
            log.warning(
                "%s ends at %s of %s: it was cut off, or has lost pieces. What it holds is used",
                self.path,
                _told(clock.last + step),
                _told(max(self.duration, (self.announced or 0) * step)),  # FFmpeg guesses by bytes
            )
        found, self.not_shown = numbers.next + numbers.others, numbers.others
        if self.truncated and self.announced is not None and found >= self.announced:
            self.announced = max(found, stream.frames)  # it is not an edit list that leaves frames out
        self.missing = max(0, (self.announced or 0) - found)
        if self.damaged > TOLD:
            log.warning("%s: %d damaged frames were left out", self.path, self.damaged)

    def _packets(self) -> Iterator[av.Packet]:
        """Yield the packets; the last is empty: for it, the decoder gives what it still holds."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                log.warning("%s cannot be read further: %s", self.path, _reason(error))
                break
            yield packet
        last: av.Packet = av.Packet()
        if self._stream.time_base is not None:
            last.time_base = self._stream.time_base
        yield last

    def _report(self, lost: Iterable[Lost]) -> None:
        for number, time, reason in lost:
            self.damaged += 1
            if self.damaged <= TOLD:
                near = "" if time is None else f", near {_told(self._clock.after(time))},"
                log.warning("%s: frame %d%s is damaged and left out: %s", self.path, number, near, reason)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self.close()


def _upright(frame: av.VideoFrame, ratio: Fraction | None) -> np.ndarray:
    """Return a frame as (H, W, 3) uint8 RGB, turned as its display matrix says, its pixels made square.

    Args:
        frame: as it was decoded.
        ratio: width : height of its pixels; None or 0 where that is not known. The narrow side grows.
    """
    width, height = frame.width, frame.height
    if ratio and OBLONG[0] <= ratio <= OBLONG[1] and abs(ratio - 1) >= SQUARE:
        width, height = round(width * max(ratio, Fraction(1))), round(height / min(ratio, Fraction(1)))
    image = frame.to_ndarray(format="rgb24", width=width, height=height)
    turns = round(frame.rotation / 90) % 4  # counter-clockwise, as `np.rot90` turns
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _streams(container: Any) -> str:
    kinds = [stream.type for stream in container.streams]
    return f"only {', '.join(sorted(set(kinds)))}" if kinds else "it is empty"


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _told(seconds: float) -> str:
    """Return 0:01:02.34."""
    whole, hundredths = divmod(round(100 * max(seconds, 0.0)), 100)
    return f"{timedelta(seconds=whole)}.{hundredths:02d}"
