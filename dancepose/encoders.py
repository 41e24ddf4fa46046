"""From the keypoints of a person to what a motion network takes of them."""

from typing import Protocol

import numpy as np

from dancepose.features import KeypointFeatures


class Encoder(Protocol):
    """Makes a network's inputs from keypoints.

    Attributes:
        inputs: names of the arrays that it makes.
        frames: None, for the keypoints of one picture; T, for a window of T frames of one person.
    """

    inputs: tuple[str, ...]
    frames: int | None

    def __call__(self, keypoints: np.ndarray, box_height: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Encode one sample.

        Args:
            keypoints: (T, K, 3) x, y, visibility of one person; T is 1 where `frames` is None.
            box_height: (T,) height of its box, in the units of x and y.

        Returns:
            One array for each of `inputs`, without a batch axis.

        Raises:
            ValueError: another number of frames.
        """
        ...

    def batch(self, keypoints: np.ndarray, box_height: np.ndarray) -> dict[str, np.ndarray]:
        """Encode a batch of samples: (B, T, K, 3) and (B, T) -> one array (B, ...) for each of `inputs`."""
        ...


class FrameEncoder:
    """`features` (F,) of one picture.

    Args:
        features: of keypoints.
    """

    inputs: tuple[str, ...] = ("features",)
    frames: int | None = None

    def __init__(self, features: KeypointFeatures) -> None:
        self.features = features

    def __call__(self, keypoints: np.ndarray, box_height: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """(1, K, 3) -> `features` (F,) float32."""
        _check(keypoints, 1)
        return {"features": self.features(keypoints, box_height)[0]}

    def batch(self, keypoints: np.ndarray, box_height: np.ndarray) -> dict[str, np.ndarray]:
        """(B, 1, K, 3) -> `features` (B, F) float32."""
        _check(keypoints, 1, batched=True)
        return {"features": self.features(keypoints, box_height)[:, 0]}


class SequenceEncoder:
    """`sequence` (T, F) of a window of frames.

    Args:
        features: of keypoints.
        frames: T.
    """

    inputs: tuple[str, ...] = ("sequence",)

    def __init__(self, features: KeypointFeatures, frames: int) -> None:
        self.features = features
        self.frames: int | None = frames

    def __call__(self, keypoints: np.ndarray, box_height: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """(T, K, 3) -> `sequence` (T, F) float32."""
        assert self.frames is not None
        _check(keypoints, self.frames)
        return {"sequence": self.features(keypoints, box_height)}

    def batch(self, keypoints: np.ndarray, box_height: np.ndarray) -> dict[str, np.ndarray]:
        """(B, T, K, 3) -> `sequence` (B, T, F) float32."""
        assert self.frames is not None
        _check(keypoints, self.frames, batched=True)
        return {"sequence": self.features(keypoints, box_height)}


class ImageOnly:
    """Nothing: the network looks at the picture alone."""

    inputs: tuple[str, ...] = ()
    frames: int | None = None

    def __call__(self, keypoints: np.ndarray, box_height: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return no arrays; keypoints are not looked at."""
        return {}

    def batch(self, keypoints: np.ndarray, box_height: np.ndarray) -> dict[str, np.ndarray]:
        """Return no arrays."""
        return {}


def _check(keypoints: np.ndarray, frames: int, batched: bool = False) -> None:
    if keypoints.ndim != 3 + batched or keypoints.shape[-3] != frames:
        needed = f"({'B, ' * batched}{frames}, K, 3)"
        raise ValueError(f"keypoints of shape {keypoints.shape}: {needed} is needed")
