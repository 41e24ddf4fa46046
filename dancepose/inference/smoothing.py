"""Smoothing over the frames of a track: of keypoints, and of what people are said to do."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dancepose.errors import ConfigError
from dancepose.metrics.similarity import extent_areas
from dancepose.records import Person

FULL = 10  # tenths of a score


class KeypointSmoother:
    """The One-Euro filter on the keypoints of each track: steady when somebody is still, quick when not.

    Casiez, Roussel and Vogel 2012, 1 Euro Filter: a low-pass filter of first order whose cutoff frequency
    grows with speed, cutoff = min_cutoff + beta |speed|, where the speed is itself low-passed at a fixed
    cutoff. Two choices are ours. x and y of a keypoint share a cutoff, that of the length of its velocity, so
    that the result does not depend on how the picture is turned. And speeds are in body sizes a second (the
    root of the area that the keypoints span), so that `beta` fits people and pictures of every size.

    A keypoint that is missing stays missing, and the filter goes on where it comes back within `gap` seconds,
    or in the next frame; later it starts anew with what it is given. Boxes, scores and people without a track
    are left as they are.

    Args:
        min_cutoff: Hz, of a keypoint at rest; smaller is steadier.
        beta: by which the cutoff grows, Hz for each body size a second; greater lags less.
        speed_cutoff: Hz, of the speed (the paper's dcutoff).
        gap: seconds.

    Raises:
        ConfigError: a number is out of its range.
    """

    def __init__(
        self, min_cutoff: float = 1.0, beta: float = 2.0, speed_cutoff: float = 1.0, gap: float = 1.0
    ) -> None:
        for name, value in (("smooth_cutoff", min_cutoff), ("speed_cutoff", speed_cutoff)):
            if not 0 < value < np.inf:
                raise ConfigError(f"{name}={value}: a frequency above 0 is needed")
        for name, value in (("smooth_beta", beta), ("track_gap", gap)):
            if not 0 <= value < np.inf:
                raise ConfigError(f"{name}={value}: a number of 0 or more is needed")
        self.min_cutoff, self.beta, self.speed_cutoff, self.gap = min_cutoff, beta, speed_cutoff, gap
        self._tracks = np.zeros(0, np.int64)  # (T,), sorted
        self._place: np.ndarray | None = None  # (T, K, 2), smoothed
        self._speed: np.ndarray  # (T, K, 2) px/s, smoothed
        self._seen: np.ndarray  # (T, K) seconds
        self._now = -np.inf

    def __call__(self, people: Sequence[Person], time: float) -> list[Person]:
        """Smooth the people of the next frame.

        Args:
            people: of one frame, in pixels, with their tracks, each once.
            time: of the frame in seconds, later than that of the frame before.

        Returns:
            New records in the order given.
        """
        before, self._now = self._now, time
        tracked = [index for index, person in enumerate(people) if person.track is not None]
        smoothed = list(people)
        if tracked:
            keypoints = np.stack([people[index].keypoints for index in tracked]).astype(np.float64)
            tracks = np.array([people[index].track for index in tracked], np.int64)
            for index, moved in zip(tracked, self._filter(tracks, keypoints, time, before), strict=True):
                smoothed[index] = replace(people[index], keypoints=moved)
        return smoothed

    def _filter(self, tracks: np.ndarray, keypoints: np.ndarray, time: float, before: float) -> np.ndarray:
        rows = self._rows(tracks, keypoints.shape[1], time)
        assert self._place is not None
        present, raw = keypoints[..., 2] > 0, keypoints[..., :2]
        place, speed, seen = self._place[rows], self._speed[rows], self._seen[rows]
        elapsed = time - seen  # (P, K); infinite where there is nothing to go on from
        fresh = (elapsed > self.gap) & (seen != before) | np.isinf(elapsed)
        step = np.where(fresh, 1.0, elapsed)[..., None]
        velocity = np.where(fresh[..., None], 0.0, (raw - place) / step)
        size = np.sqrt(extent_areas(keypoints))[:, None, None]
        share = smoothing_share(self.speed_cutoff, step)
        speed = np.where(fresh[..., None], 0.0, speed + share * (velocity - speed))
        cutoff = self.min_cutoff + self.beta * np.linalg.norm(speed, axis=-1, keepdims=True) / size
        share = np.where(fresh[..., None], 1.0, smoothing_share(cutoff, step))
        start = np.where(fresh[..., None], 0.0, place)
        moved = start + share * (raw - start)
        self._place[rows] = np.where(present[..., None], moved, place)
        self._speed[rows] = np.where(present[..., None], speed, self._speed[rows])
        self._seen[rows] = np.where(present, time, seen)
        return np.concatenate([np.where(present[..., None], moved, raw), keypoints[..., 2:]], axis=-1)

    def _rows(self, tracks: np.ndarray, count: int, time: float) -> np.ndarray:
        """Return where each track's state is kept; forget tracks that are over, make room for new ones."""
        if self._place is None:
            self._place, self._speed = np.zeros((0, count, 2)), np.zeros((0, count, 2))
            self._seen = np.zeros((0, count))
        live = (time - self._seen.max(axis=1, initial=-np.inf) <= self.gap) | np.isin(self._tracks, tracks)
        kept, new = self._tracks[live], np.setdiff1d(tracks, self._tracks[live])
        everyone = np.concatenate([kept, new])
        order = np.argsort(everyone)
        blank = np.zeros((len(new), count, 2))
        self._place = np.concatenate([self._place[live], blank])[order]
        self._speed = np.concatenate([self._speed[live], blank])[order]
        self._seen = np.concatenate([self._seen[live], np.full((len(new), count), -np.inf)])[order]
        self._tracks = everyone[order]
        return np.searchsorted(self._tracks, tracks)


class ActionSmoother:
    """The exponential average of each track's class probabilities; the action is then the likeliest class.

    The average forgets by time and not by frames: what was said `seconds` ago counts 1/e. A track that says
    nothing for `gap` seconds starts anew. A person whose action was refused (it has probabilities, and no
    action) takes part in the average and stays without an action.

    Args:
        classes: in the order of the probabilities.
        seconds: above 0.
        gap: seconds.

    Raises:
        ConfigError: a number is out of its range.
    """

    def __init__(self, classes: Sequence[str], seconds: float = 0.5, gap: float = 1.0) -> None:
        if not 0 < seconds < np.inf:
            raise ConfigError(f"action_smooth={seconds}: seconds above 0 are needed")
        self.classes, self.seconds, self.gap = tuple(classes), seconds, gap
        self._said: dict[int, tuple[float, np.ndarray]] = {}  # track -> when it last was told, its average
        self._now = -np.inf

    def __call__(self, people: Sequence[Person], time: float) -> list[Person]:
        """Smooth the actions of the next frame's people; see `KeypointSmoother`."""
        before, self._now = self._now, time
        self._said = {t: told for t, told in self._said.items() if _lasts(told[0], before, time, self.gap)}
        return [self._smooth(person, time) for person in people]

    def _smooth(self, person: Person, time: float) -> Person:
        if person.track is None or person.probabilities is None:
            return person
        average = np.asarray(person.probabilities, np.float64)
        if person.track in self._said:
            before, old = self._said[person.track]
            average = old + (1 - np.exp((before - time) / self.seconds)) * (average - old)
        self._said[person.track] = (time, average)
        action = None if person.action is None else self.classes[int(average.argmax())]
        return replace(person, probabilities=average, action=action)


class ScoreSmoother:
    """The score that QES keeps of each track: a frame adds a tenth to its class, all others lose one.

    Wu et al. 2019. A score is within 0 and 1, and begins at 0. In a frame that is rejected all scores sink;
    in one in which too little is seen they stay. The action is the class of the highest score while that is
    above 0, also in a frame that is rejected; of equal ones that which was shown before. So after two frames
    of a class a single one that differs changes nothing. Scores stand in the place of the probabilities, and
    do not sum to 1.

    Args:
        classes: in the order of the probabilities.
        gap: seconds; a track that says nothing for longer starts anew.
    """

    def __init__(self, classes: Sequence[str], gap: float = 1.0) -> None:
        self.classes, self.gap = tuple(classes), gap
        self._kept: dict[int, tuple[float, np.ndarray, int]] = {}  # track -> last seen, tenths, class shown
        self._now = -np.inf

    def __call__(self, people: Sequence[Person], time: float) -> list[Person]:
        """Score the actions of the next frame's people; see `KeypointSmoother`."""
        before, self._now = self._now, time
        self._kept = {t: kept for t, kept in self._kept.items() if _lasts(kept[0], before, time, self.gap)}
        return [self._score(person, time) for person in people]

    def _score(self, person: Person, time: float) -> Person:
        if person.track is None or person.probabilities is None:
            return person
        unknown = (time, np.zeros(len(self.classes), np.int64), 0)
        _, tenths, shown = self._kept.get(person.track, unknown)
        # whole tenths: equal scores stay equal
        change = np.full(len(self.classes), -1)
        if person.action is not None:
            change[self.classes.index(person.action)] = 1
        tenths = np.clip(tenths + change, 0, FULL)
        if tenths[shown] < tenths.max():
            shown = int(tenths.argmax())
        self._kept[person.track] = (time, tenths, shown)
        action = self.classes[shown] if tenths.any() else None
        return replace(person, probabilities=tenths / FULL, action=action)


def _lasts(seen: float, before: float, time: float, gap: float) -> bool:
    """Tell whether a track goes on that was last seen at a time; `before` is that of the frame before."""
    return time - seen <= gap or seen == before


def smoothing_share(cutoff: np.ndarray | float, elapsed: np.ndarray | float) -> np.ndarray | float:
    """Return how much of a new value a low-pass filter takes: alpha of the paper, 1 / (1 + tau / T_e).

    Args:
        cutoff: Hz; tau is 1 / (2 pi cutoff).
        elapsed: T_e, seconds since the value before.
    """
    return 1 / (1 + 1 / (2 * np.pi * cutoff * elapsed))
