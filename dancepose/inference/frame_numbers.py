"""Which place in its video a decoded frame has, and which frames a decoder has swallowed."""

import bisect
import math
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

SKIPPED = 20  # bytes; a smaller packet of which no picture comes may say that nothing has changed
LATE = 64  # packets that wait, and frames given up that are remembered: a decoder holds 16 at most
SILENT = "the decoder gives no picture of it"
SHOWN = 0x10  # bit of the first byte of a packet of VP8: there are packets that only prepare others


class Lost(NamedTuple):
    """A frame that the file holds and the decoder does not give.

    Attributes:
        number: its place in the video.
        time: seconds, by the clock of the file; None where the file does not say.
        reason: what the decoder says.
    """

    number: int
    time: float | None
    reason: str


class FrameNumbers:
    """Counts the frames of a video by the packets that hold them.

    A decoder gives frames in the order of their times, each after all packets that come before it. So a
    packet with a time before that of a frame, and no frame of its own, is one of which no frame will come;
    and so is one behind which more packets wait than a decoder holds. Where files were joined, times jump
    back: there another piece begins, whose frames tell nothing of those before.

    Args:
        codec: its name, as FFmpeg calls it.
        base: seconds of a unit of the packets' times, None where the file does not say.

    Attributes:
        next: the number of the next frame.
        others: packets that are no frames, apart from those that the file wants to be thrown away.
    """

    def __init__(self, codec: str, base: Fraction | None) -> None:
        self.codec, self.base, self.next, self.others = codec, base, 0, 0
        self._waiting: list[_Place] = []  # of packets, sorted
        self._reasons: dict[_Place, str] = {}
        self._gone: deque[float] = deque(maxlen=LATE)  # times of packets of which no frame is wanted
        self._piece, self._given = 0, _Place(0, -math.inf)  # the last frame
        self._decoded = -math.inf  # when the last packet is to be decoded
        self._timed = False
        self._fields = False  # a packet may hold half of an interlaced frame

    def expect(self, packet: Any) -> Iterator[Lost]:
        """Take note of a packet before it is decoded; yield the frame that has waited too long, if any."""
        if not packet.size or packet.pts is None:
            return
        self._timed = True
        if packet.is_discard or (self.codec == "vp8" and not bytes(packet)[0] & SHOWN):
            self.others += not packet.is_discard
            self._gone.append(packet.pts)
            return
        decoded = self._decoded if packet.dts is None else packet.dts
        back = packet.is_keyframe and decoded < self._decoded
        if back or (self._piece, packet.pts) <= self._given[:2]:
            self._piece += 1
        self._decoded = decoded
        bisect.insort(self._waiting, _Place(self._piece, packet.pts, packet.size >= SKIPPED))
        if len(self._waiting) > LATE:
            yield from self._give_up(self._waiting[0])

    def failed(self, pts: int | None, time: float, reason: str, flushed: bool = False) -> Iterator[Lost]:
        """Take note that something is damaged; yield it at once where no packet waits that stands for it.

        Args:
            pts: of the packet or frame.
            time: seconds, where that has none.
            reason: what the decoder says.
            flushed: it was asked for what it still holds.
        """
        if pts is None:
            # where there are times, what is lost at the end is told by them, half a frame by the other half
            if not (self._timed and (flushed or self._fields)):
                yield self._lost(time, reason)
        elif (place := self._find(pts)) is not None:
            self._reasons[place] = reason
        elif pts not in self._gone:
            yield self._lost(time if self.base is None else float(pts * self.base), reason)

    def is_late(self, frame: Any) -> bool:
        """Tell whether a frame was given up: after damage, decoders give some far too late."""
        return frame.pts in self._gone and self._find(frame.pts) is None

    def before(self, frame: Any) -> Iterator[Lost]:
        """Yield the lost frames before one that was decoded, which then has the number `next - 1`."""
        self._fields |= bool(frame.interlaced_frame)
        if frame.pts is not None:
            found = self._find(frame.pts)
            at = found or _Place(self._given.piece, frame.pts)
            for place in [place for place in self._waiting if place.piece == at.piece and place.pts < at.pts]:
                yield from self._give_up(place)
            if found:
                self._waiting.remove(found)
                self._reasons.pop(found, None)
                self._given = found
        self.next += 1

    def rest(self) -> Iterator[Lost]:
        """Yield the lost frames at the end."""
        while self._waiting:
            yield from self._give_up(self._waiting[0])

    def _find(self, pts: int) -> "_Place | None":
        """Return the first packet that waits and has a time."""
        return next((place for place in self._waiting if place.pts == pts), None)

    def _give_up(self, place: "_Place") -> Iterator[Lost]:
        self._waiting.remove(place)
        reason = self._reasons.pop(place, None)
        if reason is not None or (place.whole and not self._fields):
            self._gone.append(place.pts)
            yield self._lost(None if self.base is None else float(place.pts * self.base), reason or SILENT)
        else:
            self.others += 1

    def _lost(self, time: float | None, reason: str) -> Lost:
        self.next += 1
        return Lost(self.next - 1, time, reason)


class _Place(NamedTuple):
    """Of a packet: the piece, its time in units of the file, and whether silence about it means damage."""

    piece: int
    pts: float
    whole: bool = False
