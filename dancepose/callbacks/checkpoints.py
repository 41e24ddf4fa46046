"""Best and last checkpoint of a run, written whole or not at all."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from dancepose.files import replacing


class BestCheckpoint(ModelCheckpoint):
    """`checkpoints/best.ckpt`, by a validation metric; never written in a run without a validation part.

    Args:
        dirpath: the run's `checkpoints` folder, given by the entry point.
        monitor: name of the metric that decides.
        mode: `max` or `min`.
    """

    def __init__(self, dirpath: str | Path, monitor: str = "val/mAP", mode: str = "max"):
        super().__init__(
            dirpath,
            "best",
            monitor=monitor,
            mode=mode,
            enable_version_counter=False,
            save_on_train_epoch_end=False,
        )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop asking for a metric that will never come."""
        datamodule: Any = getattr(trainer, "datamodule", None)
        if stage == "fit" and datamodule is not None and not datamodule.frames("val"):
            self.monitor, self.save_top_k = None, 0
        super().setup(trainer, pl_module, stage)


class LastCheckpoint(ModelCheckpoint):
    """`checkpoints/last.ckpt` after every epoch and its validation: what a resumed run goes on from.

    Lightning's `save_last` only copies what another rule saved: where the metric does not improve, the last
    epoch would be missing.

    Args:
        dirpath: the run's `checkpoints` folder, given by the entry point.
    """

    def __init__(self, dirpath: str | Path):
        super().__init__(dirpath, "last", enable_version_counter=False, save_on_train_epoch_end=True)


class WholeFileIO(TorchCheckpointIO):
    """Writes a checkpoint under a temporary name, then moves it into place: a kill leaves no half."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            DanceposeError: the disk is full; the checkpoint that was there is untouched.
        """
        with replacing(Path(path)) as file:
            torch.save(checkpoint, file)
