"""`dancepose-evaluate`: score a run, a checkpoint, or predictions from any system."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omegaconf import DictConfig

    from dancepose.build import Model

log = logging.getLogger(__name__)

WAYS = ("run", "ckpt", "gt")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
MOST = 8  # pictures of a batch, if neither the run nor a key says


def evaluate(cfg: DictConfig) -> None:
    """Score one of `run=<dir>`, `ckpt=<file> data=...`, or `gt=<truth> pred=<predictions>`.

    Args:
        cfg: what conf/evaluate.yaml composes to, its keys checked.

    Raises:
        ConfigError: none of the ways, or several, are given, or a key has an impossible value.
        DataError: data, truth or predictions are missing or wrong; names file, field and remedy.
        CheckpointError: the checkpoint is missing, foreign, or does not fit.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.errors import ConfigError

    given = [way for way in WAYS if cfg[way] is not None]
    if len(given) != 1 or (cfg.pred is None) != (cfg.gt is None):
        raise ConfigError(
            "give one of: run=<run directory>; ckpt=<file> data=...; gt=<truth> pred=<predictions>"
        )
    _check(cfg)
    folder = Path(HydraConfig.get().runtime.output_dir)
    if given == ["gt"]:
        _score_files(cfg, folder)
    else:
        _score_network(cfg, folder)
    log.info("written to %s", folder)


def _check(cfg: DictConfig) -> None:
    """Refuse impossible values, whose types are right, before anything is read."""
    from typing import get_args

    from dancepose.checks import one_of
    from dancepose.data.parts import check_number
    from dancepose.data.splits import PARTS
    from dancepose.errors import ConfigError
    from dancepose.metrics.matching import Protocol
    from dancepose.targets import plain

    for key, known in (("part", PARTS), ("protocol", get_args(Protocol)), ("precision", PRECISIONS)):
        one_of(key, cfg[key], known)
    one_of("which", cfg.which, ("best", "last"))
    check_number("pictures", cfg.pictures, 0)
    for key, least in (("batch_size", 1), ("workers", 0)):
        if cfg[key] is not None:
            check_number(key, cfg[key], least)
    scales = plain(cfg.scales)
    if scales is not None and (min(scales, default=0) <= 0 or 1 not in scales):
        raise ConfigError(f"scales={scales}: give positive numbers, 1 among them: scales=[1.0,0.5]")
    _device(cfg.device)


@dataclass
class _Opened:
    """A checkpoint and what its evaluation takes from the run.

    Attributes:
        model: the model.
        source: path of the checkpoint.
        data: config of the data.
        flip: test-time setting of the run.
        scales: likewise.
        channels_last: memory format of the run.
    """

    model: Model
    source: str
    data: dict[str, Any]
    flip: bool = False
    scales: Sequence[float] = (1.0,)
    channels_last: bool = True


def _score_network(cfg: DictConfig, folder: Path) -> None:
    """Run a checkpoint over a part of its data."""
    import torch

    from dancepose.errors import ConfigError, DataError
    from dancepose.inference.pose import PosePredictor
    from dancepose.progress import track
    from dancepose.targets import instantiate
    from dancepose.tasks.evaluation import PoseEvaluation
    from dancepose.tasks.report import describe, write_report

    opened = _open(cfg)
    model, data = opened.model, opened.data
    if cfg.workers is not None:
        data["workers"] = cfg.workers
    # a training's batch is for training: here one device holds it, and perhaps several scales of it
    own = data.get("test_batch_size") or min(data.get("batch_size", MOST), MOST)
    data["test_batch_size"] = cfg.batch_size or own
    datamodule = instantiate(data, skeleton=model.skeleton, codec=model.codec, seed=model.config["seed"])
    try:
        datamodule.setup("evaluate")
    except DataError as error:
        if cfg.run is None or cfg.get("data") is not None:
            raise
        raise DataError(f"{error}\nIf the run's data lie elsewhere now, give root=<folder>.") from None
    frames = datamodule.frames(cfg.part)
    if not frames:
        parts = [part for part in ("train", "val", "test") if datamodule.frames(part)]
        raise ConfigError(f"the data have no {cfg.part} part; give part= one of: {', '.join(parts)}")
    flip = opened.flip if cfg.flip is None else cfg.flip
    scales = list(opened.scales if cfg.scales is None else cfg.scales)
    dtype = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}[cfg.precision]
    where, layout = _device(cfg.device), opened.channels_last
    predictor = PosePredictor(
        model, flip=flip, scales=scales, device=where, dtype=dtype, channels_last=layout
    )
    evaluation = PoseEvaluation(model.skeleton, protocol=cfg.protocol)
    loader = datamodule.evaluation_dataloader(cfg.part)
    with torch.inference_mode():
        for batch in track(((len(b["frame"]), b) for b in loader), len(frames), "images"):
            evaluation.step(predictor, batch)
    about = {"source": opened.source, "data": describe(data), "split": datamodule.split_hash}
    about |= {"flip": flip, "scales": scales}
    result, people = evaluation.compute(), evaluation.gather_predictions()
    write_report(folder, cfg.part, result, people, frames, model.skeleton, about, cfg.pictures, cfg.coco)


def _open(cfg: DictConfig) -> _Opened:
    """Load the model, with what its run says of data and test-time settings."""
    from dancepose.build import load_checkpoint
    from dancepose.errors import ConfigError
    from dancepose.targets import TRUSTED, check_targets, plain
    from dancepose.tasks.run_directory import RunDirectory

    if cfg.ckpt is not None:
        if cfg.get("data") is None:
            raise ConfigError(
                "ckpt= needs the data to score it on: data=dance data.root=<folder>, for instance"
            )
        return _Opened(load_checkpoint(cfg.ckpt), str(cfg.ckpt), plain(cfg.data))
    run = RunDirectory(cfg.run)
    config = run.read_config()
    data = plain(cfg.data) if cfg.get("data") is not None else config.get("data")
    if not isinstance(data, dict):
        raise ConfigError(f"{run.path / 'config.yaml'} names no data: give data=...")
    check_targets(data, (*TRUSTED, *cfg.trust), source=str(run.path / "config.yaml"))
    if cfg.root is not None:
        data["root"] = cfg.root
    path = run.checkpoint(cfg.which)
    tested = config.get("inference") or {}
    return _Opened(
        load_checkpoint(path),
        str(path),
        data,
        tested.get("flip", False),
        tested.get("scales", [1.0]),
        config.get("channels_last", True),
    )


def _score_files(cfg: DictConfig, folder: Path) -> None:
    """Score predictions from a file against truth from a file or folder."""
    from dancepose.data.predictions import read_predictions
    from dancepose.data.readers.truth import read_truth
    from dancepose.skeleton import Skeleton
    from dancepose.targets import plain
    from dancepose.tasks.evaluation import PoseEvaluation
    from dancepose.tasks.report import write_report

    chosen = None if cfg.get("skeleton") is None else Skeleton.from_dict(plain(cfg.skeleton))
    found = read_predictions(Path(cfg.pred), chosen)
    truth = read_truth(Path(cfg.gt), found.skeleton)
    frames = found.covered(truth)
    people = found.people(frames)
    evaluation = PoseEvaluation(found.skeleton, protocol=cfg.protocol)
    evaluation.update([people[frame.name] for frame in frames], frames)
    result = evaluation.compute()
    if len(frames) < len(truth):
        note = f"scored on the {len(frames)} of the truth's {len(truth)} pictures that {cfg.pred} speaks of"
        for row in result["rows"].values():
            row.notes.append(note)
    about: dict[str, Any] = {"source": str(cfg.pred), "data": str(cfg.gt), "split": found.split, "flip": None}
    about |= {"scales": None, "pictures_of_truth": len(truth)}
    predicted = evaluation.predictions
    write_report(folder, "all", result, predicted, frames, found.skeleton, about, cfg.pictures, cfg.coco)


def _device(name: Any) -> str:
    """Return the device that a key means.

    Raises:
        ConfigError: there is no such device, or none here.
    """
    import torch

    from dancepose.errors import ConfigError

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return "cpu"
    found = re.fullmatch(r"cuda(?::(\d+))?", str(name))
    if found is None:
        raise ConfigError(f"device={name}: give one of auto, cpu, cuda, cuda:1")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(found[1] or 0) >= count:
        here = f"{count} GPU(s), counted from 0" if count else "no GPU that torch can use"
        raise ConfigError(f"device={name}: this machine has {here}; give device=auto or device=cpu")
    return str(name)


def main() -> None:
    """Run `dancepose-evaluate`."""
    from dancepose.entry import run

    run(evaluate, "evaluate")


if __name__ == "__main__":
    main()
