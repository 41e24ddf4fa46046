"""`KeypointMap`: keypoints of one skeleton carried over to another."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class KeypointMap:
    """Carries keypoints of one skeleton over to another (made by `Skeleton.map_to`).

    Attributes:
        index: (K',) index of the source keypoint of each target keypoint, -1 where there is none.
        derived: target keypoint index -> the two source keypoints whose middle it is.
    """

    index: np.ndarray
    derived: dict[int, tuple[int, int]]

    @property
    def covered(self) -> np.ndarray:
        """(K',) bool: the target keypoints that the source has under a name or alias, not derived."""
        return self.index >= 0

    def apply(self, keypoints: np.ndarray) -> np.ndarray:
        """Map (..., K, 3) keypoints to (..., K', 3); what has no source is (0, 0, 0), not annotated.

        A derived point needs both ends annotated; its visibility is the lower of the two.
        """
        padded = np.concatenate([keypoints, np.zeros_like(keypoints[..., :1, :])], axis=-2)
        mapped = padded[..., self.index, :]
        for target, (a, b) in self.derived.items():
            first, second = keypoints[..., a, :], keypoints[..., b, :]
            both = np.minimum(first[..., 2], second[..., 2])
            mapped[..., target, :2] = np.where((both > 0)[..., None], (first + second)[..., :2] / 2, 0)
            mapped[..., target, 2] = both
        return mapped
