"""Which place in its video a decoded frame has, and which frames a decoder has swallowed."""

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

SKIPPED = 20  # bytes; a smaller packet of which no picture comes may say that nothing has changed
LATE = 64  # frames given up that are remembered: a decoder holds 16 at most
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
    packet with a time before that of a frame, and no frame of its own, is one of which no frame will come.
    Only the packets that wait for their frames are kept.

    Args:
        codec: its name, as FFmpeg calls it.

    Attributes:
        next: the number of the next frame.
        others: packets that are no frames to be shown.
    """

    def __init__(self, codec: str) -> None:
        self.codec, self.next, self.others = codec, 0, 0
        self._waiting: list[tuple[int, bool]] = []  # a heap of times, and whether silence means damage
        self._reasons: dict[int, str] = {}
        self._told: deque[int] = deque(maxlen=LATE)  # times of frames that were given up
        self._fields = False  # a packet may hold half of an interlaced frame

    def expect(self, packet: Any) -> None:
        """Take note of a packet before it is decoded."""
        if packet.pts is None or not packet.size:
            return
        hidden = self.codec == "vp8" and not bytes(packet)[0] & SHOWN
        if hidden or packet.is_discard:
            self.others += 1
        else:
            heapq.heappush(self._waiting, (packet.pts, packet.size >= SKIPPED))

    def failed(self, pts: int | None, time: float, reason: str) -> Iterator[Lost]:
        """Take note that the packet or frame of a time is damaged; yield it at once where it has no time."""
        if any(pts == waiting for waiting, _ in self._waiting):
            assert pts is not None
            self._reasons[pts] = reason
        elif pts not in self._told:
            yield self._lost(time, reason)

    def is_late(self, frame: Any) -> bool:
        """Tell whether a frame was given up: after damage, decoders give some far too late."""
        return frame.pts is not None and frame.pts in self._told

    def before(self, frame: Any) -> Iterator[Lost]:
        """Yield the lost frames before one that was decoded, which then has the number `next - 1`."""
        self._fields |= bool(frame.interlaced_frame)
        if frame.pts is not None:
            yield from self._until(frame.pts, frame.time_base)
            if self._waiting and self._waiting[0][0] == frame.pts:
                heapq.heappop(self._waiting)
        self.next += 1

    def rest(self, base: Any) -> Iterator[Lost]:
        """Yield the lost frames at the end, of a stream with this base of times."""
        yield from self._until(None, base)

    def _until(self, pts: int | None, base: Any) -> Iterator[Lost]:
        while self._waiting and (pts is None or self._waiting[0][0] < pts):
            at, whole = heapq.heappop(self._waiting)
            reason = self._reasons.pop(at, None)
            if reason is not None or (whole and not self._fields):
                self._told.append(at)
                yield self._lost(None if base is None else float(at * base), reason or SILENT)
            else:
                self.others += 1

    def _lost(self, time: float | None, reason: str) -> Lost:
        self.next += 1
        return Lost(self.next - 1, time, reason)
