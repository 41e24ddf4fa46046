"""Early stop by a validation metric."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from dancepose.metrics.direction import mode_of


class EarlyStop(EarlyStopping):
    """Stop when the metric has not improved for `patience` validations; `patience: null` never stops.

    Unlike Lightning's, it is no error when a run has no validation part. Nothing counts while only parts of
    the network are trained (`NetworkTask.in_parts`).

    Args:
        monitor: name of the metric.
        mode: `max` or `min`; None: as the metric is better.
        patience: validations without improvement.
        min_delta: what counts as one.
    """

    def __init__(
        self,
        monitor: str = "val/mAP",
        mode: str | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
    ):
        # a metric that is NaN or infinite would end the run even where the user asked for no early stop
        super().__init__(
            monitor=monitor,
            mode=mode or mode_of(monitor),
            patience=2**31 if patience is None else patience,
            min_delta=min_delta,
            strict=False,
            check_finite=patience is not None,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take score and count back; the patience is the one configured now."""
        super().load_state_dict({**state_dict, "patience": self.patience})

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look whether the metric has improved, of a network that is trained as a whole."""
        if not getattr(pl_module, "in_parts", False):
            super().on_validation_end(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same where no validation follows."""
        if not getattr(pl_module, "in_parts", False):
            super().on_train_epoch_end(trainer, pl_module)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let a run that had stopped, and was killed before its end, not go on."""
        super().on_train_start(trainer, pl_module)
        if self.wait_count >= self.patience:
            trainer.should_stop = True
