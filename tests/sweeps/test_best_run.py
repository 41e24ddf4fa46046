"""The best run of a table, and its pictures."""

import base64

import cv2
import numpy as np
import pytest
from comparisons import compare_sweeps
from run_directories import motion_sweep

from dancepose.sweeps.best_run import SIDE, best_arms, best_job, pictures_of, show_samples, told_objective


def test_the_best_run_is_that_of_the_validation(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.6}, [0], objective=0.9)
    motion_sweep(tmp_path / "a", {"cbam1": 0.95}, [0], objective=0.5)
    (table,) = compare_sweeps(tmp_path / "a").tables
    assert best_job(table).choices["model/attention"] == "none"


def test_of_a_loss_the_best_is_the_smallest(tmp_path):
    config = {"objective": "val/loss"}
    motion_sweep(tmp_path / "a", {"none": 0.6}, [0], objective=0.9, config=config)
    motion_sweep(tmp_path / "a", {"cbam1": 0.6}, [0], objective=0.5, config=config)
    (table,) = compare_sweeps(tmp_path / "a").tables
    assert best_job(table).choices["model/attention"] == "cbam1"


def test_the_direction_is_that_of_the_checkpoint_whatever_the_name(tmp_path):
    """`val/temperature` says nothing of its direction, `val/lossless` something wrong."""
    for name, mode, best in (("val/temperature", "min", "cbam1"), ("val/lossless", "max", "none")):
        config = {"objective": name, "callbacks": {"best": {"monitor": name, "mode": mode}}}
        sweep = tmp_path / mode
        motion_sweep(sweep, {"none": 0.6}, [0], objective=0.9, config=config)
        motion_sweep(sweep, {"cbam1": 0.6}, [0], objective=0.5, config=config)
        assert best_job(compare_sweeps(sweep).tables[0]).choices["model/attention"] == best


def test_objectives_of_other_names_or_directions_are_not_ranked(tmp_path):
    for number, (level, name) in enumerate((("none", "val/accuracy"), ("cbam1", "val/loss"))):
        config = {"objective": name, "callbacks": {"best": {"mode": ("max", "min")[number]}}}
        motion_sweep(tmp_path / "a", {level: 0.6}, [0], objective=0.5, config=config)
    assert best_job(compare_sweeps(tmp_path / "a").tables[0]) is None


@pytest.mark.parametrize(
    "name, told",
    [
        ("val/accuracy", "val/accuracy 34.3 %"),
        ("val/loss", "val/loss 0.343"),
        (None, "by an objective that it does not name: 0.343"),
    ],
)
def test_the_objective_is_told_with_its_name_and_unit(tmp_path, name, told):
    motion_sweep(tmp_path / "a", {"none": 0.6, "b": 0.6}, [0], objective=0.343, config={"objective": name})
    assert told_objective(best_job(compare_sweeps(tmp_path / "a").tables[0])) == told


def test_arms_are_chosen_by_the_validation_not_by_the_test(tmp_path):
    for level, right, objective in (("none", 0.5, 0.1), ("a", 0.9, 0.2), ("b", 0.6, 0.9), ("c", 0.7, 0.8)):
        motion_sweep(tmp_path / "s", {level: right}, [0, 1], objective=objective)
    (table,) = compare_sweeps(tmp_path / "s").tables
    assert best_arms(table, 3) == ["none", "b", "c"] and best_arms(table, 9) == ["none", "a", "b", "c"]


def test_without_objectives_there_is_none(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.6, "cbam1": 0.6}, [0], objective=None)
    assert best_job(compare_sweeps(tmp_path / "a").tables[0]) is None


def test_pictures_are_those_of_the_test_and_of_bounded_size(tmp_path, caplog):
    motion_sweep(tmp_path / "a", {"none": 0.6, "cbam1": 0.5}, [0])
    job = best_job(compare_sweeps(tmp_path / "a").tables[0])
    assert pictures_of(job, 4) == []
    folder = job.path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (900, 3000, 3), np.uint8)
    for name in ("val_confusion.png", "test_confusion.png", "test_mistakes.jpg", "test_x.png"):
        cv2.imwrite(str(folder / name), noise if name == "test_mistakes.jpg" else noise[:40, :60])
    (folder / "test_broken.png").write_bytes(b"<script>")
    (folder / "test_empty.png").write_bytes(b"")
    (folder / "test_page.html").write_text("<script>")
    found = pictures_of(job, 9)
    assert [p.name for p in found] == ["test_mistakes.jpg", "test_confusion.png", "test_x.png"]
    assert (found[0].width, found[0].height) == (SIDE, 600) and (found[1].width, found[1].height) == (60, 40)
    assert "test_broken.png is no picture" in caplog.text and "test_empty.png is no picture" in caplog.text
    head, _, data = found[1].source.partition(",")
    assert head == "data:image/jpeg;base64"
    assert cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1).shape == (40, 60, 3)
    assert [p.words for p in found[1:]] == ["confusion matrix", "test_x.png"] and not show_samples(found)
    cv2.imwrite(str(folder / "test_samples.jpg"), noise[:40, :60])
    assert show_samples(pictures_of(job, 1))
    (folder / "test_samples.jpg").unlink()
    assert [p.name for p in pictures_of(job, 1)] == ["test_mistakes.jpg"] and pictures_of(job, 0) == []
