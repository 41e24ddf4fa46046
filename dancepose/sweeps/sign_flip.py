"""The sign-flip permutation test of paired differences, which assumes only that either sign could be."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.stats import t as student

EXACT = 16  # seeds up to which all 2^n signs are looked at
DRAWS = 40_000 - 1  # of signs, above: no family for which 16 seeds are enough is too large for more of them
PLANNED = 12  # seeds up to which the needed shift is that of the test itself; above it is that of a t-test
NOISE = 2000  # made-up outcomes from which the power follows


def sign_flip_p(differences: np.ndarray, seed: int = 0) -> float:
    """Return the two-sided p of paired differences (n,), n >= 1: how often signs at random sum up as far.

    Exact to 16 differences; above it is (b + 1) / (m + 1) of m random signs (Phipson and Smyth 2010).
    """
    values = np.asarray(differences, np.float64)
    if len(values) <= EXACT:
        sums = np.abs(_half_of_all_signs(len(values)) @ values)  # the other half are their negatives
        return float(np.mean(sums >= _reached(values)))
    signs = 2 * np.random.default_rng(seed).integers(0, 2, (DRAWS, len(values)), dtype=np.int8) - 1
    return float((np.sum(np.abs(signs @ values) >= _reached(values)) + 1) / (DRAWS + 1))


def smallest_p(seeds: int) -> float:
    """Return the smallest two-sided p that so many paired seeds can reach, however large the difference."""
    return min(1.0, 2.0 ** (1 - seeds)) if seeds <= EXACT else 1 / (DRAWS + 1)


def seeds_needed(comparisons: int, alpha: float = 0.05) -> int | None:
    """Return with how many paired seeds the smallest p stays within `alpha` after Holm's correction.

    None where no number is enough: above `EXACT` seeds p is from drawn signs, and at least 1 / (draws + 1).
    """
    needed = max(1, math.ceil(1 + math.log2(comparisons / alpha) - 1e-9))
    return None if comparisons * smallest_p(needed) > alpha * (1 + 1e-9) else needed


def holm(p: Sequence[float | None], others: int = 0) -> list[float | None]:
    """Correct the p values of a family (Holm 1979); a comparison without one counts, but can show nothing.

    A test holds it to statsmodels, whose own collects all garbage of the process at each call: 0.3 s.

    Args:
        p: of the comparisons.
        others: comparisons of the same family whose p are not known here; they are taken for the smallest,
            which can only make the corrected ones larger.
    """
    values = np.array([1.0 if value is None else value for value in p])
    order = np.argsort(values, kind="stable")
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(
        values[order] * np.arange(others + len(values), others, -1)
    ).clip(max=1)
    return [None if raw is None else float(value) for raw, value in zip(p, corrected, strict=True)]


@lru_cache(maxsize=64)
def needed_shift(seeds: int, alpha: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Return which shift of standard normal differences the test finds, in made-up outcomes.

    Flipping the signs of a subset reaches the sum if and only if the subset's own sum is not positive, which
    a shift above its negative mean ends. So p falls as the shift grows, and the shift from which on it is
    within `alpha` is one of the ordered negative means of the subsets.

    Args:
        seeds: paired differences of an outcome, at least 2.
        alpha: level of the two-sided test.

    Returns:
        (M,) mean of each outcome's noise and (M,) the shift from which on it is found; None where no shift is
        ever found.
    """
    if smallest_p(seeds) > alpha * (1 + 1e-9):
        return None
    noise = np.random.default_rng([seeds, NOISE]).normal(size=(NOISE, seeds))
    means = noise.mean(axis=1)
    if seeds > PLANNED:
        critical = student.isf(alpha / 2, seeds - 1) / math.sqrt(seeds)
        return means, critical * noise.std(axis=1, ddof=1) - means
    subsets = ((np.arange(1, 2**seeds)[:, None] >> np.arange(seeds)) & 1).astype(np.float64)
    allowed = math.floor(alpha * 2 ** (seeds - 1) * (1 + 1e-9)) - 1  # besides the empty one
    subsets /= subsets.sum(axis=1, keepdims=True)
    place = len(subsets) - 1 - allowed
    at_once = max(1, 2**22 // len(subsets))
    shifts = [
        np.partition(-(noise[start : start + at_once] @ subsets.T), place, axis=1)[:, place]
        for start in range(0, NOISE, at_once)
    ]
    return means, np.concatenate(shifts)


@lru_cache(maxsize=4)
def _half_of_all_signs(count: int) -> np.ndarray:
    """Return all signs of `count` values whose last is positive: (2^(count - 1), count)."""
    bits = (np.arange(2 ** (count - 1))[:, None] >> np.arange(count)) & 1
    return 1.0 - 2.0 * bits


def _reached(values: np.ndarray) -> float:
    """Return from where on a sum counts as reached: rounding must not make equal sums differ."""
    return float(abs(values.sum()) - 1e-9 * np.abs(values).sum())
