"""`NetworkTask`: what all trainings share, whatever the network learns."""

import logging
import random
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from dancepose.errors import ConfigError
from dancepose.targets import instantiate
from dancepose.tasks.resuming import apply_optimizer
from dancepose.tasks.schedules import go_on_at, in_stages

log = logging.getLogger(__name__)


class NetworkTask(LightningModule):
    """A network with an optimizer, a schedule, a resume that goes on in step, and a checkpoint to infer from.

    A checkpoint carries under `dancepose` the plain dictionary from which `build.build` makes the same
    network again, so that inference needs neither Lightning nor Hydra. A subclass calls
    `save_hyperparameters` with at least `optimizer`, `scheduler` and `compile`, and sets the attributes.

    Attributes:
        build_config: what `build.build` takes.
        network: the network.
        in_parts: whether only parts of the network are trained now: no validation may choose it as the best.
        least_epochs: of which a shorter training leaves a part untrained.
    """

    build_config: dict[str, Any]
    network: nn.Module
    in_parts: bool = False
    least_epochs: int = 1

    def __init__(self) -> None:
        super().__init__()
        self._resumed_optimizer: dict[str, Any] | None = None

    @abstractmethod
    def test_settings(self) -> dict[str, Any]:
        """Return in plain values how this run tests, the defaults of an evaluation of its checkpoint."""

    def check_trained(self) -> None:
        """Refuse to test, after the training, a network of which a part was never trained.

        Raises:
            ConfigError: the training was too short.
        """

    def stages(self, epochs: float) -> list[float]:
        """Return the epochs of what is trained one after the other, each with a schedule of its own.

        Args:
            epochs: length of the training; may be a fraction.
        """
        return [epochs]

    def on_fit_start(self) -> None:
        """Compile the network; the keys of its state stay as they are."""
        if self.hparams["compile"]:
            self.network.compile()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember with which optimizer settings the training ran so far."""
        self._resumed_optimizer = checkpoint["hyper_parameters"]["optimizer"]

    def on_train_start(self) -> None:
        """Let settings given on resume win over what came with the state of optimizer and schedule."""
        if self._resumed_optimizer is not None:
            schedules = [c.scheduler for c in self.trainer.lr_scheduler_configs]
            self._keep_epoch(schedules)
            for optimizer in self.trainer.optimizers:
                apply_optimizer(optimizer, schedules, self._resumed_optimizer, self.hparams["optimizer"])

    def _keep_epoch(self, schedules: Sequence[Any]) -> None:
        """Let schedules go on at the epoch that is reached, where an epoch has other steps than before.

        They count steps: another batch, or `trainer.limit_train_batches`, would move each to another epoch.
        Where `trainer.max_steps` ends the training its length is in steps, and so is what lies behind it. The
        rate is that of the schedule as it is now, from the first step on.
        """
        for schedule in schedules:
            if not isinstance(schedule, LambdaLR):
                continue
            _, per_epoch, by_steps = self.length()
            due = schedule.last_epoch if by_steps else self.current_epoch * per_epoch
            if schedule.last_epoch != due:
                log.info(
                    "an epoch has %d steps now: the schedule goes on at step %d instead of %d",
                    per_epoch,
                    due,
                    schedule.last_epoch,
                )
            go_on_at(schedule, due)

    def on_train_epoch_start(self) -> None:
        """Let dropout depend on seed, epoch and rank alone, so that a resumed training draws the same."""
        entropy = (self.build_config["seed"], self.current_epoch, self.global_rank)
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)

    def on_validation_start(self) -> None:
        """Validate what a checkpoint would hold: the first process's running statistics."""
        self._share_buffers()

    def on_test_start(self) -> None:
        """Test the first process's running statistics."""
        self._share_buffers()

    def _share_buffers(self) -> None:
        """Copy the buffers of rank 0; they differ between processes unless batch norm is synchronised."""
        if self.trainer.world_size > 1:
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what inference needs; plain values only, so that loading never runs code."""
        checkpoint["dancepose"] = {**self.build_config, "test": self.test_settings()}

    def length(self) -> tuple[float, int, bool]:
        """Return the epochs of the training, the optimizer steps of one, and whether `max_steps` ends it.

        Raises:
            ConfigError: it has no length.
        """
        steps = self.trainer.estimated_stepping_batches
        if self.trainer.max_epochs == -1 and steps != float("inf"):
            self.trainer.fit_loop.setup_data()  # batches are counted, which Lightning leaves for later
        epochs = float(self.trainer.max_epochs or -1)
        batches = self.trainer.num_training_batches
        if steps == float("inf") or batches == float("inf"):
            raise ConfigError(
                "a schedule needs a training of known length: set trainer.max_epochs or max_steps"
            )
        per_epoch = max(1, int(-(-batches // self.trainer.accumulate_grad_batches)))
        by_steps = epochs <= 0 or steps < epochs * per_epoch
        return steps / per_epoch if by_steps else epochs, per_epoch, by_steps

    def configure_optimizers(self) -> Any:
        """Make the optimizer, and a schedule that moves with every optimizer step.

        Raises:
            ConfigError: the training has no length that the schedule could be laid over.
        """
        optimizer = instantiate(self.hparams["optimizer"], where="optimizer")(self.network.parameters())
        if not (self.hparams["scheduler"] or {}).get("_target_"):
            return optimizer
        epochs, per_epoch, _ = self.length()
        make = instantiate(self.hparams["scheduler"], where="scheduler")
        stages = self.stages(epochs)
        if len(stages) > 1:
            schedule = in_stages(make, optimizer, stages, per_epoch)
        else:
            schedule = make(optimizer, epochs=epochs, steps_per_epoch=per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
