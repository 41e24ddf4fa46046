"""Paired comparisons of runs: what may be claimed of a difference, and of which population.

Two arms are compared by the seeds that both have. A difference is claimed only if three agree: the sign-flip
test of the seeds, corrected by Holm for the family of comparisons; the interval over other seeds on these
very test samples; and the interval over other seeds and other clips. Nothing here is ever NaN: where there is
no number, words say why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dancepose.sweeps.bootstrap import (
    LEVEL,
    RESAMPLES,
    Interval,
    bootstrap_weights,
    check_level,
    check_resamples,
)
from dancepose.sweeps.crossed import Crossed, cross
from dancepose.sweeps.scores import Scores
from dancepose.sweeps.sign_flip import needed_shift, seeds_needed, sign_flip_p, smallest_p
from dancepose.sweeps.verdict import Findings, judge, tell

THESE = "other seeds on these very samples"
FEWEST = 3  # paired seeds below which there is nothing to say but the difference itself
POWER = 0.8
Claim = Literal["better", "worse"]


@dataclass(frozen=True)
class Difference:
    """One arm against another, by paired seeds.

    Attributes:
        name: the arm.
        against: the arm that it is compared with.
        seeds: those that count: both arms have a number of each.
        estimate: mean of the paired differences, None without any.
        over_seeds: BCa interval over other seeds, on these very test samples.
        over_both: interval over other seeds and other clips (samples, images, where there are no clips), wide
            enough for all comparisons of the family at once.
        p: two-sided, of the sign-flip permutation test; None below three seeds.
        p_holm: p after Holm's correction for the family.
        detectable: the smallest true difference that would be claimed with 80 % power, by the normal model of
            what was seen; None where there is none, `words` says why.
        claim: `better` or `worse` than `against`; None: no difference is detected.
        words: the verdict, a sentence or a few.
    """

    name: str
    against: str
    seeds: tuple[int, ...]
    estimate: float | None
    over_seeds: Interval
    over_both: Interval
    p: float | None
    p_holm: float | None
    detectable: float | None
    claim: Claim | None
    words: str


def compare(
    arms: Mapping[str, Scores],
    against: str,
    higher_is_better: bool = True,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Difference]:
    """Compare each arm with one of them; the family is all comparisons made here.

    Args:
        arms: name -> scores of its runs. All must be of the same metric and of the same test samples in the
            same order.
        against: the arm that the others are compared with.
        higher_is_better: whether a larger value of the metric is the better one.
        level: confidence of the intervals; 1 - level is what the family may err by.
        resamples: of the bootstraps.
        seed: of their draws.

    Returns:
        Arm -> its difference, for all arms but `against`; with words alone where there is no such arm.

    Raises:
        ConfigError: level or resamples are out of range.
    """
    pairs = [(name, against) for name in arms if name != against]
    found = _compare_pairs(arms, pairs, higher_is_better, level, resamples, seed)
    return {difference.name: difference for difference in found}


def compare_all(
    arms: Mapping[str, Scores],
    higher_is_better: bool = True,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[tuple[str, str], Difference]:
    """Compare each arm with each that stands before it; see `compare`. The family is all these pairs.

    Returns:
        (arm, arm that it is compared with) -> their difference.
    """
    names = list(arms)
    pairs = [(name, other) for i, name in enumerate(names) for other in names[:i]]
    found = _compare_pairs(arms, pairs, higher_is_better, level, resamples, seed)
    return {(difference.name, difference.against): difference for difference in found}


def _compare_pairs(
    arms: Mapping[str, Scores],
    pairs: Sequence[tuple[str, str]],
    higher_is_better: bool,
    level: float,
    resamples: int,
    seed: int,
) -> list[Difference]:
    check_level(level)
    check_resamples(resamples)
    paired = [_Pair(arms, name, against) for name, against in pairs]
    p = [sign_flip_p(pair.differences, seed) if len(pair.seeds) >= FEWEST else None for pair in paired]
    corrected = _holm(p)
    result = []
    for pair, raw, holm in zip(paired, p, corrected, strict=True):
        crossed = _cross(pair, len(pairs), level, resamples, seed)
        over_seeds = _over_seeds(pair, level, resamples, seed)
        detectable = _detectable(pair, crossed, len(pairs), level) if raw is not None else None
        findings = Findings(
            name=pair.name,
            against=pair.against,
            seeds=len(pair.seeds),
            unpaired=pair.unpaired,
            absent=pair.absent,
            alike=_alike(pair.differences),
            other_samples=pair.apart,
            comparisons=len(pairs),
            needed=seeds_needed(len(pairs), 1 - level),
            possible=min(1.0, len(pairs) * smallest_p(len(pair.seeds))),
            estimate=pair.estimate,
            over_seeds=over_seeds,
            over_both=crossed.interval,
            p_holm=holm,
            detectable=detectable,
            higher_is_better=higher_is_better,
            level=level,
        )
        claim = judge(findings)
        result.append(
            Difference(
                pair.name,
                pair.against,
                pair.seeds,
                pair.estimate,
                over_seeds,
                crossed.interval,
                raw,
                holm,
                detectable,
                claim,
                tell(findings, claim),
            )
        )
    return result


class _Pair:
    """Two arms by the seeds that both have numbers of."""

    def __init__(self, arms: Mapping[str, Scores], name: str, against: str):
        self.name, self.against = name, against
        self.scores = [arms[arm] for arm in (name, against) if arm in arms]
        first, second = _known(arms.get(name)), _known(arms.get(against))
        self.absent = tuple(arm for arm, values in ((name, first), (against, second)) if not values)
        self.seeds = tuple(sorted(first.keys() & second.keys()))
        everyone = {seed for scores in self.scores for seed in scores.seeds}
        self.unpaired = tuple(sorted(everyone - {*self.seeds}))
        self.differences = np.array([first[seed] - second[seed] for seed in self.seeds], np.float64)
        self.estimate = float(self.differences.mean()) if len(self.seeds) else None
        clusters = [scores.clusters for scores in self.scores if scores.clusters is not None]
        self.apart = len(clusters) == 2 and list(clusters[0]) != list(clusters[1])


def _known(scores: Scores | None) -> dict[int, float]:
    """Return seed -> value of the runs that have a number."""
    if scores is None:
        return {}
    found = zip(scores.seeds, np.asarray(scores.values, np.float64).tolist(), strict=True)
    return {seed: value for seed, value in found if np.isfinite(value)}


def _alike(differences: np.ndarray) -> bool:
    """Return whether all differences are one number, but for rounding."""
    return len(differences) > 0 and bool(np.ptp(differences) <= 1e-12 * np.abs(differences).max())


def _holm(p: Sequence[float | None]) -> list[float | None]:
    """Correct the p values of a family (Holm 1979); a comparison without one counts, but can show nothing.

    A test holds it to statsmodels, whose own collects all garbage of the process at each call: 0.3 s.
    """
    values = np.array([1.0 if value is None else value for value in p])
    order = np.argsort(values, kind="stable")
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)).clip(max=1)
    return [None if raw is None else float(value) for raw, value in zip(p, corrected, strict=True)]


def _over_seeds(pair: _Pair, level: float, resamples: int, seed: int) -> Interval:
    n = len(pair.seeds)
    if n < FEWEST:
        method = f"BCa bootstrap over {n} seeds"
        note = f"no interval: {n or 'no'} paired seed{'s' * (n != 1)}, at least {FEWEST} are needed"
        return Interval(pair.estimate, None, None, level, method, THESE, note)
    return bootstrap_weights(
        lambda weights: weights @ pair.differences / weights.sum(axis=1),
        n,
        THESE,
        "seeds",
        level,
        resamples,
        seed,
    )


def _cross(pair: _Pair, comparisons: int, level: float, resamples: int, seed: int) -> Crossed:
    n = len(pair.seeds)
    if n < FEWEST:
        note = f"no interval: {n or 'no'} paired seed{'s' * (n != 1)}, at least {FEWEST} are needed"
    elif pair.apart:
        note = "no interval: the two were tested on other samples"
    elif not all(scores.count for scores in pair.scores):
        note = "no interval: the test samples are not known one by one"
    elif pair.scores[0].count == 1:
        note = f"no interval: all is of one of the {pair.scores[0].unit}, which says nothing of others"
    else:
        first, second = (
            scores.resample(resamples, seed)[:, [scores.seeds.index(own) for own in pair.seeds]]
            for scores in pair.scores
        )
        count, unit = pair.scores[0].count, pair.scores[0].unit
        return cross(pair.differences, first - second, count, unit, comparisons, level, seed)
    population = "other seeds and other clips like these"
    method = "crossed bootstrap over seeds and clips"
    return Crossed(Interval(pair.estimate, None, None, level, method, population, note))


def _detectable(pair: _Pair, crossed: Crossed, comparisons: int, level: float) -> float | None:
    """Return the smallest true difference that is claimed with 80 % power, if it is the family's only one.

    In made-up outcomes, whose seeds and test samples scatter normally as those seen do, the sign-flip test
    has to reach Holm's first step and the crossed interval to leave out 0.
    """
    found = needed_shift(len(pair.seeds), (1 - level) / comparisons)
    spread = float(np.std(pair.differences, ddof=1))
    if found is None or _alike(pair.differences):
        return None
    means, shifts = found
    reach = 0.0
    if crossed.interval.low is not None and crossed.interval.estimate is not None:
        reach = crossed.interval.estimate - crossed.interval.low
    samples = np.sqrt(crossed.samples) * np.random.default_rng(len(means)).normal(size=len(means))
    needed = np.maximum(spread * shifts, reach - spread * means) - samples
    return float(np.quantile(needed, POWER))
