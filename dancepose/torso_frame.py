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
        points, known = self.body.select(keypoints)
        if len(points) != 1:
            raise ValueError(f"{len(points)} frames: QES looks at each frame by itself")
        scale = self.body.scale(points, known, box_height)
        spine, has_spine = self.body.vector(points, known, self.body.hips, self.body.shoulders)
        sides = [
            self.body.vector(points, known, part[1:], part[:1])
            for part in (self.body.shoulders, self.body.hips)
        ]
        orientation = _orientation(np.concatenate([*(vector for vector, _ in sides), spine]))
        up = _unit(spine)[0] if has_spine[0] and np.any(spine) else np.array([0.0, -1.0])
        axes = np.array([[-up[1], up[0]], up])  # rows: the torso's right and up
        start, end = self.body.limbs.T
        limbs = (points[0, end] - points[0, start]) @ axes.T / (scale[0] or 1.0)  # (L, 2)
        limbs *= (LONGEST / np.maximum(np.linalg.norm(limbs, axis=1), LONGEST))[:, None]
        has_limb = known[0, start] & known[0, end]
        one, other = _unit(limbs[self.bends[:, 0]]), _unit(limbs[self.bends[:, 1]])
        bends = np.stack([(one * other).sum(1), one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]], 1)
        marks = np.concatenate([has_limb, has_limb[self.bends].all(1)])  # one for each vector and each bend
        posture = np.concatenate([limbs, bends]) * marks[:, None]
        encoded = np.concatenate([orientation, posture.ravel(), np.repeat(marks, 2)])
        return {"torso_frame": encoded.astype(np.float32)}

    def batch(self, keypoints: np.ndarray, box_height: np.ndarray) -> dict[str, np.ndarray]:
        """Encode a batch, (B, T, K, 3) and (B, T), sample by sample; see `Encoder.batch`."""
        made = [self(points, heights) for points, heights in zip(keypoints, box_height, strict=True)]
        return {name: np.stack([arrays[name] for arrays in made]) for name in self.inputs}


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(N, 2) -> (N, 2) of length 1; 0 stays 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def _orientation(vectors: np.ndarray) -> np.ndarray:
    """(3, 2) shoulders, hips, spine -> (9,) unit vectors and shares of the summed length."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.concatenate([_unit(vectors).ravel(), lengths / max(lengths.sum(), np.finfo(float).tiny)])


def _bends(limbs: np.ndarray) -> np.ndarray:
    """(L, 2) -> (A, 2) the two limbs that meet at each point where exactly two do."""
    meeting = [np.flatnonzero((limbs == point).any(1)) for point in np.unique(limbs)]
    return np.array([pair for pair in meeting if len(pair) == 2], dtype=np.int64).reshape(-1, 2)
