"""`dancepose-predict`: people in pictures, a video or a camera, and what they do."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from omegaconf import DictConfig

    from dancepose.inference.pipeline import Pipeline


def predict(cfg: DictConfig) -> None:
    """Find the people in `source=` with the network of `pose=`, and with `motion=` tell what each does.

    Args:
        cfg: what conf/predict.yaml composes to, its keys checked.

    Raises:
        ConfigError: a value is impossible, or the two networks do not go together.
        CheckpointError: a run directory or file is missing, truncated, foreign or does not fit.
        DataError: there is nothing under `source=`; or, when all else is done, pictures are broken.
        DanceposeError: out of memory; says what to lower.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.inference.sources import find_pictures, is_pictures
    from dancepose.tasks.memory import memory_told
    from dancepose.tasks.prediction import predict_pictures
    from dancepose.tasks.prediction_keys import check_keys
    from dancepose.tasks.prediction_outputs import Outputs

    folder = Path(HydraConfig.get().runtime.output_dir)
    if not is_pictures(cfg.source):
        predict_video(cfg, folder)
        return
    check_keys(cfg, video=False)
    items = find_pictures(cfg.source)  # before a network is loaded for nothing
    outputs = Outputs(**{field.name: cfg[field.name] for field in fields(Outputs)})
    pipeline = load(cfg)
    with memory_told(advise(cfg, pipeline)):
        predict_pictures(pipeline, items, folder, outputs, cfg.timing)


def load(cfg: DictConfig) -> Pipeline:
    """Load the networks that a configuration names."""
    from dancepose.inference.pipeline import Pipeline

    return Pipeline.from_run(
        cfg.pose,
        cfg.motion,
        which=cfg.which,
        device=cfg.device,
        precision=cfg.precision,
        flip=cfg.flip,
        scales=None if cfg.scales is None else list(cfg.scales),
        size=cfg.size,
        batch_size=cfg.batch_size,
        tile=cfg.tile,
        min_score=cfg.min_score,
        min_size=cfg.min_size,
    )


def advise(cfg: DictConfig, pipeline: Pipeline) -> Callable[[str, BaseException], str]:
    """Return what says which values to lower where the memory is full."""
    from dancepose.tasks.memory import advise_prediction

    pose = pipeline.pose  # a file of ONNX has one scale, and runs on the CPU
    precision = cfg.precision or (None if getattr(pose, "dtype", None) else "32-true")
    flip, scales = getattr(pose, "flip", False), getattr(pose, "scales", (1.0,))
    return advise_prediction(pipeline.batch_size, pose.geometry.size, scales, flip, precision)


def predict_video(cfg: DictConfig, folder: Path) -> None:
    """Predict a video or a camera."""
    from dancepose.inference.sources import camera_index
    from dancepose.inference.video import open_video
    from dancepose.inference.video_pipeline import VideoOptions
    from dancepose.tasks.memory import memory_told
    from dancepose.tasks.prediction_keys import check_keys
    from dancepose.tasks.prediction_outputs import Outputs
    from dancepose.tasks.video_prediction import predict_frames

    check_keys(cfg, video=True)
    camera = camera_index(cfg.source)
    source = Path(str(cfg.source)).expanduser() if camera is None else camera
    keys = ("track", "track_gap", "smooth", "smooth_cutoff", "smooth_beta", "action_smooth")
    options = VideoOptions(**{key: cfg[key] for key in keys})
    outputs = Outputs(**{field.name: cfg[field.name] for field in fields(Outputs)})
    with open_video(source) as video:  # before a network is loaded for nothing
        pipeline = load(cfg)
        with memory_told(advise(cfg, pipeline)):
            predict_frames(pipeline, video, folder, outputs, options, cfg.timing)


def main() -> None:
    """Run `dancepose-predict`."""
    from dancepose.allocator import keep_freed_memory
    from dancepose.entry import run

    keep_freed_memory()
    run(predict, "predict")


if __name__ == "__main__":
    main()
