"""Reading of videos: whole, cut off, damaged, turned, of varying rate, and what is none."""

import logging
import subprocess
import sys
import weakref
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from videos import damage, greys, packets, picture, write_video

from dancepose.errors import DataError
from dancepose.inference.camera import CameraReader
from dancepose.inference.frames import TimedImage
from dancepose.inference.video import VideoReader, open_video

FASTSTART = {"movflags": "faststart"}
NO_B = {"bf": "0"}


def read(path):
    with open_video(path) as video:
        return video, list(video)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_frames_come_in_order_with_their_times(tmp_path, name, codec):
    path = write_video(tmp_path / name, codec=codec)
    video, frames = read(path)
    assert (video.expected, video.rate, video.damaged, video.truncated) == (40, 25, 0, False)
    assert [frame.number for frame in frames] == list(range(40))
    assert np.allclose([frame.time for frame in frames], np.arange(40) / 25, atol=1e-3)
    assert greys(frame.image for frame in frames) == list(range(40))
    assert frames[0].image.shape == (48, 64, 3) and frames[0].image.dtype == np.uint8


def test_one_frame_is_held_at_a_time(tmp_path):
    with open_video(write_video(tmp_path / "a.mp4")) as video:
        frames = iter(video)
        assert isinstance(first := next(frames), TimedImage)
        number, held = first.number, weakref.ref(first.image)
        del first
        assert (number, next(frames).number) == (0, 1) and held() is None


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_a_turned_video_is_upright(tmp_path, rotation):
    def half(number, width, height):  # the left half is white
        image = np.zeros((height, width, 3), np.uint8)
        image[:, : width // 2] = 255
        return image

    path = write_video(tmp_path / "a.mp4", 2, rotation=rotation, draw=half)
    image = read(path)[1][0].image
    expected = np.rot90(half(0, 64, 48), rotation // 90)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).max() < 12


def test_a_varying_rate_keeps_its_times(tmp_path):
    times = np.cumsum([0, *np.tile([0.02, 0.05, 0.2], 6)]).tolist()
    path = write_video(tmp_path / "a.mp4", len(times), times=times)
    video, frames = read(path)
    assert np.allclose([frame.time for frame in frames], times, atol=1e-3)
    assert not video.truncated


@pytest.mark.parametrize(
    ("name", "codec", "keep"),
    [("a.mp4", "libx264", 0), ("a.avi", "mpeg4", 0), ("b.avi", "mpeg4", 20)],
)
def test_a_damaged_frame_is_reported_and_left_out(tmp_path, caplog, name, codec, keep):
    path = write_video(tmp_path / name, codec=codec, options=NO_B if codec == "libx264" else {})
    damage(path, 15, keep)
    with caplog.at_level(logging.WARNING):
        video, frames = read(path)
    assert video.damaged == 1
    assert [frame.number for frame in frames] == [n for n in range(40) if n != 15]
    assert "frame 15, near 0:00:00.60, is damaged" in caplog.text and name in caplog.text
    found = greys(frame.image for frame in frames)
    assert found[:15] == list(range(15)) and found[19:] == list(range(20, 40)), "right after a key frame"


def test_many_damaged_frames_are_counted_and_not_all_told(tmp_path, caplog):
    path = write_video(tmp_path / "a.mp4", options=NO_B)
    for number in range(3, 33, 3):
        damage(path, number, 0)
    with caplog.at_level(logging.WARNING):
        video, frames = read(path)
    assert video.damaged == 10 and len(frames) == 30
    assert len(caplog.records) == 4 and "10 damaged frames were left out" in caplog.text


@pytest.mark.parametrize(
    ("name", "codec", "container"), [("a.mp4", "libx264", FASTSTART), ("a.avi", "mpeg4", None)]
)
def test_a_file_that_was_cut_off_yields_what_it_holds(tmp_path, caplog, name, codec, container):
    options = NO_B if codec == "libx264" else {}
    path = write_video(tmp_path / name, codec=codec, container=container, options=options)
    place, size = packets(path)[23]
    path.write_bytes(path.read_bytes()[: place + size // 2])
    with caplog.at_level(logging.WARNING):
        video, frames = read(path)
    assert greys(frame.image for frame in frames)[:23] == list(range(23)) and len(frames) == 23
    assert video.truncated
    assert "it was cut off" in caplog.text and name in caplog.text


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_long_last_frame_is_no_cut(tmp_path, caplog, name):
    """The next frame would have come 5 s later; its packet says so, where nothing else does."""
    path = tmp_path / name
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(40):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")):
                packet.duration = round((5 if number == 39 else 0.04) / packet.time_base)
                file.mux(packet)
    with caplog.at_level(logging.WARNING):
        video, frames = read(path)
    assert len(frames) == 40 and video.duration > 6
    assert not video.truncated and not caplog.records


def test_a_name_may_have_a_colon(tmp_path, monkeypatch):
    write_video(tmp_path / "12:30.mp4", 3)
    monkeypatch.chdir(tmp_path)
    video, frames = read("12:30.mp4")
    assert len(frames) == 3 and video.name == "12:30.mp4"


def with_cover(path: Path, count: int) -> None:
    """A video, or with no frame a sound, that begins with the picture of its cover."""
    with av.open(str(path), "w") as file:
        cover = file.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        if count:
            stream = file.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        else:
            sound = file.add_stream("aac", rate=8000, layout="mono")
        file.mux(cover.encode(av.VideoFrame.from_ndarray(picture(0, 32, 32), format="rgb24")))
        file.mux(cover.encode(None))
        for number in range(count):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        if not count:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 8000
            file.mux(sound.encode(frame))
        file.mux((stream if count else sound).encode(None))


def test_a_cover_is_not_taken_for_the_video(tmp_path):
    with_cover(tmp_path / "a.mkv", 5)
    _, frames = read(tmp_path / "a.mkv")
    assert len(frames) == 5 and frames[0].image.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("ratio", "shape"), [("4/3", (48, 85)), ("1/2", (96, 64)), ("1/1", (48, 64)), ("1/5000", (48, 64))]
)
def test_pixels_are_made_square(tmp_path, ratio, shape):
    path = write_video(tmp_path / "a.mp4", 2, pixel_ratio=Fraction(ratio))
    assert [frame.image.shape[:2] for frame in read(path)[1]] == [shape] * 2
    turned = write_video(tmp_path / "b.mp4", 2, pixel_ratio=Fraction(ratio), rotation=90)
    assert read(turned)[1][0].image.shape[:2] == shape[::-1]


@given(share=st.floats(0, 1), name=st.sampled_from(["a.mp4", "a.mkv", "a.avi"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_a_file_ends_it_is_read_or_refused_in_words(videos, tmp_path, share, name):
    data = (videos / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(share * len(data))])
    try:
        _, frames = read(path)
    except DataError as error:
        assert str(path) in str(error)
    else:
        numbers = greys(frame.image for frame in frames)
        assert numbers == list(range(len(frames)))


@given(
    places=st.lists(st.tuples(st.floats(0.02, 1), st.integers(0, 255)), min_size=1, max_size=30),
    name=st.sampled_from(["a.mp4", "a.mkv", "a.avi"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_bytes_anywhere_never_crash(videos, tmp_path, places, name):
    data = bytearray((videos / name).read_bytes())
    for share, value in places:
        data[min(int(share * len(data)), len(data) - 1)] = value
    path = tmp_path / name
    path.write_bytes(data)
    try:
        _, frames = read(path)
    except DataError as error:
        assert str(path) in str(error)
    else:
        times = [frame.time for frame in frames]
        assert times == sorted(set(times)), "times go forward"


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "a.mp4", container=FASTSTART, options=NO_B)
    write_video(folder / "a.mkv", options=NO_B)
    write_video(folder / "a.avi", codec="mpeg4")
    return folder


def sound_alone(path: Path) -> None:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def one_picture(path: Path) -> None:
    import cv2

    cv2.imwrite(str(path), picture(0))


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("a.wav", sound_alone, "holds no pictures: only audio"),
        ("cover.mp4", lambda path: with_cover(path, 0), "holds no pictures but a cover"),
        ("a.mp4", lambda path: path.write_text("hello " * 100), "cannot be read as a video"),
        ("b.mp4", lambda path: path.write_bytes(b""), "cannot be read as a video"),
        ("a.txt", lambda path: path.write_text("hello " * 100), "is a text, no video"),
        ("a.png", one_picture, "is a picture, no video"),
        ("a.jpg", one_picture, "is a picture, no video"),
        ("gone.mp4", lambda path: None, "there is no such file"),
        ("folder.mp4", lambda path: path.mkdir(), "there is no such file"),
        ("cut.mp4", lambda path: cut(path), "broken off before its index was written"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, name, make, words):
    path = tmp_path / name
    make(path)
    with pytest.raises(DataError, match=words) as told:
        read(path)
    assert str(path) in str(told.value)


def cut(path: Path) -> None:
    write_video(path)  # its index is at the end
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_video_whose_every_packet_is_damaged_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4", 5)
    for number in range(5):
        damage(path, number, 10)
    with pytest.raises(DataError, match="none of its pictures can be decoded"):
        read(path)


def test_a_playlist_reads_nothing_from_the_network(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://localhost:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(DataError):
        read(path)


def test_a_camera_that_is_not_there_is_told():
    with pytest.raises(DataError, match="there is no camera 7"):
        open_video("7")


class Capture:
    """Stands in for a camera of three frames."""

    def __init__(self, index):
        self.left = 3

    def isOpened(self):  # noqa: N802
        return True

    def get(self, key):
        return 29.97

    def read(self):
        self.left -= 1
        image = np.zeros((4, 6, 3), np.uint8)
        image[..., 0] = 200  # blue, in OpenCV's order
        return self.left >= 0, image

    def release(self):
        self.left = -1


def test_a_camera_gives_frames_with_the_times_of_their_arrival(monkeypatch):
    monkeypatch.setattr("cv2.VideoCapture", Capture)
    with CameraReader(0) as camera:
        assert camera.expected is None and abs(float(camera.rate) - 29.97) < 0.01
        frames = list(camera)
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert frames[0].time == 0 and frames[0].time < frames[1].time < frames[2].time
    assert (frames[0].image[0, 0] == (0, 0, 200)).all(), "RGB"


MEMORY = """
import resource, sys
from pathlib import Path
from dancepose.inference.video import VideoReader
with VideoReader(Path(sys.argv[1])) as video:
    frames = iter(video)
    for _ in range(20): next(frames)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 20 + sum(1 for _ in frames)
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_grow_with_the_length(tmp_path):
    """120 frames of 640 x 480 are 110 MB."""
    path = write_video(
        tmp_path / "a.mp4",
        120,
        640,
        480,
        options={"preset": "ultrafast"},
        draw=lambda n, w, h: np.full((h, w, 3), n % 250, np.uint8),
    )
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    count, grown = map(float, done.stdout.split())
    assert count == 120 and grown < 30


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "count", "size", "rate"),
    [
        ("streetdance_class0_0001_30_10.mp4", 300, (360, 640), 29.97),
        ("three_gymnasts_exercise.avi", 393, (288, 384), 10),
    ],
)
def test_real_clips(shared, name, count, size, rate):
    with VideoReader(shared / "data" / "videos" / name) as video:
        frames = [(frame.number, frame.image.shape[:2]) for frame in video]
        assert video.expected == count and float(video.rate) == pytest.approx(rate, abs=0.01)
        assert video.damaged == 0 and not video.truncated
    assert frames == [(number, size) for number in range(count)]
