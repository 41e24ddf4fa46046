"""Numbers of frames, and which frames are lost, by the times of packets alone."""

from fractions import Fraction
from types import SimpleNamespace

import pytest
from videos import damage, packets, write_video

from dancepose.inference.frame_numbers import SHOWN, SILENT, FrameNumbers
from dancepose.inference.video import VideoReader

BASE = Fraction(1, 10)


class Packet(SimpleNamespace):
    def __bytes__(self):
        return self.first + bytes(self.size - 1)


def packet(pts, size=100, first=b"\0", is_discard=False):
    return Packet(pts=pts, size=size, first=first, is_discard=is_discard)


def frame(pts, interlaced=False):
    return SimpleNamespace(pts=pts, time_base=BASE, interlaced_frame=interlaced)


def filled(*pts, codec="h264", **kept):
    numbers = FrameNumbers(codec)
    for one in pts:
        numbers.expect(packet(one, **kept))
    return numbers


def test_a_frame_that_never_comes_is_lost_with_its_number_and_time():
    numbers = filled(0, 3, 1, 2)  # two of them between others
    assert list(numbers.before(frame(0))) == [] and numbers.next == 1
    assert list(numbers.failed(2, 9.0, "broken")) == [], "until its turn comes"
    lost = list(numbers.before(frame(3)))
    assert [(one.number, one.time, one.reason) for one in lost] == [(1, 0.1, SILENT), (2, 0.2, "broken")]
    assert numbers.next == 4 and list(numbers.rest(BASE)) == []
    assert numbers.is_late(frame(1)) and list(numbers.failed(2, 9.0, "again")) == []


def test_what_is_left_at_the_end_is_lost():
    assert [one.number for one in filled(0, 1).rest(BASE)] == [0, 1]


@pytest.mark.parametrize(
    "numbers",
    [
        filled(0, codec="vp8"),
        filled(0, is_discard=True),
        filled(0, codec="mpeg4", size=7),
    ],
    ids=["prepares others", "cut away by the file", "nothing has changed"],
)
def test_what_is_no_frame_to_be_shown_is_not_lost(numbers):
    assert list(numbers.before(frame(1))) == [] and (numbers.next, numbers.others) == (1, 1)


def test_half_frames_and_frames_without_times():
    numbers = filled(0, 1)
    assert list(numbers.before(frame(0, interlaced=True))) == list(numbers.before(frame(2, True))) == []
    bare = filled(None)
    assert list(bare.before(frame(None))) == [] and bare.next == 1
    assert [tuple(one) for one in bare.failed(None, 0.5, "broken")] == [(1, 0.5, "broken")]
    shown = filled(0, codec="vp8", first=bytes([SHOWN]))
    assert [one.number for one in shown.rest(BASE)] == [0]


@pytest.mark.parametrize(
    ("name", "codec", "damaged"),
    [
        ("a.mp4", "libx264", range(12, 16)),
        ("a.mkv", "libx264", (7, 21, 22)),
        ("a.avi", "mpeg4", range(12, 16)),
    ],
)
def test_the_counts_add_up_whatever_is_damaged(tmp_path, name, codec, damaged):
    """With frames between others, of which a decoder says nothing when they are lost."""
    path = write_video(tmp_path / name, codec=codec, key_frames=20)
    for number in damaged:
        damage(path, number, 4)
    with VideoReader(path) as video:
        numbers = [one.number for one in video]
    assert video.damaged > 0 and len(numbers) + video.damaged + video.missing == 40
    assert numbers == sorted(set(numbers)) and numbers[-1] == 39


def test_packets_that_are_lost_with_their_heads_are_missing(tmp_path, caplog):
    path = write_video(tmp_path / "a.avi", codec="mpeg4")
    (begin, _), (end, size) = packets(path)[15], packets(path)[19]
    data = bytearray(path.read_bytes())
    data[begin - 8 : end + size] = bytes(end + size + 8 - begin)
    path.write_bytes(data)
    with VideoReader(path) as video:
        given = len(list(video))
    assert video.missing > 0 and given + video.damaged + video.missing == video.expected == 40
    assert "it was cut off, or has lost pieces" in caplog.text
