"""Tracks: who is who from frame to frame of a video."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from dancepose.errors import ConfigError
from dancepose.metrics.similarity import keypoint_similarity
from dancepose.records import Person
from dancepose.skeleton import Skeleton

SETTLING = 0.25  # seconds over which a track's velocity is averaged
CARRYING = 0.5  # seconds after which a velocity no longer tells where somebody is
WIDENING = 0.5  # seconds after which the area of `keypoint_similarity` counts twice


class Tracker:
    """Gives people of successive frames the number of their track.

    Each frame's people are assigned to the tracks so that the sum of their similarities is the largest
    (Hungarian method); a pair of less than `threshold` is none. Similarity is OKS to where the track's
    keypoints would be now: each as it was last seen, moved on with the track's mean velocity, which is
    trusted for half a second; the longer ago it was, the further people may have moved. A track that nobody
    continues waits for `gap` seconds, and for the next frame at least; then it ends, and its number does not
    come back. Whoever continues none begins a new one.

    Attributes:
        begun: tracks so far.
    """

    def __init__(self, skeleton: Skeleton, threshold: float = 0.15, gap: float = 1.0) -> None:
        """Set up.

        Args:
            skeleton: of the people.
            threshold: least similarity of two frames of one person, above 0 and below 1.
            gap: seconds for which a person may be out of sight.

        Raises:
            ConfigError: a number is out of its range.
        """
        if not 0 < threshold < 1:
            raise ConfigError(f"threshold={threshold} of a tracker: a number above 0 and below 1 is needed")
        if not 0 <= gap < np.inf:
            raise ConfigError(f"track_gap={gap}: seconds are needed, 0 or more")
        self.threshold, self.gap, self.begun = threshold, gap, 0
        self._sigmas = np.array(skeleton.sigmas)
        self._now = -np.inf
        self._tracks = np.zeros(0, np.int64)  # (T,) numbers
        self._keypoints = np.zeros((0, len(skeleton), 3))  # as last seen, each moved on to the last frame
        self._seen = np.zeros((0, len(skeleton)))  # when each keypoint was last there
        self._velocity = np.zeros((0, 2))  # px/s
        self._last = np.zeros(0)  # when the track was last continued

    def __call__(self, people: Sequence[Person], time: float) -> list[Person]:
        """Number the people of the next frame.

        Args:
            people: of one frame, in pixels. Whoever has no keypoint gets no track.
            time: of the frame in seconds.

        Returns:
            The people, in the order given, with `track` set, from 1.

        Raises:
            ValueError: the time is not later than that of the frame before.
        """
        if not time > self._now:
            raise ValueError(f"a frame at {time} s after one at {self._now} s")
        # who was in the frame before was not out of sight, however long ago that was
        self._keep((time - self._last <= self.gap) | (self._last == self._now))
        before, self._now = self._now, time
        found = [index for index, person in enumerate(people) if person.present.any()]
        numbers: list[int | None] = [None] * len(people)
        if found:
            keypoints = np.stack([people[index].keypoints for index in found]).astype(np.float64)
            for index, number in zip(found, self._assign(keypoints, time, before), strict=True):
                numbers[index] = int(number)
        return [replace(person, track=number) for person, number in zip(people, numbers, strict=True)]

    def _assign(self, keypoints: np.ndarray, time: float, before: float) -> np.ndarray:
        """Return the track of each person (P, K, 3), and note them as the tracks' last."""
        elapsed = time - self._last
        reach = CARRYING * (1 - np.exp(-elapsed / CARRYING))
        moved = self._keypoints.copy()
        moved[..., :2] += (self._velocity * reach[:, None])[:, None]
        moved[..., 2] *= (time - self._seen <= self.gap) | (self._seen == before)
        likeness = keypoint_similarity(moved, keypoints, self._sigmas, 1 + elapsed / WIDENING)
        likeness[likeness < self.threshold] = 0  # such a pair must not cost another its best
        rows, columns = linear_sum_assignment(likeness, maximize=True)
        same = likeness[rows, columns] > 0
        rows, columns = rows[same], columns[same]
        self._continue(rows, keypoints[columns], moved[rows], elapsed[rows], time)
        new = np.setdiff1d(np.arange(len(keypoints)), columns)
        numbers = np.zeros(len(keypoints), np.int64)
        numbers[columns] = self._tracks[rows]
        numbers[new] = self.begun + 1 + np.arange(len(new))
        self._begin(keypoints[new], numbers[new], time)
        return numbers

    def _continue(
        self, rows: np.ndarray, keypoints: np.ndarray, moved: np.ndarray, elapsed: np.ndarray, time: float
    ) -> None:
        present = keypoints[..., 2] > 0
        before = self._keypoints[rows]
        both = present & (self._seen[rows] == self._last[rows, None])  # not what was only carried on
        step = np.where(both[..., None], keypoints[..., :2] - before[..., :2], 0).sum(1)
        step /= np.maximum(both.sum(1), 1)[:, None]
        share = (1 - np.exp(-elapsed / SETTLING))[:, None]
        self._velocity[rows] += share * (step / elapsed[:, None] - self._velocity[rows])
        self._keypoints[rows] = np.where(present[..., None], keypoints, moved)
        self._seen[rows] = np.where(present, time, self._seen[rows])
        self._last[rows] = time

    def _begin(self, keypoints: np.ndarray, numbers: np.ndarray, time: float) -> None:
        self.begun += len(numbers)
        self._tracks = np.concatenate([self._tracks, numbers])
        self._keypoints = np.concatenate([self._keypoints, keypoints])
        seen = np.where(keypoints[..., 2] > 0, time, -np.inf)
        self._seen = np.concatenate([self._seen, seen])
        self._velocity = np.concatenate([self._velocity, np.zeros((len(numbers), 2))])
        self._last = np.concatenate([self._last, np.full(len(numbers), time)])

    def _keep(self, kept: np.ndarray) -> None:
        self._tracks, self._keypoints, self._seen = (
            self._tracks[kept],
            self._keypoints[kept],
            self._seen[kept],
        )
        self._velocity, self._last = self._velocity[kept], self._last[kept]
