"""Large pictures in tiles: who is too small in the whole is found in a part, and everybody is kept once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dancepose.errors import ConfigError
from dancepose.metrics.head_size import bounding_boxes
from dancepose.metrics.similarity import ENOUGH, extent_areas, shared_likeness
from dancepose.records import Person
from dancepose.skeleton import Skeleton

SAME = 0.5  # similarity from which two findings of different tiles are one person
OVERLAP = 0.25
AT_ONCE = 2**16  # pairs of findings that are compared at once: 30 MB of working memory

Rectangle = tuple[int, int, int, int]  # x, y, width, height


@dataclass(frozen=True)
class Tiling:
    """Cuts pictures that are larger than a tile.

    Attributes:
        side: of a tile, in pixels of the picture.
        overlap: share of the side that neighbours have in common, at least. Nobody who is smaller than that
            is cut by every tile.

    Raises:
        ConfigError: a value is impossible.
    """

    side: int
    overlap: float = OVERLAP

    def __post_init__(self) -> None:
        if self.side < 32:
            raise ConfigError(f"tile={self.side}: give the side of a tile in pixels, at least 32")
        if not 0 <= self.overlap <= 0.9:
            raise ConfigError(f"overlap={self.overlap}: it must be from 0 to 0.9")

    def rectangles(self, width: int, height: int) -> list[Rectangle]:
        """Return the whole picture and, where it is larger than a tile, the tiles, row by row."""
        whole = [(0, 0, width, height)]
        if max(width, height) <= self.side:
            return whole
        columns, rows = self._starts(width), self._starts(height)
        size = min(self.side, width), min(self.side, height)
        return whole + [(x, y, *size) for y in rows for x in columns]

    def _starts(self, length: int) -> list[int]:
        if length <= self.side:
            return [0]
        step = self.side * (1 - self.overlap)
        count = math.ceil((length - self.side) / step) + 1
        return np.rint(np.linspace(0, length - self.side, count)).astype(int).tolist()


def merge_views(found: Sequence[Sequence[Person]], skeleton: Skeleton) -> tuple[list[Person], int]:
    """Join what was found in the views of one picture: whoever was found in several is kept once.

    The finding with the most heat is kept; keypoints that it lacks are taken from the others of the same
    person. People of one view are never joined: the grouping has told them apart.

    Args:
        found: people of each view, in pixels of the picture.
        skeleton: of all.

    Returns:
        The people, best first, and how many findings were joined to others.
    """
    if len(found) == 1:
        return list(found[0]), 0
    people = [person for view in found for person in view]
    view = np.repeat(np.arange(len(found)), [len(people) for people in found])
    heat = np.array([_scores(person).sum() for person in people])
    keypoints = np.array([person.keypoints for person in people]).reshape(-1, len(skeleton), 3)
    begins, others, alike = _same_people(keypoints, view, np.array(skeleton.sigmas))
    left = np.ones(len(people), bool)
    kept = []
    for best in np.argsort(-heat, kind="stable").tolist():
        if not left[best]:
            continue
        its = slice(begins[best], begins[best + 1])
        twins = others[its][np.argsort(-alike[its], kind="stable")]
        twins = twins[left[twins]]
        twins = twins[np.sort(np.unique(view[twins], return_index=True)[1])]  # of each view the likest
        left[[best, *twins]] = False
        person = people[best]
        for twin in sorted(twins.tolist(), key=lambda i: -heat[i]):
            person = _filled(person, people[twin])
        kept.append(person)
    kept.sort(key=lambda person: -person.score)
    return kept, len(people) - len(kept)


def _same_people(
    keypoints: np.ndarray, view: np.ndarray, sigmas: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs of findings of different views that are one person.

    Only pairs that are near each other are compared: of two that are `SAME`, one keypoint at least is no
    farther apart than sqrt(8 ln(1 / SAME) area) sigma, with the larger area and sigma.

    Args:
        keypoints: (P, K, 3) in pixels of the picture.
        view: (P,) in which each was found.
        sigmas: (K,) of the skeleton.

    Returns:
        begins (P + 1,), others (N,), alike (N,): finding i is the same as `others[begins[i]:begins[i + 1]]`,
        of whom `alike` are the similarities.
    """
    count, areas = (keypoints[..., 2] > 0).sum(axis=1), extent_areas(keypoints)
    boxes = bounding_boxes(keypoints, keypoints[..., 2] > 0)  # NaN, near nobody, without a keypoint
    reach = np.sqrt(8 * math.log(1 / SAME) * areas) * sigmas.max()
    low, high = boxes[:, :2] - reach[:, None], boxes[:, 2:] + reach[:, None]
    enough, found = min(ENOUGH, len(sigmas)), []
    step = max(1, AT_ONCE // max(1, len(keypoints)))
    for first in range(0, max(1, len(keypoints)), step):
        rows = slice(first, first + step)
        near = (low[rows, None] <= high[None]) & (high[rows, None] >= low[None])  # (step, P, 2)
        one, other = np.nonzero(near.all(axis=-1) & (view[rows, None] != view[None]))
        one += first
        # a tile's edge leaves one or two keypoints of somebody: who has no more is compared by these alone
        area = (areas[one] + areas[other]) / 2
        likeness, shared = shared_likeness(keypoints[one], keypoints[other], area, sigmas)
        firm = shared >= np.maximum(1, np.minimum(enough, np.minimum(count[one], count[other])))
        alike = likeness / np.maximum(shared, 1)
        same = firm & (alike >= SAME)
        found.append((one[same], other[same], alike[same]))
    ones, others, alikes = (np.concatenate(part) for part in zip(*found, strict=True))
    return np.searchsorted(ones, np.arange(len(keypoints) + 1)), others, alikes


def _scores(person: Person) -> np.ndarray:
    """Return (K,) scores, 0 for what was not found."""
    scores = person.score if person.scores is None else person.scores
    return np.where(person.present, scores, 0.0)


def _filled(person: Person, twin: Person) -> Person:
    new = twin.present & ~person.present
    if not new.any():
        return person
    keypoints = np.where(new[:, None], twin.keypoints, person.keypoints)
    return replace(person, keypoints=keypoints, scores=np.where(new, _scores(twin), _scores(person)))
