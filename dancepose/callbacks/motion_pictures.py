"""Pictures of a motion run: confusion and reliability at validations, curves of the training at its end."""

from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from lightning.pytorch.trainer.states import TrainerFn

from dancepose.callbacks.rhythm import Rhythm
from dancepose.data.images import read_image
from dancepose.inference.action_charts import draw_confusion, draw_history, draw_reliability
from dancepose.inference.drawing import write_image
from dancepose.inference.failures import picture_failure_told
from dancepose.metrics.action_result import ActionResult

DRAWN = {"confusion": draw_confusion, "reliability": draw_reliability}
# what is followed over the epochs: figure -> part -> logged names, of which the first that is there counts;
# `_epoch` is what Lightning calls the mean of what is logged in each step too
FOLLOWED = {
    "loss": {"training": ("train/loss_epoch", "train/loss"), "validation": ("val/loss",)},
    "accuracy": {"training": ("train/accuracy_epoch", "train/accuracy"), "validation": ("val/accuracy",)},
}
SHOWING = (TensorBoardLogger, WandbLogger)  # the loggers that take pictures
Points = list[tuple[float, float]]  # epochs that were done, value


class MotionPictures(Rhythm):
    """Show which actions are taken for which, how sure the classifier is, and how the training went.

    `pictures/val_confusion.png` and `pictures/val_reliability.png` are those of the last validation shown;
    the test's files are `write_motion_report`'s. TensorBoard gets each picture; W&B gets the matrix and the
    classes' accuracies as charts with their numbers, and the reliability as a picture.
    `pictures/curves.png`, drawn at the end of the training, holds loss and accuracy over the epochs: of
    train/loss_epoch (or train/loss), train/accuracy_epoch (or train/accuracy), val/loss and val/accuracy.
    While a module trains its network in parts (`NetworkTask.in_parts`) their names begin with `branches_`,
    and the curves are broken where the whole network begins. The points are in the checkpoint, so that the
    curves of a resumed training are whole.

    The module's `result["scores"]` must be the `ActionResult` of a validation when it ends, and what it logs
    of the training must come from `training_step`: what comes at the end of an epoch comes after the
    callbacks.

    Args:
        dirpath: the run's `pictures` folder, given by the entry point.
        every: validations between two that are shown; the curves hold them all.
    """

    def __init__(self, dirpath: str | Path, every: int = 1):
        super().__init__(every)
        self.dirpath = Path(dirpath)
        self._points: dict[str, dict[str, Points]] = _nothing()
        self._in_parts: dict[str, dict[str, Points]] = _nothing()  # of what was measured before the whole

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the figures of a validation; write and log its pictures if they are due."""
        if trainer.sanity_checking:
            return
        if trainer.state.fn == TrainerFn.FITTING:  # one for itself is no point of a training
            self._note(trainer, pl_module, "validation")
        due = self.due
        self.tick(trainer)
        if "scores" not in getattr(pl_module, "result", {}):
            return  # only what is held out for the sampler was looked at
        if due and trainer.is_global_zero:  # every process has the gathered result: nothing is waited for
            result = _scores(pl_module)
            mean = ", mean of the branches" if _in_parts(pl_module) else ""
            images = self._draw(result, f"validation after epoch {trainer.current_epoch + 1}{mean}")
            for name, image in images.items():
                path = self.dirpath / f"val_{name}.png"
                with picture_failure_told(str(path)):
                    write_image(path, image)
            self._log("val", trainer, result, images)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the figures of an epoch."""
        self._note(trainer, pl_module, "training")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the curves."""
        curves = {
            figure: {part: _broken(self._in_parts[figure][part], points) for part, points in parts.items()}
            for figure, parts in self._points.items()
        }
        if not trainer.is_global_zero or not any(p for parts in curves.values() for p in parts.values()):
            return
        path = self.dirpath / "curves.png"
        title = f"{trainer.current_epoch} epochs"
        if alone := [x for parts in self._in_parts.values() for points in parts.values() for x, _ in points]:
            title += f", the branches alone up to {max(alone):g}"
        with picture_failure_told(str(path)):
            image = draw_history(**curves, title=title)
            write_image(path, image)
            self._show(trainer, {"curves": image})

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log those of the test, whose files are the report's: without a logger for them none is drawn."""
        if trainer.is_global_zero and any(isinstance(logger, SHOWING) for logger in trainer.loggers):
            result = _scores(pl_module)
            self._log("test", trainer, result, self._draw(result, "test part"))

    def state_dict(self) -> dict[str, Any]:
        """Return count and points, in plain values."""
        return super().state_dict() | {"points": self._points, "in_parts": self._in_parts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take count and points back."""
        super().load_state_dict(state_dict)
        for key, kept in (("points", self._points), ("in_parts", self._in_parts)):
            for figure, parts in state_dict.get(key, {}).items():
                for part, points in parts.items():
                    kept[figure][part] = [(float(x), float(y)) for x, y in points]

    def _note(self, trainer: Trainer, module: Any, part: str) -> None:
        epochs = _epochs_done(trainer, part)
        noted, prefix = (self._in_parts, "branches_") if _in_parts(module) else (self._points, "")
        for figure, parts in FOLLOWED.items():
            names = [name.replace("/", f"/{prefix}") for name in parts[part]]
            name = next((name for name in names if name in trainer.callback_metrics), None)
            if name is not None:
                value = float(trainer.callback_metrics[name])
                if np.isfinite(value):
                    noted[figure][part].append((epochs, value))

    def _draw(self, result: ActionResult, title: str) -> dict[str, np.ndarray]:
        images = {}
        for name, draw in DRAWN.items():
            with picture_failure_told(f"{name}, {title}"):
                images[name] = draw(result, title)
        return images

    def _log(self, part: str, trainer: Trainer, result: ActionResult, images: dict[str, np.ndarray]) -> None:
        self._show(trainer, {f"{part}/{name}": image for name, image in images.items()}, charted=True)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger) and (charts := wandb_charts(part, result)):
                logger.log_metrics(charts, trainer.global_step)

    def _show(self, trainer: Trainer, images: dict[str, np.ndarray], charted: bool = False) -> None:
        """Give pictures to the loggers.

        Args:
            trainer: has them.
            images: name -> RGB.
            charted: the confusion matrix goes to W&B as a chart.
        """
        step = trainer.global_step
        for logger in trainer.loggers:
            for name, image in images.items():
                with picture_failure_told(name):
                    if isinstance(logger, TensorBoardLogger):
                        logger.experiment.add_image(name, image, step, dataformats="HWC")
                    elif isinstance(logger, WandbLogger) and not (charted and name.endswith("/confusion")):
                        logger.log_image(name, [image], step=step)


def _nothing() -> dict[str, dict[str, Points]]:
    return {figure: {part: [] for part in parts} for figure, parts in FOLLOWED.items()}


def _in_parts(module: Any) -> bool:
    return bool(getattr(module, "in_parts", False))


def _broken(first: Points, second: Points) -> Points:
    """Join two lines that are to be drawn apart."""
    return [*first, (first[-1][0], float("nan")), *second] if first and second else [*first, *second]


def _scores(module: Any) -> ActionResult:
    return module.result["scores"]


def _epochs_done(trainer: Trainer, part: str) -> float:
    """Return how many epochs of the training were done when something was measured; parts of one count."""
    batches = trainer.num_training_batches
    if part == "training" or not 0 < batches < float("inf"):
        return float(trainer.current_epoch + 1)
    return trainer.current_epoch + (trainer.fit_loop.batch_idx + 1) / batches


def wandb_charts(part: str, result: ActionResult) -> dict[str, Any]:
    """Return the charts of a part for W&B, whose tables hold the numbers; none without samples.

    Args:
        part: val or test.
        result: of that part.
    """
    import wandb

    if not result.samples:
        return {}
    cells = [
        [label, predicted, int(number)]
        for label, row in zip(result.classes, result.confusion, strict=True)
        for predicted, number in zip(result.classes, row, strict=True)
    ]
    matrix = wandb.Table(columns=["Actual", "Predicted", "nPredictions"], data=cells)
    fields = {name: name for name in ("Actual", "Predicted", "nPredictions")}
    shares = [[name, 100 * v] for name, v in result.class_accuracy.items() if v is not None]
    bars = wandb.Table(columns=["class", "percent"], data=shares)
    return {
        f"{part}/confusion": wandb.plot_table(
            "wandb/confusion_matrix/v1", matrix, fields, {"title": f"{part}: labels and predictions"}
        ),
        f"{part}/class_accuracy": wandb.plot.bar(
            bars, "class", "percent", f"{part}: accuracy of each class, percent"
        ),
    }


def show_picture(trainer: Trainer, name: str, path: Path) -> None:
    """Give a picture file, if it is there, to W&B and TensorBoard."""
    if not path.is_file():
        return
    for logger in trainer.loggers:
        with picture_failure_told(name):
            if isinstance(logger, WandbLogger):
                logger.log_image(name, [str(path)], step=trainer.global_step)
            elif isinstance(logger, TensorBoardLogger):
                image = read_image(path)
                logger.experiment.add_image(name, image, trainer.global_step, dataformats="HWC")
