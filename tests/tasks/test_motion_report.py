"""The report of a motion run: its table, files, pictures, and what it does where they fail."""

import csv
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from dancepose.data.images import read_image
from dancepose.errors import DataError
from dancepose.metrics.classification import score_samples
from dancepose.metrics.samples import MotionSamples
from dancepose.tasks import motion_report
from dancepose.tasks.feature_table import FeatureTable
from dancepose.tasks.motion_report import tell_motion_report, write_motion_report

CLASSES = ("wave", "walk", "hold high")


def made(count: int = 60, in_clips: bool = True, wrong: int = 3) -> MotionSamples:
    """Samples of wave and walk in clips of five; every `wrong`-th is mistaken, ever more surely."""
    labels = np.arange(count) // 5 % 2
    predicted = np.where(np.arange(count) % wrong == 0, 1 - labels, labels)
    sure = np.linspace(0.4, 0.95, count)
    probabilities = np.repeat(((1 - sure) / 2)[:, None], 3, axis=1)
    probabilities[np.arange(count), predicted] = sure
    clips = [f"clip {i // 5}" if in_clips else None for i in range(count)]
    return MotionSamples([f"{i}.jpg" for i in range(count)], clips, labels, probabilities, CLASSES)


def written(folder: Path, samples: MotionSamples, **options) -> dict:
    about = {"data": "action my/folder", "split": "abc"}
    write_motion_report(folder, "test", score_samples(samples), samples, about, **options)
    return json.loads((folder / "test.json").read_text())


def crop(_: int) -> np.ndarray:
    return np.zeros((40, 30, 3), np.uint8)


def test_files_hold_figures_intervals_and_samples(tmp_path: Path):
    samples = made()
    found = written(tmp_path, samples, crop=crop)
    assert found["scores"]["accuracy"] == pytest.approx(40 / 60) and found["data"] == "action my/folder"
    assert found["clips"] == {"all": 12, "classes": {"wave": 6, "walk": 6, "hold high": 0}}
    total = found["intervals"]["accuracy"]
    assert total["low"] < 40 / 60 < total["high"] and total["method"] == "BCa bootstrap over 12 clips"
    assert list(found["intervals"]) == ["accuracy", "macro_F1", *(f"class {name}" for name in CLASSES)]
    assert found["intervals"]["class hold high"]["low"] is None
    assert MotionSamples.load(tmp_path / "per_sample.npz").ids == samples.ids
    names = {p.name for p in (tmp_path / "pictures").iterdir()}
    assert names == {"test_confusion.png", "test_reliability.png", "test_samples.jpg", "test_mistakes.jpg"}
    assert read_image(tmp_path / "pictures" / "test_mistakes.jpg").shape[1] > 1000  # four in a row


def test_the_table_says_it_all_and_comes_back_from_the_files(tmp_path: Path, caplog):
    caplog.set_level(logging.INFO)
    written(tmp_path, made(), pictures=0)
    said = [record.getMessage() for record in caplog.records]
    table = said[0].splitlines()
    assert table[0] == "test part" and table[1].split()[:4] == ["samples", "clips", "accuracy", "%"]
    rows = {line[:9].strip(): line[9:].split() for line in table[2:]}
    assert rows["wave"][:3] == ["30", "6", "66.7"] and rows["all"][:3] == ["60", "12", "66.7"]
    assert rows["hold high"] == ["0", "0", "-", "-", "-"]
    assert said[1].startswith("macro-F1 66.7 % (") and "expected calibration error 0." in said[1]
    assert said[2] == "the most frequent class alone, wave, would be right in 50.0 %"
    assert "interval of accuracy: 95 %, BCa bootstrap over 12 clips, for other clips like these" in said
    assert "note: class wave: only 6 clips: the interval is likely too narrow" in said
    assert not any("hold high: no interval" in line for line in said)
    caplog.clear()
    tell_motion_report(tmp_path, "test")
    assert [record.getMessage() for record in caplog.records] == said
    assert not (tmp_path / "pictures").exists()


def test_the_confusion_matrix_is_a_table_too(tmp_path: Path):
    written(tmp_path, made(), pictures=0)
    with (tmp_path / "test_confusion.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["", *CLASSES]
    assert rows[1:] == [["wave", "20", "10", "0"], ["walk", "10", "20", "0"], ["hold high", "0", "0", "0"]]


def test_keypoints_that_were_taken_away_and_telling_features_are_told(tmp_path: Path, caplog):
    caplog.set_level(logging.INFO)
    between = np.array([0.25, np.nan, 0.5])
    means = np.array([[1.0, 0, 2], [3, 0, 4], [np.nan] * 3])
    table = FeatureTable(("a x", "a y", "b x"), CLASSES, means[0], means[1], between, means)
    samples, about = made(), {"without": ["nose", "left_eye"]}
    write_motion_report(tmp_path, "test", score_samples(samples), samples, about, pictures=0, features=table)
    said = [record.getMessage() for record in caplog.records]
    assert "tested without nose, left_eye: taken away from everybody (data.test_without)" in said
    assert said[-1].endswith("between classes): b x 0.50, a x 0.25")
    with (tmp_path / "test_features.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["feature", "between_classes", "mean", "std", *CLASSES]
    assert [row[0] for row in rows[1:]] == ["b x", "a x", "a y"]
    assert rows[1][1:] == ["0.5", "2.0", "4.0", "2.0", "4.0", ""] and rows[3][1] == ""
    caplog.clear()
    tell_motion_report(tmp_path, "test")
    assert [record.getMessage() for record in caplog.records] == said


def test_where_there_are_no_clips_samples_stand_for_themselves(tmp_path: Path):
    found = written(tmp_path, made(in_clips=False), pictures=0)
    assert found["clips"] is None
    assert found["intervals"]["accuracy"]["method"] == "Wilson"
    assert found["intervals"]["macro_F1"]["method"] == "BCa bootstrap over 60 samples"
    assert found["intervals"]["macro_F1"]["population"] == "other samples like these"


def test_nothing_to_show_is_no_sheet_and_an_old_one_goes(tmp_path: Path):
    written(tmp_path, made(), crop=crop)
    right = made(wrong=1000).select(np.arange(1, 60))
    written(tmp_path, right, crop=crop)
    assert not (tmp_path / "pictures" / "test_mistakes.jpg").exists()
    assert (tmp_path / "pictures" / "test_samples.jpg").exists()


def test_pictures_that_cannot_be_drawn_are_told_and_the_rest_is_written(tmp_path: Path, monkeypatch, caplog):
    def fail(*_, **__):
        raise ValueError("no such font")

    for name in ("draw_confusion", "draw_reliability", "sample_sheet", "mistake_sheet"):
        monkeypatch.setattr(motion_report, name, fail)
    written(tmp_path, made(), crop=crop)
    names = {"test.json", "per_sample.npz", "test_confusion.csv"}
    assert {p.name for p in tmp_path.iterdir()} == names
    assert caplog.text.count("cannot be drawn, and the rest goes on: ValueError") == 4


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_a_part_without_samples_has_words(tmp_path: Path, caplog):
    caplog.set_level(logging.INFO)
    nothing = made().select([])
    found = written(tmp_path, nothing, crop=crop)
    assert found["scores"]["accuracy"] is None
    assert "note: accuracy: no interval: there are no samples" in caplog.text
    assert (tmp_path / "pictures" / "test_confusion.png").is_file()


def test_a_result_of_other_samples_is_refused(tmp_path: Path):
    samples = made()
    with pytest.raises(ValueError, match="of all processes"):
        write_motion_report(tmp_path, "test", score_samples(samples.select(range(30))), samples, {})
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_report_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"test\.json cannot be read"):
        tell_motion_report(tmp_path, "test")
    (tmp_path / "test.json").write_text('{"rows": {}}')
    with pytest.raises(DataError, match=r"test\.json is no report of this version.*evaluate again"):
        tell_motion_report(tmp_path, "test")
