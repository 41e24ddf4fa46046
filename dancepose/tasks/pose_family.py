"""`PoseFamily`: what is particular to a training of poses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from dancepose.build import build_codec, model_config
from dancepose.inference.geometry import describe_geometry
from dancepose.metrics.oks import STATISTICS
from dancepose.skeleton import COLUMNS, Skeleton
from dancepose.tasks.family import Family
from dancepose.tasks.outcome import judge_overfit
from dancepose.tasks.pose import PoseTask
from dancepose.tasks.report import tell_report, write_report
from dancepose.tasks.run_directory import RunDirectory


class PoseFamily(Family):
    """People in pictures: a network, a codec, MPII mAP."""

    name = "pose"
    instead = (
        "give data=dance, coco, mix, action_poses or dance_synthetic; or a model for motions, model=motion"
    )

    def metric_names(self, config: Mapping[str, Any]) -> list[str]:
        """Return mAP, the columns, PCK, swaps and the OKS statistics."""
        skeleton = Skeleton.from_dict(config["skeleton"])
        names = ("mAP", *COLUMNS, *skeleton.columns, "PCK@0.2", "PCKh@0.5", "swaps")
        return [*(f"val/{name}" for name in names), *(f"val/OKS_{name}" for name in STATISTICS)]

    def data_arguments(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return skeleton and codec."""
        skeleton = Skeleton.from_dict(config["skeleton"])
        return {"skeleton": skeleton, "codec": build_codec(model_config(config["model"]), skeleton)}

    def make_task(self, build: dict[str, Any], config: Mapping[str, Any], datamodule: Any) -> PoseTask:
        """Make the task."""
        return PoseTask(
            build,
            optimizer=config["optimizer"],
            scheduler=config.get("scheduler"),
            inference=config["inference"],
            compile=config["compile"],
            channels_last=config["channels_last"],
        )

    def warnings(self, datamodule: Any) -> list[str]:
        """Name keypoints that cannot be learnt."""
        unlabelled = datamodule.data.unlabelled("train")
        return [f"no training picture labels {', '.join(unlabelled)}: not learnt"] if unlabelled else []

    def report(
        self,
        config: Mapping[str, Any],
        trainer: Trainer,
        task: Any,
        datamodule: Any,
        run: RunDirectory,
        about: dict[str, Any],
    ) -> None:
        """Write the table of the test part, its curves, predictions and frames."""
        predictions = task.evaluation.gather_predictions()
        if trainer.is_global_zero:
            about = {**about, **config["inference"], "geometry": describe_geometry(datamodule.geometry)}
            frames = datamodule.frames("test")
            notes = datamodule.figure_notes("test")
            result, skeleton = task.result, task.skeleton
            write_report(run.path, "test", result, predictions, frames, skeleton, about, notes=notes)

    def tell_report(self, folder: Path) -> None:
        """Print the table again."""
        tell_report(folder, "test")

    def judge_overfit(self, values: Mapping[str, float | None], run: RunDirectory) -> str:
        """Say what the mAP of the training pictures means."""
        return judge_overfit(values, run)
