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
from dancepose.sweeps.scores import AccuracyScores, Scores
from dancepose.sweeps.sign_flip import seeds_needed
from dancepose.sweeps.statistics import accuracy_interval, cluster_bootstrap, wilson_interval


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
        interval: of the mean, over other test samples; None where only one number a run is known, and of
            metrics that do not decide.
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
    results = tuple(
        _compare_metric(metric, group, answers, draws, decides=number == 0)
        for number, metric in enumerate(metrics)
    )
    notes = [*group.notes, *_family_notes(group, metrics)]
    if isinstance(answers, PoseAnswers):
        return Table(group, results, keypoint_parts(group), (*notes, *answers.notes))
    confusion = {name: answers.confusion(arm.jobs) for name, arm in group.arms.items()}
    return Table(group, results, class_parts(group, answers), tuple(notes), confusion, answers.classes)


def _compare_metric(
    metric: Metric,
    group: Group,
    answers: MotionAnswers | PoseAnswers,
    draws: Draws,
    decides: bool,
) -> MetricResult:
    scores = {name: arm_scores(metric.name, arm, answers) for name, arm in group.arms.items()}
    reference, scale = next(iter(scores)), metric.scale
    scaled = {name: Scaled(of, scale) for name, of in scores.items()}
    differences = compare(scaled, reference, higher_is_better=metric.higher, **vars(draws))
    intervals = {name: _scaled(arm_interval(of, draws), scale) for name, of in scores.items() if decides}
    return MetricResult(
        metric,
        tuple(
            _arm_result(name, of, intervals.get(name), differences.get(name)) for name, of in scaled.items()
        ),
    )


def _arm_result(
    name: str,
    scores: Scores,
    interval: Interval | None,
    difference: Difference | None,
) -> ArmResult:
    values = np.asarray(scores.values, np.float64)
    there = values[~np.isnan(values)]
    return ArmResult(
        name,
        tuple(scores.seeds),
        tuple(None if np.isnan(value) else float(value) for value in values),
        float(there.mean()) if len(there) else None,
        float(there.std(ddof=1)) if len(there) > 1 else None,
        interval,
        difference,
    )


def _scaled(interval: Interval | None, scale: float) -> Interval | None:
    if interval is None:
        return None
    ends = (interval.estimate, interval.low, interval.high)
    estimate, low, high = (None if end is None else scale * end for end in ends)
    return replace(interval, estimate=estimate, low=low, high=high)


def arm_interval(scores: Scores, draws: Draws) -> Interval | None:
    """Return the interval of the mean over an arm's seeds, over other test samples and these very seeds.

    Accuracies of samples that are from no clip have Wilson's, as if their mean over seeds were that of one
    run: which is wider than need be, for a mean over seeds varies less. All else is bootstrapped over clips.

    Args:
        scores: of the arm.
        draws: of the bootstrap.
    """
    clusters = scores.clusters
    if clusters is None:
        return None
    if isinstance(scores, AccuracyScores):
        right = scores.correct  # (N, S)
        if right.shape[1] == 1 or (right == right[:, :1]).all():
            clips = clusters if any(clip is not None for clip in clusters) else None
            return accuracy_interval(right[:, 0] > 0, clips, **vars(draws))
        if len(set(clusters)) == len(clusters) or all(clip is None for clip in clusters):
            wilson = wilson_interval(round(float(right.mean(axis=1).sum())), len(right), draws.level)
            return replace(wilson, estimate=float(right.mean()))
    return cluster_bootstrap(
        np.zeros(len(clusters)),
        clusters,
        lambda _, weights: scores.of_weights(weights).mean(axis=1),
        **vars(draws),
    )


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
