"""`dry_run=true`: what a job is, how it stands, and how long it would take, from a few timed steps."""

import json
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import seed_everything

from dancepose.callbacks.checkpoints import WholeFileIO
from dancepose.networks.cost import count_macs, count_macs_of, count_parameters
from dancepose.quiet import quiet
from dancepose.tasks.families import family_of
from dancepose.tasks.preparation import has_one_device
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.time_budget import time_steps, typical_step

# of the configuration, what decides on the size of a network and the time of its steps
OF_A_STEP = ("model", "skeleton", "data", "trainer", "compile", "channels_last")
_measured: dict[str, dict[str, Any]] = {}  # of the networks that this process has timed


def measure(config: Mapping[str, Any], run: RunDirectory) -> dict[str, Any]:
    """Return what the training of a configuration costs; each distinct network is timed once.

    Args:
        config: the run's, plain, its precision settled.
        run: its folder, into which nothing is written.

    Returns:
        `parameters`; `MACs` of one sample; `epochs`, None without an end; `steps` of an epoch; `step`, its
        seconds, None on several devices; `seconds` of all training steps, None where they are not known.
        Validation and test come on top.

    Raises:
        DanceposeError: the job could not be run.
    """
    about = {name: config.get(name) for name in OF_A_STEP} | {"optimizer": config["optimizer"]["_target_"]}
    key = json.dumps(about, sort_keys=True, default=str)
    if key not in _measured:
        _measured[key] = _measure(config, run)
    return _measured[key]


def _measure(config: Mapping[str, Any], run: RunDirectory) -> dict[str, Any]:
    seed_everything(config["seed"], workers=True, verbose=False)
    family = family_of(config)
    family.check_metric_names(config)
    datamodule = family.datamodule(config)
    task = family.task(config, datamodule, resumed=True)  # no weights from a file are needed
    network, side = task.network, config["data"]["size"]
    example = getattr(task, "example", None)
    macs = count_macs(network, (side, side)) if example is None else count_macs_of(network, **example(side))
    found = {"parameters": count_parameters(network)[""], "MACs": macs[""]}
    seconds = []
    if has_one_device(config["trainer"]):
        with quiet("lightning.pytorch", "lightning"):  # there would be some words for each network
            seconds = time_steps(config, run, task, datamodule, [WholeFileIO()])
    batches = len(datamodule.train_dataloader()) if seconds else None
    return {**found, **_length(config["trainer"], batches, typical_step(seconds))}


def _length(trainer: Mapping[str, Any], batches: int | None, step: float) -> dict[str, Any]:
    """Return epochs, steps of one, seconds of a step and of all.

    Args:
        trainer: the node.
        batches: of an epoch; None where nothing was timed.
        step: seconds of a batch.
    """
    limit = trainer.get("limit_train_batches")
    if batches is not None and limit is not None:
        batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
    epochs, most = int(trainer.get("max_epochs") or -1), int(trainer.get("max_steps", -1))
    total = None if batches is None or epochs < 0 else epochs * batches
    if most >= 0:
        most *= int(trainer.get("accumulate_grad_batches", 1))
        total = most if total is None else min(total, most)
    known = total is not None and step > 0
    return {
        "epochs": epochs if epochs >= 0 else None,
        "steps": batches,
        "step": step or None,
        "seconds": total * step if known and total is not None else None,
    }
