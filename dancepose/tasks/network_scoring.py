"""The test of a checkpoint: its network runs over a part of its data."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from dancepose.data.describing import describe
from dancepose.inference.actions import predict
from dancepose.inference.devices import PRECISIONS
from dancepose.inference.geometry import describe_geometry
from dancepose.inference.pose import PosePredictor
from dancepose.progress import track
from dancepose.tasks.evaluation import PoseEvaluation
from dancepose.tasks.feature_table import feature_table
from dancepose.tasks.memory import advise_evaluation, memory_told
from dancepose.tasks.motion_evaluation import MotionEvaluation
from dancepose.tasks.motion_prediction import crop_of, describe_network, said
from dancepose.tasks.motion_report import write_motion_report
from dancepose.tasks.report import write_report
from dancepose.tasks.scoring import Checkpoint

log = logging.getLogger(__name__)


def score_motions(
    cfg: DictConfig, found: Checkpoint, datamodule: Any, device: str, precision: str, folder: Path
) -> tuple[dict[str, Any], dict[str, float]]:
    """Run a motion network over a part of its data, and write the report.

    Args:
        cfg: what conf/evaluate.yaml composes to.
        found: the checkpoint, opened.
        datamodule: its data.
        device: where the network runs.
        precision: one of `PRECISIONS`.
        folder: where the report goes.

    Returns:
        What the keys of conf/evaluate.yaml came to by which it was tested, and the figures.
    """
    model: Any = found.model
    samples, network = datamodule.samples(cfg.part), model.network.to(device).eval()
    evaluation = MotionEvaluation(model.classes, network.rejects).to(device)
    loader = datamodule.evaluation_dataloader(cfg.part)
    advice = advise_evaluation(datamodule.test_batch_size, datamodule.workers, precision, [1.0])
    with memory_told(advice), torch.inference_mode():
        for batch in track(((len(b["label"]), b) for b in loader), len(samples), "samples"):
            evaluation.step(*predict(network, batch, device, PRECISIONS[precision]))
    about = {"source": found.source, "data": describe(found.data), "split": datamodule.split_hash}
    about |= {"precision": precision, "batch_size": datamodule.evaluation_batch}
    index, probabilities = evaluation.gather_probabilities()
    result = evaluation.compute()
    about |= describe_network(model.config["model"], result, datamodule.people.taken_away(cfg.part))
    write_motion_report(
        folder,
        cfg.part,
        result["scores"],
        said(samples, model.classes, index, probabilities),
        about,
        crop=crop_of(datamodule.dataset(cfg.part, augmented=False), index, model.skeleton),
        people=[samples[i].middle[1] for i in index],
        skeleton=model.skeleton,
        features=feature_table(model.encoder, [samples[i] for i in index], model.classes),
        pictures=cfg.pictures,
    )
    return {"which": Path(found.source).stem, "precision": precision}, result["scalars"]


def score_poses(
    cfg: DictConfig, found: Checkpoint, datamodule: Any, device: str, precision: str, folder: Path
) -> tuple[dict[str, Any], dict[str, float]]:
    """Run a pose network over a part of its data, and write the report; arguments as of `score_motions`."""
    model: Any = found.model
    tested, frames = found.tested, datamodule.frames(cfg.part)
    flip = bool(tested.get("flip", False) if cfg.flip is None else cfg.flip)
    scales = list(tested.get("scales", [1.0]) if cfg.scales is None else cfg.scales)
    predictor = PosePredictor(
        model,
        getattr(datamodule, "geometry", None),
        flip=flip,
        scales=scales,
        device=device,
        dtype=PRECISIONS[precision],
        channels_last=tested.get("channels_last", True),
    )
    geometry = describe_geometry(getattr(datamodule, "geometry", None))
    log.info("%s", _settings(geometry, flip, scales, precision, datamodule.evaluation_batch))
    evaluation = PoseEvaluation(model.skeleton, protocol=cfg.protocol)
    loader = datamodule.evaluation_dataloader(cfg.part)
    held = datamodule.test_batch_size
    advice = advise_evaluation(held, datamodule.workers, precision, scales)
    with memory_told(advice), torch.inference_mode():
        for batch in track(((len(b["frame"]), b) for b in loader), len(frames), "images"):
            evaluation.step(predictor, batch)
    about = {"source": found.source, "data": describe(found.data), "split": datamodule.split_hash}
    about |= {"flip": flip, "scales": scales, "precision": precision, "geometry": geometry}
    about["batch_size"] = datamodule.evaluation_batch
    result, people = evaluation.compute(), evaluation.gather_predictions()
    outputs = {"pictures": cfg.pictures, "coco": cfg.coco, "mat": cfg.mat}
    outputs["notes"] = datamodule.figure_notes(cfg.part)
    write_report(folder, cfg.part, result, people, frames, model.skeleton, about, **outputs)
    settings = {"which": Path(found.source).stem, "flip": flip, "scales": scales, "precision": precision}
    return settings | {"protocol": cfg.protocol}, result["scalars"]


def _settings(
    geometry: Mapping[str, Any], flip: bool, scales: list[float], precision: str, batch: int
) -> str:
    """Say in a line how a network is tested; by the batch's size the rounding of sums may differ."""
    words = []
    if geometry:
        side, multiple = geometry["resize"], geometry["pad_multiple"]
        words.append(f"{side} side {geometry['test_size']} px, padded to multiples of {multiple}")
    words.append("with flip" if flip else "without flip")
    words += [f"scales {', '.join(map(str, scales))}", f"precision {precision}", f"batches of {batch}"]
    return f"tested: {'; '.join(words)}"
