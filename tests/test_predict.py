"""`dancepose-predict` on pictures."""

import csv
import errno
import json
import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from oracle import SKELETON, predictor_for, ramp, somebody
from running import run_task
from test_image_files import png_that_claims

from dancepose.build import build
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.data.prediction_reader import read_predictions
from dancepose.data.prediction_writer import PredictionsWriter
from dancepose.data.readers.labelme import read_labelme
from dancepose.errors import CheckpointError, ConfigError, DanceposeError, DataError
from dancepose.image_files import read_image
from dancepose.inference.actions import Actions
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.sources import find_pictures
from dancepose.inference.tiles import Tiling
from dancepose.predict import predict
from dancepose.tasks import prediction_outputs
from dancepose.tasks.output_paths import FILES, FOLDERS, as_jpeg
from dancepose.tasks.prediction import predict_pictures, told_broken
from dancepose.tasks.prediction_outputs import Outputs
from dancepose.tasks.run_directory import RunDirectory

SIZE = (160, 120)
ALL = Outputs(draw=True, jsonl=True, csv=True, labelme=True, heatmaps=True)


class Fortune:
    """A classifier that says of the people in turn: wave, walk, nothing."""

    frames, looks, scored, classes = None, False, False, ("wave", "walk")

    def __call__(self, samples):
        rows = np.array([[0.75, 0.25], [0.25, 0.75], [0, 0]], np.float32)
        which = np.arange(len(samples)) % 3
        reason = tuple("too few keypoints" if i == 2 else None for i in which)
        return Actions(self.classes, rows[which], reason)


def oracle(count: int, people: int = 2) -> Pipeline:
    rng = np.random.default_rng(5)
    lows = np.linspace(0.1, 0.9, people, endpoint=False)
    truth = {i: (SIZE, [somebody(*SIZE, rng, low, low + 0.6 / people) for low in lows]) for i in range(count)}
    pose = predictor_for(AssociativeEmbedding(SKELETON), truth, TestGeometry(96))
    return Pipeline(pose, Fortune())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        name = folder / ("sub/1.png" if i == 1 else f"{i}.png")  # without loss: the oracle reads pixels
        name.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(name), cv2.cvtColor(ramp(*SIZE, i), cv2.COLOR_RGB2BGR))
    return folder


class TestOutputs:
    @pytest.fixture
    def made(self, photos: Path, tmp_path: Path):
        pipeline = oracle(3)
        predictions = list(pipeline.stream(find_pictures(photos)))
        tally = predict_pictures(pipeline, find_pictures(photos), tmp_path / "out", ALL, timing=True)
        return tmp_path / "out", [p.frame for p in predictions], tally

    def test_every_file_holds_what_was_found(self, made, photos: Path):
        folder, frames, tally = made
        names = ["0.png", "2.png", "sub/1.png"]
        assert (tally.pictures, tally.people, tally.broken) == (3, 6, {})
        found = read_predictions(folder / "predictions.json")
        assert found.skeleton == SKELETON and [image.image for image in found.images] == names
        for image, frame in zip(found.images, frames, strict=True):
            assert image.size == SIZE
            for one, person in zip(image.people, frame.people, strict=True):
                assert np.array_equal(one.keypoints, person.keypoints)
                assert (one.action, one.score) == (person.action, person.score)
                assert np.array_equal(one.box, person.box)

        head, *lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
        assert head["skeleton"] == "mpii15" and head["classes"] == ["wave", "walk"]
        assert lines == json.loads((folder / "predictions.json").read_text())["images"]

        rows = list(csv.DictReader((folder / "predictions.csv").open()))
        assert [row["image"] for row in rows] == [name for name in names for _ in range(2)]
        first = frames[0].people[0]
        assert rows[0]["action"] == first.action == "wave" and float(rows[0]["p_wave"]) == 0.75
        k = SKELETON.index("left_knee")
        assert float(rows[0]["left_knee_x"]) == pytest.approx(first.keypoints[k, 0], abs=1e-3)
        assert rows[2]["action"] == rows[2]["p_wave"] == "", "of whom too little is seen"

        drawn = read_image(folder / "pictures" / "sub" / "1.png.jpg")
        assert drawn.shape == (SIZE[1], SIZE[0], 3)
        assert np.abs(drawn.astype(int) - read_image(photos / "sub/1.png")).max() > 60
        assert read_image(folder / "heatmaps" / "0.png.jpg").shape[1] > 500, "a tile for each keypoint"

        summary = json.loads((folder / "summary.json").read_text())
        assert summary["status"] == "done" and summary["asked"] == summary["pictures"] == 3
        assert summary["without_action"] == {"too few keypoints": 1}
        assert summary["actions"] == {"wave": 3, "walk": 2}

    def test_corrected_in_labelme_they_are_training_data(self, made, photos: Path):
        folder, frames, _ = made
        root = folder / "labelme"
        path = root / "0.json"
        content = json.loads(path.read_text())
        shape = next(s for s in content["shapes"] if s["label"] == "left_wrist" and s["group_id"] == 1)
        shape["points"] = [[12.5, 34.25]]  # what Labelme does when a point is dragged
        path.write_text(json.dumps(content))
        read, problems = read_labelme(root, SKELETON)
        assert not list(problems), problems.report()
        assert [frame.image.resolve() for frame in read] == sorted(
            [photos / "0.png", photos / "2.png", photos / "sub/1.png"]
        )
        by_image = {frame.image.resolve(): frame for frame in read}
        wrist = SKELETON.index("left_wrist")
        for frame in frames:
            back = by_image[Path(frame.image).resolve()]
            assert back.size == SIZE and back.complete and back.classes == ("walk", "wave")
            for one, person in zip(back.people, frame.people, strict=True):
                expected = person.keypoints.copy()
                if frame.name == "0.png" and one.id == 1:
                    expected[wrist, :2] = 12.5, 34.25
                np.testing.assert_allclose(one.keypoints, expected)
                assert one.action == person.action

    def test_tiles_leave_nobody_out_of_labelme_files(self, tmp_path: Path):
        rng = np.random.default_rng(5)
        truth = {0: (SIZE, [somebody(*SIZE, rng, low, low + 0.3) for low in (0.1, 0.5)])}
        geometry = TestGeometry(96)
        pose = predictor_for(AssociativeEmbedding(SKELETON), truth, geometry, tiling=Tiling(100))
        cv2.imwrite(str(tmp_path / "0.png"), ramp(*SIZE, 0)[..., ::-1])

        def run(folder: Path, **more) -> tuple[dict, dict]:
            pipeline = Pipeline(pose, tile=100, **more)
            predict_pictures(pipeline, find_pictures(tmp_path / "0.png"), folder, Outputs(labelme=True))
            labelme = json.loads((folder / "labelme" / "0.json").read_text())
            return json.loads((folder / "summary.json").read_text()), labelme

        summary, labelme = run(tmp_path / "all")
        assert summary["joined"] > 0 and summary["left_out"] == {} and summary["people"] == 2
        assert labelme["flags"]["complete"] is True
        summary, labelme = run(tmp_path / "large", least_size=60)
        assert summary["left_out"] and labelme["flags"]["complete"] is False, "somebody is there"

    def test_a_linked_folder_of_outputs(self, photos: Path, tmp_path: Path):
        (tmp_path / "disk" / "deep" / "down").mkdir(parents=True)
        (tmp_path / "out").symlink_to(tmp_path / "disk" / "deep" / "down")
        wanted = Outputs(draw=False, labelme=True)
        predict_pictures(oracle(3), find_pictures(photos / "0.png"), tmp_path / "out", wanted)
        path = tmp_path / "disk" / "deep" / "down" / "labelme" / "0.json"
        named = json.loads(path.read_text())["imagePath"]
        assert (path.parent / named).is_file(), "from where the file is, not from where the link is"
        assert read_labelme(path.parent, SKELETON)[0][0].image.resolve() == photos / "0.png"

    def test_names(self):
        assert [as_jpeg(n) for n in ("a.jpg", "a.png", "b/a")] == ["a.jpg", "a.png.jpg", "b/a.jpg"]
        assert as_jpeg("a.png.jpg") == "a.png.jpg.jpg", "for a.png has that name"
        told = told_broken({str(i): f"image {i} is broken" for i in range(7)}, 9)
        assert told.startswith("7 of 9") and "image 4" in told and "image 5" not in told and "2 more" in told


class TestSources:
    """What was given is never written over, nor what somebody may have corrected."""

    @pytest.fixture
    def pictures(self, tmp_path: Path) -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir()
        cv2.imwrite(str(folder / "0.jpg"), cv2.cvtColor(ramp(*SIZE, 0), cv2.COLOR_RGB2BGR))
        return folder

    def test_a_picture_is_not_drawn_over(self, pictures: Path, tmp_path: Path):
        before = (pictures / "0.jpg").read_bytes()
        with pytest.raises(ConfigError, match=r"would overwrite source .*0\.jpg.*hydra\.run\.dir"):
            predict_pictures(oracle(1), find_pictures(pictures), tmp_path, Outputs())
        assert (pictures / "0.jpg").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["pictures"], "nothing was begun"

    def test_corrected_labelme_files_are_kept(self, photos: Path, tmp_path: Path):
        wanted, out = Outputs(draw=False, labelme=True), tmp_path / "out"
        predict_pictures(oracle(3), find_pictures(photos), out, wanted)
        (out / "labelme" / "2.json").write_text("corrected")
        (out / "labelme" / "0.json").unlink()
        with pytest.raises(ConfigError, match=r"labelme/2\.json is there already.*hydra\.run\.dir"):
            predict_pictures(oracle(3), find_pictures(photos), out, wanted)
        assert (out / "labelme" / "2.json").read_text() == "corrected"
        assert not (out / "labelme" / "0.json").exists()

    def test_two_pictures_do_not_share_a_file(self, tmp_path: Path):
        (tmp_path / "photos").mkdir()
        for name in ("a", "a.jpg", "a.png", "a.png.jpg"):
            encoded = cv2.imencode(".png", ramp(*SIZE, 0)[..., ::-1])[1]
            (tmp_path / "photos" / name).write_bytes(encoded.tobytes())
        items = find_pictures(tmp_path / "photos" / "a*.*")
        out = tmp_path / "out"
        predict_pictures(oracle(1), items, out, Outputs(labelme=True))
        assert sorted(p.name for p in (out / "pictures").iterdir()) == [
            "a.jpg",
            "a.png.jpg",
            "a.png.jpg.jpg",
        ]
        paths = [json.loads(p.read_text())["imagePath"] for p in (out / "labelme").iterdir()]
        assert sorted(Path(path).name for path in paths) == ["a.jpg", "a.png", "a.png.jpg"]
        with pytest.raises(ConfigError, match=r"a and a\.jpg would both be written as .*pictures/a\.jpg"):
            predict_pictures(oracle(1), find_pictures(tmp_path / "photos" / "a*"), tmp_path / "2", Outputs())

    def test_a_name_for_which_there_is_no_room_is_told_before_anything_is_written(self, tmp_path):
        image = cv2.imencode(".png", ramp(*SIZE, 0)[..., ::-1])[1].tobytes()
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / f"{'ж' * 120}.png").write_bytes(image)
        items = find_pictures(tmp_path / "photos")
        predict_pictures(oracle(1), items, tmp_path / "1", Outputs(labelme=True))
        assert (tmp_path / "1" / "pictures" / f"{'ж' * 120}.png.jpg").is_file()
        (tmp_path / "photos" / f"{'ж' * 125}.png").write_bytes(image)
        with pytest.raises(ConfigError, match="more than 255 bytes"):
            predict_pictures(oracle(1), find_pictures(tmp_path / "photos"), tmp_path / "2", Outputs())
        assert not (tmp_path / "2").exists()


def test_a_broken_picture_is_told_counted_and_skipped(photos: Path, tmp_path: Path, caplog):
    (photos / "1.jpg").write_bytes(b"\xff\xd8 cut off")
    with pytest.raises(DataError, match=r"1 of 4 pictures could not be read; all others are done\n.*1\.jpg"):
        predict_pictures(oracle(3), find_pictures(photos), tmp_path / "out", Outputs())
    assert "1.jpg: skipped" in caplog.text
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["pictures"] == 3 and list(summary["broken"]) == ["1.jpg"]
    assert len(read_predictions(tmp_path / "out" / "predictions.json").images) == 3


def test_a_picture_that_promises_too_much_is_one_of_the_broken(photos: Path, tmp_path: Path):
    png_that_claims(photos / "1.png", 40_000, 40_000)
    with pytest.raises(DataError, match=r"1 of 4 pictures could not be read.*\n.*1\.png.*40000"):
        predict_pictures(oracle(3), find_pictures(photos), tmp_path / "out", Outputs())
    assert len(read_predictions(tmp_path / "out" / "predictions.json").images) == 3


@pytest.mark.parametrize("late", ["network", "disk"])
def test_a_late_error_loses_nothing_that_is_done(photos: Path, tmp_path: Path, monkeypatch, caplog, late):
    caplog.set_level("INFO")
    pipeline, calls = oracle(3), []
    pipeline.batch_size = 1

    def fails_once_in_a_while(*_):
        calls.append(1)
        if len(calls) == 8:
            raise RuntimeError("something is wrong") if late == "network" else DanceposeError("disk full")

    if late == "network":
        pipeline.pose.network.register_forward_pre_hook(fails_once_in_a_while)
    else:
        monkeypatch.setattr(prediction_outputs, "write_image", fails_once_in_a_while)
    with pytest.raises((RuntimeError, DanceposeError), match="something is wrong|disk full"):
        predict_pictures(pipeline, find_pictures(photos) * 20, tmp_path / "out", Outputs(jsonl=True))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["status"] == "failed" and summary["error"] in ("something is wrong", "disk full")
    images = json.loads((tmp_path / "out" / "predictions.json").read_text())["images"]
    lines = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()[1:]
    assert [json.loads(line) for line in lines] == images
    assert 1 <= summary["pictures"] == len(images) < 8, "without the one whose picture cannot be written"
    assert f"written to {tmp_path / 'out'}" in caplog.text


@pytest.mark.parametrize("full", ["predictions.json", "predictions.jsonl", "predictions.csv"])
def test_a_full_disk_is_told_with_the_file_and_the_lists_agree(
    photos: Path, tmp_path: Path, monkeypatch, full
):
    """The system's call writes half of a line, and no more of that file."""
    write, descriptors = os.write, {}

    def half(handle, data):
        name = descriptors.setdefault(handle, os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        if name.removeprefix(".").partition(".dancepose")[0].rpartition(".")[0] == full or name == full:
            if os.fstat(handle).st_size > 3000 and len(data) > 20:
                write(handle, bytes(data)[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data)

    monkeypatch.setattr(os, "write", half)
    wanted, out = Outputs(draw=False, jsonl=True, csv=True), tmp_path / "out"
    with pytest.raises(
        DanceposeError,
        match=rf"^\S*/{full} cannot be written: No space left on device\. Make room .*dir=\.{{3}}$",
    ):
        predict_pictures(oracle(3), find_pictures(photos) * 20, out, wanted)
    images = json.loads((out / "predictions.json").read_text())["images"]
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()[1:]]
    rows = list(csv.DictReader((out / "predictions.csv").open()))
    assert 1 <= len(images) < 60 and lines == images
    assert [row["image"] for row in rows] == [image["image"] for image in images for _ in image["people"]]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["status"] == "failed" and summary["pictures"] == len(images)


@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
@pytest.mark.parametrize("wrong", [False, True])
def test_what_another_prediction_left_is_neither_mixed_nor_written_over(name, wrong, tmp_path: Path):
    path = tmp_path / name
    if (name in FOLDERS) == wrong:  # a file, also in place of a folder
        path.touch()
    else:
        path.mkdir()
        (path / "0.jpg").touch()
    with pytest.raises(ConfigError, match=rf"already holds {name}: write elsewhere.*hydra\.run\.dir"):
        predict_pictures(oracle(1), [], tmp_path, Outputs(draw=False))
    assert list(tmp_path.iterdir()) == [path], "nothing was begun"


def test_a_folder_that_another_process_writes_into_is_refused(tmp_path: Path):
    with PredictionsWriter(tmp_path / "predictions.json", SKELETON):
        with pytest.raises(ConfigError, match=r"already holds \.predictions\.json.*runs, or was killed"):
            predict_pictures(oracle(1), [], tmp_path, Outputs())


def test_folders_that_cannot_be_read_count_as_broken(photos: Path, tmp_path: Path):
    (photos / "gone").symlink_to(tmp_path / "nowhere")
    (photos / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match=r"(?s)2 of 5 pictures could not be read.*gone cannot be followed"):
        predict_pictures(oracle(3), find_pictures(photos), tmp_path / "out", ALL)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["pictures"] == 3 and sorted(summary["broken"]) == ["gone", "gone.png"]


def test_ctrl_c_loses_nothing_that_is_done(photos: Path, tmp_path: Path):
    pipeline = oracle(3)
    tell = Fortune()
    asked = []

    def call(samples):
        asked.append(len(samples))
        if len(asked) == 2:
            signal.raise_signal(signal.SIGINT)  # in the decoder's thread: it reaches the main one
        return Fortune.__call__(tell, samples)

    pipeline.action = call
    call.frames, call.looks, call.classes = None, False, tell.classes
    pipeline.batch_size = 1
    with pytest.raises(KeyboardInterrupt):
        predict_pictures(pipeline, find_pictures(photos) * 20, tmp_path / "out", Outputs(jsonl=True))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["status"] == "interrupted" and 1 <= summary["pictures"] < 60
    lines = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()[1:]
    images = json.loads((tmp_path / "out" / "predictions.json").read_text())["images"]
    assert [json.loads(line) for line in lines] == images and len(images) == summary["pictures"]


def test_ctrl_c_does_not_wait_for_the_tiles_of_a_large_picture(tmp_path: Path):
    size = (500, 333)
    truth = {0: (size, [somebody(*size, np.random.default_rng(0))])}
    pose = predictor_for(AssociativeEmbedding(SKELETON), truth, TestGeometry(96), tiling=Tiling(100))
    cv2.imwrite(str(tmp_path / "0.png"), ramp(*size, 0)[..., ::-1])
    pose.network.register_forward_hook(lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        predict_pictures(
            Pipeline(pose, tile=100), find_pictures(tmp_path / "0.png"), tmp_path / "out", Outputs()
        )
    assert len(pose.network.seen) == 1
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["status"] == "interrupted" and summary["asked"] == 1 and summary["pictures"] == 0
    assert read_predictions(tmp_path / "out" / "predictions.json").images == []


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    config = {"model": {"width": 8, "depth": "small"}, "skeleton": "mpii15", "test": {"test_size": 64}}
    model = build(config)
    state = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    path = RunDirectory(folder).checkpoints / "best.ckpt"
    path.parent.mkdir()
    torch.save({"dancepose": model.config | {"test": config["test"]}, "state_dict": state}, path)
    return folder


class TestCommand:
    def test_a_folder(self, run: Path, photos: Path, tmp_path: Path):
        source = f"source=[{photos}/0.png,{photos}]"
        run_task(predict, "predict", tmp_path / "out", f"pose={run}", source, "device=cpu")
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert summary["status"] == "done" and summary["pictures"] == 3
        made_by = summary["made_by"]
        assert made_by["pose"]["file"] == str(run / "checkpoints" / "best.ckpt")
        assert made_by["test_size"] == 64 and made_by["flip"] is False
        assert json.loads((tmp_path / "out" / "predictions.json").read_text())["made_by"] == made_by
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
            "pictures",
            "predictions.json",
            "summary.json",
        ]

    def test_what_cannot_be(self, run: Path, photos: Path, tmp_path: Path):
        def ask(*overrides: str) -> None:
            run_task(predict, "predict", tmp_path / "out", *overrides)

        with pytest.raises(ConfigError, match=r"source is not set.*a picture, folder"):
            ask(f"pose={run}")
        with pytest.raises(DataError, match="no such file or folder"):
            ask(f"pose={run}", f"source={tmp_path}/nothing.jpg")
        with pytest.raises(CheckpointError, match="no run directory"):
            ask(f"pose={photos}", f"source={photos}")
        with pytest.raises(ConfigError, match="tile"):
            ask(f"pose={run}", f"source={photos}", "tile=big")
        for key in ("smooth=true", "track_gap=2", "action_smooth=0.5", "smooth_beta=1"):
            with pytest.raises(ConfigError, match=rf"{key.split('=')[0]}=.* is for a video"):
                ask(f"pose={run}", f"source={photos}", key)
        with pytest.raises(ConfigError, match="Did you mean 'min_score'"):
            ask(f"pose={run}", f"source={photos}", "+min_scor=1")
        assert not (tmp_path / "out" / "predictions.json").exists()
