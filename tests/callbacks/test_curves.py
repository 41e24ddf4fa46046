"""Curves and bars on their way to the loggers: which charts there are, with which numbers, and when."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from wandb_file import read_run

from dancepose.callbacks.curves import Curves, wandb_charts
from dancepose.callbacks.pictures import Pictures
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks.evaluation import PoseEvaluation

MPII15 = load_skeleton("mpii15")
WRISTS = [MPII15.keypoints.index(f"{side}_wrist") for side in ("left", "right")]


def rows_of(people: int = 1, wrists: bool = True) -> dict[str, Any]:
    """One frame, of whose people the first is found."""
    truth = []
    for i in range(people):
        keypoints = np.array([[20.0 * k, 50.0 + 100 * i, 2.0] for k in range(15)])
        keypoints[WRISTS] *= wrists
        truth.append(Person(keypoints, head_box=np.array([0.0, 0.0, 30.0, 40.0])))
    found = [Person(p.keypoints, scores=np.ones(15), score=1.0) for p in truth[:1]]
    evaluation = PoseEvaluation(MPII15)
    evaluation.update([found], [Frame(np.zeros((60, 80, 3), np.uint8), (80, 60), truth, "mpii15", "a")])
    return evaluation.compute()["rows"]


def trainer_of(*loggers: Any, **fields: Any) -> Any:
    state = {"sanity_checking": False, "is_global_zero": True, "current_epoch": 3, "global_step": 7}
    return SimpleNamespace(loggers=list(loggers), **(state | fields))


def module_of(rows: dict[str, Any]) -> Any:
    return SimpleNamespace(result={"rows": rows}, skeleton=MPII15)


def test_charts_hold_the_numbers():
    charts = wandb_charts("val", rows_of(people=2), MPII15)
    assert list(charts) == ["val/curves", "val/bars_mAP"]
    wanted = {name: 50.0 for name in (*MPII15.columns, "all")}
    assert dict(charts["val/bars_mAP"].table.data) == pytest.approx(wanted)
    assert charts["val/curves"].spec.fields["lineKey"] in charts["val/curves"].table.columns
    points = [[x, y] for x, line, y in charts["val/curves"].table.data if line == "Hip"]
    assert points == [[i / 100, float(i <= 50)] for i in range(101)]


def test_charts_of_single_person_pictures_and_of_columns_without_truth():
    charts = wandb_charts("test", rows_of(wrists=False), MPII15)
    assert list(charts) == ["test/curves", *(f"test/bars_{n}" for n in ("mAP", "PCK@0.2", "PCKh@0.5"))]
    named = {name for _, name, _ in charts["test/curves"].table.data}
    assert named == {*MPII15.columns, "mAP"} - {"Wrist"}
    assert {name for name, _ in charts["test/bars_PCK@0.2"].table.data} == {*MPII15.columns, "all"} - {
        "Wrist"
    }
    assert wandb_charts("test", rows_of(people=0), MPII15) == {}


@pytest.mark.slow
def test_wandb_gets_the_charts_and_their_numbers(tmp_path: Path):
    logger = WandbLogger(save_dir=str(tmp_path), project="dancepose", offline=True)
    callback, trainer = Curves(tmp_path / "pictures"), trainer_of(logger)
    callback.on_validation_end(trainer, module_of(rows_of(people=0)))  # nothing to show
    callback.on_validation_end(trainer, module_of(rows_of(people=2)))
    callback.on_test_end(trainer, module_of(rows_of(wrists=False)))
    logger.experiment.finish()
    run = read_run(next(tmp_path.glob("wandb/offline-run-*/*.wandb")))
    bars = {"test/bars_mAP", "test/bars_PCK@0.2", "test/bars_PCKh@0.5"}
    assert run.charts == {"val/curves", "val/bars_mAP", "test/curves"} | bars
    assert set(run.tables) == {f"{name}_table" for name in run.charts}
    ((columns, *rows),) = run.tables["val/bars_mAP_table"]
    assert columns == ["column", "percent"]
    assert rows == [[name, pytest.approx(50)] for name in (*MPII15.columns, "all")]
    ((_, *points),) = run.tables["val/curves_table"]
    assert [[x, y] for x, line, y in points if line == "Hip"] == [[i / 100, i <= 50] for i in range(101)]


def test_tensorboard_gets_the_picture_at_validation_and_test(tmp_path: Path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    logger = TensorBoardLogger(str(tmp_path), name="", version="tb")
    callback, trainer, module = Curves(tmp_path / "pictures"), trainer_of(logger), module_of(rows_of())
    callback.on_validation_end(trainer, module)
    callback.on_test_end(trainer, module)
    logger.experiment.flush()
    events = accumulators.EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    images = {tag: events.Images(tag)[0] for tag in events.Tags()["images"]}
    assert {tag: (i.width, i.height, i.step) for tag, i in images.items()} == {
        "val/curves": (1430, 616, 7),
        "test/curves": (1430, 616, 7),
    }
    assert [p.name for p in (tmp_path / "pictures").iterdir()] == ["val_curves.png"]


def test_only_validations_that_are_due_and_only_the_first_process(tmp_path: Path):
    callback, module, path = Curves(tmp_path, every=2), module_of(rows_of()), tmp_path / "val_curves.png"
    callback.on_validation_end(trainer_of(sanity_checking=True), module)
    callback.on_validation_end(trainer_of(is_global_zero=False), module)
    callback.on_validation_end(trainer_of(), module)
    assert not path.exists()
    callback.on_validation_end(trainer_of(), module)
    assert path.is_file()


def test_the_count_of_validations_goes_on_after_a_resume(tmp_path: Path):
    for kind in (Curves, Pictures):
        first, second = kind(tmp_path, every=2), kind(tmp_path, every=2)
        first._validations = 3
        second.load_state_dict(first.state_dict())
        assert second._validations == 3
    module, path = module_of(rows_of()), tmp_path / "val_curves.png"
    before = Curves(tmp_path, every=2)
    before.on_validation_end(trainer_of(), module)
    path.unlink()
    after = Curves(tmp_path, every=2)
    after.load_state_dict(before.state_dict())
    after.on_validation_end(trainer_of(), module)
    assert not path.exists(), "the second of two"


def test_a_picture_that_cannot_be_drawn_ends_no_training(tmp_path: Path, monkeypatch, caplog):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("dancepose.callbacks.curves.draw_curves", fail)
    logger = TensorBoardLogger(str(tmp_path), name="", version="tb")
    callback, trainer, module = Curves(tmp_path / "pictures"), trainer_of(logger), module_of(rows_of())
    callback.on_validation_end(trainer, module)
    callback.on_test_end(trainer, module)
    assert caplog.text.count("no space left") == 3  # the file, and TensorBoard's at validation and test


def test_a_validation_picture_that_is_gone_is_left_out(tmp_path: Path, caplog):
    callback = Pictures(tmp_path)
    gone = Frame(tmp_path / "gone.jpg", (80, 60), [], "mpii15", "gone.jpg")
    evaluation = SimpleNamespace(predictions=[("gone.jpg", [])])
    module = SimpleNamespace(evaluation=evaluation, skeleton=MPII15)
    callback.on_validation_batch_end(trainer_of(), module, np.zeros((1, 15, 4, 4)), {"frame": [gone]}, 0)
    callback.on_validation_end(trainer_of(), module)
    assert "gone.jpg" in caplog.text and not list(tmp_path.iterdir())
