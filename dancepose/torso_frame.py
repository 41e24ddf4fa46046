"""`TorsoFrameEncoder`: how the torso is turned, and the limbs seen from it (QES, Wu et al. 2019)."""

import numpy as np

from dancepose.body import BodyPoints
from dancepose.skeleton import Skeleton

ORIENTATION = 9  # numbers that say how the torso is turned
LONGEST = 2.0  # torso lengths; a longer limb is a wrong keypoint


class TorsoFrameEncoder:
    """Keypoints of one frame to numbers in the torso's own frame.

    The published method wears 11 inertial sensors: the root's orientation is a rotation in space, and the
    limbs' orientations are taken relative to it. In a picture there is no depth, so here

    - the **9 numbers of orientation** are the unit vectors right -> left shoulder, right -> left hip and hips
      -> shoulders in image axes (6), and the three lengths' shares of their sum (3). Unit vectors tell how
      the torso lies in the picture and, by the shoulders' sign, whether it is seen from the front; the shares
      tell how far it is turned away, for a turn shortens shoulders and hips, and bending shortens the spine.
    - the **torso's frame** has its origin in no point (vectors alone are used), its second axis along hips ->
      shoulders, its first a quarter turn from that (image right of a person who is upright), and torso
      lengths as unit. So the posture is invariant to place, size and rotation in the picture.
    - the **posture** is each limb as a vector in that frame (length at most 2), and the bend at each point
      where exactly two limbs meet, as cosine and sine.

    A missing point leaves 0 in all that depends on it. In the posture a mark says what is known, and
    distances are taken over that alone. Without shoulders or hips the image's own axes stand in for the
    torso's.

    Attributes:
        inputs: the one entry, `torso_frame`.
        frames: None: each frame by itself.
        width: D, the numbers of the posture.
    """

    inputs: tuple[str, ...] = ("torso_frame",)
    frames: int | None = None

    def __init__(self, skeleton: Skeleton, keypoints: str = "common13") -> None:
        self.body = BodyPoints.choose(skeleton, keypoints)
        self.bends = _bends(self.body.limbs)
        self.width = 2 * len(self.body.limbs) + 2 * len(self.bends)

    def __call__(self, keypoints: np.ndarray, box_height: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Encode one frame.

        Args:
            keypoints: (1, K, 3) x, y in pixels and visibility.
            box_height: (1,) pixels, or None; a last resort for the person's size.

        Returns:
            `torso_frame`: (9 + 2 D,) float32: orientation, posture, and 1 or 0 for each number of the
                posture,
            whether it is known.

        Raises:
            ValueError: more than one frame, or keypoints of another skeleton.
        """
        heights = np.zeros(len(keypoints)) if box_height is None else np.asarray(box_height)
        made = self.batch(np.asarray(keypoints)[None], heights[None])
        return {name: array[0] for name, array in made.items()}

    def batch(self, keypoints: np.ndarray, box_height: np.ndarray) -> dict[str, np.ndarray]:
        """Encode a batch, (B, 1, K, 3) and (B, 1), all people at once; see `Encoder.batch`."""
        if keypoints.shape[1] != 1:
            raise ValueError(f"{keypoints.shape[1]} frames: QES looks at each frame by itself")
        points, known = self.body.select(keypoints[:, 0])  # (B, P, 2), (B, P)
        scale = self.body.scale(points, known, box_height[:, 0])
        spine, _ = self.body.vector(points, known, self.body.hips, self.body.shoulders)
        sides = [
            self.body.vector(points, known, part[1:], part[:1])[0]
            for part in (self.body.shoulders, self.body.hips)
        ]
        orientation = _orientation(np.stack([*sides, spine], axis=1))
        up = np.where(spine.any(axis=1, keepdims=True), _unit(spine), (0.0, -1.0))  # (B, 2)
        right = np.stack([-up[:, 1], up[:, 0]], axis=1)
        start, end = self.body.limbs.T
        drawn = points[:, end] - points[:, start]  # (B, L, 2)
        limbs = np.stack([(drawn * axis[:, None]).sum(-1) for axis in (right, up)], axis=-1)
        limbs /= np.where(scale > 0, scale, 1.0)[:, None, None]
        limbs *= LONGEST / np.maximum(np.linalg.norm(limbs, axis=-1, keepdims=True), LONGEST)
        has_limb = known[:, start] & known[:, end]
        one, other = (_unit(limbs[:, self.bends[:, side]]) for side in (0, 1))  # (B, A, 2)
        turn = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
        bends = np.stack([(one * other).sum(-1), turn], axis=-1)
        # one for each vector and each bend
        marks = np.concatenate([has_limb, has_limb[:, self.bends].all(-1)], axis=1)
        posture = np.concatenate([limbs, bends], axis=1) * marks[..., None]
        flat = posture.reshape(len(points), self.width)
        encoded = np.concatenate([orientation, flat, np.repeat(marks, 2, axis=1)], axis=1)
        return {"torso_frame": encoded.astype(np.float32)}


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(..., 2) -> (..., 2) of length 1; 0 stays 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def _orientation(vectors: np.ndarray) -> np.ndarray:
    """(B, 3, 2) shoulders, hips, spine -> (B, 9) unit vectors and shares of the summed length."""
    lengths = np.linalg.norm(vectors, axis=-1)
    total = np.maximum(lengths.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return np.concatenate([_unit(vectors).reshape(len(vectors), 6), lengths / total], axis=1)


def _bends(limbs: np.ndarray) -> np.ndarray:
    """(L, 2) -> (A, 2) the two limbs that meet at each point where exactly two do."""
    meeting = [np.flatnonzero((limbs == point).any(1)) for point in np.unique(limbs)]
    return np.array([pair for pair in meeting if len(pair) == 2], dtype=np.int64).reshape(-1, 2)
