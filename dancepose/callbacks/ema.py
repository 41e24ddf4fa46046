"""Exponential moving average of the weights.

Lightning's own callback reads a counter back from the device in every step, copies metrics along with the
network, and lets a test after training run on the raw weights; hence this one.
"""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from dancepose.errors import ConfigError

RAW = "raw_state_dict"
Pairs = tuple[list[Tensor], list[Tensor]]  # averages, and the network's own


class EMA(Callback):
    """Averaged weights for validation, checkpoints and export; training goes on with the raw ones.

    A checkpoint's `state_dict` holds the average, `raw_state_dict` what a resumed training needs.
    Floating-point buffers (batch-norm statistics) are averaged too, the others copied.

    Args:
        decay: share of the old average kept per optimizer step, in [0, 1); 0 switches averaging off.
        warmup: the decay of step t is min(decay, (1 + t) / (1 + warmup + t)).

    Raises:
        ConfigError: the decay is out of range.
    """

    def __init__(self, decay: float = 0.999, warmup: float = 10.0):
        if not 0 <= decay < 1:
            raise ConfigError(f"callbacks.ema.decay must lie in [0, 1), not {decay}")
        self.decay, self.warmup = decay, warmup
        self.updates = 0
        self._last_step = 0
        self._average: dict[str, Tensor] = {}
        self._averaged: Pairs = ([], [])  # floating-point tensors
        self._copied: Pairs = ([], [])  # the others
        self._swapped = False

    @property
    def active(self) -> bool:
        """Whether there is anything to average."""
        return self.decay > 0

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start from the network's own weights, on its device; a checkpoint's may have been loaded before."""
        state = pl_module.state_dict()
        if self._average:
            self._average = {name: tensor.to(state[name].device) for name, tensor in self._average.items()}
        elif self.active:
            self._average = {name: tensor.detach().clone() for name, tensor in state.items()}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the step from which training goes on; at the start of `fit` it is not restored yet.

        The pairs of average and current tensor are kept from here on: gathering them takes longer than the
        average itself, and nothing puts other tensors in their place while training goes on.
        """
        self._last_step = trainer.global_step
        self._averaged, self._copied = ([], []), ([], [])
        for name, tensor in pl_module.state_dict(keep_vars=True).items() if self._average else ():
            averages, currents = self._averaged if tensor.is_floating_point() else self._copied
            averages.append(self._average[name])
            currents.append(tensor)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Update the average after an optimizer step (not after every batch when gradients accumulate)."""
        if not self.active or trainer.global_step == self._last_step:
            return
        self._last_step = trainer.global_step
        decay = min(self.decay, (1 + self.updates) / (1 + self.warmup + self.updates))
        self.updates += 1
        with torch.no_grad():
            torch._foreach_lerp_(*self._averaged, 1 - decay)
            if self._copied[0]:
                torch._foreach_copy_(*self._copied)

    def _swap(self, pl_module: LightningModule) -> None:
        with torch.no_grad():
            for name, tensor in pl_module.state_dict().items():
                kept = tensor.clone()
                tensor.copy_(self._average[name])
                self._average[name].copy_(kept)
        self._swapped = not self._swapped

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the averaged weights."""
        if self._average:
            self._swap(pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on training with the raw weights."""
        if self._swapped:
            self._swap(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Put the raw weights back if validation broke off."""
        if self._swapped:
            self._swap(pl_module)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the averaged weights in the module: what a test or an export after training shall see."""
        if self._average:
            pl_module.load_state_dict(self._average)
            self._average, self._averaged, self._copied = {}, ([], []), ([], [])

    def state_dict(self) -> dict[str, Any]:
        """Return the count of updates, on which the decay depends."""
        return {"updates": self.updates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the count of updates back."""
        self.updates = state_dict["updates"]

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the average in `state_dict` and the raw weights beside it, whichever the module holds now."""
        if self._average:
            module, other = checkpoint["state_dict"], dict(self._average)
            checkpoint["state_dict"], checkpoint[RAW] = (module, other) if self._swapped else (other, module)

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Resume: the module goes on with the raw weights, the average with itself."""
        if RAW in checkpoint:
            pl_module.load_state_dict(checkpoint[RAW])
            if self.active:
                self._average = {name: t.detach().clone() for name, t in checkpoint["state_dict"].items()}
