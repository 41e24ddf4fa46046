"""The best run of a table, and its pictures."""

import base64

import cv2
import numpy as np
from comparisons import compare_sweeps
from run_directories import motion_sweep

from dancepose.sweeps.best_run import SIDE, best_job, pictures_of


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
    assert [p.name for p in pictures_of(job, 1)] == ["test_mistakes.jpg"] and pictures_of(job, 0) == []
