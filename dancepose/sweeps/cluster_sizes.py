"""How much clips of unequal size say of other clips: less than as many of one size.

Where one clip holds half of the test part, a mean over the samples rests on it, however many others there
are. The usual n / (n - 1) and n - 1 degrees of freedom take all n for equal.
"""

import numpy as np

FEW = 10  # clusters below which intervals of bootstraps rest on little


def effective_count(sizes: np.ndarray) -> float:
    """Return how many clusters of one size would say as much (Kish 1965): (sum n)^2 / sum n^2.

    Args:
        sizes: (G,) samples of each cluster.
    """
    return float(np.sum(sizes) ** 2 / np.sum(np.square(sizes)))


def correct_variance(sizes: np.ndarray) -> tuple[float, float]:
    """Return by what the bootstrap's variance over clusters is too small, and its degrees of freedom.

    The bootstrap's variance of a mean over samples is the sum over clusters of w^2 (r - mean)^2, with w the
    share of the samples that a cluster holds and r its own mean. Its expectation and, by Satterthwaite, its
    degrees of freedom are those of a quadratic form, as in Bell and McCaffrey 2002, Bias reduction in
    standard errors for linear regression with multi-stage samples; Imbens and Kolesár 2016 recommend them
    for few and for unequal clusters. The working model is that whole clusters differ, whose means scatter
    alike however large they are: then unequal sizes weigh most, and if single samples scatter besides, the
    interval errs on the wide side. Degrees of freedom by `effective_count` (Carter, Schnepel and Steigerwald
    2017) are more, and too many where a few large clusters stand beside many small ones. Of equal sizes all
    are G / (G - 1) and G - 1.

    Args:
        sizes: (G,) samples of each cluster, G >= 2.

    Returns:
        The factor, and the degrees of freedom.
    """
    values, counts = np.unique(np.asarray(sizes, np.int64), return_counts=True)
    # whole numbers, whose differences are exact
    total = int(values @ counts)
    square = int(counts @ values**2)
    # entries of the form's matrix: of a cluster by itself, and of two different ones
    of_one = values**2 * ((total**2 - 2 * total * values + square) / total**4)
    of_two = np.outer(values, values) * ((square - total * (values[:, None] + values)) / total**4)
    trace = float(counts @ of_one)
    squares = float(counts @ of_one**2 + np.sum((np.outer(counts, counts) - np.diag(counts)) * of_two**2))
    return square / total**2 / trace, trace**2 / squares


def told_few(sizes: np.ndarray, unit: str) -> str:
    """Return in words that clusters are few, for a note beside an interval; nothing where they are enough.

    Args:
        sizes: (G,) samples of each cluster.
        unit: what they are called.
    """
    effective = effective_count(sizes)
    if effective >= FEW:
        return ""
    unequal = f", of such unequal size that they weigh no more than {effective:.1f} equal ones"
    return f"only {len(sizes)} {unit}{unequal if effective < 0.8 * len(sizes) else ''}"
