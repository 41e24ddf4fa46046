"""Object keypoint similarity of people to one another."""

import numpy as np

from dancepose.metrics.head_size import bounding_boxes

BODY_SHARE = 0.53  # of the box around its keypoints that a person fills (CrowdPose), as `OKSAveragePrecision`
NARROWEST = 0.25  # the short side of that box counts as at least this share of the long one
ENOUGH = 3  # keypoints in common; with fewer, those that are wanting count as unlike


def extent_areas(keypoints: np.ndarray) -> np.ndarray:
    """Return (N,) areas of people in square pixels, from the extent of their keypoints (N, K, 3).

    Nobody is smaller than one pixel.
    """
    present = keypoints[..., 2] > 0
    boxes = np.nan_to_num(bounding_boxes(keypoints, present))
    sides = boxes[:, 2:] - boxes[:, :2]
    sides = np.maximum(sides, NARROWEST * sides.max(axis=1, keepdims=True))
    return np.maximum(BODY_SHARE * sides.prod(axis=1), 1.0)


def keypoint_similarity(
    people: np.ndarray, others: np.ndarray, sigmas: np.ndarray, widening: np.ndarray | float = 1.0
) -> np.ndarray:
    """Compare people with others: OKS, the mean over the keypoints that both have.

    exp(-d^2 / (2 area (2 sigma)^2)) as in the COCO keypoint challenge (Lin et al. 2014, Microsoft COCO), but
    symmetric: the area is the mean of both people's. Fewer than three keypoints in common are no firm
    ground: the sum is then still divided by three (or by K, if that is less).

    Args:
        people: (P, K, 3) x, y in pixels, and visibility; what has 0 is missing, its x and y are not read.
        others: (Q, K, 3).
        sigmas: (K,) of the skeleton.
        widening: (P,) or a number by which the area counts more, where people had time to move.

    Returns:
        (P, Q) float64, 0 to 1.
    """
    area = (extent_areas(people)[:, None] + extent_areas(others)[None]) / 2
    area *= np.reshape(widening, (-1, 1))
    likeness, common = shared_likeness(people[:, None], others[None], area, sigmas)
    return likeness / np.maximum(common, min(ENOUGH, people.shape[1]))


def shared_likeness(
    people: np.ndarray, others: np.ndarray, area: np.ndarray, sigmas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (...) sums of the likeness of the keypoints that both have, and (...) their numbers.

    Args:
        people: (..., K, 3) as in `keypoint_similarity`.
        others: (..., K, 3).
        area: (...) square pixels of each pair.
        sigmas: (K,) of the skeleton.
    """
    common = (people[..., 2] > 0) & (others[..., 2] > 0)  # (..., K)
    offset = np.where(common[..., None], people[..., :2] - others[..., :2], 0.0)
    spread = 2 * area[..., None] * (2 * np.asarray(sigmas)) ** 2
    likeness = np.where(common, np.exp(-(offset**2).sum(-1) / spread), 0.0).sum(-1)
    return likeness, common.sum(-1)
