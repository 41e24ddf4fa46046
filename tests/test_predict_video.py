"""`dancepose-predict` on a video: what it leaves, and what it does when it is broken off."""

import csv
import errno
import json
import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from moving import COUNT, moving_pipeline, moving_video
from running import run_task
from videos import damage, write_video

import dancepose.predict
from dancepose.data.prediction_reader import read_predictions
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.inference.video import VideoReader
from dancepose.inference.video_writer import VideoWriter
from dancepose.predict import predict
from dancepose.tasks.video_prediction import told_lost


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return moving_video(tmp_path_factory.mktemp("moving") / "clip.avi")


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run `dancepose-predict` with an oracle in place of the networks."""

    def run(source, *overrides, pipeline=None):
        monkeypatch.setattr(dancepose.predict, "load", lambda cfg: pipeline or moving_pipeline())
        run_task(predict, "predict", tmp_path / "out", "pose=oracle", f"source={source}", *overrides)
        return tmp_path / "out"

    return run


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def count(path):
    with VideoReader(path) as reader:
        return sum(1 for _ in reader)


def test_what_it_leaves(command, video, caplog):
    caplog.set_level("INFO")
    overrides = ("csv=true", "jsonl=true", "smooth=true", "action_smooth=0.5", "timing=true", "motion=oracle")
    out = command(video, *overrides, pipeline=moving_pipeline(over_time=True))
    assert {path.name for path in out.iterdir()} == {
        *("clip.mp4", "predictions.json", "predictions.jsonl", "predictions.csv", "tracks", "summary.json")
    }
    assert count(out / "clip.mp4") == COUNT
    with VideoReader(video) as before, VideoReader(out / "clip.mp4") as after:
        assert float(before.rate) == pytest.approx(float(after.rate), rel=0.01)
        changed = np.abs(next(iter(before)).image.astype(int) - next(iter(after)).image) > 60
        assert changed.any(axis=2).sum() > 100, "people are drawn"
    images = read_predictions(out / "predictions.json").images
    assert [image.image for image in images] == [f"clip/{n:06d}" for n in range(COUNT)]
    assert {person.track for image in images for person in image.people} == {1, 2}
    assert all(person.action in ("wave", "walk") for image in images for person in image.people)
    head, *lines = map(json.loads, (out / "predictions.jsonl").read_text().splitlines())
    assert head["classes"] == ["wave", "walk"]
    assert [line["time"] for line in lines] == pytest.approx([n / 10 for n in range(COUNT)])
    for track in ("0001", "0002"):
        with open(out / "tracks" / f"{track}.csv") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == COUNT and {row["track"] for row in rows} == {track.lstrip("0")}
        assert [float(row["time"]) for row in rows] == pytest.approx([n / 10 for n in range(COUNT)])
        assert all(row["action"] in ("wave", "walk") and float(row["p_wave"]) <= 1 for row in rows)
    told = summary(out)
    expected = {"status": "done", "pictures": COUNT, "people": 2 * COUNT, "tracks": 2, "damaged_frames": 0}
    expected |= {"missing_frames": 0, "not_shown_frames": 0}
    assert told | expected == told and told["cut_off"] is False and told["frames_expected"] == COUNT
    assert "frames  12/12" in caplog.text and "time left 0:00:00" in caplog.text
    assert "by the clock" in caplog.text


@pytest.mark.parametrize("full", ["0001.csv", "0002.csv", "predictions.csv"])
@pytest.mark.parametrize("room", [100, 3000])
def test_on_a_full_disk_all_lists_hold_the_same_frames(command, video, tmp_path, monkeypatch, full, room):
    """The system's call writes half of a row, and no more of that file."""
    write, out = os.write, tmp_path / "out"

    def half(handle, data):
        path = os.readlink(f"/proc/self/fd/{handle}")
        if os.path.basename(path) == full and os.fstat(handle).st_size + len(data) > room:
            write(handle, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data)

    monkeypatch.setattr(os, "write", half)
    told = rf"^\S*/{full} cannot be written: No space left on device\. Make room .*$"
    with pytest.raises(DanceposeError, match=told):
        command(video, "csv=true", "jsonl=true", "draw=false")
    images = json.loads((out / "predictions.json").read_text())["images"]
    lines = (out / "predictions.jsonl").read_text().splitlines()[1:]
    held = [(image["image"], person["track"]) for image in images for person in image["people"]]
    assert [json.loads(line)["image"] for line in lines] == [image["image"] for image in images]
    assert (len(images) > 0) == (room == 3000) and summary(out)["pictures"] == len(images) < COUNT
    rows = [row for path in (out / "tracks").glob("*.csv") for row in csv.DictReader(path.open())]
    for found in (rows, csv.DictReader((out / "predictions.csv").open())):
        assert sorted((row["image"], int(row["track"])) for row in found) == sorted(held)


def test_on_a_full_disk_under_the_drawn_video_the_lists_hold_what_is_counted(
    command, video, tmp_path, monkeypatch
):
    mux, seen = VideoWriter._mux, []

    def full(writer, frame):
        seen.append(frame)
        if len(seen) == 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        mux(writer, frame)

    monkeypatch.setattr(VideoWriter, "_mux", full)
    out, told = tmp_path / "out", r"^\S*/clip\.mp4 cannot be written: No space left on device\. Make room .*$"
    with pytest.raises(DanceposeError, match=told):
        command(video, "csv=true", "jsonl=true", "draw=true")
    images = read_predictions(out / "predictions.json").images
    assert len(images) == summary(out)["pictures"] == count(out / "clip.partial.mp4") == 5
    assert len((out / "predictions.jsonl").read_text().splitlines()) == 6
    for path in (out / "predictions.csv", out / "tracks" / "0001.csv"):
        names = {row["image"] for row in csv.DictReader(path.open())}
        assert names == {image.image for image in images}


def test_a_file_that_names_no_number_of_frames(command, video, tmp_path, caplog):
    """What is told while it is read is a guess, and stands in no file."""
    caplog.set_level("INFO")
    told = summary(command(moving_video(tmp_path / "clip.mkv")))
    assert told["frames_expected"] is None and told["pictures"] == COUNT and "frames  12/12" in caplog.text


def test_draw_false_leaves_no_video(command, video):
    out = command(video, "draw=false")
    assert sorted(path.name for path in out.iterdir()) == ["predictions.json", "summary.json"]


def test_labelme_files_of_a_video_have_pictures_beside_them(command, video):
    out = command(video, "labelme=true", "draw=false")
    assert len(list((out / "labelme" / "clip").glob("*.json"))) == COUNT
    assert len(list((out / "labelme" / "clip").glob("*.jpg"))) == COUNT
    shapes = [json.loads(path.read_text())["shapes"] for path in (out / "labelme" / "clip").glob("*.json")]
    assert {shape["group_id"] for found in shapes for shape in found} == {1, 2}, "the tracks"


def test_a_video_is_not_written_over(command, tmp_path):
    (tmp_path / "out").mkdir()
    source = write_video(tmp_path / "out" / "clip.mp4", 3)
    before = source.read_bytes()
    with pytest.raises(ConfigError, match=r"would overwrite source .*clip\.mp4"):
        command(source)
    assert source.read_bytes() == before
    assert [path.name for path in source.parent.iterdir()] == ["clip.mp4"], "nothing was begun"


def test_a_folder_in_place_of_the_drawn_video_is_told_at_once(command, video, tmp_path):
    for name in ("clip.mp4", "clip.partial.mp4"):
        (tmp_path / "out" / name).mkdir(parents=True)
        with pytest.raises(ConfigError, match=rf"out already holds {name}: write elsewhere"):
            command(video)
        (tmp_path / "out" / name).rmdir()


def test_corrected_labelme_files_of_a_video_are_kept(command, video, tmp_path):
    path = tmp_path / "out" / "labelme" / "clip" / "000002.json"
    path.parent.mkdir(parents=True)
    path.write_text("corrected")
    with pytest.raises(ConfigError, match=r"labelme/clip.*is there already"):
        command(video, "labelme=true", "draw=false")
    assert path.read_text() == "corrected" and len(list(path.parent.iterdir())) == 1


def test_frames_without_a_picture_are_told_by_their_reason():
    lost = SimpleNamespace(damaged=143, missing=1, announced=393)
    assert told_lost(lost) == (
        "left out: 143 frames could not be decoded; 1 frame of the 393 that the file announces is not in it"
    )
    assert told_lost(SimpleNamespace(damaged=0, missing=0, announced=None)) == ""


def test_a_damaged_frame_is_left_out_and_counted(command, video, tmp_path, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "clip.avi"
    path.write_bytes(video.read_bytes())
    damage(path, 5, 0)
    out = command(path)
    assert "frame 5, near 0:00:00.50, is damaged and left out" in caplog.text
    assert "left out: 1 frame could not be decoded" in caplog.text
    told = summary(out)
    assert told["status"] == "done" and told["damaged_frames"] == 1 and told["pictures"] == COUNT - 1
    assert told["tracks"] == 2, "people are known again after it"
    assert count(out / "clip.mp4") == COUNT - 1


@pytest.mark.parametrize(
    "number, error",
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_ends_it_in_order(command, video, tmp_path, number, error):
    pipeline = moving_pipeline(batch_size=1)
    network, seen = pipeline.pose.network, []

    def interrupt(*_):
        seen.append(1)
        if len(seen) == 5:
            os.kill(os.getpid(), number)

    network.register_forward_hook(interrupt)
    with pytest.raises(error):
        command(video, "jsonl=true", pipeline=pipeline)
    out = tmp_path / "out"
    told = summary(out)
    assert told["status"] == "interrupted" and 0 < told["pictures"] < COUNT
    assert not (out / "clip.mp4").exists()
    assert count(out / "clip.partial.mp4") == told["pictures"]
    assert len(read_predictions(out / "predictions.json").images) == told["pictures"]
    assert len((out / "predictions.jsonl").read_text().splitlines()) == told["pictures"] + 1


class Camera:
    """Stands in for OpenCV's camera: gives a video's pictures for ever, until Ctrl-C is pressed."""

    def __init__(self, index):
        import cv2
        from oracle import ramp

        self.left = 40
        self.image = cv2.cvtColor(ramp(128, 96, 0), cv2.COLOR_RGB2BGR)

    def isOpened(self):  # noqa: N802
        return True

    def get(self, key):
        return 10.0

    def read(self):
        self.left -= 1
        if self.left == 15:  # more frames than wait before the network: some have been through it by now
            os.kill(os.getpid(), signal.SIGINT)
        return self.left >= 0, self.image

    def release(self):
        pass


def test_ctrl_c_is_the_usual_end_of_a_camera(command, monkeypatch):
    monkeypatch.setattr("cv2.VideoCapture", Camera)
    out = command("0")
    told = summary(out)
    assert told["status"] == "done" and told["frames_expected"] is None and 0 < told["pictures"] < 40
    assert count(out / "camera_0.mp4") == told["pictures"]


def test_wrong_sources_and_options(command, tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(DataError, match=r"a\.mp4 cannot be read as a video"):
        command(tmp_path / "a.mp4")
    with pytest.raises(DataError, match=r"gone\.mp4: there is no such file"):
        command(tmp_path / "gone.mp4")
    with pytest.raises(ConfigError, match="track_gap"):
        command(write_video(tmp_path / "b.mp4", 2), "track_gap=soon")
    with pytest.raises(ConfigError, match="smooth=true needs to know who is who"):
        command(tmp_path / "b.mp4", "track=false", "smooth=true")
    for unread, needed in (
        ("smooth_beta=1", "smooth=true"),
        ("smooth_cutoff=2", "smooth=true"),
        ("track_gap=2 track=false", "track=true"),
        ("action_smooth=0.5", "motion="),
    ):
        with pytest.raises(ConfigError, match=rf"{unread.split('=')[0]}=.* needs {needed}"):
            command(tmp_path / "b.mp4", *unread.split())
    with pytest.raises(ConfigError, match="activation=true is for pictures"):
        command(tmp_path / "b.mp4", "activation=true")
    assert not (tmp_path / "out" / "summary.json").exists()


def test_a_full_memory_says_what_to_lower(command, video, tmp_path):
    pipeline = moving_pipeline(batch_size=4)

    def refuse(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. If reserved but x")

    pipeline.pose.network.register_forward_hook(refuse)
    wanted = (
        r"out of memory while predicting: CUDA.*GiB\.\nNow batch_size=4 size=.*Lower.*: batch_size=2; or "
    )
    with pytest.raises(DanceposeError, match=wanted):
        command(video, pipeline=pipeline)
    out = tmp_path / "out"
    assert not (out / "clip.mp4").exists(), "what is cut off is no whole video"
    assert read_predictions(out / "predictions.json").images == [], "the file is there, and whole"
    told = summary(out)
    assert told["status"] == "failed" and told["pictures"] == 0 and "CUDA out of memory" in told["error"]


def test_a_late_error_loses_no_frame_that_is_done(command, video, tmp_path):
    pipeline, seen = moving_pipeline(batch_size=1), []

    def fail(*_):
        seen.append(1)
        if len(seen) == 8:
            raise RuntimeError("something is wrong")

    pipeline.pose.network.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="something is wrong"):
        command(video, pipeline=pipeline)
    told = summary(tmp_path / "out")
    assert told["status"] == "failed" and 1 <= told["pictures"] < 8
    assert len(read_predictions(tmp_path / "out" / "predictions.json").images) == told["pictures"]
    assert count(tmp_path / "out" / "clip.partial.mp4") == told["pictures"]
