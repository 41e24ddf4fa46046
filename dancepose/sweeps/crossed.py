"""The crossed bootstrap over seeds and clips: how a difference varies with both, drawn independently.

McCullagh 2000, Resampling and exchangeable arrays; Owen 2007, The pigeonhole bootstrap: its variance counts
what seeds and samples have together three times, so that it errs on the wide side.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from dancepose.sweeps.bootstrap import OVER_SEEDS, Interval, draw_weights
from dancepose.sweeps.cluster_sizes import correct_variance, told_few

SMALLEST = 1e-12  # of a spread


@dataclass(frozen=True)
class Crossed:
    """What a crossed bootstrap says of a mean paired difference.

    Attributes:
        interval: over other seeds and other clips.
        error: standard error over both.
        samples: the part of its square that is the test samples' alone.
    """

    interval: Interval
    error: float = 0.0
    samples: float = 0.0


def cross(
    differences: np.ndarray,
    resampled: np.ndarray,
    sizes: np.ndarray,
    unit: str,
    comparisons: int,
    level: float,
    seed: int,
) -> Crossed:
    """Return the interval of a mean paired difference over other seeds and other clips.

    It is the estimate and t standard errors to both sides: percentiles cannot tell the ends of a family's
    intervals from 2,000 resamples. The degrees of freedom are Satterthwaite's of the two sources, and each
    variance is set right for what a bootstrap of few is too small by: of n seeds by n / (n - 1) (Hesterberg
    2015, What teachers should know about the bootstrap), of clips by `correct_variance`, for they are of
    unequal size.

    Args:
        differences: (n,) of the paired seeds on the whole test part, n >= 2.
        resampled: (R, n) the same on resamples of the clips.
        sizes: (clips,) how many samples each clip has.
        unit: what the clips are called.
        comparisons: of the family: all their intervals hold together at the level (Bonferroni).
        level: confidence.
        seed: of the draws of seeds.
    """
    n, clusters = len(differences), len(sizes)
    estimate = float(differences.mean())
    population = f"other seeds and other {unit} like these"
    together = f", {comparisons} comparisons at once" if comparisons > 1 else ""
    method = f"crossed bootstrap over {n} seeds and {clusters} {unit}{together}"
    resampled = resampled[~np.isnan(resampled).any(axis=1)]
    if len(resampled) < 2:
        note = "no interval: the resamples have no such value"
        return Crossed(Interval(estimate, None, None, level, method, population, note))
    drawn = draw_weights(n, len(resampled), (seed, OVER_SEEDS, 0))
    both = float(np.var(np.einsum("rn,rn->r", drawn, resampled) / n, ddof=1))
    of_seeds = float(np.var(differences, ddof=1)) / n
    raw, (factor, freedom) = float(np.var(resampled.mean(axis=1), ddof=1)), correct_variance(sizes)
    of_samples = factor * raw
    parts = of_seeds + of_samples
    if min(both, parts) <= SMALLEST**2:
        note = f"no interval: neither the seeds nor the {unit} differ"
        return Crossed(Interval(estimate, None, None, level, method, population, note))
    both *= parts / (of_seeds * (n - 1) / n + raw)
    freedom = parts**2 / (of_seeds**2 / (n - 1) + of_samples**2 / freedom)
    error = both**0.5
    reach = float(-stdtrit(freedom, (1 - level) / 2 / comparisons)) * error
    shared = max(0.0, both - parts)  # what seeds and samples have together, in each of the two as well
    few = told_few(sizes, unit)
    note = f"{few}: what is said of other {unit} rests on few" if few else ""
    interval = Interval(estimate, estimate - reach, estimate + reach, level, method, population, note)
    return Crossed(interval, error, max(0.0, of_samples - shared))
