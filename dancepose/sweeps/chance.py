"""`Chance`: what is reached by answers that know nothing, and which arms are shown to be above it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dancepose.metrics.confusion import macro_f1
from dancepose.sweeps.answers import MotionAnswers, PoseAnswers
from dancepose.sweeps.bootstrap import Interval, bootstrap_weights
from dancepose.sweeps.measures import Metric
from dancepose.sweeps.sample_scores import Scores, cluster_sizes
from dancepose.sweeps.scores import AccuracyScores

FLOOR = ("mAP", "OKS_AP", "PCK@0.2", "PCKh@0.5")  # of poses: 0 where nothing is found


@dataclass(frozen=True)
class Chance:
    """What is reached by knowing nothing, and how the arms stand to it.

    Attributes:
        level: in the unit of the metric's title.
        how: it is reached: `always answering walk`.
        over: arm -> how far the mean of its runs is above it, with the interval over other test samples.
    """

    level: float
    how: str
    over: Mapping[str, Interval]

    def above(self, arm: str) -> bool | None:
        """Return whether an arm is shown to be above chance; None where nothing tells of other samples."""
        found = self.over[arm]
        if found.estimate is None:
            return None
        if found.low is not None:
            return found.low > 0
        return False if found.estimate <= 0 else None

    def arms(self, above: bool | None) -> list[str]:
        """Return the arms that are so: shown to be above (True), not (False), not known (None)."""
        return [name for name in self.over if self.above(name) is above]

    @property
    def learnt(self) -> bool:
        """Whether any arm may have learnt something."""
        return not self.over or len(self.arms(False)) < len(self.over)

    def words(self, metric: Metric) -> str:
        """Return how the arms stand to chance, as a sentence or two."""
        level = metric.told(self.level) + (" %" if metric.title.endswith("%") else "")
        chance = f"chance, {level} ({self.how}; {self._basis()})"
        below, unknown = self.arms(False), self.arms(None)
        if not self.learnt and len(below) > 1:
            means = [found.estimate or 0.0 for found in self.over.values()]
            shown = "shown to be " if max(means) > 0 else ""
            return f"No arm is {shown}above {chance}, so that their differences say nothing."
        if not below and not unknown and len(self.over) > 1:
            return f"All {len(self.over)} arms are above {chance}."
        told = []
        if above := self.arms(True):
            told.append(f"{_listed(above)} {_be(above)} above {chance}.")
        if below:
            what = "chance" if above else chance
            told.append(f"{_listed(below)} {_be(below)} not shown to be above {what}: a difference to what ")
            told[-1] += "learnt nothing says nothing of a design."
        if unknown:
            what = "chance" if told else chance
            told.append(f"Nothing tells whether {_listed(unknown)} {_be(unknown)} above {what}.")
        return " ".join(told)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        arms = {name: {"above": self.above(name), **asdict(found)} for name, found in self.over.items()}
        return {"level": self.level, "how": self.how, "arms": arms}

    def _basis(self) -> str:
        """Return by what it is judged, with what must stand beside the intervals."""
        found = [interval for interval in self.over.values() if interval.low is not None]
        if not found:
            return "by the means"
        notes = dict.fromkeys(interval.note for interval in found if interval.note)
        return "; ".join([f"these very runs, {100 * found[0].level:g} %, {found[0].method}", *notes])


def chance_of(
    metric: Metric,
    scores: Mapping[str, Scores],
    means: Mapping[str, Interval | float | None],
    answers: MotionAnswers | PoseAnswers,
    resamples: int,
    level: float,
    seed: int,
) -> Chance | None:
    """Return how arms stand to answers that know nothing; None of a metric that has no such level.

    Of an accuracy they are the commonest class of the test part, always: no constant answer reaches more, and
    on other clips it would reach something else, so that it is drawn along with the arms, on the same clips.
    Of macro-F1 they are the better of that and of guessing all classes equally often, of poses nothing.

    Args:
        metric: of the scores.
        scores: arm -> of its runs, in the unit of files.
        means: arm -> interval of its mean over other test samples in the title's unit, or the mean alone.
        answers: of the runs.
        resamples: of the bootstrap.
        level: confidence of the intervals.
        seed: of the draws.
    """
    if isinstance(answers, PoseAnswers):
        return Chance(0.0, "nothing found", _above(means, 0.0, level)) if metric.name in FLOOR else None
    counts = np.bincount(answers.labels, minlength=len(answers.classes))
    common = int(counts.argmax())
    always = f"always answering {answers.classes[common]}"
    if metric.name == "accuracy":
        constant = AccuracyScores((0,), (answers.labels == common)[None], answers.clips)
        over = {
            name: _paired(own, constant, metric.scale, resamples, level, seed) for name, own in scores.items()
        }
        return Chance(metric.scale * float(constant.values[0]), always, over)
    if metric.name == "mean_class_accuracy":
        share = metric.scale / int((counts > 0).sum())
        return Chance(share, always, _above(means, share, level))
    if metric.name != "macro_F1":
        return None
    share, how = max((_constant_f1(counts), always), (_guessed_f1(counts), "guessing classes equally often"))
    return Chance(metric.scale * share, how, _above(means, metric.scale * share, level))


def _paired(
    scores: Scores, constant: AccuracyScores, scale: float, resamples: int, level: float, seed: int
) -> Interval:
    """Return how far the mean of the runs is above the constant answer, on the same drawn samples."""
    known = np.isfinite(np.asarray(scores.values, np.float64))
    population = f"other {scores.unit} like these"
    if not known.any():
        return Interval(None, None, None, level, "", population, "no interval: there is no run")

    def difference(arm: np.ndarray, base: np.ndarray) -> np.ndarray:
        return scale * (arm[:, known].mean(axis=1) - base[:, 0])

    return bootstrap_weights(
        lambda weights: difference(scores.of_clusters(weights), constant.of_clusters(weights)),
        scores.count,
        population,
        scores.unit,
        level,
        resamples,
        seed,
        difference(scores.resample(resamples, seed), constant.resample(resamples, seed)),
        cluster_sizes(scores.clusters or ()),
    )


def _above(means: Mapping[str, Interval | float | None], share: float, level: float) -> dict[str, Interval]:
    """Return the intervals of means less a level that no draw changes."""
    found = {}
    for name, mean in means.items():
        if isinstance(mean, Interval):
            estimate, low, high = (
                v if v is None else v - share for v in (mean.estimate, mean.low, mean.high)
            )
            found[name] = replace(mean, estimate=estimate, low=low, high=high)
        else:
            over = None if mean is None else mean - share
            note = "no interval: only one number of each run is known"
            found[name] = Interval(over, None, None, level, "", "other samples like these", note)
    return found


def _constant_f1(counts: np.ndarray) -> float:
    matrix = np.zeros((len(counts), len(counts)))
    matrix[:, counts.argmax()] = counts
    return float(macro_f1(matrix))


def _guessed_f1(counts: np.ndarray) -> float:
    return float(macro_f1(np.repeat(counts[:, None] / len(counts), len(counts), axis=1)))


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    comma = "; " if any(", " in name for name in names) else ", "  # arms of several factors have commas
    return f"{comma.join(names[:-1])}{comma.rstrip() if comma == '; ' else ''} and {names[-1]}"
