"""`minutes=`: how many epochs fit into the time that there is, from a few timed steps."""

import logging
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from dancepose.errors import ConfigError
from dancepose.quiet import quiet
from dancepose.tasks.ending import raising_interrupts
from dancepose.tasks.memory import advise_training, memory_told
from dancepose.tasks.network_task import NetworkTask
from dancepose.tasks.preparation import has_one_device, make_trainer
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)

STEPS = 8  # that are made
FIRST = 3  # of them, which are not timed: they start workers and caches
MOST = "most_epochs"  # in metrics.json of a run by the clock: trainer.max_epochs as it was asked for


class StepTimes(Callback):
    """Note how long each step takes, from the end of the one before to its own, waiting for data included."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._last: float | None = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Wait for the device: its work is what is timed."""
        if pl_module.device.type == "cuda":
            torch.cuda.synchronize(pl_module.device)
        now = time.perf_counter()
        if self._last is not None:
            self.seconds.append(now - self._last)
        self._last = now


def check_minutes(config: Mapping[str, Any]) -> None:
    """Refuse what a time budget cannot be combined with.

    Args:
        config: the run's, plain.

    Raises:
        ConfigError: names the key and the remedy.
    """
    minutes = config["minutes"]
    if not has_one_device(config["trainer"]):
        raise ConfigError(
            f"minutes={minutes}: not on several devices, whose steps cannot be timed beforehand; give "
            "trainer.max_epochs"
        )


def known_epochs(run: RunDirectory, config: Mapping[str, Any]) -> int | None:
    """Return how many epochs a run in the folder was given for the same minutes; None where there is none.

    A run that goes on keeps its length: its schedule was made for it.

    Raises:
        ConfigError: another `trainer.max_epochs` is asked for, which nothing would heed.
    """
    if not (run.path / "config.yaml").is_file():
        return None
    before = run.read_config()
    if before.get("minutes") != config["minutes"]:
        return None
    epochs, asked = int(before["trainer"]["max_epochs"]), config["trainer"]["max_epochs"]
    most = run.read_metrics().get(MOST, asked)  # a run of before does not say
    if most != asked:
        raise ConfigError(
            f"trainer.max_epochs={asked}: {run.path} got {epochs} epochs by minutes={config['minutes']}, of "
            f"{most} at most, and keeps its length. Give trainer.max_epochs={most} to leave it so, or "
            f"minutes=null beside resume={run.path} to train {asked} epochs, or give another folder "
            "(hydra.run.dir=)"
        )
    return epochs


def fitting_epochs(
    config: Mapping[str, Any],
    run: RunDirectory,
    task: NetworkTask,
    datamodule: Any,
    plugins: Sequence[Any],
) -> int:
    """Return how many whole epochs of training steps fit into `minutes`; validation and test come on top.

    Args:
        config: the run's, plain.
        run: its folder.
        task: its weights are of no use afterwards.
        datamodule: the training data.
        plugins: of the trainer.

    Returns:
        The task's `least_epochs` at least, `trainer.max_epochs` at most.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    seconds = time_steps(config, run, task, datamodule, plugins, run.path)
    batches = limited(len(datamodule.train_dataloader()), config["trainer"].get("limit_train_batches"))
    most = int(config["trainer"]["max_epochs"])
    return _fit(float(config["minutes"]), seconds, batches, most, task.least_epochs)


def time_steps(
    config: Mapping[str, Any],
    run: RunDirectory,
    task: NetworkTask,
    datamodule: Any,
    plugins: Sequence[Any],
    folder: Path | None = None,
) -> list[float]:
    """Return the seconds of the first few steps of a training; nothing of it is kept.

    Args:
        config: the run's, plain.
        run: its folder, into which nothing is written.
        task: its weights are of no use afterwards.
        datamodule: the training data.
        plugins: of the trainer.
        folder: where there is room for a folder that is removed again; None: the system's own.

    Raises:
        KeyboardInterrupt: by Ctrl-C.
        SystemExit: 143, by SIGTERM.
    """
    trial = {"max_epochs": 1, "max_steps": -1, "limit_train_batches": STEPS, "limit_val_batches": 0}
    times = StepTimes()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".minutes_") as scratch:
        settings = {**config, "trainer": {**config["trainer"], **trial, "default_root_dir": scratch}}
        trainer = make_trainer(settings, run, [times], [], plugins=list(plugins))
        # the schedule would warn of the trial's length, which is not that of the training
        with quiet("dancepose.tasks.schedules"), raising_interrupts(trainer):
            with memory_told(advise_training(config, datamodule)):
                trainer.fit(task, datamodule=datamodule)
    return times.seconds


def typical_step(seconds: Sequence[float]) -> float:
    """Return the median of the steps that started no worker; 0 where none was timed."""
    return statistics.median(seconds[FIRST - 1 :] or seconds or [0.0])


def limited(batches: int, limit: int | float | None) -> int:
    """Return the steps of an epoch under `trainer.limit_train_batches`.

    Args:
        batches: that the data give.
        limit: a number, or a share of them; None: all.
    """
    if limit is None:
        return batches
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)


def epochs_that_fit(minutes: float, step: float, batches: int, most: int, least: int = 1) -> int:
    """Return how many whole epochs of training steps fit into a time.

    Args:
        minutes: the time.
        step: seconds of one, above 0.
        batches: steps of an epoch.
        most: epochs; -1: any number.
        least: epochs, if they are no more than `most`.

    Returns:
        `least` at least, `most` at most.
    """
    fitting = max(least, int(minutes * 60 / (step * max(batches, 1))))
    return fitting if most < 0 else min(fitting, most)


def _fit(minutes: float, seconds: Sequence[float], batches: int, most: int, least: int = 1) -> int:
    """Return the number of epochs, and say how it came about.

    Args:
        minutes: the budget.
        seconds: of each step, the first included.
        batches: steps of an epoch.
        most: epochs; -1: any number.
        least: epochs.
    """
    step = typical_step(seconds)
    if not step:
        log.warning("minutes=%g: the epoch has no two steps to time; trainer.max_epochs counts", minutes)
        return most
    epochs = epochs_that_fit(minutes, step, batches, most, least)
    shortest = least * step * batches / 60
    log.info(
        "minutes=%g: %d epochs of %d steps of %.3g s%s",
        minutes,
        epochs,
        batches,
        step,
        f" ({shortest:.1f} minutes: fewer epochs are not possible)" if shortest > minutes else "",
    )
    return epochs
