"""`dancepose-evaluate`: score a run, a checkpoint, or predictions from any system."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from dancepose.build import Model

log = logging.getLogger(__name__)

WAYS = ("run", "ckpt", "gt")


def evaluate(cfg: DictConfig) -> None:
    """Score one of `run=<dir>`, `ckpt=<file> data=...`, or `gt=<truth> pred=<predictions>`.

    Args:
        cfg: what conf/evaluate.yaml composes to, its keys checked.

    Raises:
        ConfigError: none of the ways, or several, are given.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.errors import ConfigError

    given = [way for way in WAYS if cfg[way] is not None]
    if len(given) != 1 or (cfg.pred is None) != (cfg.gt is None):
        raise ConfigError(
            "give one of: run=<run directory>; ckpt=<file> data=...; gt=<truth> pred=<predictions>"
        )
    folder = Path(HydraConfig.get().runtime.output_dir)
    if given == ["gt"]:
        _score_files(cfg, folder)
    else:
        _score_network(cfg, folder)
    log.info("written to %s", folder)


def _score_network(cfg: DictConfig, folder: Path) -> None:
    """Run a checkpoint over a part of its data."""
    import torch

    from dancepose.config import instantiate
    from dancepose.inference.pose import PosePredictor
    from dancepose.progress import track
    from dancepose.tasks.evaluation import PoseEvaluation
    from dancepose.tasks.report import describe, write_report

    model, data, inference, source = _open(cfg)
    datamodule = instantiate(data, skeleton=model.skeleton, codec=model.codec, seed=model.config["seed"])
    datamodule.setup("evaluate")
    frames = datamodule.frames(cfg.part)
    if not frames:
        from dancepose.errors import ConfigError

        parts = [part for part in ("train", "val", "test") if datamodule.frames(part)]
        raise ConfigError(f"the data have no {cfg.part} part; give part= one of: {', '.join(parts)}")
    flip = inference["flip"] if cfg.flip is None else cfg.flip
    scales = inference["scales"] if cfg.scales is None else list(cfg.scales)
    predictor = PosePredictor(
        model, flip=flip, scales=scales, device=_device(cfg.device), dtype=_dtype(cfg.precision)
    )
    evaluation = PoseEvaluation(model.skeleton, protocol=cfg.protocol)
    loader = datamodule.evaluation_dataloader(cfg.part)
    with torch.inference_mode():
        for batch in track(((len(b["frame"]), b) for b in loader), len(frames), "images"):
            evaluation.step(predictor, batch)
    about = {
        "source": source,
        "data": describe(data),
        "split": datamodule.split_hash,
        "flip": flip,
        "scales": list(scales),
    }
    write_report(
        folder,
        cfg.part,
        evaluation.compute(),
        evaluation.gather_predictions(),
        frames,
        model.skeleton,
        about,
        cfg.pictures,
    )


def _open(cfg: DictConfig) -> tuple[Model, dict[str, Any], dict[str, Any], str]:
    """Load the model; return it with the config of its data, its test-time settings, and where it is from."""
    from dancepose.build import load_checkpoint
    from dancepose.config import TRUSTED, check_targets, plain
    from dancepose.errors import ConfigError
    from dancepose.tasks.run_directory import RunDirectory

    if cfg.ckpt is not None:
        if cfg.get("data") is None:
            raise ConfigError(
                "ckpt= needs the data to score it on: data=dance data.root=<folder>, for instance"
            )
        return load_checkpoint(cfg.ckpt), plain(cfg.data), {"flip": False, "scales": [1.0]}, str(cfg.ckpt)
    run = RunDirectory(cfg.run)
    config = run.read_config()
    data = plain(cfg.data) if cfg.get("data") is not None else config.get("data")
    if not isinstance(data, dict):
        raise ConfigError(f"{run.path / 'config.yaml'} names no data: give data=...")
    check_targets(data, (*TRUSTED, *cfg.trust), source=str(run.path / "config.yaml"))
    if cfg.root is not None:
        data["root"] = cfg.root
    path = run.checkpoint(cfg.which)
    return load_checkpoint(path), data, config.get("inference") or {"flip": False, "scales": [1.0]}, str(path)


def _score_files(cfg: DictConfig, folder: Path) -> None:
    """Score predictions from a file against truth from a file or folder."""
    from dancepose.config import plain
    from dancepose.data.predictions import read_predictions
    from dancepose.data.readers.truth import read_truth
    from dancepose.skeleton import Skeleton
    from dancepose.tasks.evaluation import PoseEvaluation
    from dancepose.tasks.report import write_report

    chosen = None if cfg.get("skeleton") is None else Skeleton.from_dict(plain(cfg.skeleton))
    found = read_predictions(Path(cfg.pred), chosen)
    skeleton = found.skeleton
    everything = read_truth(Path(cfg.gt), skeleton)
    frames = found.covered(everything)
    if len(frames) < len(everything):
        log.info(
            "%s speaks of %d of the %d pictures: those are scored", cfg.pred, len(frames), len(everything)
        )
    people = found.people(frames)
    evaluation = PoseEvaluation(skeleton, protocol=cfg.protocol)
    evaluation.update([people[frame.name] for frame in frames], frames)
    about = {"source": str(cfg.pred), "data": str(cfg.gt), "split": found.split, "flip": None, "scales": None}
    write_report(
        folder, cfg.part, evaluation.compute(), evaluation.predictions, frames, skeleton, about, cfg.pictures
    )


def _device(name: str) -> str:
    import torch

    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def _dtype(precision: str) -> Any:
    import torch

    from dancepose.errors import ConfigError, did_you_mean

    known = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
    if precision not in known:
        raise ConfigError(f"precision={precision}: there is no such one.{did_you_mean(precision, known)}")
    return known[precision]


def main() -> None:
    """Run `dancepose-evaluate`."""
    from dancepose.entry import run

    run(evaluate, "evaluate")


if __name__ == "__main__":
    main()
