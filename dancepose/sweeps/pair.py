"""`Pair`: two arms by the seeds that both have, with the test and the intervals of their difference."""

from collections.abc import Mapping

import numpy as np

from dancepose.sweeps.bootstrap import Interval, bootstrap_weights
from dancepose.sweeps.crossed import Crossed, cross
from dancepose.sweeps.sample_scores import Scores, cluster_sizes
from dancepose.sweeps.sign_flip import needed_shift, sign_flip_p

FEWEST = 3  # paired seeds below which there is nothing to say but the difference itself
POWER = 0.8


class Pair:
    """An arm and the one that it is compared with.

    Args:
        arms: name -> scores of its runs.
        name: of the arm.
        against: of the other one.
        level: confidence of the intervals.
        resamples: of the bootstraps.
        seed: of their draws.

    Attributes:
        seeds: of which both arms have a number.
        unpaired: of which only one has.
        absent: which of the two has no number at all.
        apart: whether the two are known to have been tested on other samples.
        unit: what the test samples are drawn by: clips, images, samples.
        differences: (n,) of the paired seeds.
        estimate: their mean, None without any.
    """

    def __init__(
        self, arms: Mapping[str, Scores], name: str, against: str, level: float, resamples: int, seed: int
    ):
        self.name, self.against, self.level = name, against, level
        self._resamples, self._seed = resamples, seed
        self._scores = [arms[arm] for arm in (name, against) if arm in arms]
        first, second = _known(arms.get(name)), _known(arms.get(against))
        self.absent = tuple(arm for arm, values in ((name, first), (against, second)) if not values)
        self.seeds = tuple(sorted(first.keys() & second.keys()))
        everyone = {seed for scores in self._scores for seed in scores.seeds}
        self.unpaired = tuple(sorted(everyone - {*self.seeds}))
        self.differences = np.array([first[seed] - second[seed] for seed in self.seeds], np.float64)
        self.estimate = float(self.differences.mean()) if len(self.seeds) else None
        clusters = [scores.clusters for scores in self._scores if scores.clusters is not None]
        self.apart = len(clusters) == 2 and list(clusters[0]) != list(clusters[1])
        self.unit = self._scores[0].unit

    @property
    def alike(self) -> bool:
        """Whether all differences are one number, but for rounding."""
        found = self.differences
        return len(found) > 0 and bool(np.ptp(found) <= 1e-12 * np.abs(found).max())

    def p(self) -> float | None:
        """Return the two-sided p of the sign-flip test; None of too few seeds."""
        return sign_flip_p(self.differences, self._seed) if len(self.seeds) >= FEWEST else None

    def over_seeds(self) -> Interval:
        """Return the interval over other seeds, on these very test samples."""
        n, these = len(self.seeds), f"other seeds on these very {self.unit}"
        if n < FEWEST:
            method = f"BCa bootstrap over {n} seeds"
            return Interval(self.estimate, None, None, self.level, method, these, self._too_few)
        return bootstrap_weights(
            lambda weights: weights @ self.differences / weights.sum(axis=1),
            n,
            these,
            "seeds",
            self.level,
            self._resamples,
            self._seed,
        )

    def cross(self, comparisons: int) -> Crossed:
        """Return the interval over other seeds and other test samples, for so many comparisons at once."""
        unit, scores = self.unit, self._scores
        if len(self.seeds) < FEWEST:
            note = self._too_few
        elif self.apart:
            note = "no interval: the two were tested on other samples"
        elif not all(own.count for own in scores):
            note = f"no interval: of each run only one number is known, and not what it said of single {unit}"
        elif scores[0].count == 1:
            note = f"no interval: all is of one of the {unit}, which says nothing of others"
        else:
            first, second = (
                own.resample(self._resamples, self._seed)[:, [own.seeds.index(seed) for seed in self.seeds]]
                for own in scores
            )
            sizes = cluster_sizes(scores[0].clusters or ())
            return cross(self.differences, first - second, sizes, unit, comparisons, self.level, self._seed)
        population, method = (
            f"other seeds and other {unit} like these",
            f"crossed bootstrap over seeds and {unit}",
        )
        return Crossed(Interval(self.estimate, None, None, self.level, method, population, note))

    def detectable(self, crossed: Crossed, comparisons: int) -> float | None:
        """Return the smallest true difference that is claimed with 80 % power, if it is the only one.

        In made-up outcomes, whose seeds and test samples scatter normally as those seen do, the sign-flip
        test has to reach Holm's first step and the crossed interval to leave out 0. None where nothing can be
        claimed at all: of too few seeds, of equal differences, without a crossed interval.
        """
        found, interval = needed_shift(len(self.seeds), (1 - self.level) / comparisons), crossed.interval
        if found is None or self.alike or interval.low is None or interval.estimate is None:
            return None
        means, shifts = found
        spread, reach = float(np.std(self.differences, ddof=1)), interval.estimate - interval.low
        samples = np.sqrt(crossed.samples) * np.random.default_rng(len(means)).normal(size=len(means))
        needed = np.maximum(spread * shifts, reach - spread * means) - samples
        return float(np.quantile(needed, POWER))

    @property
    def _too_few(self) -> str:
        n = len(self.seeds)
        return f"no interval: {n or 'no'} paired seed{'s' * (n != 1)}, at least {FEWEST} are needed"


def _known(scores: Scores | None) -> dict[int, float]:
    """Return seed -> value of the runs that have a number."""
    if scores is None:
        return {}
    found = zip(scores.seeds, np.asarray(scores.values, np.float64).tolist(), strict=True)
    return {seed: value for seed, value in found if np.isfinite(value)}
