"""By what the best epoch is chosen: the largest accuracy, but the smallest loss."""

import csv
import json
from pathlib import Path

import pytest
import torch
from factories import make_archive
from hydra import compose, initialize_config_dir
from kills import SMALL
from running import SMALL as SMALL_POSE
from running import run_task

from dancepose.callbacks.checkpoints import BestCheckpoint
from dancepose.callbacks.early_stop import EarlyStop
from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.train import train

register()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    make_archive(tmp_path / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_epoch_of_the_smallest_loss_is_kept_and_stops_the_training(folder):
    """A rate at which the loss falls, then one at which it grows."""
    run = folder / "run"
    more = ["objective=val/loss", "trainer.max_epochs=5", "optimizer.lr=0.05", "model.dropout=0"]
    stop = ["callbacks.early_stop.patience=2", "scheduler=none", "test=false"]
    value = run_task(train, "train", run, *SMALL, *more, *stop)
    with (run / "metrics.csv").open(newline="") as file:
        losses = [float(row["val/loss"]) for row in csv.DictReader(file) if row["val/loss"]]
    assert len(set(losses)) > 1
    metrics = json.loads((run / "metrics.json").read_text())
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert value == metrics["objective"] == pytest.approx(min(losses))
    assert best["epoch"] == losses.index(min(losses))
    worse = len(losses) - 1 - losses.index(min(losses))
    assert worse == 2 or (worse < 2 and len(losses) == 5), f"stopped by the minimum: {losses}"


def test_the_direction_follows_from_the_metric():
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", overrides=["objective=val/ECE", "callbacks.best.monitor=val/mAP"])
    assert (config.callbacks.best.mode, config.callbacks.early_stop.mode) == ("max", "min")
    for metric, mode in (("val/accuracy", "max"), ("val/loss", "min"), ("val/ECE", "min")):
        assert BestCheckpoint("x", metric).mode == EarlyStop(metric).mode == mode


def test_a_direction_against_the_metric_is_refused(folder):
    words = "^callbacks.early_stop.mode=max: of val/loss the minimum is the best; leave it out"
    with pytest.raises(ConfigError, match=words):
        run_task(
            train, "train", folder / "run", *SMALL, "objective=val/loss", "callbacks.early_stop.mode=max"
        )
    assert list((folder / "run").iterdir()) == []


def test_a_loss_of_the_training_chooses_the_epoch_that_has_it(labelme, tmp_path):
    """It is known when the epoch ends, after the validation: the least of all epochs, the last included."""
    chosen = [f"{key}=train/loss_epoch" for key in ("objective", "callbacks.best.monitor")]
    settings = [
        *SMALL_POSE,
        f"data.root={labelme}",
        "trainer.max_epochs=3",
        "test=false",
        "logger=csv",
        *chosen,
    ]
    value = run_task(train, "train", tmp_path / "run", *settings)
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["train/loss_epoch"]]
    losses = {int(float(row["epoch"])): float(row["train/loss_epoch"]) for row in rows}
    assert len(losses) == 3
    best = torch.load(tmp_path / "run" / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["epoch"] == min(losses, key=losses.__getitem__)
    assert value == pytest.approx(min(losses.values()), rel=1e-5)
