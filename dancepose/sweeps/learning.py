"""Learning curves of arms: mean over seeds and their spread, epoch by epoch, from metrics.csv of each run."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dancepose.errors import DataError
from dancepose.sweeps.arms import Group

FILE = "metrics.csv"
WHOLE = "train/loss_epoch"  # of all steps of an epoch, where train/loss is of some
MOST = 200  # epochs that are drawn
REMEDY = "remove it, and the job is compared without its learning curves"


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity of the runs of an arm over the epochs.

    Attributes:
        epochs: (E,) done when it was measured.
        mean: (E,) over the runs that have it.
        spread: (E,) their standard deviation, 0 where one run alone has it.
        runs: how many have it.
    """

    epochs: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    runs: int


def learning_curves(group: Group, metrics: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Return quantity -> arm -> its curve; what no run logged is missing.

    They are the validation's values of the metrics, and the losses of validation and training, an epoch's
    mean where it was logged.

    Args:
        group: the arms.
        metrics: names, without `val/`.

    Raises:
        DataError: a metrics.csv is broken.
    """
    wanted = dict.fromkeys([*(f"val/{name}" for name in metrics), "val/loss", WHOLE, "train/loss"])
    found: dict[str, dict[str, list[dict[int, float]]]] = {name: {} for name in wanted}
    for arm in group.arms.values():
        for job in arm.jobs:
            path = job.path / FILE
            if path.is_file():
                for name, values in read_log(path, list(wanted)).items():
                    found[name].setdefault(arm.name, []).append(values)
    if found[WHOLE]:
        found["train/loss"] = found.pop(WHOLE)
    curves = {name: {arm: _curve(runs) for arm, runs in arms.items()} for name, arms in found.items()}
    drawn = {name: {arm: c for arm, c in arms.items() if len(c.epochs)} for name, arms in curves.items()}
    return {name: arms for name, arms in drawn.items() if arms}


def read_log(path: Path, columns: Sequence[str]) -> dict[str, dict[int, float]]:
    """Return column -> epochs done -> mean of what was logged in the epoch; columns without any are missing.

    Args:
        path: of the log.
        columns: their names.

    Raises:
        DataError: the file is no log of a run; names it.
    """
    found: dict[str, dict[int, float]] = {}
    with _telling(path):
        header, cells = _read_cells(path)
        done = [int(float(epoch)) + 1 for epoch in cells[header.index("epoch")]]
        for name in dict.fromkeys(columns):
            if name not in header:
                continue
            epochs: dict[int, list[float]] = {}
            for epoch, cell in zip(done, cells[header.index(name)], strict=True):
                if cell:
                    epochs.setdefault(epoch, []).append(float(cell))
            if epochs:
                found[name] = {epoch: sum(values) / len(values) for epoch, values in epochs.items()}
    return found


def check_log(run: Path) -> None:
    """Read the log of a run, if it has one, to the end.

    Args:
        run: its folder.

    Raises:
        DataError: metrics.csv is no log, or cut off; names it and the remedy.
    """
    path = run / FILE
    if not path.is_file():
        return
    with _telling(path):
        header, cells = _read_cells(path)
        for column in cells:
            list(map(float, filter(None, column)))
        list(map(int, map(float, set(cells[header.index("epoch")]))))  # an infinite one is none
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                raise DataError(f"{path} is cut off: its last line has no end: {REMEDY}")


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Tell in words what is wrong with a log."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, IndexError, OverflowError, csv.Error) as error:
        raise DataError(f"{path} is no log of a run ({error}): {REMEDY}") from None


def _read_cells(path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the header of a log, and of each of its columns the cells of the rows that name their epoch.

    By columns, since a sweep has a thousand logs of hundreds of rows, most of whose cells are empty.
    """
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if "epoch" not in header:
        raise ValueError("it has no column epoch")
    epoch = header.index("epoch")
    for number, row in enumerate(rows, 2):
        if row and len(row) != len(header):
            raise ValueError(f"line {number} has {len(row)} cells, not {len(header)}")
    kept = [row for row in rows if row and row[epoch]]
    return header, list(zip(*kept, strict=True)) if kept else [()] * len(header)


def _curve(runs: Sequence[Mapping[int, float]]) -> Curve:
    epochs = np.array(sorted({epoch for run in runs for epoch in run}))
    values = np.array([[run.get(epoch, np.nan) for epoch in epochs.tolist()] for run in runs])
    values[~np.isfinite(values)] = np.nan  # of a training that diverged
    known = np.isfinite(values).any(axis=0)
    epochs, values = epochs[known], values[:, known]
    if len(epochs) > MOST:
        kept = np.unique(np.linspace(0, len(epochs) - 1, MOST).round().astype(int))
        epochs, values = epochs[kept], values[:, kept]
    counts = np.isfinite(values).sum(axis=0)
    mean = np.nansum(values, axis=0) / np.maximum(counts, 1)
    squares = np.nansum((values - mean) ** 2, axis=0)
    spread = np.sqrt(squares / np.maximum(counts - 1, 1))
    return Curve(epochs, mean, spread, len(runs))
