"""Groups of people in MPII's images, the unit of its multi-person protocol (`spec`: rules 1 and 2)."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dancepose.data.readers.mpii_release import Release
from dancepose.metrics.head_size import bounding_boxes

HEIGHT = 200.0  # px of a person of scale 1


@dataclass(frozen=True)
class Groups:
    """The groups that are evaluated, in the order of their images.

    Attributes:
        image: (G,) index of each group's image.
        members: G arrays of indices of people.
        box: (G, 4) place of each group, NaN where it is not known: see `group_places`.
        scale: (G,) likewise.
    """

    image: np.ndarray
    members: list[np.ndarray]
    box: np.ndarray
    scale: np.ndarray


def person_boxes(release: Release, known: np.ndarray | None = None) -> np.ndarray:
    """Return where each person is, as far as it is known.

    Around annotated points and head rectangle; without points a square of the person's height around `objpos`
    (and the head rectangle), since arms may be stretched out.

    Args:
        release: the annotations.
        known: (P,) bool, people whose points say where they are; None: all with any point.

    Returns:
        (P, 4) x1, y1, x2, y2 in pixels; NaN where nothing is known.
    """
    boxes = bounding_boxes(release.points, release.points[..., 2] > 0)
    half = release.scale[:, None] * HEIGHT / 2
    square = np.concatenate([release.place - half, release.place + half], axis=1)
    boxes = np.where((release.annotated if known is None else known)[:, None], boxes, square)
    low = np.fmin(boxes[:, :2], np.fmin(release.head[:, :2], release.head[:, 2:]))
    high = np.fmax(boxes[:, 2:], np.fmax(release.head[:, :2], release.head[:, 2:]))
    return np.concatenate([low, high], axis=1)


def find_groups(release: Release) -> Groups:
    """Return the groups of `groups_v12.mat`, without that file people whose boxes touch.

    A group of which any member is in `single_person` is none (rule 1). Of an image list without
    `single_person` a group of touching people has at least two. A group of whose members nobody has points
    is left out: there is nothing to score.
    """
    if release.has_groups[0]:
        group, person = _official(release)
    else:
        group, person = touching(person_boxes(release), release.image)
    if not len(person):
        return Groups(np.zeros(0, np.int64), [], np.zeros((0, 4)), np.zeros(0))
    count = int(group.max()) + 1
    refused = np.bincount(group, release.single[person], count) > 0
    if not release.has_groups[0] and not release.single.any():
        refused |= np.bincount(group, minlength=count) < 2
    refused |= np.bincount(group, release.annotated[person], count) == 0
    keep = ~refused[group]
    order = np.lexsort((release.number[person], group, release.image[person]))
    order = order[keep[order]]
    group, person = group[order], person[order]
    if not len(person):
        return Groups(np.zeros(0, np.int64), [], np.zeros((0, 4)), np.zeros(0))
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    box, scale = group_places(release.place[person], release.scale[person], release.annotated[person], starts)
    return Groups(release.image[person[starts]], np.split(person, starts[1:]), box, scale)


def find_test_groups(release: Release) -> Groups:
    """Return the groups of the official test, whether anybody in them has points or not.

    They are those of `groups_v12.mat` in images that are not for training, of which no member is in
    `single_person`, in the order of the file: that of the toolkit's `getMultiPersonGroups`, in which it wants
    a submission. All members are truth there, so the place must know of them all (see `group_places`).
    """
    count = len(release.group_image)
    group, person = _official(release)
    single = np.bincount(group, release.single[person], count) > 0
    kept = np.flatnonzero(~release.train[release.group_image] & ~single)
    order = np.lexsort((release.number[person], group))
    group, person = group[order], person[order]
    first, end = np.searchsorted(group, np.arange(count)), np.searchsorted(group, np.arange(count), "right")
    members = [person[first[g] : end[g]] for g in kept.tolist()]
    box, scale = np.full((len(kept), 4), np.nan), np.full(len(kept), np.nan)
    manned = np.array([len(own) > 0 for own in members], bool)  # nobody: the entry stays
    if manned.any():
        people = np.concatenate(members)
        starts = np.r_[0, np.cumsum([len(own) for own in members if len(own)])[:-1]]
        everybody = np.ones(len(people), bool)
        box[manned], scale[manned] = group_places(
            release.place[people], release.scale[people], everybody, starts
        )
    return Groups(release.group_image[kept], members, box, scale)


def group_places(
    place: np.ndarray, scale: np.ndarray, annotated: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rough place and scale of groups (rule 2).

    A place drops predictions that are far from it, so it must know of everybody who is truth: where a member
    with points lacks `objpos` or `scale` the group has no place, and nothing is dropped. A member without
    points who lacks one of them is passed over.

    Args:
        place: (M, 2) `objpos` of the members, one group after the other; NaN where there is none.
        scale: (M,) theirs, likewise.
        annotated: (M,) bool: members with points.
        starts: (G,) index of the first member of each group.

    Returns:
        (G, 4) min and max of the places, and (G,) mean scale; NaN where there is no place.
    """
    known = ~np.isnan(np.column_stack([place, scale])).any(axis=1)
    low = np.minimum.reduceat(np.where(known[:, None], place, np.inf), starts)
    high = np.maximum.reduceat(np.where(known[:, None], place, -np.inf), starts)
    count = np.add.reduceat(known, starts, dtype=np.int64)
    mean = np.add.reduceat(np.where(known, scale, 0), starts) / np.maximum(count, 1)
    nowhere = (count == 0) | np.logical_or.reduceat(annotated & ~known, starts)
    box = np.concatenate([low, high], axis=1)
    box[nowhere] = mean[nowhere] = np.nan
    return box, mean


def _official(release: Release) -> tuple[np.ndarray, np.ndarray]:
    """Return index of group and of person for each member; numbers that are nobody's are passed over."""
    images = release.group_image[release.member_group]
    first = np.searchsorted(release.image, np.arange(len(release.names) + 1))
    person = first[images] + release.member
    there = (release.member >= 0) & (person < first[images + 1])
    return release.member_group[there], person[there]


def touching(boxes: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put people of an image together whose boxes touch, directly or through others.

    Args:
        boxes: (P, 4) x1, y1, x2, y2; NaN of people who are in no group.
        image: (P,) index of each person's image, rising.

    Returns:
        (M,) number of a member's group, and (M,) index of the person.
    """
    count = len(image)
    known = np.flatnonzero(~np.isnan(boxes).any(axis=1))
    image = image[known]
    first = np.searchsorted(image, image)
    ends = np.searchsorted(image, image, side="right")
    one = np.repeat(np.arange(len(known)), ends - first)  # each pair of an image, both ways
    other = np.arange(len(one)) - np.repeat(np.cumsum(ends - first) - (ends - first), ends - first)
    other += np.repeat(first, ends - first)
    a, b = boxes[known[one]], boxes[known[other]]
    touch = (a[:, :2] <= b[:, 2:]).all(axis=1) & (b[:, :2] <= a[:, 2:]).all(axis=1)
    pairs = (np.ones(touch.sum()), (known[one[touch]], known[other[touch]]))
    _, label = connected_components(coo_array(pairs, (count, count)), directed=False)
    return label[known].astype(np.int64), known
