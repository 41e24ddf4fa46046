"""Numbers and keypoints of a JSON file: what the readers of several formats check alike."""

from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.problems import Problems
from dancepose.records import NOT_ANNOTATED, OCCLUDED, VISIBLE


def plain_numbers(value: Any) -> np.ndarray | None:
    """Return a list of plain numbers as a float64 array, None for anything else."""
    if not isinstance(value, list) or not all(type(v) in (int, float) for v in value):
        return None
    try:
        return np.array(value, dtype=np.float64)
    except OverflowError:  # an integer beyond every float
        return None


def settle_points(points: np.ndarray, path: Path, where: str, problems: Problems) -> np.ndarray:
    """Make (K, 3) numbers x, y, v of a file into keypoints of a record.

    `v >= 2` is visible, `v >= 1` occluded. A point with a coordinate that is NaN or infinite is recorded and
    counts as not annotated.

    Args:
        points: as they stand in the file.
        path: of the file.
        where: the field in it.
        problems: findings are added to it.

    Returns:
        (K, 3); what is not annotated is (0, 0, 0).
    """
    wrong = ~np.isfinite(points).all(axis=1)
    if wrong.any():
        problems.add("not a number", path, where, count=int(wrong.sum()))
    settled = np.where(wrong[:, None], 0.0, points)
    seen = settled[:, 2]
    settled[:, 2] = np.select([seen >= 2, seen >= 1], [VISIBLE, OCCLUDED], NOT_ANNOTATED)
    settled[settled[:, 2] == NOT_ANNOTATED] = 0
    return settled


def find_outside(
    keypoints: np.ndarray, size: tuple[int, int], path: Path, where: str, name: str, problems: Problems
) -> None:
    """Record the annotated ones of (K, 3) keypoints that lie outside their picture.

    Args:
        keypoints: of one person.
        size: width and height of the picture.
        path: of the file.
        where: the field in it.
        name: of the picture, for the message.
        problems: findings are added to it.
    """
    outside = are_outside(keypoints, size)
    if outside.any():
        detail = f"{name}, {size[0]} x {size[1]}"
        problems.add("outside the image", path, where, detail=detail, count=int(outside.sum()))


def are_outside(keypoints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Tell which of (K, 3) keypoints are annotated and lie outside their picture: (K,) of bool.

    Args:
        keypoints: in pixels; whole numbers are the centres of pixels, so that the picture ends half a pixel
            beyond the centre of its last one.
        size: width and height of the picture.
    """
    beyond = (keypoints[:, :2] < -0.5) | (keypoints[:, :2] > np.array(size) - 0.5)
    return (keypoints[:, 2] > NOT_ANNOTATED) & beyond.any(axis=1)


def rectangle(x1: float, y1: float, x2: float, y2: float) -> np.ndarray:
    """Return the (4, 2) corners of a rectangle given by two opposite ones."""
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], dtype=np.float64)
