"""`Camera`: a pinhole, and where things in the scene are to it and in its picture."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

NEAR = 0.1  # metres: what is nearer to a camera is cut away


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; its axes are x right, y down, z into the picture.

    Attributes:
        position: (3,) in the scene, metres; the scene's axes are x right, y up, z out of the picture.
        pitch: how far it looks down, radians.
        focal: pixels.
        size: width and height of the picture.
        roll: of the picture, radians.
        middle: pixel that it looks at; None: the middle of the picture.
    """

    position: np.ndarray
    pitch: float
    focal: float
    size: tuple[int, int]
    roll: float = 0.0
    middle: tuple[float, float] | None = None

    @cached_property
    def axes(self) -> np.ndarray:
        """(3, 3): rows are the camera's x, y, z in the scene."""
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        level = np.array([[1.0, 0, 0], [0, -c, s], [0, -s, -c]])
        c, s = np.cos(self.roll), np.sin(self.roll)
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]) @ level

    def view(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) in the scene -> (..., 3) in the camera's axes."""
        return (points - self.position) @ self.axes.T

    def project(self, seen: np.ndarray) -> np.ndarray:
        """(..., 3) in the camera's axes -> (..., 2) pixels; what lies behind it comes out far away."""
        depth = np.maximum(seen[..., 2:], 1e-3)
        return seen[..., :2] / depth * self.focal + self.centre

    @cached_property
    def centre(self) -> np.ndarray:
        """(2,) pixel that the camera looks at."""
        return (np.array(self.size) - 1) / 2 if self.middle is None else np.array(self.middle)

    def cropped(self, x1: int, y1: int, x2: int, y2: int) -> "Camera":
        """Return the camera of a part of the picture."""
        middle = (float(self.centre[0]) - x1, float(self.centre[1]) - y1)
        return replace(self, size=(x2 - x1, y2 - y1), middle=middle)
