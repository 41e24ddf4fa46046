"""Writing of videos: what was written is read again, and the name says whether it is whole."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest
from videos import greys, picture

from dancepose.errors import DanceposeError
from dancepose.inference.video import VideoReader
from dancepose.inference.video_writer import ENCODERS, VideoWriter


def read(path):
    with VideoReader(path) as video:
        return video, list(video)


def write(path, count, width=64, height=48, rate=Fraction(25), times=None):
    with VideoWriter(path, rate) as video:
        for number in range(count):
            video.write(picture(number, width, height), number / rate if times is None else times[number])


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(10)])
def test_what_was_written_is_read_again(tmp_path, rate):
    write(tmp_path / "deep" / "a.mp4", 20, rate=rate)
    video, frames = read(tmp_path / "deep" / "a.mp4")
    assert greys(frame.image for frame in frames) == list(range(20))
    assert np.allclose([frame.time for frame in frames], np.arange(20) / float(rate), atol=1e-3)
    assert float(video.rate) == pytest.approx(float(rate), rel=0.01) and not video.truncated
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.mp4"]
    with av.open(str(tmp_path / "deep" / "a.mp4")) as file:
        assert file.streams.video[0].codec_context.name == "h264"


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (33, 31)])
def test_odd_sizes_are_continued_by_a_pixel(tmp_path, size):
    write(tmp_path / "a.mp4", 3, *size)
    image = read(tmp_path / "a.mp4")[1][2].image
    assert image.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    assert np.abs(image[: size[1], : size[0]].astype(int) - picture(2, *size)).mean() < 4


def test_a_varying_rate_keeps_its_times(tmp_path):
    times = np.cumsum([0, *np.tile([0.02, 0.05, 0.2], 4)]).tolist()
    write(tmp_path / "a.mp4", len(times), times=times)
    assert np.allclose([frame.time for frame in read(tmp_path / "a.mp4")[1]], times, atol=1e-3)


def test_times_that_stand_still_are_moved_on(tmp_path):
    write(tmp_path / "a.mp4", 3, times=[0.0, 0.0, 0.0])
    assert len(read(tmp_path / "a.mp4")[1]) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_is_broken_off_plays_and_is_called_partial(tmp_path, caplog, error):
    (tmp_path / "a.mp4").write_text("an older one")
    with pytest.raises(error), VideoWriter(tmp_path / "a.mp4", Fraction(25)) as video:
        for number in range(12):
            video.write(picture(number), number / 25)
        raise error
    assert (tmp_path / "a.mp4").read_text() == "an older one"
    assert greys(frame.image for frame in read(tmp_path / "a.partial.mp4")[1]) == list(range(12))
    assert "a.partial.mp4 holds the first 12 frames" in caplog.text


def test_while_it_is_written_it_is_called_partial(tmp_path):
    with VideoWriter(tmp_path / "a.mp4") as video:
        video.write(picture(0), 0)
        assert [path.name for path in tmp_path.iterdir()] == ["a.partial.mp4"]


def test_without_a_picture_there_is_no_file(tmp_path):
    with VideoWriter(tmp_path / "a.mp4"):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.xyz", "a.webm", "blocked/a.mp4"])
def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path, name):
    (tmp_path / "blocked").write_text("a file, no folder")
    path = tmp_path / name
    with pytest.raises(DanceposeError, match="cannot be written") as told, VideoWriter(path) as video:
        video.write(picture(0), 0)
    assert str(path) in str(told.value)
    assert [left.name for left in tmp_path.iterdir()] == ["blocked"]


def test_a_full_disk_says_what_to_do(tmp_path):
    """Where the system has no device that is always full, this has nothing to try."""
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    with pytest.raises(DanceposeError) as told, VideoWriter(tmp_path / "a.mp4") as video:
        video.partial.symlink_to("/dev/full")
        video.write(picture(0), 0)
    said = f"{tmp_path / 'a.mp4'} cannot be written: No space left on device. Make room there, or "
    assert str(told.value).startswith(said) and not list(tmp_path.iterdir())


def test_the_next_encoder_is_taken_where_one_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "dancepose.inference.video_writer.ENCODERS", {"no_such_encoder": {}, "mpeg4": ENCODERS["mpeg4"]}
    )
    write(tmp_path / "a.mp4", 3)
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert file.streams.video[0].codec_context.name == "mpeg4"
    assert greys(frame.image for frame in read(tmp_path / "a.mp4")[1]) == [0, 1, 2]


def test_a_picture_of_another_size_is_resized(tmp_path):
    with VideoWriter(tmp_path / "a.mp4") as video:
        video.write(picture(0), 0)
        video.write(picture(1, 128, 96), 1)
    assert [frame.image.shape for frame in read(tmp_path / "a.mp4")[1]] == [(48, 64, 3)] * 2
