"""`dry_run=true`: what a job is, how it stands, and how long it would take, from a few timed steps."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import seed_everything

from dancepose.callbacks.checkpoints import WholeFileIO
from dancepose.errors import CheckpointError, DanceposeError
from dancepose.networks.cost import count_macs, count_macs_of, count_parameters
from dancepose.networks.weights import read_file
from dancepose.quiet import quiet
from dancepose.tasks.families import family_of
from dancepose.tasks.preparation import has_one_device
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.time_budget import epochs_that_fit, limited, time_steps, typical_step

# of the configuration, what decides on the size of a network and the time of its steps
OF_A_STEP = ("model", "skeleton", "data", "trainer", "compile", "channels_last")
LENGTH = ("max_epochs", "max_steps")  # of the trainer; a step takes as long in a longer training
# what a network raises that cannot be made, or cannot take its input; and Lightning of a trainer
UNFIT = (TypeError, ValueError, KeyError, RuntimeError, MisconfigurationException)


@dataclass(frozen=True)
class Measured:
    """What is known of a network and its steps.

    Attributes:
        sizes: `parameters`, and `MACs` of one sample.
        timed: whether its steps were timed, or could not be.
        batches: of an epoch; None where nothing was timed.
        step: seconds of one; 0 where nothing was timed.
        untimed: why nothing was.
        least: epochs of its training.
    """

    sizes: dict[str, int]
    timed: bool = False
    batches: int | None = None
    step: float = 0.0
    untimed: str = ""
    least: int = 1


_measured: dict[str, Measured] = {}  # of the networks that this process has looked at


def measure(
    config: Mapping[str, Any],
    run: RunDirectory,
    timed: bool = True,
    done: int = 0,
    minutes: float | None = None,
) -> dict[str, Any]:
    """Return what the training of a configuration costs; each distinct network is timed once.

    Args:
        config: the run's, plain, its precision settled.
        run: its folder, into which nothing is written.
        timed: whether it is to be trained; else nothing but its size is told.
        done: epochs that it has behind it.
        minutes: into which its epochs are to be fitted; None: `trainer.max_epochs` counts.

    Returns:
        `parameters`; `MACs` of one sample; and of what is to be trained `epochs`, None without an end;
        `steps` of an epoch; `step`, its seconds, None where it cannot be timed; `seconds` of all training
        steps that are left, None where they are not known, and `untimed`, why. Validation and test come on
        top.

    Raises:
        DanceposeError: the job could not be run.
    """
    trainer = dict(config["trainer"])
    about = {name: config.get(name) for name in OF_A_STEP} | {"optimizer": config["optimizer"]["_target_"]}
    about["trainer"] = {name: value for name, value in trainer.items() if name not in LENGTH}
    key = json.dumps(about, sort_keys=True, default=str)
    if key not in _measured or (timed and not _measured[key].timed):
        try:
            _measured[key] = _measure(config, run, timed)
        except UNFIT as error:
            words = f"{type(error).__name__}: {error}"
            raise DanceposeError(f"it cannot be trained: {words}") from error
    known = _measured[key]
    if not timed:
        return dict(known.sizes)
    if minutes is not None and known.step and known.batches:
        most = int(trainer["max_epochs"])
        batches = limited(known.batches, trainer.get("limit_train_batches"))
        trainer["max_epochs"] = epochs_that_fit(minutes, known.step, batches, most, known.least)
    length = _length(trainer, known.batches, known.step, done)
    untimed = known.untimed
    if not untimed and length["seconds"] is None:
        untimed = f"without an end: trainer.max_epochs={trainer.get('max_epochs')}"
    return {**known.sizes, **length, **({"untimed": untimed} if untimed else {})}


def epochs_done(run: RunDirectory) -> int:
    """Return how many epochs a run has behind it when it goes on from its last checkpoint; 0 without one.

    Raises:
        CheckpointError: the checkpoint cannot be read.
    """
    last = run.checkpoints / "last.ckpt"
    if not last.is_file():
        return 0
    content = read_file(last, "nothing can be resumed from it: remove it, and the run starts afresh")
    try:
        return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
    except (KeyError, TypeError):
        raise CheckpointError(
            f"{last} is no checkpoint of dancepose-train: remove it, and the run starts afresh"
        ) from None


def _measure(config: Mapping[str, Any], run: RunDirectory, timed: bool) -> Measured:
    seed_everything(config["seed"], workers=True, verbose=False)
    family = family_of(config)
    family.check_metric_names(config)
    datamodule = family.datamodule(config)
    task = family.task(config, datamodule, resumed=True)  # no weights from a file are needed
    network, side = task.network, config["data"]["size"]
    example = getattr(task, "example", None)
    macs = count_macs(network, (side, side)) if example is None else count_macs_of(network, **example(side))
    sizes = {"parameters": count_parameters(network)[""], "MACs": macs[""]}
    if not timed:
        return Measured(sizes)
    datamodule.setup("fit")  # also where nothing can be timed: the training would be refused, or warned
    family.warn(datamodule)
    if not has_one_device(config["trainer"]):
        return Measured(sizes, True, untimed="on several devices, whose steps cannot be timed beforehand")
    with quiet("lightning.pytorch", "lightning"):  # there would be some words for each network
        step = typical_step(time_steps(config, run, task, datamodule, [WholeFileIO()]))
    batches = len(datamodule.train_dataloader())
    untimed = "" if step else "one step an epoch, which cannot be timed"
    return Measured(sizes, True, batches, step, untimed, task.least_epochs)


def _length(trainer: Mapping[str, Any], batches: int | None, step: float, done: int = 0) -> dict[str, Any]:
    """Return epochs, steps of one, seconds of a step and of all, of what is left to train.

    Args:
        trainer: the node.
        batches: of an epoch; None where nothing was timed.
        step: seconds of a batch.
        done: epochs that are behind it.
    """
    if batches is not None:
        batches = limited(batches, trainer.get("limit_train_batches"))
    epochs, most = int(trainer.get("max_epochs") or -1), int(trainer.get("max_steps", -1))
    total = None if batches is None or epochs < 0 else epochs * batches
    if most >= 0:
        most *= int(trainer.get("accumulate_grad_batches", 1))
        total = most if total is None else min(total, most)
    if total is not None and done:
        total = max(total - done * (batches or 0), 0)
    known = total is not None and step > 0
    return {
        "epochs": max(epochs - done, 0) if epochs >= 0 else None,
        "steps": batches,
        "step": step or None,
        "seconds": total * step if known and total is not None else None,
    }
