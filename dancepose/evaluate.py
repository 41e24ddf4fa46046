"""`dancepose-evaluate`: score a run, a checkpoint, or predictions from any system."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omegaconf import DictConfig

log = logging.getLogger(__name__)

WAYS = ("run", "sweep", "ckpt", "gt")
NETWORK = ("run", "sweep", "ckpt")
RUNS = ("run", "sweep")
ONCE = ("run", "ckpt", "gt")
# key of conf/evaluate.yaml -> the ways that read it
READ_BY: dict[str, tuple[str, ...]] = {
    **{way: (way,) for way in ("run", "sweep", "ckpt")},
    **dict.fromkeys(("which", "root", "trust", "evaluation"), RUNS),
    **dict.fromkeys(("gt", "pred", "groups", "submit", "skeleton"), ("gt",)),
    **dict.fromkeys(("data", "part"), ("run", "ckpt")),
    **dict.fromkeys(("flip", "scales", "device", "precision", "batch_size", "workers"), NETWORK),  # see POSES
    **dict.fromkeys(("name", "output", "protocol", "pictures"), WAYS),
    **dict.fromkeys(("coco", "mat"), ONCE),
}

POSES = ("flip", "scales", "protocol", "coco", "mat")  # keys that only an evaluation of poses reads
SCORED = ("protocol", "coco", "mat", "pictures")  # keys that a submission does not read


def evaluate(cfg: DictConfig) -> None:
    """Score one of `run=<dir>`, `sweep=<dir>`, `ckpt=<file> data=...`, or `gt=<truth> pred=<predictions>`.

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
            "give one of: run=<run directory>; sweep=<folder> evaluation=<name>; ckpt=<file> data=...; "
            "gt=<truth> pred=<predictions>"
        )
    given = _given_keys(HydraConfig.get().overrides.task)
    _check_read(ways[0], given, cfg)
    if cfg.submit and (unread := [key for key in SCORED if key in given]):
        raise ConfigError(
            f"with submit=true nothing is scored and nothing reads {', '.join(unread)}: leave out"
        )
    places = {
        "run": "run directory",
        "sweep": "folder",
        "ckpt": "file",
        "gt": "file or folder",
        "pred": "file",
    }
    for key, what in places.items():
        if cfg[key] is not None and not Path(cfg[key]).exists():  # imports that take seconds come later
            raise ConfigError(f"{key}: {cfg[key]} is no {what}: nothing is there")
    _check(cfg, ways[0])
    _check_evaluation(cfg, given)
    folder = Path(HydraConfig.get().runtime.output_dir)
    if ways == ["gt"]:
        from dancepose.tasks.file_scoring import score_files

        score_files(cfg, folder)
    elif ways == ["sweep"]:
        from dancepose.tasks.sweep_evaluation import evaluate_sweep

        return evaluate_sweep(cfg, lambda job, own: _score_network(job, given, own))
    else:
        if cfg.evaluation is not None:
            from dancepose.sweeps.evaluations import evaluation_folder

            folder = evaluation_folder(Path(cfg.run), str(cfg.evaluation))
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


def _check(cfg: DictConfig, way: str) -> None:
    """Refuse impossible values, whose types are right, before anything is read."""
    from typing import get_args

    from dancepose.checks import one_of
    from dancepose.data.parts import check_number
    from dancepose.data.split_file import PARTS
    from dancepose.metrics.matching import Protocol

    for key, known in (("part", PARTS), ("protocol", get_args(Protocol))):
        one_of(key, cfg[key], known)
    if cfg.which is not None:
        one_of("which", cfg.which, ("best", "last"))
    check_number("pictures", cfg.pictures, 0)
    for key, least in (("batch_size", 1), ("workers", 0)):
        if cfg[key] is not None:
            check_number(key, cfg[key], least)
    if way in NETWORK:  # torch, which takes seconds to import, is for networks
        from dancepose.inference.devices import PRECISIONS, find_device

        if cfg.precision is not None:
            one_of("precision", cfg.precision, PRECISIONS)
        find_device(cfg.device)


def _check_evaluation(cfg: DictConfig, given: Iterable[str]) -> None:
    """Refuse an evaluation by name that could not be compared with those of other runs."""
    from dancepose.errors import ConfigError

    if cfg.evaluation is None:
        if cfg.sweep is not None:
            raise ConfigError(
                "sweep= needs evaluation=<name>: what is found of each job goes to <job>/evaluations/<name>"
            )
        return
    from dancepose.sweeps.evaluations import check_name

    check_name(str(cfg.evaluation))
    other = cfg.get("data") is not None and any(key.partition(".")[0] == "data" for key in given)
    if cfg.part != "test" or other:
        raise ConfigError(
            "evaluation= is of the test part of the run's own data, by which runs are compared: leave data "
            "and part out, or evaluation"
        )


def _score_network(cfg: DictConfig, given: set[str], folder: Path) -> None:
    """Run a checkpoint over a part of its data; keep what an evaluation by name is compared by."""
    from dancepose.build import MotionModel
    from dancepose.inference.devices import find_device, find_precision, warn_of_slow_bf16
    from dancepose.tasks.network_scoring import score_motions, score_poses
    from dancepose.tasks.scoring import load_data, open_checkpoint
    from dancepose.tasks.sweep_evaluation import begin_evaluation

    found = open_checkpoint(cfg, given, folder)
    motion = isinstance(found.model, MotionModel)
    if motion:
        _refuse_pose_keys(given, cfg)
    precision = find_precision(cfg.precision, found.tested)
    datamodule = load_data(found, cfg.part, cfg.batch_size, cfg.workers)
    device = find_device(cfg.device)
    warn_of_slow_bf16(device, precision, "precision=32-true")
    score = score_motions if motion else score_poses
    if cfg.evaluation is None:
        score(cfg, found, datamodule, device, precision, folder)
        return
    keep = begin_evaluation(cfg, folder, datamodule.data_hash)
    keep(*score(cfg, found, datamodule, device, precision, folder))


def _refuse_pose_keys(given: Iterable[str], cfg: DictConfig) -> None:
    """Refuse keys that mean nothing to a motion network.

    Raises:
        ConfigError: names them.
    """
    from dancepose.errors import ConfigError

    tops = {key.partition(".")[0] for key in given}
    if unread := [key for key in POSES if key in tops and cfg.get(key) is not None]:
        raise ConfigError(f"the run is one of motions, where nothing reads {', '.join(unread)}: leave out")


def main() -> None:
    """Run `dancepose-evaluate`."""
    from dancepose.allocator import keep_freed_memory
    from dancepose.entry import run

    keep_freed_memory()
    run(evaluate, "evaluate")


if __name__ == "__main__":
    main()
