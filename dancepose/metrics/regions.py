"""Where predicted people lie: inside polygons, near boxes, on people who are no truth."""

from collections.abc import Sequence

import numpy as np

from dancepose.metrics.head_size import length


def inside_polygons(points: np.ndarray, polygons: Sequence[np.ndarray]) -> np.ndarray:
    """Tell which points lie inside any polygon or on its edge (even-odd rule).

    Args:
        points: (..., 2 or more) x, y in pixels.
        polygons: each (N, 2) in pixels; the last corner is joined to the first.

    Returns:
        (...) bool.
    """
    x, y = points[..., 0, None], points[..., 1, None]
    inside = np.zeros(points.shape[:-1], dtype=bool)
    for polygon in polygons:
        start = np.asarray(polygon, dtype=np.float64)
        end = np.roll(start, -1, axis=0)
        (x1, y1), (x2, y2) = start.T, end.T
        side = (x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)  # (..., N); 0 on the edge's line
        in_x = (x >= np.minimum(x1, x2)) & (x <= np.maximum(x1, x2))
        in_y = (y >= np.minimum(y1, y2)) & (y <= np.maximum(y1, y2))
        on_edge = ((side == 0) & in_x & in_y).any(axis=-1)
        # an edge that the point's row crosses to the right of the point
        crossed = ((y1 > y) != (y2 > y)) & ((side < 0) == (y2 > y1))
        inside |= on_edge | (crossed.sum(axis=-1) % 2 == 1)
    return inside


def distance_to_boxes(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the distance of each point to each box, 0 inside it.

    Args:
        points: (N, 2) x, y in pixels.
        boxes: (P, 4) x1, y1, x2, y2.

    Returns:
        (N, P) in pixels.
    """
    below = boxes[None, :, :2] - points[:, None]
    above = points[:, None] - boxes[None, :, 2:]
    return length(np.maximum(np.maximum(below, above), 0))


def mean_points(points: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the mean of the masked points, the people's joint centre of mass.

    Args:
        points: (N, K, 2 or more) x, y in pixels.
        mask: (N, K) bool.

    Returns:
        (N, 2) in pixels; NaN where no point is masked.
    """
    count = mask.sum(axis=1)[:, None]
    total = np.where(mask[..., None], points[..., :2], 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def inside_group(centres: np.ndarray, box: np.ndarray, scale: float) -> np.ndarray:
    """Tell which predicted people belong to an MPII group (rule 2).

    Args:
        centres: (N, 2) joint centres of mass.
        box: (4,) x1, y1, x2, y2 around the members' rough positions.
        scale: mean scale of the members (height / 200 px).

    Returns:
        (N,) bool: inside the box grown by 50 px of the frame rescaled by 1.1714 / scale, edges included.
    """
    margin = 50 / (1.1714 / scale)
    x1, y1, x2, y2 = np.asarray(box, dtype=np.float64)
    x, y = centres.T
    return (x >= x1 - margin) & (x <= x2 + margin) & (y >= y1 - margin) & (y <= y2 + margin)


def on_ignored_people(
    predicted: np.ndarray,
    present: np.ndarray,
    reach: np.ndarray,
    ignored: np.ndarray,
    annotated: np.ndarray,
) -> np.ndarray:
    """Tell which predicted people lie on a person who is no truth, by that person's few annotated keypoints.

    At least half of the person's annotated keypoints must lie within reach of the prediction's same keypoint.

    Args:
        predicted: (N, K, 2 or more) predicted people.
        present: (N, K) bool.
        reach: (N,) pixels.
        ignored: (Q, K, 2 or more) people who are no truth.
        annotated: (Q, K) bool.

    Returns:
        (N,) bool.
    """
    distance = length(predicted[:, None, :, :2] - ignored[None, :, :, :2])
    near = (distance <= reach[:, None, None]) & present[:, None] & annotated[None]
    count = annotated.sum(axis=1)
    return ((2 * near.sum(axis=2) >= count) & (count > 0)).any(axis=1)
