"""`dancepose-evaluate`: score a run, a checkpoint, or predictions from any system."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from omegaconf import DictConfig

    from dancepose.tasks.scoring import Checkpoint

log = logging.getLogger(__name__)

WAYS = ("run", "ckpt", "gt")
NETWORK = ("run", "ckpt")
# key of conf/evaluate.yaml -> the ways that read it
READ_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("run", "which", "root", "trust"), ("run",)),
    **dict.fromkeys(("ckpt",), ("ckpt",)),
    **dict.fromkeys(("gt", "pred", "skeleton"), ("gt",)),
    **dict.fromkeys(("data", "part", "flip", "scales", "device", "precision"), NETWORK),  # see POSES
    **dict.fromkeys(("batch_size", "workers"), NETWORK),
    **dict.fromkeys(("name", "output", "protocol", "coco", "pictures"), WAYS),
}


POSES = ("flip", "scales", "protocol", "coco")  # keys that only an evaluation of poses reads


def evaluate(cfg: DictConfig) -> None:
    """Score one of `run=<dir>`, `ckpt=<file> data=...`, or `gt=<truth> pred=<predictions>`.

    Args:
        cfg: what conf/evaluate.yaml composes to, its keys checked.

    Raises:
        ConfigError: none of the ways, or several, are given, or a key that the way does not read, or one has
            an impossible value.
        DataError: data, truth or predictions are missing or wrong, or the run's data are divided otherwise
            now; names file, field and remedy.
        CheckpointError: the checkpoint is missing, foreign, or does not fit.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.errors import ConfigError

    ways = [way for way in WAYS if cfg[way] is not None]
    if len(ways) != 1 or (cfg.pred is None) != (cfg.gt is None):
        raise ConfigError(
            "give one of: run=<run directory>; ckpt=<file> data=...; gt=<truth> pred=<predictions>"
        )
    given = _given_keys(HydraConfig.get().overrides.task)
    _check_read(ways[0], given, cfg)
    _check(cfg)
    folder = Path(HydraConfig.get().runtime.output_dir)
    if ways == ["gt"]:
        _score_files(cfg, folder)
    else:
        _score_network(cfg, given, folder)
    log.info("written to %s", folder)


def _given_keys(overrides: Iterable[str]) -> set[str]:
    """Return the keys that stand on a command line: `data`, `data.size` of `data=dance +data.size=64`."""
    return {override.lstrip("+~").partition("=")[0].partition("@")[0] for override in overrides}


def _check_read(way: str, given: Iterable[str], cfg: DictConfig) -> None:
    """Refuse keys that were given, though nothing reads them in the way of scoring that was chosen.

    Args:
        way: `run`, `ckpt` or `gt`.
        given: the dotted keys of the command line.
        cfg: what they compose to; a key given as null asks for nothing.

    Raises:
        ConfigError: names the keys, the way, and those that read them.
    """
    from dancepose.errors import ConfigError

    tops = sorted({key.replace("/", ".").partition(".")[0] for key in given})
    unread = [key for key in tops if way not in READ_BY.get(key, WAYS) and cfg.get(key) is not None]
    if unread:
        told = ", ".join(f"{key} (only with {' or '.join(f'{w}=' for w in READ_BY[key])})" for key in unread)
        raise ConfigError(
            f"with {way}= nothing reads {told}: leave {'it' if len(unread) == 1 else 'them'} out"
        )


def _check(cfg: DictConfig) -> None:
    """Refuse impossible values, whose types are right, before anything is read."""
    from typing import get_args

    from dancepose.checks import one_of
    from dancepose.data.parts import check_number
    from dancepose.data.splits import PARTS
    from dancepose.metrics.matching import Protocol
    from dancepose.tasks.devices import find_device
    from dancepose.tasks.scoring import PRECISIONS

    for key, known in (("part", PARTS), ("protocol", get_args(Protocol))):
        one_of(key, cfg[key], known)
    if cfg.precision is not None:
        one_of("precision", cfg.precision, PRECISIONS)
    one_of("which", cfg.which, ("best", "last"))
    check_number("pictures", cfg.pictures, 0)
    for key, least in (("batch_size", 1), ("workers", 0)):
        if cfg[key] is not None:
            check_number(key, cfg[key], least)
    find_device(cfg.device)


def _score_network(cfg: DictConfig, given: set[str], folder: Path) -> None:
    """Run a checkpoint over a part of its data."""
    from dancepose.build import MotionModel
    from dancepose.tasks.devices import find_device, warn_of_slow_bf16
    from dancepose.tasks.scoring import find_precision, load_data, open_checkpoint

    found = open_checkpoint(cfg, given, folder)
    motion = isinstance(found.model, MotionModel)
    if motion:
        _refuse_pose_keys(given, cfg)
    precision = find_precision(cfg.precision, found.tested)
    datamodule = load_data(found, cfg.part, cfg.batch_size, cfg.workers)
    device = find_device(cfg.device)
    warn_of_slow_bf16(device, precision, "precision=32-true")
    score = _score_motions if motion else _score_poses
    score(cfg, found, datamodule, device, precision, folder)


def _refuse_pose_keys(given: Iterable[str], cfg: DictConfig) -> None:
    """Refuse keys that mean nothing to a motion network.

    Raises:
        ConfigError: names them.
    """
    from dancepose.errors import ConfigError

    tops = {key.partition(".")[0] for key in given}
    if unread := [key for key in POSES if key in tops and cfg.get(key) is not None]:
        raise ConfigError(f"the run is one of motions, where nothing reads {', '.join(unread)}: leave out")


def _score_motions(
    cfg: DictConfig, found: Checkpoint, datamodule: Any, device: str, precision: str, folder: Path
) -> None:
    """Run a motion network over a part of its data."""
    import torch

    from dancepose.progress import track
    from dancepose.tasks.memory import advise_evaluation, memory_told
    from dancepose.tasks.motion_evaluation import MotionEvaluation
    from dancepose.tasks.motion_prediction import crop_of, describe_network, predict, rejects, said
    from dancepose.tasks.motion_report import write_motion_report
    from dancepose.tasks.report import describe
    from dancepose.tasks.scoring import PRECISIONS

    model: Any = found.model
    samples, network = datamodule.samples(cfg.part), model.network.to(device).eval()
    evaluation = MotionEvaluation(model.classes, rejects(network)).to(device)
    loader = datamodule.evaluation_dataloader(cfg.part)
    advice = advise_evaluation(datamodule.test_batch_size, datamodule.workers, precision, [1.0])
    with memory_told(advice), torch.inference_mode():
        for batch in track(((len(b["label"]), b) for b in loader), len(samples), "samples"):
            evaluation.step(*predict(network, batch, device, PRECISIONS[precision]))
    about = {"source": found.source, "data": describe(found.data), "split": datamodule.split_hash}
    about |= {"precision": precision, "batch_size": datamodule.evaluation_batch}
    index, probabilities = evaluation.gather_probabilities()
    result = evaluation.compute()
    about |= describe_network(model.config["model"], result)
    write_motion_report(
        folder,
        cfg.part,
        result["scores"],
        said(samples, model.classes, index, probabilities),
        about,
        crop=crop_of(datamodule.dataset(cfg.part), index, model.skeleton),
        people=[samples[i].middle[1] for i in index],
        skeleton=model.skeleton,
        pictures=cfg.pictures,
    )


def _score_poses(
    cfg: DictConfig, found: Checkpoint, datamodule: Any, device: str, precision: str, folder: Path
) -> None:
    """Run a pose network over a part of its data."""
    import torch

    from dancepose.inference.geometry import describe_geometry
    from dancepose.inference.pose import PosePredictor
    from dancepose.progress import track
    from dancepose.tasks.evaluation import PoseEvaluation
    from dancepose.tasks.memory import advise_evaluation, memory_told
    from dancepose.tasks.report import describe, write_report
    from dancepose.tasks.scoring import PRECISIONS

    model: Any = found.model
    tested, frames = found.tested, datamodule.frames(cfg.part)
    flip = bool(tested.get("flip", False) if cfg.flip is None else cfg.flip)
    scales = list(tested.get("scales", [1.0]) if cfg.scales is None else cfg.scales)
    predictor = PosePredictor(
        model,
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
    write_report(folder, cfg.part, result, people, frames, model.skeleton, about, cfg.pictures, cfg.coco)


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


def _score_files(cfg: DictConfig, folder: Path) -> None:
    """Score predictions from a file against truth from a file or folder."""
    from dancepose.data.agreement import doubts
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
    notes, silent = doubts(found, frames), sum(not {frame.name, frame.id} & found.named for frame in frames)
    for doubt in notes:
        log.warning("%s", doubt)
    if len(frames) < len(truth):
        notes.append(
            f"scored on the {len(frames)} of the truth's {len(truth)} pictures that {cfg.pred} speaks of"
        )
    elif silent:
        notes.append(
            f"of {silent} of the truth's {len(truth)} pictures {cfg.pred} is silent: there it found nobody"
        )
    for row in result["rows"].values():
        row.notes.extend(notes)
    about: dict[str, Any] = {"source": str(cfg.pred), "data": str(cfg.gt), "split": found.split}
    about |= dict.fromkeys(("flip", "scales", "precision", "geometry"))  # of the system that predicted
    about["pictures_of_truth"] = len(truth)
    predicted = evaluation.predictions
    write_report(folder, "all", result, predicted, frames, found.skeleton, about, cfg.pictures, cfg.coco)


def main() -> None:
    """Run `dancepose-evaluate`."""
    from dancepose.entry import run

    run(evaluate, "evaluate")


if __name__ == "__main__":
    main()
