"""Validation pictures and the mAP table, in the run directory and in Weights & Biases."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger

from dancepose.callbacks.rhythm import Rhythm
from dancepose.data.images import read_image
from dancepose.inference.drawing import contact_sheet, draw_comparison, write_image
from dancepose.inference.failures import picture_failure_told
from dancepose.inference.heat import draw_heatmaps


class Pictures(Rhythm):
    """Draw prediction beside truth, and the merged heatmaps, for the first frames of the validation part.

    `pictures/val.jpg` holds those of the last validation; W&B and TensorBoard keep them all.

    Args:
        dirpath: the run's `pictures` folder, given by the entry point.
        count: frames.
        every: validations between two drawings.
    """

    def __init__(self, dirpath: str | Path, count: int = 6, every: int = 1):
        super().__init__(every)
        self.dirpath, self.wanted = Path(dirpath), count
        self._pairs: list[np.ndarray] = []
        self._heat: list[np.ndarray] = []
        self._names: list[str] = []

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw what is still wanted of a batch; `outputs` are the merged heatmaps (B, K, h, w)."""
        wanted = self.wanted - len(self._names)
        shown = self.due and trainer.is_global_zero and not trainer.sanity_checking
        if wanted <= 0 or outputs is None or not shown:
            return
        module: Any = pl_module
        frames = batch["frame"]
        people = [found for _, found in module.evaluation.predictions[-len(frames) :]]
        for i, frame in enumerate(frames[:wanted]):
            with picture_failure_told(f"{frame.name}, for {self.dirpath / 'val.jpg'}"):
                image = read_image(frame.image)
                pair = draw_comparison(image, frame.people, people[i], module.skeleton, side=420)
                fed = batch["image"][i].permute(1, 2, 0).cpu().numpy()
                heat = draw_heatmaps(np.ascontiguousarray(fed), outputs[i].float().cpu().numpy())
                self._pairs.append(pair)
                self._heat.append(heat)
                self._names.append(frame.name)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and log what was drawn."""
        if self._names:
            with picture_failure_told(str(self.dirpath / "val.jpg")):
                sheet = contact_sheet(
                    [picture for pair in zip(self._pairs, self._heat, strict=True) for picture in pair],
                    [text for name in self._names for text in (f"{name}: truth | prediction", "heatmaps")],
                    columns=2,
                    tile=864,
                )
                write_image(self.dirpath / "val.jpg", sheet)
            for logger in trainer.loggers:
                self._log_pictures(logger, trainer.global_step)
        if self.due and trainer.is_global_zero and not trainer.sanity_checking:
            for logger in trainer.loggers:
                self._log_table(logger, trainer, pl_module)
        self.tick(trainer)
        self._pairs, self._heat, self._names = [], [], []

    def _log_pictures(self, logger: Any, step: int) -> None:
        if isinstance(logger, WandbLogger):
            logger.log_image("val/people", _of_one_size(self._pairs), step=step, caption=self._names)
            logger.log_image("val/heatmaps", _of_one_size(self._heat), step=step, caption=self._names)
        elif isinstance(logger, TensorBoardLogger):
            for name, pair, heat in zip(self._names, self._pairs, self._heat, strict=True):
                logger.experiment.add_image(f"people/{name}", pair, step, dataformats="HWC")
                logger.experiment.add_image(f"heatmaps/{name}", heat, step, dataformats="HWC")

    def _log_table(self, logger: Any, trainer: Trainer, pl_module: Any) -> None:
        if isinstance(logger, WandbLogger):
            row = pl_module.result["rows"]["mAP"]
            data = [[trainer.current_epoch, *row.columns.values()]]
            logger.log_table("val/table", ["epoch", *row.columns], data, step=trainer.global_step)


def _of_one_size(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Fill pictures up with white to the size of the largest: W&B shows those of one panel in one size."""
    height, width = np.max([picture.shape[:2] for picture in pictures], axis=0)
    return [
        np.pad(p, ((0, height - p.shape[0]), (0, width - p.shape[1]), (0, 0)), constant_values=255)
        for p in pictures
    ]
