"""Best and last checkpoint of a run."""

from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint


class RunCheckpoint(ModelCheckpoint):
    """`checkpoints/best.ckpt` by a validation metric and `checkpoints/last.ckpt` after every epoch.

    Without a validation part only `last.ckpt` is written.

    Args:
        dirpath: the run's `checkpoints` folder, given by the entry point.
        monitor: name of the metric that decides.
        mode: `max` or `min`.
    """

    def __init__(self, dirpath: str | Path, monitor: str = "val/mAP", mode: str = "max"):
        super().__init__(
            dirpath=dirpath,
            filename="best",
            monitor=monitor,
            mode=mode,
            save_last=True,
            save_top_k=1,
            enable_version_counter=False,
            auto_insert_metric_name=False,
        )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop asking for a metric that will never come: a run without validation keeps its last epoch."""
        datamodule: Any = getattr(trainer, "datamodule", None)
        if stage == "fit" and datamodule is not None and not datamodule.frames("val"):
            self.monitor, self.save_top_k = None, 0
        super().setup(trainer, pl_module, stage)
