"""`Parts`: a metric by keypoint group or by class, for each arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import load_mapping
from dancepose.errors import DataError
from dancepose.paths import evaluate_again
from dancepose.sweeps.answers import MotionAnswers
from dancepose.sweeps.arms import Arm, Group

REPORT = "test.json"


@dataclass(frozen=True)
class Parts:
    """A metric by part: keypoint groups of poses (table 2 of the pose paper), classes of motions.

    Attributes:
        title: what the figures are.
        columns: names of the parts, of poses with the total at the end.
        rows: arm -> column -> mean and standard deviation over seeds, in percent; None where there is none.
    """

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, tuple[float | None, float | None]]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        rows = {
            arm: {column: {"mean": mean, "std": std} for column, (mean, std) in row.items()}
            for arm, row in self.rows.items()
        }
        return {"title": self.title, "columns": list(self.columns), "rows": rows}


def _mean_std(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    there = [value for value in values if value is not None]
    if not there:
        return None, None
    return float(np.mean(there)), float(np.std(there, ddof=1)) if len(there) > 1 else None


def _by_seed(arm: Arm, rows: Mapping[Path, Mapping[str, float | None]], column: str) -> list[float | None]:
    """Return the mean of each seed's runs."""
    of_seed: dict[int, list[float | None]] = {}
    for job in arm.jobs:
        of_seed.setdefault(job.seed, []).append(rows[job.path].get(column))
    return [_mean_std(values)[0] for values in of_seed.values()]


def _parts(title: str, group: Group, rows: Mapping[Path, Mapping[str, float | None]]) -> Parts:
    columns = tuple(dict.fromkeys(column for row in rows.values() for column in row))
    return Parts(
        title,
        columns,
        {
            name: {column: _mean_std(_by_seed(arm, rows, column)) for column in columns}
            for name, arm in group.arms.items()
        },
    )


def class_parts(group: Group, answers: MotionAnswers) -> Parts:
    """Return the accuracy of each class, which is its recall: table 2 of the motion paper."""
    rows = {
        job.path: {n: None if v is None else 100 * v for n, v in answers.recalls(job).items()}
        for arm in group.arms.values()
        for job in arm.jobs
    }
    return _parts("accuracy of each class, %", group, rows)


def keypoint_parts(group: Group) -> Parts | None:
    """Return the table of keypoint groups; None where no run of the group has a test.json."""
    rows: dict[Path, dict[str, float | None]] = {}
    metrics = set()
    for arm in group.arms.values():
        for job in arm.jobs:
            path = job.tested / REPORT
            if path.is_file():
                metric, rows[job.path] = _read_keypoints(path)
                metrics.add(metric)
    if not rows:
        return None
    missing: dict[Path, dict[str, float | None]] = {
        job.path: {} for arm in group.arms.values() for job in arm.jobs if job.path not in rows
    }
    return _parts(f"{' or '.join(sorted(metrics))}, %", group, {**rows, **missing})


def check_report(run: Path) -> None:
    """Read the report of a run of poses, if it has one.

    Args:
        run: its folder.

    Raises:
        DataError: test.json is broken; names it and the remedy.
    """
    if (run / REPORT).is_file():
        _read_keypoints(run / REPORT)


def _read_keypoints(path: Path) -> tuple[str, dict[str, float | None]]:
    try:
        row = load_mapping(path)["rows"]["mAP"]
        values = {str(k): None if v is None else float(v) for k, v in row["columns"].items()}
        metric, total = str(row["metric"]), str(row["total"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        again = evaluate_again(path.parent)
        raise DataError(f"{path} is no report of poses ({error}): write it again: {again}") from None
    last = values.pop(total, None)
    return metric, {**values, "Total": last}
