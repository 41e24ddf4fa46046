"""`BodyPoints`: the keypoints of one person that the motion baselines read, and how large that person is."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dancepose.errors import ConfigError
from dancepose.keypoint_map import KeypointMap
from dancepose.skeleton import Skeleton

ARMS_AND_LEGS = tuple(
    tuple(f"{side}_{joint}" for joint in chain)
    for chain in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    for side in ("right", "left")
)
# twelve joints of the limbs, which every usual skeleton has, and the middle of the shoulders
COMMON13 = ("neck", *(joint for chain in ARMS_AND_LEGS for joint in chain))
CHOICES = ("common13", "all")
SHOULDERS_TO_TORSO = 1.5  # torso lengths in a shoulder width's stead
HEIGHT_IN_TORSOS = 3.5  # of a person who stands
SHORTEST = 0.05  # of the person's extent: what is shorter has turned towards the camera and measures nothing


@dataclass(frozen=True)
class BodyPoints:
    """A choice of keypoints (made by `choose`).

    Attributes:
        names: of the P points.
        limbs: (L, 2) int64, indices of the two ends of each limb; from the torso outwards in `common13`.
        shoulders: indices of the left and the right one.
        hips: the same.
        mapping: carries the skeleton's keypoints over to the points.
        count: K, the skeleton's keypoints.
    """

    names: tuple[str, ...]
    limbs: np.ndarray
    shoulders: np.ndarray
    hips: np.ndarray
    mapping: KeypointMap
    count: int

    @classmethod
    def choose(cls, skeleton: Skeleton, choice: str = "common13") -> "BodyPoints":
        """Choose points of a skeleton.

        Args:
            skeleton: of the keypoints that will come.
            choice: `common13`: shoulders, elbows, wrists, hips, knees, ankles and the middle of the
                shoulders, with arms and legs as limbs; the same in every skeleton that has them. `all`: the
                skeleton's own keypoints and limbs, of which `neck` is the middle of the shoulders, too.

        Raises:
            ConfigError: the skeleton lacks a point of `common13`, or a role that measures the torso.
        """
        roles = [skeleton.role(name) for name in ("shoulders", "hips")]
        if roles[0] is None or roles[1] is None:
            lacking = "shoulders" if roles[0] is None else "hips"
            raise ConfigError(
                f"skeleton {skeleton.name}: the role '{lacking}' is needed for the torso's length"
            )
        if choice == "all":
            own = skeleton.map_to(skeleton, derive=True)
            return cls(skeleton.keypoints, skeleton.limb_index, roles[0], roles[1], own, len(skeleton))
        if choice != "common13":
            raise ConfigError(f"model.keypoints={choice}: choose one of {', '.join(CHOICES)}")
        found = [skeleton.find(name) for name in COMMON13]
        if missing := [n for n, i in zip(COMMON13[1:], found[1:], strict=True) if i is None]:
            raise ConfigError(
                f"model.keypoints=common13: skeleton {skeleton.name} lacks {', '.join(missing)}. "
                "Give model.keypoints=all"
            )
        # the neck is the middle of the shoulders, also where the skeleton has a point of that name
        index = np.array([-1, *(i for i in found[1:] if i is not None)], dtype=np.int64)
        ends = [pair for chain in ARMS_AND_LEGS for pair in pairwise(chain)]
        limbs = np.array([[COMMON13.index(a), COMMON13.index(b)] for a, b in ends], dtype=np.int64)
        shoulders, hips = (
            np.array([COMMON13.index(f"{side}_{part}") for side in ("left", "right")])
            for part in ("shoulder", "hip")
        )
        left, right = roles[0].tolist()
        return cls(COMMON13, limbs, shoulders, hips, KeypointMap(index, {0: (left, right)}), len(skeleton))

    def select(self, keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pick the points.

        Args:
            keypoints: (T, K, 3) x, y in pixels and visibility; 0 and what is no finite number is missing.

        Returns:
            (T, P, 2) float64 positions, 0 where missing, and (T, P) bool, whether each is known.

        Raises:
            ValueError: the keypoints are not those of the skeleton.
        """
        if keypoints.ndim != 3 or keypoints.shape[1:] != (self.count, 3):
            raise ValueError(f"keypoints of shape {keypoints.shape}: (frames, {self.count}, 3) are needed")
        given = np.asarray(keypoints, dtype=np.float64)
        known = (given[..., 2] > 0) & np.isfinite(given).all(-1)
        mapped = self.mapping.apply(np.where(known[..., None], given, 0.0))
        if "pelvis" in self.names:  # where it is not labelled, as it is derived of people who are found
            pelvis, (left, right) = self.names.index("pelvis"), self.hips
            ends = (mapped[:, left, 2] > 0) & (mapped[:, right, 2] > 0)
            derived = ends & (mapped[:, pelvis, 2] <= 0)
            mapped[derived, pelvis] = (mapped[derived, left] + mapped[derived, right]) / 2
        return mapped[..., :2], mapped[..., 2] > 0

    def scale(
        self, points: np.ndarray, known: np.ndarray, box_height: np.ndarray | None = None
    ) -> np.ndarray:
        """Measure the person's torso length in each frame.

        The first of these that is known, and not shortened to less than 1/20 of the person's extent: middle
        of the hips to middle of the shoulders; 1.5 shoulder widths; the box's height / 3.5; the extent / 3.5.
        0 where nothing has a length.

        Args:
            points: (T, P, 2).
            known: (T, P).
            box_height: (T,) pixels, or None.

        Returns:
            (T,) pixels.
        """
        high = np.where(known[..., None], points, -np.inf).max(1)
        low = np.where(known[..., None], points, np.inf).min(1)
        extent = np.maximum(np.nan_to_num(high - low, neginf=0.0).max(1), 0.0)  # (T,)
        torso, torso_known = self.vector(points, known, self.hips, self.shoulders)
        width, width_known = self.vector(points, known, self.shoulders[:1], self.shoulders[1:])
        height = np.zeros(len(points)) if box_height is None else np.asarray(box_height, dtype=np.float64)
        height = np.where(np.isfinite(height), height, 0.0)
        lengths = [
            np.where(torso_known, np.linalg.norm(torso, axis=-1), 0.0),
            np.where(width_known, SHOULDERS_TO_TORSO * np.linalg.norm(width, axis=-1), 0.0),
            height / HEIGHT_IN_TORSOS,
            extent / HEIGHT_IN_TORSOS,
        ]
        usable = [(length > SHORTEST * extent) & (length > 0) for length in lengths]
        return np.select(usable, lengths, 0.0)

    @staticmethod
    def vector(
        points: np.ndarray, known: np.ndarray, start: np.ndarray, end: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the vector between the middles of two sets of points, and whether all of them are known.

        Returns:
            (T, 2) pixels, 0 where a point is missing, and (T,) bool.
        """
        both: np.ndarray = np.logical_and.reduce(known[:, np.concatenate([start, end])], axis=1)
        return np.where(both[:, None], points[:, end].mean(1) - points[:, start].mean(1), 0.0), both
