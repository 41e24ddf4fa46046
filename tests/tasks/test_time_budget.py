"""`minutes=`: as many epochs as fit, and nothing else about the training changes."""

import json
from types import SimpleNamespace

import pytest
import torch
import yaml
from running import SMALL, run_task

from dancepose.errors import ConfigError
from dancepose.tasks import dry_run, time_budget
from dancepose.tasks.dry_run import Measured
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.time_budget import MOST, _fit, fitting_epochs, known_epochs, limited
from dancepose.train import train


@pytest.mark.parametrize(
    ("minutes", "seconds", "batches", "most", "epochs"),
    [
        (1, [9, 9, 0.5, 0.5, 0.5], 10, 100, 12),
        (1, [9, 9, 0.5, 0.5, 30], 10, 100, 12),  # a single slow step counts for nothing
        (1, [9, 9, 0.5], 10, 5, 5),
        (1, [9, 9, 0.5], 10, -1, 12),
        (0.01, [9, 9, 0.5], 10, 100, 1),
        (1, [2.0], 10, 100, 3),
        (1, [], 1, 7, 7),
    ],
)
def test_epochs_that_fit(minutes, seconds, batches, most, epochs):
    assert _fit(minutes, seconds, batches, most) == epochs


@pytest.mark.parametrize(
    ("limit", "steps", "epochs"), [(None, 10, 12), (2, 2, 60), (20, 10, 12), (0.5, 5, 24), (1.0, 10, 12)]
)
def test_epochs_that_fit_are_of_the_steps_that_the_trainer_makes(limit, steps, epochs, tmp_path, monkeypatch):
    """`trainer.limit_train_batches` cuts them; a dry run tells the same."""
    assert limited(10, limit) == steps
    monkeypatch.setattr(time_budget, "time_steps", lambda *_: [9, 9, 0.5, 0.5])
    datamodule = SimpleNamespace(train_dataloader=lambda: range(10))
    trainer = {"max_epochs": 100} if limit is None else {"max_epochs": 100, "limit_train_batches": limit}
    config = {"minutes": 1, "trainer": trainer}
    task = SimpleNamespace(least_epochs=1)
    assert fitting_epochs(config, RunDirectory(tmp_path), task, datamodule, []) == epochs
    known = Measured({}, True, batches=10, step=0.5)
    monkeypatch.setattr(dry_run, "_measured", {})
    monkeypatch.setattr(dry_run, "_measure", lambda *_: known)
    config |= {"optimizer": {"_target_": "x"}}
    told = dry_run.measure(config, RunDirectory(tmp_path), minutes=1)
    assert (told["epochs"], told["steps"], told["seconds"]) == (epochs, steps, epochs * steps * 0.5)


def test_of_staged_training_each_half_has_an_epoch(caplog):
    caplog.set_level("INFO")
    assert _fit(0.01, [9, 9, 0.5], 10, 100, least=2) == 2
    assert (
        "minutes=0.01: 2 epochs of 10 steps of 0.5 s (0.2 minutes: fewer epochs are not possible)"
        in caplog.text
    )


@pytest.mark.slow
def test_a_training_by_the_clock_equals_one_of_as_many_epochs(labelme, tmp_path, monkeypatch):
    monkeypatch.setattr("dancepose.tasks.time_budget._fit", lambda *_: 2)
    common = [*SMALL, f"data.root={labelme}", "model.dropout=0.2", "trainer.max_epochs=9", "test=false"]
    run_task(train, "train", tmp_path / "clock", *common, "minutes=1")
    run_task(train, "train", tmp_path / "count", *common, "trainer.max_epochs=2")
    clock, count = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("clock", "count")
    )
    assert all(torch.equal(value, count[key]) for key, value in clock.items())
    assert not list((tmp_path / "clock").glob(".minutes_*"))
    assert yaml.safe_load((tmp_path / "clock" / "config.yaml").read_text())["trainer"]["max_epochs"] == 2
    # told again, and gone on with, it keeps its length: nothing is timed anew
    monkeypatch.setattr("dancepose.tasks.time_budget._fit", lambda *_: 5)
    run_task(train, "train", tmp_path / "clock", *common, "minutes=1", "reuse=true")
    told = json.loads((tmp_path / "clock" / "metrics.json").read_text())
    assert (told["status"], told[MOST]) == ("done", 9)
    with pytest.raises(ConfigError, match="trainer.max_epochs=3: .*minutes=null"):
        run_task(
            train, "train", tmp_path / "clock", *common, "minutes=1", "reuse=true", "trainer.max_epochs=3"
        )


def test_a_run_that_goes_on_keeps_its_length_and_what_would_not_be_heeded_is_refused(tmp_path):
    run, trainer = RunDirectory(tmp_path), {"max_epochs": 100}
    config = {"minutes": 6, "trainer": trainer}
    assert known_epochs(run, config) is None
    run.write_config({"minutes": 6, "trainer": {"max_epochs": 8}}, [], {})
    more = {"minutes": 6, "trainer": {"max_epochs": 300}}
    assert known_epochs(run, more) == 8, "a run of before does not say what was asked for"
    run.write_metrics("done", **{MOST: 100})
    assert known_epochs(run, config) == 8 and known_epochs(run, {**more, "minutes": 7}) is None
    with pytest.raises(
        ConfigError, match=r"max_epochs=300: .* got 8 epochs by minutes=6, of 100 .*minutes=null"
    ):
        known_epochs(run, more)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["minutes=0"], "minutes=0: it must be above 0"),
        (["minutes=soon"], "minutes='soon'"),
        (["minutes=1", "trainer.devices=2", "trainer.strategy=ddp"], "not on several devices"),
    ],
)
def test_refused(overrides, told, labelme, tmp_path):
    with pytest.raises(ConfigError, match=told):
        run_task(train, "train", tmp_path / "run", *SMALL, f"data.root={labelme}", *overrides)
