"""`StrEncoder`: keypoints of one frame or of several as a small colour image (STR, Pham et al. 2019)."""

import cv2
import numpy as np

from dancepose.body import BodyPoints
from dancepose.skeleton import Skeleton

SIDE = 32  # of the image
REACH = 4.0  # torso lengths: this distance and more has the last colour; head to foot with arms up is about 4
NO_DEPTH = 128  # blue of every direction: the third component, which poses in the plane do not have


class StrEncoder:
    """Distances and directions between all pairs of keypoints as colours, enhanced, 32 x 32.

    A **pose column** holds the distance of each pair j <= k in the JET colours, then its direction k - j as a
    unit vector, -1 .. 1 to 0 .. 255 in red and green. A **motion column** between two frames holds the same
    of j in the first and k in the second; j = k is a keypoint's own way. The clip's image is pose, motion,
    pose, ... from left to right. It is enhanced by contrast-limited adaptive histogram equalisation (of the
    lightness, so that hues stay) and resized.

    What is adapted:

    - poses are in the plane: the direction's third component is 0 (blue 128).
    - distances are in torso lengths, the median over the clip's frames (see `BodyPoints.scale`), and not
      stretched from the least to the largest of the clip: a missing wrist changes no other colour.
    - a single frame has no motion columns, and one column stretched to 32 would hold each pair 32 times and,
      182 values in 32 rows, none of them sharp. Its values are laid out as a square instead: row j, column k
      holds the distance of the pair above the diagonal and its direction below.

    A pair with a missing keypoint is black, which no value is, also after the enhancement.

    Attributes:
        inputs: the one entry, `skeleton_image`.
        frames: T of a window, or None for single frames.
    """

    inputs: tuple[str, ...] = ("skeleton_image",)

    def __init__(
        self,
        skeleton: Skeleton,
        keypoints: str = "common13",
        frames: int | None = None,
        clip_limit: float = 2.0,
        tiles: int = 2,
    ) -> None:
        """Choose the points.

        Args:
            skeleton: of the keypoints that will come.
            keypoints: `common13` or `all`, see `BodyPoints.choose`.
            frames: T, at least 2, or None.
            clip_limit: of the equalisation; OpenCV's.
            tiles: of the equalisation along each side.
        """
        self.body = BodyPoints.choose(skeleton, keypoints)
        self.frames: int | None = frames
        self.clip_limit = clip_limit
        self.tiles = (tiles, tiles)
        self.first, self.second = np.triu_indices(len(self.body.names))
        levels = np.arange(256, dtype=np.uint8)[None]
        self.jet = cv2.applyColorMap(levels, cv2.COLORMAP_JET)[0, :, ::-1].copy()  # RGB

    def __call__(self, keypoints: np.ndarray, box_height: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Encode one frame or one window.

        Args:
            keypoints: (T, K, 3) x, y in pixels of the one picture or video, and visibility; T = 1 for single
                frames.
            box_height: (T,) pixels, or None; a last resort for the person's size.

        Returns:
            `skeleton_image`: (3, 32, 32) uint8 RGB.

        Raises:
            ValueError: another number of frames, or keypoints of another skeleton.
        """
        heights = np.zeros(len(keypoints)) if box_height is None else np.asarray(box_height)
        made = self.batch(np.asarray(keypoints)[None], heights[None])
        return {name: array[0] for name, array in made.items()}

    def batch(self, keypoints: np.ndarray, box_height: np.ndarray) -> dict[str, np.ndarray]:
        """Encode a batch, (B, T, K, 3) and (B, T); see `Encoder.batch`.

        All is coloured at once; equalisation and resizing, which OpenCV does picture by picture, are not.
        """
        count, frames = keypoints.shape[:2]
        if frames != (wanted := self.frames or 1):
            raise ValueError(f"{frames} frames: this encoder takes {wanted}")
        points, known = self.body.select(keypoints.reshape(-1, *keypoints.shape[2:]))
        scale = self.body.scale(points, known, np.reshape(box_height, -1)).reshape(count, frames)
        # without a scale there is nothing to colour, or all points are one
        scale = np.where((scale > 0).any(axis=1, keepdims=True), scale, 1.0)
        reach = REACH * np.nanmedian(np.where(scale > 0, scale, np.nan), axis=1)  # (B,)
        points, known = points.reshape(count, frames, -1, 2), known.reshape(count, frames, -1)
        images = (self._window if self.frames else self._square)(points, known, reach)
        made = np.stack([_resized(self._enhanced(image)) for image in images])
        return {"skeleton_image": np.ascontiguousarray(made.transpose(0, 3, 1, 2))}

    def _square(self, points: np.ndarray, known: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """(B, 1, P, 2), (B, 1, P), (B,) distance of the last colour -> (B, P, P, 3)."""
        distances, directions = self._colours(points, known, points, known, reach)
        side = points.shape[2]
        images = np.zeros((len(points), side, side, 3), dtype=np.uint8)
        images[:, self.second, self.first] = directions[:, 0]
        images[:, self.first, self.second] = distances[:, 0]  # second, for the diagonal
        return images

    def _window(self, points: np.ndarray, known: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """(B, T, P, 2), (B, T, P), (B,) distance of the last colour -> (B, P (P + 1), 2 T - 1, 3)."""
        count, frames = points.shape[:2]
        columns = np.empty((count, 2 * frames - 1, 2 * len(self.first), 3), dtype=np.uint8)
        columns[:, 0::2] = np.concatenate(self._colours(points, known, points, known, reach), axis=2)
        motion = self._colours(points[:, :-1], known[:, :-1], points[:, 1:], known[:, 1:], reach)
        columns[:, 1::2] = np.concatenate(motion, axis=2)
        return np.ascontiguousarray(columns.transpose(0, 2, 1, 3))

    def _colours(
        self,
        points: np.ndarray,
        known: np.ndarray,
        others: np.ndarray,
        others_known: np.ndarray,
        reach: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(B, T, P, 2), (B, T, P), twice, and (B,) -> (B, T, pairs, 3) of distances and of directions."""
        vectors = others[:, :, self.second] - points[:, :, self.first]
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        there = (known[:, :, self.first] & others_known[:, :, self.second])[..., None]
        steps = np.minimum(lengths[..., 0] / reach[:, None, None], 1.0) * 255
        red_green = np.rint((units + 1) * 127.5).astype(np.uint8)
        blue = np.full_like(red_green[..., :1], NO_DEPTH)
        return (
            self.jet[np.rint(steps).astype(np.uint8)] * there,
            np.concatenate([red_green, blue], axis=-1) * there,
        )

    def _enhanced(self, image: np.ndarray) -> np.ndarray:
        there = image.any(-1, keepdims=True)
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
        # made here, for it cannot be sent to a data worker
        equaliser = cv2.createCLAHE(self.clip_limit, self.tiles)
        lab[..., 0] = equaliser.apply(np.ascontiguousarray(lab[..., 0]))
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * there


def _resized(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) -> (32, 32, 3): a side that shrinks is averaged, one that grows is interpolated."""
    height, width = image.shape[:2]
    for size, side in (((width, SIDE), height), ((SIDE, SIDE), width)):
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR)
    return image
