"""The people of many frames as arrays, with all of the mAP's rules that need no pairs worked out at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dancepose.metrics.groups import group_numbers
from dancepose.metrics.head_size import bounding_boxes, head_box_array, head_sizes
from dancepose.metrics.people import keypoint_scores, labelled_mask, stack_frames
from dancepose.metrics.regions import inside_polygons, mean_points
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton


@dataclass
class LabelledPeople:
    """Labelled people, one frame after the other; J scored ones of K keypoints.

    Attributes:
        points: (P, K, 3) x, y in pixels and visibility.
        annotated: (P, K) bool.
        joints: (P, J, 2) places of the scored keypoints.
        scored: (P, J) bool: annotated, and not in an ignore polygon that removes points.
        sizes: (P,) head size in pixels, NaN under no rule.
        rules: (P,) index into `HEAD_RULES`, their number under none.
        boxes: (P, 4) around the annotated keypoints, NaN where there is none.
        ignored: (P,) bool: neither truth nor a source of false ones.
    """

    points: np.ndarray
    annotated: np.ndarray
    joints: np.ndarray
    scored: np.ndarray
    sizes: np.ndarray
    rules: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray

    def part(self, start: int, stop: int) -> "LabelledPeople":
        """Return the people from one place to another, as views."""
        return LabelledPeople(*(value[start:stop] for value in vars(self).values()))


@dataclass
class PredictedPeople:
    """Predicted people, one frame after the other; J scored ones of K keypoints.

    Attributes:
        points: (N, K, 3) x, y in pixels, and above 0 where predicted.
        present: (N, K) bool.
        joints: (N, J, 2) places of the scored keypoints.
        shown: (N, J) bool: present.
        counted: (N, J) bool: present, labelled by the frame's source, and not in a polygon that removes it.
        scores: (N, J).
        centres: (N, 2) mean of the scored joints.
        sizes: (N,) head size by the predicted keypoints, NaN under no rule.
        groups: (N,) the group that the person was predicted for, -1 of any.
    """

    points: np.ndarray
    present: np.ndarray
    joints: np.ndarray
    shown: np.ndarray
    counted: np.ndarray
    scores: np.ndarray
    centres: np.ndarray
    sizes: np.ndarray
    groups: np.ndarray

    def part(self, start: int, stop: int) -> "PredictedPeople":
        """Return the people from one place to another, as views."""
        return PredictedPeople(*(value[start:stop] for value in vars(self).values()))


def stack_labelled(frames: Sequence[Frame], skeleton: Skeleton, cut: bool) -> LabelledPeople:
    """Gather the labelled people of frames.

    Args:
        frames: the truth.
        skeleton: of all.
        cut: take points in ignore polygons from them.

    Raises:
        DataError: see `stack_frames`.
    """
    joints, counts = np.flatnonzero(skeleton.scored), [len(frame.people) for frame in frames]
    points = stack_frames([frame.people for frame in frames], skeleton, frames)
    annotated = (points[..., 2] > 0) & _labelled(frames, counts, skeleton)
    heads = head_box_array([person for frame in frames for person in frame.people])
    sizes, rules = head_sizes(points, annotated, heads, skeleton)
    scored, xy = annotated[:, joints], points[:, joints, :2]
    ignored = np.isnan(sizes) | ~scored.any(axis=1)
    if cut:
        scored = scored & ~_in_own_polygons(xy, frames, counts)
    boxes = bounding_boxes(points, annotated)
    return LabelledPeople(points, annotated, xy, scored, sizes, rules, boxes, ignored)


def stack_predicted(
    people: Sequence[Sequence[Person]], frames: Sequence[Frame], skeleton: Skeleton, cut: bool
) -> PredictedPeople:
    """Gather the predicted people of frames.

    Args:
        people: of each frame.
        frames: the truth.
        skeleton: of all.
        cut: take points in ignore polygons from them.

    Raises:
        DataError: see `stack_frames`.
    """
    joints, counts = np.flatnonzero(skeleton.scored), [len(some) for some in people]
    points = stack_frames(people, skeleton, frames)
    everyone = [person for some in people for person in some]
    present = points[..., 2] > 0
    shown, xy = present[:, joints], points[:, joints, :2]
    counted = shown & _labelled(frames, counts, skeleton)[:, joints]
    if cut:
        counted = counted & ~_in_own_polygons(xy, frames, counts)
    scores = keypoint_scores(everyone, len(skeleton))[:, joints]
    sizes, _ = head_sizes(points, present, np.full((len(points), 4), np.nan), skeleton)
    centres, groups = mean_points(xy, shown), group_numbers(everyone)
    return PredictedPeople(points, present, xy, shown, counted, scores, centres, sizes, groups)


def _labelled(frames: Sequence[Frame], counts: Sequence[int], skeleton: Skeleton) -> np.ndarray:
    """Return (P, K) bool: which keypoints the source of each person's frame labels at all."""
    masks = np.array([labelled_mask(skeleton, frame) for frame in frames], dtype=bool)
    return np.repeat(masks.reshape(-1, len(skeleton)), counts, axis=0)


def _in_own_polygons(points: np.ndarray, frames: Sequence[Frame], counts: Sequence[int]) -> np.ndarray:
    """Return (P, J) bool: points inside an ignore polygon of their own frame."""
    inside = np.zeros(points.shape[:2], dtype=bool)
    stop = 0
    for frame, count in zip(frames, counts, strict=True):
        start, stop = stop, stop + count
        if frame.ignore and count:
            inside[start:stop] = inside_polygons(points[start:stop], frame.ignored_polygons)
    return inside
