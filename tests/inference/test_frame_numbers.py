"""Numbers of frames, and which frames are lost, by the times of packets alone."""

from fractions import Fraction
from types import SimpleNamespace

import pytest
from videos import damage, packets, write_video

from dancepose.inference.frame_numbers import LATE, SHOWN, SILENT, FrameNumbers
from dancepose.inference.video import VideoReader

BASE = Fraction(1, 10)


class Packet(SimpleNamespace):
    def __bytes__(self):
        return self.first + bytes(self.size - 1)


def packet(pts, size=100, first=b"\0", is_discard=False, dts=None, is_keyframe=False):
    return Packet(pts=pts, dts=dts, size=size, first=first, is_discard=is_discard, is_keyframe=is_keyframe)


def frame(pts, interlaced=False):
    return SimpleNamespace(pts=pts, interlaced_frame=interlaced)


def filled(*pts, codec="h264", **kept):
    numbers = FrameNumbers(codec, BASE)
    for one in pts:
        assert list(numbers.expect(packet(one, **kept))) == []
    return numbers


def given(numbers, *pts):
    """Numbers of the lost frames before some that are given."""
    return [one.number for at in pts if not numbers.is_late(frame(at)) for one in numbers.before(frame(at))]


def test_a_frame_that_never_comes_is_lost_with_its_number_and_time():
    numbers = filled(0, 3, 1, 2)  # two of them between others
    assert list(numbers.before(frame(0))) == [] and numbers.next == 1
    assert list(numbers.failed(2, 9.0, "broken")) == [], "until its turn comes"
    lost = list(numbers.before(frame(3)))
    assert [(one.number, one.time, one.reason) for one in lost] == [(1, 0.1, SILENT), (2, 0.2, "broken")]
    assert numbers.next == 4 and list(numbers.rest()) == []
    assert numbers.is_late(frame(1)) and list(numbers.failed(2, 9.0, "again")) == []


def test_what_is_left_at_the_end_is_lost():
    assert [one.number for one in filled(0, 1).rest()] == [0, 1]


@pytest.mark.parametrize(
    "kept",
    [{"codec": "vp8"}, {"is_discard": True}, {"codec": "mpeg4", "size": 7}],
    ids=["prepares others", "cut away by the file", "nothing has changed"],
)
def test_what_is_no_frame_to_be_shown_is_not_lost(kept):
    numbers = filled(0, **kept)
    others = 0 if kept.get("is_discard") else 1  # no file counts those among its frames
    assert list(numbers.before(frame(1))) == [] and (numbers.next, numbers.others) == (1, others)


def test_half_frames_and_frames_without_times():
    numbers = filled(0, 1)
    assert list(numbers.before(frame(0, interlaced=True))) == list(numbers.before(frame(2, True))) == []
    bare = filled(None)
    assert list(bare.before(frame(None))) == [] and bare.next == 1
    assert [tuple(one) for one in bare.failed(None, 0.5, "broken")] == [(1, 0.5, "broken")]
    shown = filled(0, codec="vp8", first=bytes([SHOWN]))
    assert [one.number for one in shown.rest()] == [0]


@pytest.mark.parametrize("kept", [{"codec": "vp8"}, {"is_discard": True}])
def test_an_error_of_what_is_not_shown_loses_no_frame(kept):
    numbers = filled(0, **kept)
    assert list(numbers.failed(0, 9.0, "broken")) == [] and numbers.next == 0


def test_an_error_of_half_a_frame_without_a_time_loses_none():
    numbers = filled(0, None)
    assert list(numbers.before(frame(0, interlaced=True))) == []
    assert list(numbers.failed(None, 9.0, "broken")) == [] and numbers.next == 1


def test_an_error_at_the_end_is_counted_once():
    numbers = filled(0, 1)
    assert given(numbers, 0) == list(numbers.failed(None, 9.0, "broken", flushed=True)) == []
    assert [one.number for one in numbers.rest()] == [1]


def test_where_times_jump_back_no_frame_is_lost():
    """The decoder still holds frames of the first file while it gets packets of the second."""
    numbers = FrameNumbers("h264", BASE)
    for pts, dts in [(0, -2), (3, -1), (1, 0), (2, 1)]:
        assert list(numbers.expect(packet(pts, dts=dts))) == []
    assert given(numbers, 0, 1) == []
    for pts, dts in [(0, -2), (3, -1), (1, 0)]:
        assert list(numbers.expect(packet(pts, dts=dts, is_keyframe=not pts))) == []
    assert given(numbers, 2, 3, 0, 1, 3) == [] and numbers.next == 7
    assert list(numbers.rest()) == []


def test_files_that_overlap_by_what_the_decoder_holds():
    numbers = FrameNumbers("h264", BASE)
    for pts in range(8, 13):
        assert list(numbers.expect(packet(pts, dts=pts - 2, is_keyframe=pts == 8))) == []
    assert given(numbers, 8, 9) == []
    for pts in range(10, 14):
        assert list(numbers.expect(packet(pts, dts=pts - 2, is_keyframe=pts == 10))) == []
    assert given(numbers, *range(10, 13), *range(10, 14)) == [] and numbers.next == 9


def test_a_time_that_was_given_up_before_the_jump_stands_for_a_new_frame_after_it():
    numbers = filled(0, 1, 2)
    assert given(numbers, 0, 2) == [1] and numbers.is_late(frame(1))
    for pts in range(3):
        assert list(numbers.expect(packet(pts))) == []
    assert given(numbers, 0, 1, 2) == [] and numbers.next == 6


def test_a_jump_that_was_none_costs_no_frame():
    """A time to decode at that is wrong: frames of before and after it come mixed."""
    numbers = FrameNumbers("h264", BASE)
    for pts, dts in [(0, -2), (3, -1), (1, -5), (2, 1)]:
        assert list(numbers.expect(packet(pts, dts=dts, is_keyframe=True))) == []
    assert given(numbers, 0, 1, 2, 3) == [] and numbers.next == 4


def test_what_waits_is_bounded_whatever_fails():
    numbers, lost = FrameNumbers("h264", BASE), []
    for pts in range(1000):
        lost += [one.number for one in numbers.expect(packet(pts))]
        lost += numbers.failed(pts, 9.0, "broken")
        assert len(numbers._waiting) == len(numbers._reasons) <= LATE
    assert lost == list(range(1000 - LATE))
    assert [one.number for one in numbers.rest()] == list(range(1000 - LATE, 1000))


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
