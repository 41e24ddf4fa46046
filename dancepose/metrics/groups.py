"""Which predicted people are scored in which group of an image (rule 2 of MPII's multi-person protocol)."""

import itertools
from collections.abc import Sequence

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.people import frame_name, stack_frames
from dancepose.metrics.regions import inside_group, mean_points
from dancepose.records import Frame, Group, Person
from dancepose.skeleton import Skeleton


def people_of_groups(people: Sequence[Person], frame: Frame, skeleton: Skeleton) -> list[list[Person]]:
    """Return the predicted people that are scored in each group of a frame (rule 2), all where it has none.

    Args:
        people: predicted in the frame, original pixels.
        frame: the truth.
        skeleton: of both.

    Raises:
        DataError: keypoints of another shape or without a finite place, or a group with a box but no scale.
    """
    ((centres, groups),) = _places([people], [frame], skeleton)
    return [
        [people[row] for row in np.flatnonzero(_near(group, number, centres, groups, frame)).tolist()]
        for number, group in enumerate(frame.groups or [Group(list(range(len(frame.people))))])
    ]


def people_of_any_group(
    people: Sequence[Sequence[Person]], frames: Sequence[Frame], skeleton: Skeleton
) -> list[list[Person]]:
    """Return the predicted people that are scored in any group of their frame, each once.

    Files of MPII's toolkit have an entry for each group, and whoever is near several stands in each of them:
    where the same person was predicted for several groups the first counts.

    Args:
        people: predicted in each frame, original pixels.
        frames: the truth.
        skeleton: of both.

    Returns:
        Of each frame its people in the order given; all of a frame without groups.

    Raises:
        DataError: see `people_of_groups`.
    """
    places = _places(people, frames, skeleton)
    return [
        _of_any(some, frame, *place) if frame.groups else list(some)
        for some, frame, place in zip(people, frames, places, strict=True)
    ]


def _of_any(people: Sequence[Person], frame: Frame, centres: np.ndarray, groups: np.ndarray) -> list[Person]:
    near = np.zeros(len(people), dtype=bool)
    for number, group in enumerate(frame.groups):
        near |= _near(group, number, centres, groups, frame)
    found: list[Person] = []
    homes: dict[tuple[bytes, float], int] = {}
    for row in np.flatnonzero(near).tolist():
        person, home = people[row], int(groups[row])
        if home >= 0:
            same = (np.asarray(person.keypoints, np.float64).tobytes(), float(person.score))
            if homes.setdefault(same, home) != home:
                continue
        found.append(person)
    return found


def _near(group: Group, number: int, centres: np.ndarray, groups: np.ndarray, frame: Frame) -> np.ndarray:
    return meant_for(groups, number) & admits(group, centres, frame)


def _places(
    people: Sequence[Sequence[Person]], frames: Sequence[Frame], skeleton: Skeleton
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return of each frame's people the centre of mass of the scored joints, (N, 2), and the group, (N,)."""
    points = stack_frames(people, skeleton, frames)[:, skeleton.scored]
    centres = mean_points(points[..., :2], points[..., 2] > 0)
    groups = group_numbers([person for some in people for person in some])
    ends = np.cumsum([0, *(len(some) for some in people)]).tolist()
    return [(centres[start:end], groups[start:end]) for start, end in itertools.pairwise(ends)]


def group_numbers(people: Sequence[Person]) -> np.ndarray:
    """Return (N,) int64: the group that each person was predicted for, -1 of any."""
    return np.array([-1 if p.group is None else p.group for p in people], dtype=np.int64)


def meant_for(groups: np.ndarray, number: int) -> np.ndarray:
    """Return (N,) bool: people predicted for a group, or for any, by their `group_numbers`."""
    return (groups < 0) | (groups == number)


def admits(group: Group, centres: np.ndarray, frame: Frame) -> np.ndarray:
    """Tell which predicted people lie within a group's rough place; all where it has none.

    Args:
        group: of the frame.
        centres: (N, 2) joint centres of mass, pixels.
        frame: named in an error.

    Returns:
        (N,) bool.

    Raises:
        DataError: the group has a box but no scale.
    """
    if group.box is None:
        return np.ones(len(centres), dtype=bool)
    if group.scale is None:
        raise DataError(f"a group of {frame_name(frame)} has a box but no scale; give both or neither")
    return inside_group(centres, group.box, group.scale)
