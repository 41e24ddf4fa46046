"""Best and last checkpoint of a run, written whole or not at all."""

import logging
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from dancepose.callbacks.csv_log import CSVLog
from dancepose.errors import DanceposeError
from dancepose.files import replacing
from dancepose.metrics.direction import mode_of

log = logging.getLogger(__name__)

METRICS = "epoch_metrics"  # key of a checkpoint
LOGGED = "epoch_logged"


class RunCheckpoint(ModelCheckpoint):
    """A checkpoint in a run's folder, whose state holds wherever the folder lies now."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take score and paths back; Lightning forgets the best score of a run that was moved or copied."""
        assert self.dirpath is not None
        folder = Path(self.dirpath)

        def here(path: str) -> str:
            return str(folder / Path(path).name) if path else path

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        moved: dict[str, Any] = {name: here(state_dict[name]) for name in paths if name in state_dict}
        moved["best_k_models"] = {here(path): v for path, v in state_dict.get("best_k_models", {}).items()}
        super().load_state_dict({**state_dict, **moved, "dirpath": self.dirpath})
        self.current_score = state_dict.get("current_score")  # Lightning leaves it out


class BestCheckpoint(RunCheckpoint):
    """`checkpoints/best.ckpt`, by a metric of validation or training; never in a run without validation.

    Args:
        dirpath: the run's `checkpoints` folder, given by the entry point.
        monitor: name of the metric that decides.
        mode: `max` or `min`; None: as the metric is better.
    """

    def __init__(self, dirpath: str | Path, monitor: str = "val/mAP", mode: str | None = None):
        super().__init__(
            dirpath,
            "best",
            monitor=monitor,
            mode=mode or mode_of(monitor),
            enable_version_counter=False,
            save_on_train_epoch_end=monitor.startswith("train/"),  # known only after the validation
        )
        self._warned = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop asking for a metric that will never come."""
        datamodule: Any = getattr(trainer, "datamodule", None)
        if stage == "fit" and datamodule is not None and not datamodule.frames("val"):
            self.monitor, self.save_top_k = None, 0
        super().setup(trainer, pl_module, stage)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if a metric of the training is better."""
        if not getattr(pl_module, "in_parts", False):
            super().on_train_epoch_end(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if the metric is better; a validation that gives none (no scored joint) is no improvement."""
        if getattr(pl_module, "in_parts", False):  # a network that is not whole yet is never the best
            return
        if self._save_on_train_epoch_end:
            return
        if self.monitor is None or self.monitor in trainer.callback_metrics:
            super().on_validation_end(trainer, pl_module)
        elif not self._warned and not trainer.sanity_checking:
            self._warned = True
            log.warning("the validation gives no %s: it does not decide on best.ckpt", self.monitor)


class LastCheckpoint(RunCheckpoint):
    """`checkpoints/last.ckpt` after every epoch and its validation: what a resumed run goes on from.

    Lightning's `save_last` only copies what another rule saved: where the metric does not improve, the last
    epoch would be missing.

    With it come the metrics of the epoch: a run that is killed between its last epoch and its end has them
    nowhere else. What Lightning hands to the loggers right after the checkpoint comes along too, and a run
    that is killed before it is written adds it to metrics.csv when it goes on.

    Args:
        dirpath: the run's `checkpoints` folder, given by the entry point.

    Attributes:
        metrics: of the epoch from which a run was resumed; empty in a new one.
    """

    def __init__(self, dirpath: str | Path):
        super().__init__(dirpath, "last", enable_version_counter=False, save_on_train_epoch_end=True)
        self.metrics: dict[str, float] = {}
        self._logged: dict[str, float] = {}
        self._restored: dict[str, float] = {}  # the same of a run that goes on, until metrics.csv has it

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save, with what is about to be logged."""
        means = trainer._logger_connector.metrics["log"]
        self._logged = {name: float(value) for name, value in means.items()}
        self._logged["epoch"] = float(trainer.current_epoch)
        super().on_train_epoch_end(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the metrics."""
        checkpoint[METRICS] = {name: float(value) for name, value in trainer.callback_metrics.items()}
        checkpoint[LOGGED] = self._logged

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take the metrics back; a checkpoint of an older version has none."""
        self.metrics = dict(checkpoint.get(METRICS, {}))
        self._logged = dict(checkpoint.get(LOGGED, {}))
        self._restored = self._logged

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Complete the row of the epoch from which a run goes on."""
        self._complete(trainer)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same where no epoch is left, so that no training has started."""
        self._complete(trainer)

    def _complete(self, trainer: Trainer) -> None:
        restored, self._restored = self._restored, {}
        for logger in trainer.loggers:
            if restored and isinstance(logger, CSVLog):
                logger.complete(restored, trainer.global_step - 1)


class WholeFileIO(TorchCheckpointIO):
    """Writes a checkpoint under a temporary name, then moves it into place: a kill leaves no half."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            DanceposeError: the disk is full; the checkpoint that was there is untouched.
        """
        try:
            with replacing(Path(path)) as file:
                torch.save(checkpoint, file)
        except RuntimeError as error:  # torch's words for a write that failed
            if not any(word in str(error) for word in ("inline_container", "PytorchStreamWriter")):
                raise
            raise DanceposeError(
                f"{path} cannot be written: the disk is full or failing. What was there before is untouched"
            ) from error
