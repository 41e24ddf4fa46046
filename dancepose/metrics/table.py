"""`ResultRow`: what a metric says, and how it is shown as a table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from dancepose.metrics.curves import RECALLS, PrecisionRecall
from dancepose.metrics.joint_hits import JointHits
from dancepose.skeleton import COLUMNS, Skeleton

Value = TypeVar("Value", float, np.ndarray)


@dataclass
class ResultRow:
    """The outcome of one metric over one data set; None stands wherever there was no truth to score against.

    Attributes:
        metric: what the figures are, for instance `MPII mAP`.
        columns: report column -> value in percent, in report order; the last is the total.
        total: the column that ranks runs.
        joints: scored keypoint -> value in percent.
        curves: scored keypoint -> precision over recall, where the value is an average precision.
        truth: scored keypoint -> number of annotated joints (nGT).
        head_size_rules: rule that gave a person's reference length -> share of the people, summing to 1.
        counts: images, groups, people, predictions, and what was left out and why.
        notes: sentences that must stand beside the figures.
        standard_error: of the total over other test images like these, in percentage points; None where it
            is not known.
        drawn: what it is over: `400 images`, `12 clips`.
        hits: which joints were found in each picture, where the value is a share of joints.
    """

    metric: str
    columns: dict[str, float | None]
    total: str
    joints: dict[str, float | None] = field(default_factory=dict)
    curves: dict[str, PrecisionRecall | None] = field(default_factory=dict, compare=False)
    truth: dict[str, int] = field(default_factory=dict)
    head_size_rules: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    standard_error: float | None = None
    drawn: str = ""
    hits: JointHits | None = field(default=None, compare=False, repr=False)

    @property
    def value(self) -> float | None:
        """The total in percent, or None where nothing had truth."""
        return self.columns[self.total]

    def to_dict(self) -> dict[str, Any]:
        """Return plain containers, for JSON; curves and hits, as long as the truth, stay behind."""
        values = asdict(replace(self, curves={}, hits=None))
        del values["curves"], values["hits"]
        return values


def mean(values: list[Value | None]) -> Value | None:
    """Return the mean of the values that are there, None if there are none."""
    there = [v for v in values if v is not None]
    return sum(there[1:], start=there[0]) / len(there) if there else None


def report_columns(
    skeleton: Skeleton, joints: dict[str, Value | None], total: str
) -> dict[str, Value | None]:
    """Gather joint values into report columns (rule 10): means over left and right, and over all joints.

    The seven columns of the MPII table always stand; a skeleton's own further columns follow them. Values are
    numbers, or arrays of one shape.
    """
    names = [*COLUMNS, *(c for c in skeleton.columns if c not in COLUMNS)]
    columns = {name: mean([joints[k] for k in skeleton.columns.get(name, ())]) for name in names}
    columns[total] = mean(list(joints.values()))
    return columns


def column_curves(
    row: ResultRow, skeleton: Skeleton, recalls: np.ndarray = RECALLS
) -> dict[str, np.ndarray | None]:
    """Return the precision of each report column over recall: (R,) of 0 to 1, None without truth.

    At each recall it is the mean of the joints' precisions, each at that recall of its own, so that the area
    under the curve is the column's AP, which is a mean of the joints' APs. Pooling the detections of left and
    right into one ranking would give another curve, with another area than the figure that is reported.

    Args:
        row: of `MPIIMeanAP`.
        skeleton: the row's.
        recalls: (R,) from 0 to 1.
    """
    joints = {name: None if curve is None else curve.at(recalls) for name, curve in row.curves.items()}
    return report_columns(skeleton, joints, row.total)


def scored_keypoints(skeleton: Skeleton) -> list[str]:
    """Return the keypoints that stand in a report column, in the skeleton's order."""
    return [name for name, scored in zip(skeleton.keypoints, skeleton.scored, strict=True) if scored]


def truth_note(truth: dict[str, int]) -> list[str]:
    """Return the note that names the joints without truth, if there are any."""
    absent = [name for name, count in truth.items() if count == 0]
    if not absent:
        return []
    if len(absent) == len(truth):
        return ["no joint had truth"]
    had = "joint" if len(absent) == 1 else "joints"
    return [f"{len(absent)} {had} had no truth, left out of the means: {', '.join(absent)}"]


def format_value(value: float | None) -> str:
    """Return the value with one decimal, '-' where there is none."""
    return "-" if value is None else f"{value:.1f}"


def plain_table(rows: Mapping[str, ResultRow]) -> str:
    """Return an aligned table without colours or borders, one line for each label.

    Rows with the same columns stand together; those with others below, under a header of their own.
    """
    blocks: dict[tuple[str, ...], list[list[str]]] = {}
    for label, row in rows.items():
        block = blocks.setdefault(tuple(row.columns), [["", "metric", *row.columns]])
        block.append([label, row.metric, *(format_value(value) for value in row.columns.values())])
    texts = []
    for block in blocks.values():
        widths = [max(len(line[i]) for line in block) for i in range(len(block[0]))]
        for line in block:
            cells = zip(line, widths, strict=True)
            texts.append("  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(cells)))
    return "\n".join(texts)


def details(row: ResultRow) -> list[str]:
    """Return what must be printed below the table: error, the head-size rules' shares, the counts, the notes.

    Rules and counts that are zero are left out, but for images, people and predictions.
    """
    lines = []
    if row.standard_error is not None:
        lines.append(f"standard error of the {row.total} over {row.drawn}: {row.standard_error:.2f}")
    if any(row.head_size_rules.values()):
        shares = ", ".join(f"{rule} {share:.1%}" for rule, share in row.head_size_rules.items() if share)
        lines.append(f"reference length by rule: {shares}")
    counts = {name: n for name, n in row.counts.items() if n or name in ("images", "people", "predictions")}
    if counts:
        lines.append(", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts.items()))
    return lines + [f"note: {note}" for note in row.notes]
