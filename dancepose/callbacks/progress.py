"""Progress of a training: a live bar in a terminal, a line now and then where the output goes to a file."""

import logging
import time
from datetime import timedelta
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar
from rich.console import Console

log = logging.getLogger(__name__)


class Progress(RichProgressBar):
    """Show progress, rate and time left, of the epoch and of the whole training.

    In a terminal it is Lightning's rich bar of the epoch, with images/s and the time left of the training
    beside the loss. Elsewhere a bar would leave thousands of control characters in
    the log: there one line is written every `seconds`, one after each validation and one at the end of the
    last epoch.

    Args:
        seconds: least time between two lines.
        refresh_rate: batches between two updates of the bar; each reads the shown values back from the
            device.
    """

    def __init__(self, seconds: float = 10.0, refresh_rate: int = 10):
        super().__init__(refresh_rate=refresh_rate, leave=False)
        self.seconds = seconds
        self.interactive = Console().is_terminal
        self._begin = self._last = 0.0
        self._steps = self._told = 0  # so many batches are done; so many were when the last line was written
        self._images = 0

    @property
    def is_enabled(self) -> bool:
        """Whether the live bar is drawn."""
        return self.interactive and super().is_enabled

    def _update_metrics(
        self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        if trainer.is_last_batch or trainer.fit_loop.batch_idx % self.refresh_rate == 0:
            super()._update_metrics(trainer, pl_module, *args, **kwargs)

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Add the images/s and the time left of the whole training to what the bar shows."""
        shown = super().get_metrics(trainer, pl_module)
        if self._steps:
            rate, left = self._rate(trainer, time.perf_counter())
            shown |= {f"{_unit(pl_module)}/s": f"{rate:.1f}", "training left": str(left)}
        return shown

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clocks."""
        super().on_train_start(trainer, pl_module)
        self._begin = self._last = time.perf_counter()
        self._steps = self._told = self._images = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write a line if it is time."""
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        self._steps += 1
        self._images += len(batch["index"]) * trainer.world_size
        now = time.perf_counter()
        if not self.interactive and trainer.is_global_zero and now - self._last >= self.seconds:
            self._line(trainer, now)

    def _rate(self, trainer: Trainer, now: float) -> tuple[float, timedelta]:
        """Return images/s so far, and how long the rest of the training takes at this rate."""
        batches = trainer.num_training_batches
        done = trainer.current_epoch * batches + trainer.fit_loop.batch_idx + 1
        limits = []  # batches still to come
        if (trainer.max_epochs or 0) > 0:
            limits.append((trainer.max_epochs or 0) * batches - done)
        if trainer.max_steps > 0:
            limits.append((trainer.max_steps - trainer.global_step) * trainer.accumulate_grad_batches)
        left = max(0.0, float(min(limits, default=0)))
        elapsed = now - self._begin
        return self._images / elapsed, timedelta(seconds=round(left * elapsed / self._steps))

    def _line(self, trainer: Trainer, now: float) -> None:
        self._last, self._told = now, self._steps
        loss = trainer.callback_metrics.get("train/loss")
        rate, left = self._rate(trainer, now)
        log.info(
            "epoch %s  batch %d/%s  loss %s  %.1f %s/s  time left %s",
            _epoch(trainer),
            trainer.fit_loop.batch_idx + 1,
            trainer.num_training_batches,
            "-" if loss is None else f"{float(loss):.5f}",
            rate,
            _unit(trainer.lightning_module),
            left,
        )

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the rate of the training so far; close the last epoch with a line."""
        super().on_train_epoch_end(trainer, pl_module)
        now = time.perf_counter()
        pl_module.log("train/images_per_s", self._images / (now - self._begin), rank_zero_only=True)
        last = trainer.current_epoch + 1 == trainer.max_epochs
        if not self.interactive and trainer.is_global_zero and last and self._told != self._steps:
            self._line(trainer, now)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what the validation gave, where no bar shows it."""
        super().on_validation_end(trainer, pl_module)
        name = getattr(pl_module, "main_metric", "val/mAP")
        value = trainer.callback_metrics.get(name)
        if (
            not self.interactive
            and trainer.is_global_zero
            and value is not None
            and not trainer.sanity_checking
        ):
            log.info("epoch %s  %s %.4g", _epoch(trainer), name, float(value))


def _epoch(trainer: Trainer) -> str:
    """Return `3/20`, or `3` where steps end the training and not epochs."""
    whole = trainer.max_epochs or -1
    return f"{trainer.current_epoch + 1}" + (f"/{whole}" if whole > 0 else "")


def _unit(module: Any) -> str:
    """Return what is counted: a task may have a word of its own."""
    return str(getattr(module, "unit", "images"))
