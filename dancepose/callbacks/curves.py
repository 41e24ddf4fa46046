"""Precision-recall curves and bars for each report column, in the run directory and in the loggers."""

from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger

from dancepose.callbacks.rhythm import Rhythm
from dancepose.inference.charts import bar_values, draw_curves
from dancepose.inference.drawing import write_image
from dancepose.inference.failures import picture_failure_told
from dancepose.metrics.curves import RECALLS
from dancepose.metrics.table import ResultRow, column_curves
from dancepose.skeleton import Skeleton


class Curves(Rhythm):
    """Show where each report column loses its AP, at validations and at the test.

    W&B gets charts, whose tables hold the numbers: `<part>/curves` and `<part>/bars_mAP`, and where there are
    single-person pictures `<part>/bars_PCK@0.2` and `<part>/bars_PCKh@0.5`. TensorBoard gets the picture,
    and `pictures/val_curves.png` is that of the last validation shown. The test's files are `write_report`'s.

    Args:
        dirpath: the run's `pictures` folder, given by the entry point.
        every: validations between two that are shown.
    """

    def __init__(self, dirpath: str | Path, every: int = 1):
        super().__init__(every)
        self.dirpath = Path(dirpath)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and log those of a validation."""
        if trainer.sanity_checking:
            return
        due = self.due
        self.tick(trainer)
        if due and trainer.is_global_zero:  # every process has the gathered result: nothing is waited for
            image = None
            path = self.dirpath / "val_curves.png"
            with picture_failure_told(str(path)):
                image = self._picture(pl_module, f"validation after epoch {trainer.current_epoch}")
                write_image(path, image)
            self._log("val", trainer, pl_module, image)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log those of the test."""
        if trainer.is_global_zero:
            self._log("test", trainer, pl_module)

    def _picture(self, module: Any, title: str) -> Any:
        return draw_curves(module.result["rows"], module.skeleton, title)

    def _log(self, part: str, trainer: Trainer, module: Any, image: Any = None) -> None:
        step = trainer.global_step
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                if charts := wandb_charts(part, module.result["rows"], module.skeleton):
                    logger.log_metrics(charts, step)
            elif isinstance(logger, TensorBoardLogger):
                with picture_failure_told(f"{part}/curves"):
                    image = self._picture(module, f"{part} part") if image is None else image
                    logger.experiment.add_image(f"{part}/curves", image, step, dataformats="HWC")


def wandb_charts(part: str, rows: dict[str, ResultRow], skeleton: Skeleton) -> dict[str, Any]:
    """Return the charts of a part for W&B: name -> chart; what has no value is left out.

    Lines and bars carry the columns' bare names, by which W&B knows them again in other validations and runs.

    Args:
        part: val or test.
        rows: of `PoseEvaluation.compute`.
        skeleton: the rows'.
    """
    import wandb

    charts: dict[str, Any] = {}
    curves = {name: c.tolist() for name, c in column_curves(rows["mAP"], skeleton).items() if c is not None}
    if curves:
        title = f"{part}: precision over recall, mean over each column's joints"
        lines = list(curves.values())
        charts[f"{part}/curves"] = wandb.plot.line_series(
            RECALLS.tolist(), lines, list(curves), title, xname="recall"
        )
    for label, bars in bar_values(rows, skeleton).items():
        data = [[column, value] for column, value in bars.items() if value is not None]
        if data:
            table = wandb.Table(columns=["column", "percent"], data=data)
            title = f"{part}: {rows[label].metric} of each column, percent"
            charts[f"{part}/bars_{label}"] = wandb.plot.bar(table, "column", "percent", title)
    return charts
