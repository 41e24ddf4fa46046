"""`debug=lr_find`: Lightning's range test of the learning rate, in place of a training."""

import inspect
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dancepose.errors import ConfigError, DanceposeError
from dancepose.files import write_bytes, write_json
from dancepose.inference.devices import warn_of_slow_bf16
from dancepose.progress import track
from dancepose.tasks.ending import raising_interrupts
from dancepose.tasks.memory import advise_training, memory_told
from dancepose.tasks.motion import MotionTask
from dancepose.tasks.network_task import NetworkTask
from dancepose.tasks.preparation import has_one_device, make_trainer
from dancepose.tasks.rate_curve import RateCurve, unsmoothed
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)

LEAST = 20  # steps: fewer make no curve
PICTURE, NUMBERS = "lr_find.png", "lr_find.json"


def check_rate_test(config: Mapping[str, Any], run: RunDirectory) -> None:
    """Refuse what a range test cannot be combined with.

    Args:
        config: the run's, plain.
        run: its folder.

    Raises:
        ConfigError: names the key and the remedy.
    """
    node = config["lr_find"]
    if config["resume"]:
        raise ConfigError(
            f"lr_find: not with resume={config['resume']}: the test begins with new weights; leave one of "
            "the two out (model.weights=<checkpoint> begins with trained ones)"
        )
    if config["trainer"].get("fast_dev_run"):
        raise ConfigError(
            "lr_find: not with trainer.fast_dev_run, which makes one step; leave one of the two out"
        )
    if not has_one_device(config["trainer"]):
        raise ConfigError(
            f"lr_find: not on several devices (trainer.devices={config['trainer'].get('devices')} "
            f"trainer.strategy={config['trainer'].get('strategy')}): give trainer.devices=1 "
            "trainer.strategy=auto; data.batch_size, which is global, stays what it is"
        )
    if node["steps"] < LEAST or node["steps"] != int(node["steps"]):
        raise ConfigError(f"lr_find.steps={node['steps']}: give {LEAST} at least (0: no test)")
    if not 0 < node["low"] < node["high"]:
        raise ConfigError(f"lr_find.low={node['low']} lr_find.high={node['high']}: 0 < low < high is needed")
    if run.occupied:
        raise ConfigError(f"{run.path} holds a run: give another folder, or none (hydra.run.dir=...)")


def find_rate(
    config: Mapping[str, Any],
    run: RunDirectory,
    task: NetworkTask,
    datamodule: Any,
    overrides: Sequence[str],
    plugins: Sequence[Any],
) -> None:
    """Let the rate rise from `low` to `high` over real training steps; say which one to take.

    Nothing is trained: the folder holds `lr_find.json` and `pictures/lr_find.png`, no checkpoint and nothing
    that could be resumed, and no logger hears of it. There is neither a schedule nor a validation.

    Args:
        config: the run's, plain.
        run: its folder.
        task: with the configured optimizer; its weights are of no use afterwards.
        datamodule: the training data.
        overrides: of the command line, for the record.
        plugins: of the trainer.

    Raises:
        DanceposeError: the steps give no curve.
    """
    from lightning.pytorch.tuner.tuning import Tuner

    node, now = config["lr_find"], config["optimizer"].get("lr")
    steps = int(node["steps"])
    task.hparams["scheduler"] = None
    if isinstance(task, MotionTask) and task.staged:  # where the fusion begins the loss falls by itself
        task.staged, task.in_parts = False, True
    endless = {
        "max_epochs": -1,
        "max_steps": -1,
        "max_time": None,
        # the tuner itself switches validation on
        "check_val_every_n_epoch": 10**9,
        "val_check_interval": None,
        "profiler": None,
    }
    settings = {**config, "trainer": {**config["trainer"], **endless}}
    # it speaks of an argument that the tuner does not pass on
    logging.getLogger("lightning.pytorch.trainer.connectors.checkpoint_connector").setLevel(logging.WARNING)
    run.path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=run.path, prefix=".lr_find_") as scratch:  # the tuner's checkpoint
        settings["trainer"]["default_root_dir"] = scratch
        trainer = make_trainer(settings, run, [], [], plugins=list(plugins))
        device, precision = trainer.strategy.root_device.type, str(trainer.precision)
        warn_of_slow_bf16(device, precision, "trainer.precision=32-true")
        log.info("range test: %d steps, rates from %g to %g", steps, node["low"], node["high"])
        with memory_told(advise_training(config, datamodule)), own_bar(), raising_interrupts(trainer):
            found = Tuner(trainer).lr_find(
                task,
                datamodule=datamodule,
                min_lr=node["low"],
                max_lr=node["high"],
                num_training=steps,
                update_attr=False,
                early_stop_threshold=None,  # on few pictures two batches differ by more than its factor of 4
            )
    assert found is not None
    losses = unsmoothed(found.results["loss"], _beta())
    rates = [float(rate) for rate in found.results["lr"][: len(losses)]]
    curve = RateCurve(rates, losses, diverged=len(losses) < steps)
    if len(losses) < LEAST // 2:
        raise DanceposeError(
            f"lr_find: the loss is no finite number after {len(losses)} steps, too few for a curve; lower "
            "lr_find.high and lr_find.low"
        )
    _report(curve, now, run, overrides)


class Steps:
    """Our progress of the steps, in the place of the tuner's own bar.

    Args:
        desc: the tuner's words for it.
        total: steps.
    """

    def __init__(self, desc: str, total: int):
        self._left = track(((1, None) for _ in range(total)), total, "steps")
        next(self._left)

    def update(self) -> None:
        """Tell of a step."""
        next(self._left, None)

    def close(self) -> None:
        """Take the bar away."""
        self._left.close()


@contextmanager
def own_bar() -> Iterator[None]:
    """Let the tuner show its progress as the other commands do."""
    from lightning.pytorch.tuner import lr_finder

    before, lr_finder.tqdm = lr_finder.tqdm, Steps
    try:
        yield
    finally:
        lr_finder.tqdm = before


def _report(curve: RateCurve, now: float | None, run: RunDirectory, overrides: Sequence[str]) -> None:
    """Write picture and numbers, say what to give."""
    suggestion = curve.suggestion
    override = None if suggestion is None else f"optimizer.lr={suggestion:.1e}"
    write_bytes(run.pictures / PICTURE, curve.png(now))
    write_json(
        run.path / NUMBERS,
        {
            "suggestion": suggestion,
            "override": override,
            "lowest": curve.lowest,
            "configured": now,
            "diverged": curve.diverged,
            "rates": list(curve.rates),
            "losses": list(curve.losses),
            "smooth": curve.smooth,
            "overrides": list(overrides),
        },
    )
    log.info("%s and %s written to %s", NUMBERS, PICTURE, run.path)
    if override is None:
        log.warning(
            "no suggestion: the loss falls nowhere by more than its noise; look at the picture, give more "
            "steps (lr_find.steps), larger batches, or other rates (lr_find.low, lr_find.high)"
        )
        return
    log.info(
        "the loss falls fastest at rate %.1e and is least at %.1e (configured: %s). Nothing was trained; to "
        "train with it, give: %s",
        suggestion,
        curve.lowest,
        now,
        override,
    )


def _beta() -> float:
    """Return how much of the old average Lightning's callback keeps; it takes its default."""
    from lightning.pytorch.tuner.lr_finder import _LRCallback

    return float(inspect.signature(_LRCallback).parameters["beta"].default)
