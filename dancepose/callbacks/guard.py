"""A clear end for a training whose loss or weights are no longer numbers."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from dancepose.callbacks.checkpoints import LastCheckpoint
from dancepose.errors import DanceposeError

LOOK_EVERY = 50  # steps: each look waits for the device


class NonFiniteGuard(Callback):
    """Stop with one message when loss or weights are NaN or infinite, before a checkpoint is overwritten.

    The flag stays on the device and is read every 50 steps, before a validation and at the end of an epoch,
    not in every step; the last two look at the weights too.
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
        if (batch_idx + 1) % LOOK_EVERY == 0 and bool(self._bad):
            self._stop(trainer, "the loss is not a finite number")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look before best.ckpt may be written."""
        self._look(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look before last.ckpt is written, where no validation came after the last step."""
        self._look(trainer, pl_module)

    def _look(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the flag and the norms of weights and statistics back, once since the last step."""
        bad, self._bad = self._bad, None
        if bad is None:
            return
        floats = [tensor for tensor in pl_module.state_dict().values() if tensor.is_floating_point()]
        norms = torch.stack(torch._foreach_norm(floats))
        bad_loss, bad_weights = torch.stack([bad, ~torch.isfinite(norms).all()]).tolist()
        if bad_loss or bad_weights:
            self._stop(trainer, f"the {'loss is' if bad_loss else 'weights are'} not a finite number")

    def _stop(self, trainer: Trainer, what: str) -> None:
        kept = ""
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, LastCheckpoint) and Path(callback.dirpath or "", "last.ckpt").is_file():
                kept = f" checkpoints/last.ckpt holds epoch {trainer.current_epoch}."
        raise DanceposeError(
            f"{what} (epoch {trainer.current_epoch + 1}, about step {trainer.global_step}). Lower "
            "optimizer.lr, set trainer.gradient_clip_val=1.0, or train with trainer.precision=32-true."
            f"{kept}"
        )
