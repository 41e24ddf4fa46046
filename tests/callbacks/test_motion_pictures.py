"""Pictures of a motion run: at validations, in the loggers, and curves that are whole after a resume."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.trainer.states import TrainerFn
from torch.utils.data import DataLoader
from wandb_file import read_run

from dancepose.callbacks import motion_pictures
from dancepose.callbacks.checkpoints import LastCheckpoint
from dancepose.callbacks.motion_pictures import MotionPictures, wandb_charts
from dancepose.metrics.action_result import ActionResult
from dancepose.metrics.classification import ActionScores

CLASSES = ("wave", "walk", "rest")


def result_of(confusion) -> ActionResult:
    scores = ActionScores(CLASSES)
    for (label, predicted), count in np.ndenumerate(np.array(confusion)):
        if count:
            rows = torch.full((count, 3), 0.2)
            rows[:, predicted] = 0.6
            scores.update(rows, torch.full((count,), label))
    return scores.compute()


GOOD = [[3, 1, 0], [0, 4, 0], [0, 0, 0]]


def trainer_of(*loggers: Any, **fields: Any) -> Any:
    state = {
        "sanity_checking": False,
        "is_global_zero": True,
        "current_epoch": 3,
        "global_step": 7,
        "num_training_batches": 4,
        "fit_loop": SimpleNamespace(batch_idx=3),
        "state": SimpleNamespace(fn=TrainerFn.FITTING),
        "callback_metrics": {},
    }
    return SimpleNamespace(loggers=list(loggers), **(state | fields))


def module_of(confusion=GOOD) -> Any:
    return SimpleNamespace(result={"scores": result_of(confusion)})


class Task(LightningModule):
    """Learns nothing in particular, and logs as a motion task does."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 3)
        self.result: dict[str, Any] = {}

    def training_step(self, batch, _):
        loss = self.layer(batch).square().mean()
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        self.log("train/accuracy", self.current_epoch / 10, on_step=False, on_epoch=True, batch_size=2)
        return loss

    def validation_step(self, batch, _):
        self.log("val/loss", 100.0 + self.current_epoch, batch_size=2)

    def on_validation_epoch_end(self):
        self.result = {"scores": result_of(GOOD)}
        self.log("val/accuracy", 0.5 + self.current_epoch / 100)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)


def fit(folder: Path, epochs: int, ckpt: str | None = None, **options: Any) -> MotionPictures:
    callback = MotionPictures(folder / "pictures")
    settings = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "log_every_n_steps": 1}
    trainer = Trainer(
        max_epochs=epochs,
        callbacks=[callback, LastCheckpoint(folder / "checkpoints")],
        enable_model_summary=False,
        default_root_dir=folder,
        **settings,
        **options,
    )
    data = DataLoader(torch.zeros(8, 2), batch_size=2)
    trainer.fit(Task(), data, data, ckpt_path=ckpt)
    return callback


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_the_curves_of_a_resumed_training_are_whole(tmp_path: Path, monkeypatch):
    drawn = {}

    def keep(loss, accuracy, title):
        drawn.update(loss=loss, accuracy=accuracy, title=title)
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr(motion_pictures, "draw_history", keep)
    fit(tmp_path, 2)
    path = tmp_path / "pictures" / "curves.png"
    assert path.is_file() and [x for x, _ in drawn["loss"]["training"]] == [1.0, 2.0]
    path.unlink()
    last = tmp_path / "checkpoints" / "last.ckpt"
    assert torch.serialization.get_unsafe_globals_in_checkpoint(last) == []
    fit(tmp_path, 4, ckpt=str(last))
    assert path.is_file() and drawn["title"] == "4 epochs"
    epochs = [1.0, 2.0, 3.0, 4.0]
    assert drawn["loss"]["validation"] == [(e, 99 + e) for e in epochs]
    assert drawn["accuracy"]["training"] == [(e, pytest.approx((e - 1) / 10)) for e in epochs]
    assert drawn["accuracy"]["validation"] == [(e, pytest.approx(0.49 + e / 100)) for e in epochs]
    assert [x for x, _ in drawn["loss"]["training"]] == epochs
    values = [y for _, y in drawn["loss"]["training"]]
    assert values == sorted(values, reverse=True) and len(set(values)) == 4  # each epoch's own


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_validations_within_an_epoch_lie_between(tmp_path: Path):
    callback = fit(tmp_path, 1, val_check_interval=0.5)
    assert [x for x, _ in callback._points["accuracy"]["validation"]] == [0.5, 1.0]
    assert {p.name for p in (tmp_path / "pictures").iterdir()} == {
        "curves.png",
        "val_confusion.png",
        "val_reliability.png",
    }


def test_only_validations_that_are_due_and_only_the_first_process(tmp_path: Path):
    callback, module, path = MotionPictures(tmp_path, every=2), module_of(), tmp_path / "val_confusion.png"
    metrics = {"val/accuracy": torch.tensor(0.5)}
    callback.on_validation_end(trainer_of(sanity_checking=True, callback_metrics=metrics), module)
    assert not callback._points["accuracy"]["validation"]
    callback.on_validation_end(trainer_of(is_global_zero=False), module)
    callback.on_validation_end(trainer_of(callback_metrics=metrics), module)
    assert not path.exists() and callback._points["accuracy"]["validation"] == [(4.0, 0.5)]
    callback.on_validation_end(trainer_of(), module)
    assert path.is_file() and (tmp_path / "val_reliability.png").is_file()


def test_a_validation_for_itself_and_what_is_no_number_are_no_points(tmp_path: Path):
    callback = MotionPictures(tmp_path)
    alone = SimpleNamespace(fn=TrainerFn.VALIDATING)
    callback.on_validation_end(trainer_of(state=alone, callback_metrics={"val/loss": 1.0}), module_of())
    callback.on_validation_end(trainer_of(callback_metrics={"val/loss": float("nan")}), module_of())
    assert callback._points["loss"]["validation"] == []
    callback.on_train_end(trainer_of(), module_of())
    assert not (tmp_path / "curves.png").exists()


def test_the_curves_of_branches_trained_alone_are_not_joined_with_those_of_the_whole(tmp_path, monkeypatch):
    drawn: dict[str, Any] = {}
    empty = np.zeros((8, 8, 3), np.uint8)
    monkeypatch.setattr(motion_pictures, "draw_history", lambda **given: drawn.update(given) or empty)
    callback, module = MotionPictures(tmp_path, every=9), module_of()
    callback._validations = 1  # none is due to be drawn
    metrics: dict[str, float] = {}
    for epoch, in_parts in enumerate((True, True, False)):
        module.in_parts = in_parts
        prefix = "branches_" if in_parts else ""
        metrics |= {f"val/{prefix}accuracy": 0.9 - epoch / 10, f"train/{prefix}loss_epoch": 3.0 - epoch}
        metrics["train/loss"] = 7.0  # of the last step
        trainer = trainer_of(current_epoch=epoch, callback_metrics=metrics)
        callback.on_validation_end(trainer, module)
        callback.on_train_epoch_end(trainer, module)
        resumed = MotionPictures(tmp_path, every=9)
        resumed.load_state_dict(callback.state_dict())
        callback = resumed
    callback.on_train_end(trainer, module)
    accuracy, loss = np.array(drawn["accuracy"]["validation"]), np.array(drawn["loss"]["training"])
    assert accuracy == pytest.approx(np.array([(1, 0.9), (2, 0.8), (2, np.nan), (3, 0.7)]), nan_ok=True)
    assert loss == pytest.approx(np.array([(1, 3), (2, 2), (2, np.nan), (3, 1)]), nan_ok=True)
    assert "the branches alone up to 2" in drawn["title"]


def test_charts_hold_the_numbers():
    charts = wandb_charts("val", result_of(GOOD))
    assert list(charts) == ["val/confusion", "val/class_accuracy"]
    cells = {(a, b): n for a, b, n in charts["val/confusion"].table.data}
    assert len(cells) == 9 and cells["wave", "walk"] == 1 and cells["walk", "walk"] == 4
    assert dict(charts["val/class_accuracy"].table.data) == {"wave": 75.0, "walk": 100.0}
    with pytest.warns(UserWarning, match="compute"):
        assert wandb_charts("val", result_of(np.zeros((3, 3), int))) == {}


@pytest.mark.slow
def test_wandb_gets_charts_and_pictures(tmp_path: Path):
    logger = WandbLogger(save_dir=str(tmp_path), project="dancepose", offline=True)
    callback = MotionPictures(tmp_path / "pictures")
    trainer = trainer_of(logger, callback_metrics={"val/loss": 1.0})
    callback.on_validation_end(trainer, module_of())
    callback.on_train_end(trainer, module_of())
    callback.on_test_end(trainer, module_of())
    logger.experiment.finish()
    run = read_run(next(tmp_path.glob("wandb/offline-run-*/*.wandb")))
    names = {f"{part}/{name}" for part in ("val", "test") for name in ("confusion", "class_accuracy")}
    assert run.charts == names
    assert {"val/reliability", "test/reliability", "curves"} <= run.media
    assert "val/confusion" not in run.media
    ((columns, *rows),) = run.tables["val/confusion_table"]
    assert columns == ["Actual", "Predicted", "nPredictions"] and ["wave", "walk", 1] in rows


def test_tensorboard_gets_the_pictures(tmp_path: Path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    logger = TensorBoardLogger(str(tmp_path), name="", version="tb")
    callback = MotionPictures(tmp_path / "pictures")
    trainer = trainer_of(logger, callback_metrics={"val/loss": 1.0})
    callback.on_validation_end(trainer, module_of())
    callback.on_train_end(trainer, module_of())
    callback.on_test_end(trainer, module_of())
    logger.experiment.flush()
    events = accumulators.EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    wanted = {f"{part}/{name}" for part in ("val", "test") for name in ("confusion", "reliability")}
    assert set(events.Tags()["images"]) == wanted | {"curves"}


def test_a_picture_that_cannot_be_drawn_ends_no_training(tmp_path: Path, monkeypatch, caplog):
    def fail(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(motion_pictures, "DRAWN", {"confusion": fail, "reliability": fail})
    monkeypatch.setattr(motion_pictures, "draw_history", fail)
    callback, trainer = MotionPictures(tmp_path), trainer_of(callback_metrics={"val/loss": 1.0})
    callback.on_validation_end(trainer, module_of())
    callback.on_train_end(trainer, module_of())
    assert caplog.text.count("no space left") == 3 and not list(tmp_path.iterdir())


def test_the_test_draws_only_for_loggers_that_take_pictures(tmp_path: Path, monkeypatch):
    drawn: list[str] = []
    monkeypatch.setattr(motion_pictures, "DRAWN", {"confusion": lambda _, title: drawn.append(title)})
    monkeypatch.setattr(MotionPictures, "_show", lambda *_, **__: None)
    callback = MotionPictures(tmp_path)
    callback.on_test_end(trainer_of(CSVLogger(str(tmp_path))), module_of())
    assert not drawn
    callback.on_test_end(trainer_of(TensorBoardLogger(str(tmp_path))), module_of())
    assert drawn == ["test part"]
