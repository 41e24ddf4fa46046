"""What a training comes to: the value that a sweep compares, and the test of the chosen weights."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from dancepose.callbacks.checkpoints import LastCheckpoint
from dancepose.data.describing import describe
from dancepose.data.split_file import PARTS
from dancepose.errors import CheckpointError
from dancepose.networks.weights import read_file
from dancepose.tasks.family import Family
from dancepose.tasks.network_task import NetworkTask
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)

LEARNT = 90.0  # mAP of the training pictures from which a network has learnt them


def objective_value(
    config: Mapping[str, Any], trainer: Trainer, values: Mapping[str, float | None]
) -> float | None:
    """Return the metric that a sweep compares: of the best checkpoint if that is the one tested.

    Args:
        config: the run's, plain.
        trainer: after `fit`.
        values: the metrics of the last epoch.
    """
    for checkpoint in trainer.checkpoint_callbacks:
        score = getattr(checkpoint, "best_model_score", None)
        monitored = getattr(checkpoint, "monitor", None) == config["objective"]
        if config["which"] == "best" and monitored and score is not None:
            return float(score)
    return values.get(config["objective"])


def resumed_metrics(trainer: Trainer) -> dict[str, float]:
    """Return the metrics of the epoch from which a run was resumed; nothing of a new one."""
    found: dict[str, float] = {}
    for checkpoint in trainer.checkpoint_callbacks:
        if isinstance(checkpoint, LastCheckpoint):
            found |= checkpoint.metrics
    return found


def measure_test_part(
    config: Mapping[str, Any],
    trainer: Trainer,
    family: Family,
    task: NetworkTask,
    datamodule: Any,
    run: RunDirectory,
) -> dict[str, float]:
    """Measure the chosen checkpoint on the test part, once, and write the report.

    Args:
        config: the run's, plain.
        trainer: after `fit`.
        family: writes the report.
        task: its module.
        datamodule: its data.
        run: the folder.

    Returns:
        `test/...` metrics; none where the data have no test part.
    """
    datamodule.setup("test")
    if not datamodule.frames("test"):
        log.info(
            "the data have no test part: nothing is tested (`dancepose-evaluate run=%s part=val`)", run.path
        )
        return {}
    trial = bool(config["trainer"].get("fast_dev_run"))
    source = "" if trial else load_chosen(config["which"], run, trainer, task)
    trainer.test(task, datamodule=datamodule, verbose=False)
    if not trial:
        about = {
            "source": source,
            "data": describe(config["data"]),
            "split": datamodule.split_hash,
            "precision": str(trainer.precision),
            "batch_size": datamodule.evaluation_batch,
        }
        family.report(config, trainer, task, datamodule, run, about)
    return {
        name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("test/")
    }


def describe_trial(batches: int, datamodule: Any, test: bool) -> str:
    """Say what `debug=fast_dev_run` ran, and that nothing of it is kept.

    Args:
        batches: of each part.
        datamodule: its data.
        test: whether the test part was looked at.
    """
    asked = {"train": True, "val": True, "test": test}
    names = {"train": "training", "val": "validation", "test": "test"}
    ran = ", ".join(names[part] for part in PARTS if asked[part] and datamodule.frames(part))
    count = "1 batch" if batches == 1 else f"{batches} batches"
    return f"fast_dev_run: {count} each of {ran} went through; nothing is kept but the log"


def judge_overfit(values: Mapping[str, float | None], run: RunDirectory) -> str:
    """Say what the score of `debug=overfit` means: of the very pictures that were trained on.

    Args:
        values: the run's metrics.
        run: its folder.
    """
    score = values.get("test/mAP")
    if score is None or not score >= 0:
        return "overfit: no score: no joint could be scored, or nothing was tested"
    head = f"overfit: mAP {score:.1f} on the very pictures that were trained on; "
    if score >= LEARNT:
        return head + (
            "network, labels and decoding fit together: go on with a real training. Of other pictures it "
            "says nothing"
        )
    return head + (
        f"{LEARNT:.0f} or more would mean that network and labels fit together. Rare keypoints come last: "
        f"train longer (dancepose-train resume={run.path} trainer.max_epochs=<more>). If it no longer rises, "
        "look at pictures/test_frames.jpg and at the labels (dancepose-browse)"
    )


def load_chosen(which: str, run: RunDirectory, trainer: Trainer, task: NetworkTask) -> str:
    """Load the weights that are to be tested; return the name of their file, or what else they are.

    Args:
        which: `best` or `last`.
        run: the folder.
        trainer: after `fit`.
        task: gets the weights.
    """
    source = _source(which, run, trainer)
    if source is None:
        return "weights after the last step"
    # not by ckpt_path: resuming callbacks would put the raw weights back in place of the averaged ones
    state = read_file(source, "copy it again, or give which=last")
    task.load_state_dict(state["state_dict"])
    return source.name


def _source(which: str, run: RunDirectory, trainer: Trainer) -> Path | None:
    """Return the checkpoint to test, None for the weights in memory: those of the last step, averaged."""
    kept = [Path(c.dirpath or "") for c in trainer.checkpoint_callbacks if isinstance(c, ModelCheckpoint)]
    try:
        return run.checkpoint(which) if run.checkpoints in kept else None
    except CheckpointError:
        log.info("no %s.ckpt is kept: the weights after the last step are tested", which)
        return None
