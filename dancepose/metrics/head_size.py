"""The length that a distance is measured in: head size (MPII mAP, PCKh) or torso (PCK)."""

from collections.abc import Sequence

import numpy as np

from dancepose.records import Person
from dancepose.skeleton import Skeleton

HEAD_RULES = ("head_box", "head_neck", "torso", "extent")  # in the order in which they are tried
NO_RULE = len(HEAD_RULES)
TORSO_RULES = ("right_shoulder_to_left_hip", "left_shoulder_to_right_hip")

BOX_FACTOR = 0.6  # MPII's SC_BIAS: of the head rectangle's diagonal
NECK_FACTOR = 0.75  # of |head_top - upper_neck|: equals 0.6 x diagonal on MPII's own annotations
TORSO_FACTOR = 0.44  # of |mid-shoulder - mid-hip|: MPII's median
EXTENT_FACTOR = 0.136  # of the diagonal of the annotated keypoints' box: MPII's median
EXTENT_MINIMUM = 4  # keypoints
SMALLEST = 3.0  # pixels


def length(vector: np.ndarray) -> np.ndarray:
    """Return the Euclidean length along the last axis of size 2."""
    return np.sqrt(vector[..., 0] ** 2 + vector[..., 1] ** 2)


def bounding_boxes(points: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the boxes around masked points.

    Args:
        points: (..., K, 2 or more) x, y in pixels.
        mask: (..., K) bool.

    Returns:
        (..., 4) x1, y1, x2, y2; NaN where no point is masked.
    """
    xy = points[..., :2]
    low = np.where(mask[..., None], xy, np.inf).min(axis=-2, initial=np.inf)
    high = np.where(mask[..., None], xy, -np.inf).max(axis=-2, initial=-np.inf)
    shown = np.asarray(mask.any(axis=-1))[..., None]
    return np.where(shown, np.concatenate([low, high], axis=-1), np.nan)


def head_sizes(
    points: np.ndarray,
    annotated: np.ndarray,
    head_boxes: np.ndarray,
    skeleton: Skeleton,
    neck_factor: float = NECK_FACTOR,
) -> tuple[np.ndarray, np.ndarray]:
    """Return each person's head size by the first rule that applies, never under 3 px.

    The chain: 0.6 x diagonal of the head rectangle; `neck_factor` x |head_top - upper_neck|; 0.44 x
    |mid-shoulder - mid-hip|; 0.136 x diagonal of the annotated keypoints' box, from four keypoints on.
    Andriluka et al. 2014, 2D Human Pose Estimation: New Benchmark and State of the Art Analysis, define the
    first; the others stand in for it where a source marks no head rectangle.

    Args:
        points: (P, K, 2 or more) x, y in pixels.
        annotated: (P, K) bool.
        head_boxes: (P, 4) x1, y1, x2, y2, NaN where there is none.
        skeleton: names the roles `head`, `shoulders`, `hips`; a rule whose role is missing never applies.
        neck_factor: 0.75 for the MPII mAP; 1 for PCKh.

    Returns:
        (P,) sizes in pixels, NaN under no rule, and (P,) int64 index into `HEAD_RULES`, `NO_RULE` under none.
    """
    xy = points[..., :2]
    count = len(points)
    candidates = np.full((len(HEAD_RULES), count), np.nan)
    candidates[0] = BOX_FACTOR * length(head_boxes[:, 2:] - head_boxes[:, :2])
    if (head := skeleton.role("head")) is not None:
        top, neck = head
        both = annotated[:, head].all(axis=1)
        candidates[1] = np.where(both, neck_factor * length(xy[:, top] - xy[:, neck]), np.nan)
    shoulders, hips = skeleton.role("shoulders"), skeleton.role("hips")
    if shoulders is not None and hips is not None:
        four = annotated[:, shoulders].all(axis=1) & annotated[:, hips].all(axis=1)
        torso = xy[:, shoulders].sum(axis=1) / 2 - xy[:, hips].sum(axis=1) / 2
        candidates[2] = np.where(four, TORSO_FACTOR * length(torso), np.nan)
    boxes = bounding_boxes(points, annotated)
    enough = annotated.sum(axis=1) >= EXTENT_MINIMUM
    candidates[3] = np.where(enough, EXTENT_FACTOR * length(boxes[:, 2:] - boxes[:, :2]), np.nan)

    applies = ~np.isnan(candidates)
    rules = np.where(applies.any(axis=0), applies.argmax(axis=0), NO_RULE)
    sizes = candidates[np.minimum(rules, NO_RULE - 1), np.arange(count)]
    return np.maximum(sizes, SMALLEST), rules  # NaN stays NaN


def torso_sizes(
    points: np.ndarray, annotated: np.ndarray, skeleton: Skeleton
) -> tuple[np.ndarray, np.ndarray]:
    """Return |right_shoulder - left_hip|, or |left_shoulder - right_hip| where one of those is missing.

    The convention of Leeds Sports Pose (Johnson and Everingham 2010).

    Args:
        points: (P, K, 2 or more) x, y in pixels.
        annotated: (P, K) bool.
        skeleton: names the roles `shoulders` and `hips` (left, right).

    Returns:
        (P,) lengths in pixels, NaN where neither diagonal is annotated or its length is 0, and (P,) int64
        index into `TORSO_RULES`, their number where there is none.
    """
    sizes, rules = np.full(len(points), np.nan), np.full(len(points), len(TORSO_RULES))
    shoulders, hips = skeleton.role("shoulders"), skeleton.role("hips")
    if shoulders is None or hips is None:
        return sizes, rules
    for rule, (shoulder, hip) in enumerate(((shoulders[1], hips[0]), (shoulders[0], hips[1]))):
        diagonal = length(points[:, shoulder, :2] - points[:, hip, :2])
        usable = np.isnan(sizes) & annotated[:, shoulder] & annotated[:, hip] & (diagonal > 0)
        sizes[usable], rules[usable] = diagonal[usable], rule
    return sizes, rules


def head_box_array(people: Sequence[Person]) -> np.ndarray:
    """Return (P, 4) head rectangles x1, y1, x2, y2, NaN where a person has none."""
    none = np.full(4, np.nan)
    boxes = [none if p.head_box is None else np.asarray(p.head_box, dtype=np.float64) for p in people]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)
