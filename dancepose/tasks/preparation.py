"""What can be refused before a training starts, and the callbacks and loggers that it takes along."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, LearningRateMonitor, ProgressBar
from lightning.pytorch.loggers import Logger, WandbLogger
from torch import nn

from dancepose.callbacks.curves import Curves
from dancepose.callbacks.motion_pictures import MotionPictures
from dancepose.callbacks.pictures import Pictures
from dancepose.errors import ConfigError
from dancepose.sweeps.ledger import Sweep
from dancepose.targets import instantiate
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)


class WhenLoaded(Callback):
    """Call a function when everything is restored from the checkpoint, and tell where training goes on.

    Args:
        do: takes nothing.
    """

    def __init__(self, do: Callable[[], None]):
        self.do = do

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Call it."""
        if trainer.is_global_zero:
            of = f" of {trainer.max_epochs}" if (trainer.max_epochs or 0) > 0 else ""
            log.info("goes on after epoch %d%s", trainer.current_epoch, of)
        self.do()


def has_one_device(trainer: Mapping[str, Any]) -> bool:
    """Tell whether a trainer node asks for a single process."""
    devices, strategy = trainer.get("devices", 1), str(trainer.get("strategy", "auto"))
    count = len(devices) if isinstance(devices, list) else devices
    if str(count) in ("-1", "auto"):
        count = 1 if trainer.get("accelerator") == "cpu" else torch.cuda.device_count()
    alone = str(count) in ("0", "1") and trainer.get("num_nodes", 1) == 1
    return alone and strategy in ("auto", "single_device")


def check_optimizer(node: Mapping[str, Any], network: nn.Module) -> None:
    """Refuse settings that the optimizer's own class refuses, before any data are read.

    Args:
        node: `optimizer` of the configuration.
        network: what it would train.

    Raises:
        ConfigError: names the node, the class and its reason.
    """
    instantiate(node, where="optimizer")(network.parameters())


def make_loggers(config: Mapping[str, Any], run: RunDirectory, main_rank: bool) -> list[Logger]:
    """Make the loggers, all inside the run directory; nothing is written yet.

    Raises:
        ConfigError: W&B would have no key to log in with, and nobody to ask for it.
    """
    if config["trainer"].get("fast_dev_run"):
        return []
    made = []
    for name, node in (config.get("logger") or {}).items():
        if node is None:
            continue
        given: dict[str, Any] = {"save_dir": str(run.path)}
        if name == "wandb" and main_rank:
            if not node.get("offline"):
                _check_wandb_key()
            given |= {"id": run.wandb_id(), "resume": "allow", **_in_sweep(node, config, run)}
        made.append(instantiate(node, where=f"logger.{name}", **given))
    return made


def _check_wandb_key() -> None:
    """Refuse what W&B itself refuses only when its run begins, after all data have been read."""
    import wandb

    online = wandb.setup().settings.mode not in ("offline", "dryrun", "disabled")
    if online and not sys.stdin.isatty() and not wandb.login(prompt=False, verify=False):
        raise ConfigError(
            "logger=wandb: Weights & Biases has no API key here. Log in (wandb login, or WANDB_API_KEY), or "
            "log without a network: WANDB_MODE=offline, or logger.wandb.offline=true"
        )


def _in_sweep(node: Mapping[str, Any], config: Mapping[str, Any], run: RunDirectory) -> dict[str, Any]:
    """Return group and name of a sweep's job in W&B, as far as the node does not set them."""
    sweep = Sweep.of_run(run.path)
    if sweep is None:
        return {}
    given = {} if node.get("group") else {"group": sweep.path.name}
    return given | ({"name": run.path.name} if node.get("name") in (None, config["name"]) else {})


def log_config(loggers: Sequence[Logger], config: Mapping[str, Any]) -> None:
    """Give W&B the whole resolved configuration, by which its pages filter and group; begins its run."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.log_hyperparams(dict(config))


def make_callbacks(config: Mapping[str, Any], run: RunDirectory, logged: bool) -> list[Callback]:
    """Make the callbacks; the run's folders are given to those that write.

    Args:
        config: the run's, plain.
        run: its folder.
        logged: whether there is a logger; without one the rates are not monitored.
    """
    folders = dict.fromkeys(("best", "last"), run.checkpoints)
    folders |= dict.fromkeys(("pictures", "curves", "motion_pictures"), run.pictures)
    made: list[Callback] = []
    for name, node in (config.get("callbacks") or {}).items():
        if node is not None:
            made.append(
                instantiate(
                    node,
                    where=f"callbacks.{name}",
                    **({"dirpath": str(folders[name])} if name in folders else {}),
                )
            )
    settings = config["trainer"]
    unwanted: list[type] = []
    if settings.get("fast_dev_run"):  # leaves no files
        unwanted += [Pictures, Curves, MotionPictures]
    if not logged:
        unwanted.append(LearningRateMonitor)
    if settings.get("enable_progress_bar") is False:
        unwanted.append(ProgressBar)
    if settings.get("enable_checkpointing") is False:
        unwanted.append(Checkpoint)
    return [callback for callback in made if not isinstance(callback, tuple(unwanted))]


def make_trainer(
    config: Mapping[str, Any],
    run: RunDirectory,
    callbacks: list[Callback],
    loggers: list[Logger],
    **more: Any,
) -> Trainer:
    """Make the trainer; it adds neither a bar nor a checkpoint of its own to the configured callbacks."""
    settings: dict[str, Any] = {
        "default_root_dir": config["trainer"].get("default_root_dir") or str(run.path),
        "enable_progress_bar": any(isinstance(c, ProgressBar) for c in callbacks),
        "enable_checkpointing": any(isinstance(c, Checkpoint) for c in callbacks),
    }
    node = config["trainer"]
    kind = node.get("accelerator")
    there = torch.cuda.is_available() or (kind == "gpu" and torch.backends.mps.is_available())
    if kind in ("gpu", "cuda") and not there:
        built = torch.version.cuda or torch.version.hip
        remedy = "look at driver and CUDA_VISIBLE_DEVICES" if built else "install a build of it for GPUs"
        raise ConfigError(
            f"trainer.accelerator={kind}: PyTorch {torch.__version__} finds no GPU. Train on the CPU "
            f"(trainer=cpu), or {remedy}"
        )
    trainer: Trainer = instantiate(
        node, where="trainer", callbacks=callbacks, logger=loggers, **settings, **more
    )
    # with max_steps Lightning takes every resumed run for one in the midst of an epoch: it would end the last
    # one again, and from then on see the pictures of the epoch after; our checkpoints are of ends of epochs
    trainer.fit_loop._iteration_based_training = lambda: False  # type: ignore[method-assign]
    return trainer


def describe_batch(size: int, trainer: Trainer) -> str:
    """Say how the global batch is made up: `batch 48 = 2 devices x 3 steps x 8`."""
    devices, steps = trainer.world_size, trainer.accumulate_grad_batches
    return (
        f"batch {size} = {devices} device{'s' * (devices > 1)} x {steps} step{'s' * (steps > 1)} x "
        f"{size // (devices * steps)}"
    )
