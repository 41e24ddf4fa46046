"""Labelled and predicted people of frames as arrays, checked; without torch, so that files are read soon."""

from collections.abc import Sequence, Sized
from pathlib import Path

import numpy as np

from dancepose.errors import DataError
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

UNSCORED = -9999.0  # what a joint without a score counts as (PoseTrack's rule)


def check_frames(skeleton: Skeleton, predictions: Sized, frames: Sequence[Frame]) -> None:
    """Check that predictions and frames belong together.

    Raises:
        ValueError: their numbers differ.
        DataError: a frame is of another skeleton than the metric's.
    """
    if len(predictions) != len(frames):
        raise ValueError(f"predictions for {len(predictions)} frames, truth for {len(frames)}")
    for frame in frames:
        if frame.skeleton != skeleton.name:
            raise DataError(
                f"{frame_name(frame)} is labelled in skeleton {frame.skeleton}, but the metric scores "
                f"{skeleton.name}: map its people with Skeleton.map_to first"
            )


def frame_name(frame: Frame) -> str:
    """Return what an error message calls a frame."""
    return frame.name or (str(frame.image) if isinstance(frame.image, Path) else "a frame")


def stack_people(people: Sequence[Person], skeleton: Skeleton, frame: Frame) -> np.ndarray:
    """Return the keypoints of people, labelled or predicted, as (P, K, 3) float64.

    Raises:
        DataError: a person has another number of keypoints than the skeleton, or a keypoint that is present
            has no finite place.
    """
    return stack_frames([people], skeleton, [frame])


def stack_frames(
    people: Sequence[Sequence[Person]], skeleton: Skeleton, frames: Sequence[Frame]
) -> np.ndarray:
    """Return the keypoints of the people of many frames, one frame after the other, as (P, K, 3) float64.

    Args:
        people: of each frame, labelled or predicted.
        skeleton: of all.
        frames: name the people in an error.

    Raises:
        DataError: see `stack_people`.
    """
    shape = (len(skeleton), 3)
    for some, frame in zip(people, frames, strict=True):
        for person in some:
            if np.shape(person.keypoints) != shape:
                raise DataError(
                    f"a person of {frame_name(frame)} has keypoints of shape {np.shape(person.keypoints)}; "
                    f"skeleton {skeleton.name} needs {shape}"
                )
    points = np.array([p.keypoints for some in people for p in some], dtype=np.float64).reshape(-1, *shape)
    broken = ((points[..., 2] > 0) & ~np.isfinite(points).all(axis=2)).any(axis=1)
    if broken.any():
        home = np.repeat(np.arange(len(frames)), [len(some) for some in people])[broken.argmax()]
        raise DataError(f"a person of {frame_name(frames[home])} has a keypoint whose place is not finite")
    return points


def keypoint_scores(people: Sequence[Person], count: int) -> np.ndarray:
    """Return (N, K) scores of predicted keypoints; NaN and people without scores count as -9999."""
    none = np.full(count, UNSCORED)
    rows = [none if p.scores is None else np.broadcast_to(p.scores, (count,)) for p in people]
    scores = np.array(rows, dtype=np.float64).reshape(-1, count)
    return np.where(np.isnan(scores), UNSCORED, scores)


def labelled_mask(skeleton: Skeleton, frame: Frame) -> np.ndarray:
    """Return (K,) bool: which keypoints the frame's source labels at all."""
    if frame.labelled is None:
        return np.ones(len(skeleton), dtype=bool)
    return np.asarray(frame.labelled, dtype=bool)
