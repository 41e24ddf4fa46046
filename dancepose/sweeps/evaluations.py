"""Evaluations of runs by name, with other settings than their trainings tested with, flip test for instance.

`dancepose-evaluate evaluation=<name>` leaves one in `<run>/evaluations/<name>/`: the files of a test, and
`evaluation.json`, which tells by what settings they came about. It is written last, so that none is half.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.errors import ConfigError, DataError
from dancepose.files import write_json
from dancepose.paths import EVALUATION, EVALUATIONS, evaluate_by_name, told_settings
from dancepose.sweeps.jobs import UNKNOWN, Job
from dancepose.sweeps.left_out import RESULT, LeftOut, damaged


@dataclass(frozen=True)
class Evaluation:
    """What `evaluation.json` holds.

    Attributes:
        settings: keys of `dancepose-evaluate` -> what they came to, `which`, `flip` and so on: equal ones in
            all runs that are compared.
        asked: what was given of them; null: as the training did.
        run: which training was evaluated, see `run_mark`.
        data: hash of the data of then: names of pictures, and labels.
        metrics: `test/mAP` -> value, as in a run's metrics.json.
    """

    settings: Mapping[str, Any]
    asked: Mapping[str, Any]
    run: str
    data: str
    metrics: Mapping[str, float | None]

    def save(self, folder: Path) -> None:
        """Write it into the folder of the evaluation."""
        write_json(folder / EVALUATION, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> "Evaluation":
        """Read what `save` wrote.

        Raises:
            BrokenFile: the file is missing, or none of an evaluation; names it.
        """
        path = folder / EVALUATION
        found = load_mapping(path)
        try:
            metrics = {
                str(name): None if value is None else float(value) for name, value in found["metrics"].items()
            }
            settings, asked = dict(found["settings"]), dict(found["asked"])
            return cls(settings, asked, str(found["run"]), str(found["data"]), metrics)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BrokenFile(path, f"is none of an evaluation ({error!r})") from None


def evaluation_folder(run: Path, name: str) -> Path:
    """Return where an evaluation of a run lies."""
    return run / EVALUATIONS / name


def check_name(name: str) -> None:
    """Refuse a name of an evaluation that can be none of a folder.

    Raises:
        ConfigError: it cannot.
    """
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ConfigError(f"evaluation={name}: a name of letters, digits, '.', '_' and '-' is needed")


def run_mark(result: Mapping[str, Any]) -> str:
    """Return by what a training is known again: it changes where the run is trained anew, or goes on.

    Args:
        result: its metrics.json. Not times of files: they change when a folder is copied.
    """
    kept = [result.get(key) for key in ("hash", "objective", "metrics")]
    return blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=8).hexdigest()


def with_evaluation(jobs: Sequence[Job], name: str) -> tuple[list[Job], list[LeftOut]]:
    """Have jobs compared by an evaluation in place of their trainings' own tests.

    Args:
        jobs: finished ones.
        name: of the evaluation.

    Returns:
        The jobs that have it, with its metrics; and those that are left out, since it is missing, damaged, or
        of an earlier training or other labels.

    Raises:
        DataError: jobs were evaluated by different settings; names them and the remedy.
    """
    found: dict[Path, Evaluation] = {}
    broken: dict[Path, DataError] = {}
    for job in jobs:
        folder = evaluation_folder(job.path, name)
        try:
            if (folder / EVALUATION).is_file():
                found[job.path] = Evaluation.load(folder)
        except DataError as error:
            broken[job.path] = error
    settings = _common([job for job in jobs if job.path in found], found, name)
    there, left_out = [], []
    for job in jobs:
        again = evaluate_by_name(job.path, name, settings)
        if settings is None:
            again += " and its settings, flip=true for instance (sweep=<folder> in place of run=: all jobs)"
        if job.path in broken:
            left_out.append(damaged(job.path, broken[job.path], f"write it again: {again}"))
        elif cause := _unfit(job, found.get(job.path), name):
            left_out.append(LeftOut(job.path, "done", f"{cause} {again}"))
        else:
            there.append(replace(job, evaluation=name, metrics=found[job.path].metrics))
    return there, left_out


def _unfit(job: Job, found: Evaluation | None, name: str) -> str:
    """Return why a job cannot be compared by its evaluation; empty if it can."""
    if found is None:
        others = sorted(path.parent.name for path in job.path.glob(f"{EVALUATIONS}/*/{EVALUATION}"))
        there = f" (there is {', '.join(others)})" if others else ""
        return f"it has no evaluation '{name}'{there}: make it by"
    if found.run != run_mark(load_mapping(job.path / RESULT)):
        return f"its evaluation '{name}' is of an earlier training of it: make it again by"
    known = job.identity.get("data_hash", UNKNOWN)
    if known != UNKNOWN and found.data != known:
        return (
            f"its evaluation '{name}' is of other data (labels {found.data}) than its training ({known}): "
            "bring those back, and make it again by"
        )
    return ""


def _common(jobs: Sequence[Job], found: Mapping[Path, Evaluation], name: str) -> Mapping[str, Any] | None:
    """Return the settings that all evaluations have; None where there is none.

    Raises:
        DataError: there are several.
    """
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(told_settings(found[job.path].settings), []).append(job)
    if len(groups) > 1:
        told = "; ".join(f"{settings}: {_few([job.name for job in of])}" for settings, of in groups.items())
        first, *others = groups.values()
        again = evaluate_by_name(others[0][0].path, name, found[first[0].path].settings)
        raise DataError(
            f"evaluation={name}: the jobs were evaluated by different settings ({told}): evaluate all by the "
            f"same ones, {again} for instance"
        )
    return found[jobs[0].path].settings if jobs else None


def _few(names: Sequence[str], most: int = 4) -> str:
    told = ", ".join(names[:most])
    return f"{told} and {len(names) - most} more" if len(names) > most else told


def evaluation_notes(jobs: Sequence[Job]) -> list[str]:
    """Return what must stand below the figures of jobs that are compared by an evaluation.

    Args:
        jobs: of `with_evaluation`; of others there is nothing to say.
    """
    names = dict.fromkeys(job.evaluation for job in jobs if job.evaluation is not None)
    first = {name: next(job for job in jobs if job.evaluation == name) for name in names}
    return [
        f"figures of evaluation={name}, not of the trainings' own tests: "
        f"{told_settings(Evaluation.load(job.tested).settings)}"
        for name, job in first.items()
    ]
