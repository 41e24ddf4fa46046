"""Evaluations of runs by name: of all jobs of a sweep, and what is kept of each for comparisons."""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from dancepose.errors import DanceposeError, DataError
from dancepose.paths import EVALUATION
from dancepose.sweeps.evaluations import Evaluation, evaluation_folder, run_mark
from dancepose.sweeps.jobs import read_jobs
from dancepose.targets import plain
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)

ASKED = ("which", "flip", "scales", "precision", "protocol")  # keys of conf/evaluate.yaml


def evaluate_sweep(cfg: DictConfig, score: Callable[[DictConfig, Path], None]) -> None:
    """Evaluate each finished job of a sweep that is not evaluated so already.

    Args:
        cfg: what conf/evaluate.yaml composes to, with `sweep` and `evaluation`.
        score: evaluates one, by `run`, into a folder.

    Raises:
        DataError: the sweep has no finished job.
        DanceposeError: jobs could not be evaluated, when all others have been; names them and the causes.
    """
    jobs, left_out = read_jobs([cfg.sweep], tested=False)
    for one in left_out:
        log.warning("%s is %s and not evaluated: %s", one.path, one.status, one.cause)
    if not jobs:
        raise DataError(f"sweep: {cfg.sweep} has no finished job: nothing is evaluated")
    failed = []
    for number, job in enumerate(jobs, start=1):
        folder = evaluation_folder(job.path, str(cfg.evaluation))
        told = f"job {number} of {len(jobs)}"
        if _is_there(folder, job.path, cfg):
            log.info("%s: evaluated by these settings already: %s", told, folder)
            continue
        log.info("%s: %s", told, job.path)
        own = cfg.copy()
        own.run, own.sweep = str(job.path), None
        try:
            score(own, folder)
        except DanceposeError as error:
            log.error("%s was not evaluated: %s", job.path, error)
            failed.append(f"{job.path}: {error}")
        else:
            log.info("written to %s", folder)
    if failed:
        raise DanceposeError(f"{len(failed)} of {len(jobs)} jobs were not evaluated: {'; '.join(failed)}")


def begin_evaluation(
    cfg: DictConfig, folder: Path, data: str
) -> Callable[[dict[str, Any], dict[str, float]], None]:
    """Begin an evaluation by name; return what keeps it when its files are written.

    Until then the folder is known to hold none.

    Args:
        cfg: what conf/evaluate.yaml composes to.
        folder: of the evaluation.
        data: hash of the data.
    """
    (folder / EVALUATION).unlink(missing_ok=True)
    mark = run_mark(RunDirectory(cfg.run).read_metrics())

    def keep(settings: dict[str, Any], figures: dict[str, float]) -> None:
        # NaN, which JSON lacks, is the loss of an empty part
        metrics = {f"test/{n}": value if math.isfinite(value) else None for n, value in figures.items()}
        Evaluation(settings, _asked(cfg), mark, data, metrics).save(folder)

    return keep


def _is_there(folder: Path, run: Path, cfg: DictConfig) -> bool:
    """Tell whether an evaluation as it is asked for is there, of the run as it is and of its labels."""
    try:
        found = Evaluation.load(folder)
    except DataError:
        return False
    known = RunDirectory(run).read_metrics()
    same_labels = known.get("data") in (None, found.data)  # of others it would be left out of a comparison
    return found.asked == _asked(cfg) and found.run == run_mark(known) and same_labels


def _asked(cfg: DictConfig) -> dict[str, Any]:
    config = plain(cfg)
    return {key: config[key] for key in ASKED}
