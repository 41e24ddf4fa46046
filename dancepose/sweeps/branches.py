"""What each branch of the motion classifier is worth: each alone, their mean, and the learned fusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.run_yaml import read_yaml
from dancepose.sweeps.agreement import check_identity
from dancepose.sweeps.answers import with_samples
from dancepose.sweeps.jobs import Job, read_jobs
from dancepose.sweeps.left_out import DAMAGED
from dancepose.sweeps.statistics import (
    Interval,
    accuracy_interval,
    macro_f1_interval,
    paired_cluster_bootstrap,
)
from dancepose.text_table import aligned

NAMES = {"keypoints": "keypoints alone", "image": "image alone", "image,keypoints": "learned fusion"}
LATE = "mean of both (late fusion)"
ORDER = ("keypoints alone", "image alone", LATE, "learned fusion")
SWITCHES = ("model.branches", "seed")  # overrides by which the jobs of a block may differ


@dataclass(frozen=True)
class BranchRow:
    """One system on the test part.

    Attributes:
        system: one of `ORDER`.
        accuracy: with its interval.
        macro_f1: with its interval.
        behind: accuracy of the learned fusion minus this one's, on the same samples; None of the fusion
            itself, or where there is none.
    """

    system: str
    accuracy: Interval
    macro_f1: Interval
    behind: Interval | None


@dataclass(frozen=True)
class BranchBlock:
    """The systems of one seed and of equal other settings.

    Attributes:
        seed: of its runs.
        settings: the overrides that they share, in one line.
        test: the samples that all were tested on, with the answers of one of them.
        right: system -> (N,) 1 where it is right, else 0.
        rows: in the order of `ORDER`.
        identity: split, version and data of all its runs, see `Job`.
    """

    seed: int
    settings: str
    test: MotionSamples
    right: Mapping[str, np.ndarray]
    rows: tuple[BranchRow, ...]
    identity: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Seed and settings."""
        return _title(self.seed, self.settings)

    @property
    def samples(self) -> int:
        """How many were tested on."""
        return len(self.test)

    def table(self) -> str:
        """Return the block as text."""
        lines = [["", "accuracy", "macro-F1", "fusion is better by"]]
        for row in self.rows:
            behind = "" if row.behind is None else told(row.behind, signed=True)
            lines.append([row.system, told(row.accuracy), told(row.macro_f1), behind])
        columns = {
            "accuracy": [row.accuracy for row in self.rows],
            "macro-F1": [row.macro_f1 for row in self.rows],
            "the differences": [row.behind for row in self.rows if row.behind is not None],
        }
        whose: dict[str, list[str]] = {}  # how an interval was made -> the columns that were
        for column, intervals in columns.items():
            for words in dict.fromkeys(interval.words for interval in intervals):
                whose.setdefault(words, []).append(column)
        notes = [f"intervals of {' and '.join(names)}: {words}" for words, names in whose.items()]
        remarks: dict[str, list[str]] = {}  # what must stand beside an interval -> the systems' columns
        for row in self.rows:
            cells = {"accuracy": row.accuracy, "macro-F1": row.macro_f1, "the difference": row.behind}
            for column, cell in cells.items():
                if cell is not None and cell.note and cell.estimate is not None:
                    remarks.setdefault(cell.note, []).append(f"{column} of {row.system}")
        notes += [f"note: {', '.join(names)}: {words}" for words, names in remarks.items()]
        if lacking := [name for name in ORDER if name not in {row.system for row in self.rows}]:
            notes.insert(0, f"not compared, for no finished job tells: {', '.join(lacking)}")
        return "\n".join([f"{self.title}, {self.samples} test samples", *aligned(lines), *notes])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        rows = [
            {
                "system": row.system,
                "accuracy": vars(row.accuracy),
                "macro_F1": vars(row.macro_f1),
                "behind": None if row.behind is None else vars(row.behind),
            }
            for row in self.rows
        ]
        return {"title": self.title, "samples": self.samples, "rows": rows}


@dataclass(frozen=True)
class RefusedBlock:
    """What stands in place of a block whose runs `dancepose-compare` would not compare.

    Attributes:
        seed: of the runs.
        settings: the overrides that they share, in one line.
        cause: why they are not compared.
    """

    seed: int
    settings: str
    cause: str

    def table(self) -> str:
        """Return the refusal as text."""
        return f"{_title(self.seed, self.settings)}: not compared (dancepose-compare says why): {self.cause}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"title": _title(self.seed, self.settings), "refused": self.cause}


def told(interval: Interval, signed: bool = False) -> str:
    """Return an interval of shares in percent: `91.2 (88.0 to 93.9)`."""
    if interval.estimate is None:
        return interval.note or "-"
    form = "+.1f" if signed else ".1f"
    ends = ""
    if interval.low is not None and interval.high is not None:
        ends = f" ({100 * interval.low:{form}} to {100 * interval.high:{form}})"
    return f"{100 * interval.estimate:{form}}{ends}"


def compare_branches(sweep: Path) -> list[BranchBlock | RefusedBlock]:
    """Compare the finished jobs of a sweep over `model.branches`.

    Args:
        sweep: its folder, a run directory in each sub-folder.

    Returns:
        A block for each seed and each set of other settings, or what is against it: runs of other versions,
        data or splits, or samples that are not of a run's own test. Empty where no job tells its branches.

    Raises:
        DataError: what a job left is broken, or two jobs of a block were tested on different samples.
    """
    if not any(sweep.glob(f"*/{FILE}")):
        return []
    jobs, left_out = read_jobs([sweep], tested=False)
    if broken := [one for one in left_out if one.status == DAMAGED]:
        raise DataError(f"{broken[0].path}: {broken[0].cause}")
    blocks: dict[tuple[int, str], dict[str, Job]] = {}
    for job in jobs:
        branches = (job.config.get("model") or {}).get("branches") or []
        name = NAMES.get(",".join(sorted(branches)))
        if name is not None and (job.path / FILE).is_file():
            settings = _settings(read_yaml(job.path / "overrides.yaml", list))
            block = blocks.setdefault((job.seed, settings), {})
            if name in block:
                twice = f"{name}, seed {job.seed} {settings}".rstrip()
                raise DataError(f"{job.path} and {block[name].path} are the same job twice: {twice}")
            block[name] = job
    return [_block(seed, settings, found) for (seed, settings), found in blocks.items()]


def _title(seed: int, settings: str) -> str:
    return f"seed {seed} {settings}".rstrip()


def _settings(overrides: Sequence[str]) -> str:
    """Return by which settings a job stands in a block, beside its seed."""
    return " ".join(sorted(o for o in overrides if o.lstrip("+~").partition("=")[0] not in SWITCHES))


def _block(seed: int, settings: str, found: Mapping[str, Job]) -> BranchBlock | RefusedBlock:
    jobs = [*found.values()]
    try:
        check_identity(jobs, (), ())
    except DataError as error:
        return RefusedBlock(seed, settings, str(error))
    jobs, left_out = with_samples(jobs, poses=False)
    if left_out:
        return RefusedBlock(seed, settings, f"{left_out[0].path}: {left_out[0].cause}")
    runs = [job.path for job in jobs]
    systems = {name: _samples(job) for name, job in zip(found, jobs, strict=True)}
    first = next(iter(systems.values()))
    for run, samples in zip(runs, systems.values(), strict=True):
        if not samples.same_test(first):
            raise DataError(
                f"{run} and {runs[0]} were tested on different samples: branches are compared on the same; "
                "give both the same data, split and classes"
            )
    probabilities = {name: samples.probabilities for name, samples in systems.items()}
    if {"keypoints alone", "image alone"} <= systems.keys():
        probabilities[LATE] = (probabilities["keypoints alone"] + probabilities["image alone"]) / 2
    answers = {name: values.argmax(axis=1) for name, values in probabilities.items()}
    right = {name: (answer == first.labels).astype(np.float64) for name, answer in answers.items()}
    clips, fusion = first.clustered, right.get("learned fusion")
    rows = []
    for name in ORDER:
        if name in answers:
            behind = None
            if fusion is not None and name != "learned fusion":
                behind = paired_cluster_bootstrap(fusion, right[name], clips)
            f1 = macro_f1_interval(first.labels, answers[name], len(first.classes), clips)
            rows.append(BranchRow(name, accuracy_interval(right[name] > 0, clips), f1, behind))
    return BranchBlock(seed, settings, first, right, tuple(rows), jobs[0].identity)


def _samples(job: Job) -> MotionSamples:
    return job.samples if isinstance(job.samples, MotionSamples) else MotionSamples.load(job.tested / FILE)
