"""The comparison of the arms of sweeps: every figure of every table, before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from dancepose.sweeps.answers import MotionAnswers, PoseAnswers
from dancepose.sweeps.arms import Group
from dancepose.sweeps.bootstrap import LEVEL, RESAMPLES, Interval
from dancepose.sweeps.costs import Cost
from dancepose.sweeps.jobs import LeftOut
from dancepose.sweeps.measures import Metric, Scaled, arm_scores
from dancepose.sweeps.paired import Difference, compare
from dancepose.sweeps.parts import Parts, class_parts, keypoint_parts
from dancepose.sweeps.sign_flip import seeds_needed
from dancepose.sweeps.spread import describe


@dataclass(frozen=True)
class Draws:
    """How intervals are made.

    Attributes:
        level: confidence.
        resamples: of each bootstrap.
        seed: of its draws.
    """

    level: float = LEVEL
    resamples: int = RESAMPLES
    seed: int = 0


@dataclass(frozen=True)
class ArmResult:
    """What was measured of an arm, in the unit of the metric's title.

    Attributes:
        name: of the arm.
        seeds: of its runs.
        values: the metric of each seed, None where it has none.
        mean: of them.
        std: of them (n - 1); None of fewer than two.
        interval: of the mean, over other test samples; None where only one number a run is known.
        difference: to the reference, paired by seed; None of the reference itself.
    """

    name: str
    seeds: tuple[int, ...]
    values: tuple[float | None, ...]
    mean: float | None
    std: float | None
    interval: Interval | None
    difference: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "arm": self.name,
            "seeds": list(self.seeds),
            "values": list(self.values),
            "mean": self.mean,
            "std": self.std,
            "interval": None if self.interval is None else asdict(self.interval),
            "difference": None if self.difference is None else asdict(self.difference),
        }


@dataclass(frozen=True)
class MetricResult:
    """The arms by one metric, the reference first."""

    metric: Metric
    arms: tuple[ArmResult, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """What is compared together.

    Attributes:
        group: the jobs.
        metrics: the first is the one that decides.
        parts: by keypoint group or class; None where no job tells them.
        notes: what must stand beside the figures.
        confusion: of motions arm -> (C, C) counts of all its runs, labels by row.
        classes: of motions.
        costs: arm -> what its network costs; an arm of several networks, or one that was not measured, is
            missing.
    """

    group: Group
    metrics: tuple[MetricResult, ...]
    parts: Parts | None
    notes: tuple[str, ...]
    confusion: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    costs: Mapping[str, Cost] = field(default_factory=dict)

    def with_costs(self, costs: Mapping[str, Cost]) -> "Table":
        """Return the table with costs of its arms."""
        return replace(self, costs=dict(costs))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "split": dict(self.group.split),
            "pooled": list(self.group.pooled),
            "jobs": {name: [str(job.path) for job in arm.jobs] for name, arm in self.group.arms.items()},
            "metrics": {m.metric.name: [arm.to_dict() for arm in m.arms] for m in self.metrics},
            "parts": None if self.parts is None else self.parts.to_dict(),
            "confusion": {name: matrix.tolist() for name, matrix in self.confusion.items()},
            "classes": list(self.classes),
            "costs": {name: cost.to_dict() for name, cost in self.costs.items()},
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """All tables of a comparison, and what does not stand in them.

    Attributes:
        sweeps: the folders that were read.
        by: the factors whose levels are compared.
        against: the reference.
        poses: whether the runs are of poses, and not of motions.
        tables: one, or one for each level of `split`.
        left_out: jobs that take no part.
        level: confidence of the intervals.
        resamples: of the bootstraps.
    """

    sweeps: tuple[str, ...]
    by: tuple[str, ...]
    against: str
    poses: bool
    tables: tuple[Table, ...]
    left_out: tuple[LeftOut, ...]
    level: float = LEVEL
    resamples: int = RESAMPLES

    @property
    def title(self) -> str:
        """What is compared, in a line."""
        return f"{' and '.join(self.by)}, against {self.against}"

    def seeds_needed(self, table: Table) -> int:
        """Return with how many paired seeds the test can decide anything in a table at all."""
        return seeds_needed(max(1, len(table.group.arms) - 1), 1 - self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "sweeps": list(self.sweeps),
            "by": list(self.by),
            "against": self.against,
            "level": self.level,
            "resamples": self.resamples,
            "tables": [table.to_dict() for table in self.tables],
            "left_out": [{**vars(one), "path": str(one.path)} for one in self.left_out],
        }


def compare_group(
    group: Group,
    metrics: Sequence[Metric],
    poses: bool,
    draws: Draws,
) -> Table:
    """Measure and compare the arms of one table.

    Args:
        group: its jobs.
        metrics: the first decides.
        poses: their family.
        draws: of all intervals.

    Raises:
        DataError: what a run left is broken, or runs were tested on different samples.
    """
    jobs = [job for arm in group.arms.values() for job in arm.jobs]
    answers = PoseAnswers(jobs) if poses else MotionAnswers(jobs)
    results = tuple(_compare_metric(metric, group, answers, draws) for metric in metrics)
    notes = [*group.notes, *_family_notes(group, metrics)]
    if isinstance(answers, PoseAnswers):
        return Table(group, results, keypoint_parts(group), (*notes, *answers.notes))
    confusion = {name: answers.confusion(arm.jobs) for name, arm in group.arms.items()}
    return Table(group, results, class_parts(group, answers), tuple(notes), confusion, answers.classes)


def _compare_metric(
    metric: Metric, group: Group, answers: MotionAnswers | PoseAnswers, draws: Draws
) -> MetricResult:
    scores = {name: arm_scores(metric.name, arm, answers) for name, arm in group.arms.items()}
    scaled = {name: Scaled(of, metric.scale) for name, of in scores.items()}
    differences = compare(scaled, group.against, higher_is_better=metric.higher, **vars(draws))
    arms = []
    for name, of in scores.items():
        spread = describe(of, **vars(draws))
        values = scaled[name].values
        arms.append(
            ArmResult(
                name,
                tuple(of.seeds),
                tuple(float(value) if np.isfinite(value) else None for value in values),
                _scaled(spread.mean, metric.scale),
                _scaled(spread.std, metric.scale),
                None if spread.interval is None else _scaled_interval(spread.interval, metric.scale),
                differences.get(name),
            )
        )
    return MetricResult(metric, tuple(arms))


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else scale * value


def _scaled_interval(interval: Interval, scale: float) -> Interval:
    estimate, low, high = (_scaled(v, scale) for v in (interval.estimate, interval.low, interval.high))
    return replace(interval, estimate=estimate, low=low, high=high)


def _family_notes(group: Group, metrics: Sequence[Metric]) -> list[str]:
    notes = []
    if len(metrics) > 1:
        others = ", ".join(metric.title for metric in metrics[1:])
        notes.append(
            f"{metrics[0].title} decides; {others} are told beside it, each corrected for its own "
            "comparisons alone"
        )
    if group.split:
        notes.append("p by Holm is for the comparisons of this table, not for those of other tables")
    return notes
