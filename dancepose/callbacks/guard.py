"""A clear end for a training whose loss is no longer a number."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from dancepose.errors import DanceposeError

LOOK_EVERY = 50  # steps: each look waits for the device


class NonFiniteGuard(Callback):
    """Stop with one message when the loss is NaN or infinite, before the epoch's checkpoint is overwritten.

    The flag stays on the device and is read every 50 steps and at the end of an epoch, not in every step.
    """

    def __init__(self) -> None:
        self._bad: torch.Tensor | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Remember a bad loss; look at the flag now and then."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        bad = ~torch.isfinite(loss.detach())
        self._bad = bad if self._bad is None else self._bad | bad
        if (batch_idx + 1) % LOOK_EVERY == 0 or trainer.is_last_batch:
            self._look(trainer)

    def _look(self, trainer: Trainer) -> None:
        bad, self._bad = self._bad, None
        if bad is not None and bool(bad):
            raise DanceposeError(
                f"the loss is not a finite number (epoch {trainer.current_epoch}, about step "
                f"{trainer.global_step}). Lower optimizer.lr, set trainer.gradient_clip_val=1.0, or "
                "train with trainer.precision=32-true; checkpoints/last.ckpt still holds the last good epoch."
            )
