"""`MotionFamily`: what is particular to a training of motions."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from lightning.pytorch import Trainer

from dancepose.build import motion_config, motion_encoder
from dancepose.callbacks.motion_pictures import show_picture
from dancepose.errors import ConfigError
from dancepose.networks.motion_1d import LEAST as LEAST_FRAMES
from dancepose.skeleton import Skeleton
from dancepose.tasks.family import Family
from dancepose.tasks.feature_table import feature_table
from dancepose.tasks.motion import MotionTask
from dancepose.tasks.motion_prediction import crop_of, describe_network, said
from dancepose.tasks.motion_report import tell_motion_report, write_motion_report
from dancepose.tasks.preparation import has_one_device
from dancepose.tasks.run_directory import RunDirectory

METRICS = ("accuracy", "macro_F1", "mean_class_accuracy", "ECE", "loss")


class MotionFamily(Family):
    """People and what they do: a network, an encoder, accuracy."""

    name = "motion"
    instead = (
        "give data=action, action_synthetic, action_folder, action_labelme, action_mix, skeletons or pyskl "
        "(experiment=motion_paper sets all that belongs to it); or a model for poses, model=pose_improved"
    )

    def metric_names(self, config: Mapping[str, Any]) -> list[str]:
        """Return accuracy, macro-F1, calibration error and loss."""
        return [f"val/{name}" for name in METRICS]

    def data_arguments(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return skeleton, encoder, and whether pictures are looked at."""
        model, skeleton = motion_config(config["model"]), Skeleton.from_dict(config["skeleton"])
        encoder = motion_encoder(model, skeleton)
        return {"skeleton": skeleton, "encoder": encoder, "images": model.images}

    def make_task(self, build: dict[str, Any], config: Mapping[str, Any], datamodule: Any) -> MotionTask:
        """Make the task, with the actions that the data tell apart.

        Raises:
            ConfigError: staged training on several devices with a strategy that expects all gradients.
        """
        if motion_config(build["model"]).staged:
            self._check_stages(config["trainer"])
        return MotionTask(
            {**build, "classes": list(datamodule.actions)},
            optimizer=config["optimizer"],
            scheduler=config.get("scheduler"),
            compile=config["compile"],
            channels_last=config["channels_last"],
        )

    @staticmethod
    def _check_stages(trainer: Mapping[str, Any]) -> None:
        expects_all = "find_unused_parameters_true" not in str(trainer.get("strategy", "auto"))
        if expects_all and not has_one_device(trainer):
            raise ConfigError(
                "model.fusion_training=staged leaves parameters without gradients, which "
                f"trainer.strategy={trainer.get('strategy', 'auto')} does not expect: give "
                "trainer.strategy=ddp_find_unused_parameters_true"
            )

    def warnings(self, datamodule: Any) -> list[str]:
        """Say how many training samples have no keypoints, and how many windows are mostly filled up."""
        samples, told = datamodule.samples("train"), []
        blind = [sample for sample in samples if sample.is_blind]
        if blind and datamodule.encoder.inputs:
            if datamodule.pose_run:
                why = f"the network of data.pose_run={datamodule.pose_run} found nobody in their pictures"
            elif all(sample.has_pictures for sample in blind):
                why = "data.pose_run=<run directory> has a pose network find them"
            else:
                why = "the data give none, and no pictures in which a pose network could find them"
            told.append(
                f"{len(blind)} of {len(samples)} training samples have no keypoints: their features are "
                f"empty ({why})"
            )
        short = [s.pictures for s in samples if 2 * s.pictures < len(s.steps)]
        if short:
            fitting = max(LEAST_FRAMES, int(median(short)))
            told.append(
                f"{len(short)} of {len(samples)} training windows are of clips shorter than half of "
                f"model.frames={datamodule.encoder.frames}, and repeat their last picture for the rest: give "
                f"longer clips, or model.frames={fitting}"
            )
        return told

    def report(
        self,
        config: Mapping[str, Any],
        trainer: Trainer,
        task: Any,
        datamodule: Any,
        run: RunDirectory,
        about: dict[str, Any],
    ) -> None:
        """Write the table of the test part, what was said of each sample, and pictures."""
        index, probabilities = task.evaluation.gather_probabilities()
        if trainer.is_global_zero:
            samples = datamodule.samples("test")
            write_motion_report(
                run.path,
                "test",
                task.result["scores"],
                said(samples, task.classes, index, probabilities),
                about | describe_network(config["model"], task.result, datamodule.people.taken_away("test")),
                crop=crop_of(datamodule.dataset("test"), index, task.skeleton),
                people=[samples[i].middle[1] for i in index],
                skeleton=task.skeleton,
                features=feature_table(task.encoder, [samples[i] for i in index], task.classes),
            )
            for name in ("samples", "mistakes"):
                show_picture(trainer, f"test/{name}", run.pictures / f"test_{name}.jpg")

    def tell_report(self, folder: Path) -> None:
        """Print the table again."""
        tell_motion_report(folder, "test")
