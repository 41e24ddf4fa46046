"""Videos that other programs made: joined, trimmed, begun late, broken off by the disk."""

import errno
import logging
import os
import struct

import av
import pytest
from videos import damage, greys, write_video

from dancepose.inference.video import VideoReader

NO_B = {"bf": "0"}


def read(path):
    with VideoReader(path) as video:
        return video, list(video)


@pytest.mark.parametrize("options", [{}, NO_B], ids=["reordered", "in order"])
def test_files_that_were_joined_lose_no_frame(tmp_path, options, caplog):
    """`cat a.ts b.ts`: the times of the second begin again."""
    parts = [
        write_video(tmp_path / f"{count}.ts", count, options=options).read_bytes() for count in (40, 30, 40)
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    video, frames = read(path)
    assert greys(frame.image for frame in frames) == [*range(40), *range(30), *range(40)]
    assert [frame.number for frame in frames] == list(range(110)) and video.damaged == 0
    assert all(a.time < b.time for a, b in zip(frames, frames[1:], strict=False)) and not caplog.records


def trim(path, first, count):
    """Write into the edit list of a file of 25 frames a second that only some are shown."""
    with av.open(str(path)) as file:
        base = file.streams.video[0].time_base
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    _, begin = struct.unpack_from(">Ii", data, at)
    struct.pack_into(">Ii", data, at, count * 40, begin + int(first / 25 / base))
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
@pytest.mark.parametrize("options", [{}, NO_B], ids=["reordered", "in order"])
def test_what_a_file_cuts_away_is_not_missing(tmp_path, name, options, caplog):
    path = write_video(tmp_path / name, options=options)
    trim(path, 15, 12)
    video, frames = read(path)
    assert greys(frame.image for frame in frames) == list(range(15, 27))
    assert (video.damaged, video.missing, video.truncated) == (0, 0, False) and not caplog.records
    assert (video.announced, video.expected, video.not_shown) == (12, 12, 0)


def test_what_a_trimmed_file_has_lost_is_missing(tmp_path):
    path = write_video(tmp_path / "a.mp4", options=NO_B, container={"movflags": "faststart"})
    trim(path, 15, 20)
    with av.open(str(path)) as file:
        place = [packet.pos for packet in file.demux(video=0) if packet.size][10]
    path.write_bytes(path.read_bytes()[:place])
    video, frames = read(path)
    assert greys(frame.image for frame in frames) == list(range(15, 25))
    assert video.truncated and (video.announced, video.missing, video.damaged) == (20, 10, 0)


def test_what_a_broken_index_has_lost_is_missing(tmp_path):
    """Its table of sizes has 15 left, while others speak of 40 frames."""
    path = write_video(tmp_path / "a.mp4", options=NO_B)
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(b"stsz") + 12, 15)
    path.write_bytes(data)
    video, frames = read(path)
    assert len(frames) == 15 and video.truncated and (video.announced, video.missing) == (40, 25)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_a_file_that_names_no_number_announces_none(tmp_path, name):
    video, frames = read(write_video(tmp_path / name))
    assert video.announced is None and video.expected == len(frames) == 40 and video.missing == 0


def test_a_file_that_begins_late_is_not_cut_off(tmp_path, caplog):
    video, frames = read(write_video(tmp_path / "a.mkv", times=[5 + n / 25 for n in range(40)]))
    assert not video.truncated and not caplog.records
    assert video.expected == len(frames) == 40 and frames[0].time == 0


class Broken:
    """A file of which a disk refuses the rest."""

    def __init__(self, container, count):
        self.container, self.count, self.format = container, count, container.format

    def demux(self, stream):
        for number, packet in enumerate(self.container.demux(stream)):
            if number == self.count:
                raise av.error.OSError(errno.EIO, os.strerror(errno.EIO))
            yield packet

    def close(self):
        self.container.close()


def test_what_the_decoder_holds_when_the_disk_fails_is_given(tmp_path, monkeypatch, caplog):
    with VideoReader(write_video(tmp_path / "a.mkv")) as video:
        monkeypatch.setattr(video, "_container", Broken(video._container, 20))
        frames = list(video)
    assert greys(frame.image for frame in frames)[:19] == list(range(19)) and len(frames) == 20
    assert [frame.time for frame in frames[:19]] == pytest.approx([n / 25 for n in range(19)], abs=1e-3)
    assert video.damaged == 0
    assert "cannot be read further: Input/output error" in caplog.text


@pytest.mark.parametrize("damaged", [0, 15])
def test_places_of_damage_are_told_from_the_first_frame_on(tmp_path, damaged, caplog):
    path = write_video(tmp_path / "a.mkv", times=[5 + n / 25 for n in range(40)], options=NO_B, key_frames=1)
    damage(path, damaged, 20)
    with caplog.at_level(logging.WARNING):
        video, frames = read(path)
    assert video.damaged == 1 and frames[-1].number == 39
    assert f"frame {damaged}, near 0:00:00.{4 * damaged:02d}, is damaged" in caplog.text


def test_a_place_of_damage_behind_a_joint_goes_on(tmp_path, caplog):
    """By the file, it would lie before what was told of the first part."""
    parts = [write_video(tmp_path / f"{n}.ts", 40, options=NO_B, key_frames=1) for n in range(2)]
    data = bytearray(parts[1].read_bytes())
    with av.open(str(parts[1])) as file:
        places = [packet.pos for packet in file.demux(video=0) if packet.size]
    assert places[5] % 188 == 0
    data[places[5] + 158 : places[5] + 188] = bytes(30)
    path = tmp_path / "joined.ts"
    path.write_bytes(parts[0].read_bytes() + data)
    video, frames = read(path)
    assert video.damaged == 1 and len(frames) == 79
    assert "frame 45, near 0:00:01.80, is damaged" in caplog.text
