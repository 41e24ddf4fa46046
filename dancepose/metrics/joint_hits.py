"""`JointHits`: which joints were found in each picture, of which PCK and its standard error are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

NO_CLIP = -1


@dataclass(eq=False)  # not frozen: torchmetrics goes through the fields of what a metric gives
class JointHits:
    """Which joints were found in pictures of one person.

    Attributes:
        places: (N,) int64 place of each picture in the data set, rising.
        counted: (N, J) bool, which scored joints are annotated, of a person with a reference length.
        found: (N, J) bool, which of these lie within the threshold.
    """

    places: np.ndarray
    counted: np.ndarray
    found: np.ndarray


def mean_share(found: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the mean over joints of the shares found, in percent: (...), NaN where no joint was counted.

    Args:
        found: (..., J) how often each joint was found.
        counted: (..., J) of how often; a joint of 0 is left out of the mean.
    """
    there = counted > 0
    shares = np.divide(found, counted, out=np.zeros(counted.shape), where=there)
    joints = there.sum(axis=-1)
    out = np.full(joints.shape, np.nan)
    return 100 * np.divide(shares.sum(axis=-1), joints, out=out, where=joints > 0)


def standard_error(found: np.ndarray, counted: np.ndarray, groups: np.ndarray) -> float | None:
    """Return the standard error of `mean_share` over other pictures like these, in percentage points.

    The figure is a mean of J ratios r = sum(found) / sum(counted) with sums over pictures, for joints are
    missing in some of them. By the delta method (Woodruff 1971, A Simple Method for Approximating the
    Variance of a Complicated Estimate; of a single ratio Cochran 1977, Sampling Techniques, chapter 6) it
    varies as the sum of what each picture adds to it at first order,

        z_i = 100 / J * sum_j (found_ij - r_j * counted_ij) / sum_i counted_ij,

    which is 0 on average. Pictures of a group, frames of one video say, are no independent draws: their z are
    added first, and with G groups the variance is G / (G - 1) * sum_g z_g^2. Where every joint of every
    picture is counted and groups are pictures, it is the variance of the pictures' shares divided by N.

    Args:
        found: (N, J) bool.
        counted: (N, J) bool.
        groups: (N,) number of the group of each picture; one without counted joints is no draw.

    Returns:
        The error; None of fewer than two groups with counted joints.
    """
    drawn = counted.any(axis=1)
    names, numbers = np.unique(groups[drawn], return_inverse=True)
    if len(names) < 2:
        return None
    found, counted = found[drawn].astype(np.float64), counted[drawn].astype(np.float64)
    whole = counted.sum(axis=0)
    there = whole > 0
    found, counted, whole = found[:, there], counted[:, there], whole[there]
    rates = found.sum(axis=0) / whole
    added = 100 * ((found - rates * counted) / whole).mean(axis=1)
    sums = np.bincount(numbers.ravel(), added, minlength=len(names))
    return float(np.sqrt(len(names) / (len(names) - 1) * np.sum(sums**2)))


def clip_numbers(clips: Sequence[str | None]) -> np.ndarray:
    """Return a number for the name of each picture's clip, which all processes give alike: (N,) int64.

    It is a hash of 48 bits, which a float64 holds exactly; -1 of no clip.
    """
    return np.array([NO_CLIP if clip is None else _hash(clip) for clip in clips], np.int64)


def draws(clips: np.ndarray) -> tuple[np.ndarray, str]:
    """Return what pictures are drawn by, as `dancepose-compare` draws them, and what that is called.

    Args:
        clips: (N,) of `clip_numbers`.

    Returns:
        (N,) groups: its clip, or the picture itself of no clip; `clips`, or `images` where none has one.
    """
    alone = clips == NO_CLIP
    groups = np.where(alone, -1 - np.arange(len(clips)), clips)
    return groups, "images" if alone.all() else "clips"


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big")
