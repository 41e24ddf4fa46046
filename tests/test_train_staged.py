"""Staged training, branches first and their fusion after them: nothing is chosen before the fusion learns."""

import csv
import json
import math
from pathlib import Path

import pytest
import torch
from factories import TINY_MOTION, make_actions
from running import run_task

from dancepose.build import load_checkpoint
from dancepose.errors import CheckpointError, ConfigError
from dancepose.evaluate import evaluate
from dancepose.tasks.motion import MotionTask
from dancepose.train import train

STAGED = [*TINY_MOTION, "model.fusion_training=staged"]


@pytest.fixture(scope="module")
def actions(tmp_path_factory) -> Path:
    """12 clips of three actions, two people each."""
    root = tmp_path_factory.mktemp("actions")
    make_actions(root, clips=12, length=1)
    return root


def test_staged_training_must_reach_its_second_half(actions, tmp_path):
    keys = ["trainer.max_epochs=1", f"data.root={actions}", "logger=none"]
    with pytest.raises(ConfigError, match="two\\s+epochs at least"):
        run_task(train, "train", tmp_path / "run", *STAGED, *keys)
    with pytest.raises(ConfigError, match="two\\s+epochs at least"):  # and no less when it is asked again
        run_task(train, "train", tmp_path / "run", *STAGED, *keys, f"resume={tmp_path / 'run'}")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "failed"
    keys += ["trainer.devices=2"]
    with pytest.raises(ConfigError, match="find_unused_parameters_true"):
        run_task(train, "train", tmp_path / "two", *STAGED, *keys)


def test_the_best_of_a_staged_training_is_a_trained_fusion(actions, tmp_path, monkeypatch):
    """However good the mean of the branches was in the first half."""
    plain = MotionTask._answer

    def branches_know_all(self, batch):
        if self.in_parts:
            return torch.nn.functional.one_hot(batch["label"], len(self.classes)).float().clamp(1e-6).log()
        return plain(self, batch)

    monkeypatch.setattr(MotionTask, "_answer", branches_know_all)
    run, keys = tmp_path / "run", [f"data.root={actions}", "logger=none"]
    keys += ["trainer.max_epochs=4", "callbacks.early_stop.patience=1"]
    value = run_task(train, "train", run, *STAGED, *keys)
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    alone = [float(row["val/branches_accuracy"]) for row in rows if row["val/branches_accuracy"]]
    whole = [float(row["val/accuracy"]) for row in rows if row["val/accuracy"]]
    assert alone == [1, 1] and len(whole) == 2, "each half has names of its own"
    assert value == max(whole)
    losses = [float(row["train/branches_loss_epoch"]) for row in rows if row["train/branches_loss_epoch"]]
    assert len(losses) == 2 and max(losses) < 1.5 * math.log(3), "of the branches' mean, as in validation"
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["epoch"] >= 2 and load_checkpoint(run / "checkpoints" / "best.ckpt")


def test_each_half_has_the_whole_schedule(actions, tmp_path, monkeypatch):
    """The fusion starts from nothing: by the end of the branches' schedule it would hardly learn."""
    rates, step = [], MotionTask.training_step

    def seen(self, batch, batch_idx):
        rates.append((self.in_parts, self.trainer.optimizers[0].param_groups[0]["lr"]))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MotionTask, "training_step", seen)
    keys = [f"data.root={actions}", "logger=none", "test=false", "trainer.max_epochs=5"]
    run_task(train, "train", tmp_path / "run", *STAGED, *keys, "scheduler=paper_tenths", "optimizer.lr=0.001")
    branches, fusion = ([rate for parts, rate in rates if parts is half] for half in (True, False))
    assert len(branches) * 2 == len(fusion) * 3 and len(fusion) >= 4, "three epochs and two"
    for half in (branches, fusion):
        assert half == sorted(half, reverse=True)
        assert sorted({round(rate, 9) for rate in half}) == [1e-5, 1e-4, 1e-3]


def test_nothing_is_said_by_a_fusion_that_is_still_to_be_trained(actions, tmp_path):
    """Of a run that was left in its first half."""

    class Stop(Exception):
        pass

    start = MotionTask.on_train_epoch_start

    def stop(self):
        start(self)
        if not self.in_parts:
            raise Stop

    run = tmp_path / "run"
    keys = [f"data.root={actions}", "logger=none", "test=false"]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr(MotionTask, "on_train_epoch_start", stop)
        run_task(train, "train", run, *STAGED, *keys)
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"last.ckpt"}
    with pytest.raises(CheckpointError, match="the fusion is not .*resume="):
        run_task(evaluate, "evaluate", tmp_path / "e", f"run={run}")
    run_task(train, "train", run, *STAGED, *keys, f"resume={run}")
    assert load_checkpoint(run / "checkpoints" / "last.ckpt")


def test_the_fusions_half_stays_the_fusions_when_it_goes_on_by_another_batch(actions, tmp_path, monkeypatch):
    """Three of four epochs are behind it, and fewer than half of the steps that four epochs have now."""
    halves, start, step = [], MotionTask.on_train_epoch_start, MotionTask.training_step

    def stop(self):
        if self.current_epoch == 3:
            raise KeyboardInterrupt
        start(self)

    def seen(self, batch, batch_idx):
        halves.append((self.current_epoch, self.in_parts))
        return step(self, batch, batch_idx)

    run = tmp_path / "run"
    keys = [f"data.root={actions}", "logger=none", "test=false", "trainer.max_epochs=4"]
    monkeypatch.setattr(MotionTask, "training_step", seen)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(MotionTask, "on_train_epoch_start", stop)
        run_task(train, "train", run, *STAGED, *keys)
    run_task(train, "train", run, *STAGED, *keys, "data.batch_size=2", f"resume={run}")
    assert {*halves} == {(0, True), (1, True), (2, False), (3, False)}


def test_a_trial_of_staged_training_needs_no_second_half(actions, tmp_path):
    keys = [f"data.root={actions}", "debug=fast_dev_run"]
    run_task(train, "train", tmp_path / "run", *STAGED, *keys)


def test_a_range_test_stays_with_the_branches(actions, tmp_path, monkeypatch):
    """Where the fusion begins the loss falls by itself, from two cross entropies to one: no rate did that."""
    trained, step = [], MotionTask.training_step
    monkeypatch.setattr(
        MotionTask, "training_step", lambda self, *batch: trained.append(self.in_parts) or step(self, *batch)
    )
    keys = ["debug=lr_find", "lr_find.steps=24", f"data.root={actions}", "logger=none"]
    run_task(train, "train", tmp_path / "run", *STAGED, *keys)
    assert len(trained) >= 20 and all(trained)
