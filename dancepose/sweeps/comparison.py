"""The comparison of the arms of sweeps: every figure of every table, before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dancepose.metrics.pose_images import FILE as IMAGES
from dancepose.metrics.single_pictures import LABELS
from dancepose.paths import evaluate_again
from dancepose.sweeps.answers import MotionAnswers, PoseAnswers
from dancepose.sweeps.arms import Group
from dancepose.sweeps.bootstrap import LEVEL, RESAMPLES, Interval
from dancepose.sweeps.chance import chance_of
from dancepose.sweeps.keypoint_groups import TEST, parted
from dancepose.sweeps.measures import Metric, Scaled, arm_scores
from dancepose.sweeps.origin import origin_of
from dancepose.sweeps.paired import compare
from dancepose.sweeps.paper_differences import paper_notes
from dancepose.sweeps.parts import class_parts, keypoint_parts
from dancepose.sweeps.results import ArmResult, MetricResult, Table
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


def compare_groups(
    groups: Sequence[Group], metrics: Sequence[Metric], poses: bool, draws: Draws
) -> tuple[Table, ...]:
    """Measure and compare the arms of all tables, whose comparisons are one family.

    Args:
        groups: the jobs of each table.
        metrics: the first decides.
        poses: their family.
        draws: of all intervals.

    Raises:
        DataError: what a run left is broken, or runs were tested on different samples.
    """
    family = sum(len(group.arms) - 1 for group in groups)
    return tuple(
        compare_group(group, metrics, poses, draws, family - len(group.arms) + 1) for group in groups
    )


def compare_group(
    group: Group,
    metrics: Sequence[Metric],
    poses: bool,
    draws: Draws,
    others: int = 0,
) -> Table:
    """Measure and compare the arms of one table.

    Args:
        group: its jobs.
        metrics: the first decides.
        poses: their family.
        draws: of all intervals.
        others: comparisons of the other tables, which are of the same family.

    Raises:
        DataError: what a run left is broken, or runs were tested on different samples.
    """
    jobs = [job for arm in group.arms.values() for job in arm.jobs]
    answers = PoseAnswers(jobs) if poses else MotionAnswers(jobs)
    results = tuple(
        _compare_metric(metric, group, answers, draws, others, decides=number == 0)
        for number, metric in enumerate(metrics)
    )
    notes = [*group.notes, *_family_notes(group, metrics, others)]
    if isinstance(answers, PoseAnswers):
        notes += _unknown_notes(metrics, answers)
    of_chance = next((result for result in results if result.chance is not None), None)
    if of_chance is not None and of_chance.chance is not None:
        notes.append(of_chance.chance.words(of_chance.metric))
    origin = origin_of(jobs, answers.samples, "images" if poses else "samples", answers.groups, answers.unit)
    if isinstance(answers, PoseAnswers):
        return Table(group, results, keypoint_parts(group), tuple(notes), origin=origin)
    notes += paper_notes(group)
    confusion = {name: answers.confusion(arm.jobs) for name, arm in group.arms.items()}
    parts = class_parts(group, answers)
    return Table(group, results, parts, tuple(notes), confusion, answers.classes, origin=origin)


def _compare_metric(
    metric: Metric,
    group: Group,
    answers: MotionAnswers | PoseAnswers,
    draws: Draws,
    others: int,
    decides: bool,
) -> MetricResult:
    scores = {name: arm_scores(metric.name, arm, answers) for name, arm in group.arms.items()}
    scaled = {name: Scaled(of, metric.scale) for name, of in scores.items()}
    differences = compare(
        scaled,
        group.against,
        higher_is_better=metric.higher,
        **vars(draws),
        others=others,
        decides=decides,
        metric=f"{TEST}{metric.name}",
        decimals=metric.decimals,
    )
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
    means = {arm.name: arm.mean if arm.interval is None else arm.interval for arm in arms}
    return MetricResult(metric, tuple(arms), chance_of(metric, scores, means, answers, **vars(draws)))


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else scale * value


def _scaled_interval(interval: Interval, scale: float) -> Interval:
    estimate, low, high = (_scaled(v, scale) for v in (interval.estimate, interval.low, interval.high))
    return replace(interval, estimate=estimate, low=low, high=high)


def _unknown_notes(metrics: Sequence[Metric], answers: PoseAnswers) -> list[str]:
    """Say of which runs PCK is not known image by image, and how to have it so."""
    chosen = list(dict.fromkeys(of for of, _ in (parted(m.name) for m in metrics) if of in LABELS))
    jobs = answers.without_singles
    without = [job for job in jobs if any(job.metrics.get(f"{TEST}{name}") is not None for name in chosen)]
    if not without:
        return []
    of = without[0].name + (f" and {len(without) - 1} more" if len(without) > 1 else "")
    return [
        f"{' and '.join(chosen)}: not known image by image of {of}, whose {IMAGES} is of an earlier version; "
        f"write it again: {evaluate_again(without[0].tested)}"
    ]


def _family_notes(group: Group, metrics: Sequence[Metric], others: int) -> list[str]:
    notes = []
    if len(metrics) > 1:
        beside = ", ".join(metric.title for metric in metrics[1:])
        notes.append(f"{metrics[0].title} decides; {beside} are told beside it: by them nothing is claimed")
    if others:
        notes.append(
            "p by Holm and the intervals over both are for the "
            f"{len(group.arms) - 1 + others} comparisons of all tables at once"
        )
    return notes
