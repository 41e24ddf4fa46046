"""`TestGeometry`: how an image becomes a network input at test time, and how coordinates find back."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import cv2
import numpy as np

from dancepose.errors import ConfigError, DataError

PAD_VALUE = 0  # black: what the training transforms show outside a picture
MAX_PIXELS = 2**26  # of a network input; beyond it a sliver of a picture would ask for gigabytes
STRIP = 16  # long : short side of a picture that a size must let in


@dataclass(frozen=True)
class Plan:
    """The geometry of one image (made by `TestGeometry.plan`).

    Attributes:
        content: width and height of the resized image inside the network input.
        size: width and height of the network input: `content` padded right and bottom.
        matrix: (2, 3) float64, network-input pixels -> original pixels.
    """

    content: tuple[int, int]
    size: tuple[int, int]
    matrix: np.ndarray


@dataclass(frozen=True)
class TestGeometry:
    """Resize one side to `size`, the other in proportion, and pad right and bottom to a multiple.

    The resized image has whole pixels, so each axis has its own exact scale s = resized / original, at most
    half a pixel off the common one. With pixel centres at integers, x_in = (x + .5) s - .5; the matrix is the
    inverse of this.

    Attributes:
        size: pixels that the chosen side gets.
        resize: which side gets `size`: `short` or `long`.
        multiple: the padded sides are multiples of this (the network itself needs 32).

    Raises:
        ConfigError: a value that is none of the above, or a size too large for any picture but a strip.
    """

    __test__: ClassVar[bool] = False  # its name starts like a test class, and pytest would collect it

    size: int = 512
    resize: Literal["short", "long"] = "short"
    multiple: int = 64

    def __post_init__(self) -> None:
        if self.resize not in ("short", "long"):
            raise ConfigError(f"resize is '{self.resize}': it must be 'short' or 'long'")
        if self.size < 1 or self.multiple < 1:
            raise ConfigError(f"size {self.size} and multiple {self.multiple} must be at least 1")
        ratio = 1 if self.resize == "short" else STRIP  # of the picture that gives the smallest input
        largest = round_down(math.isqrt(MAX_PIXELS * ratio), self.multiple)
        if self.size > largest:
            raise ConfigError(
                f"size {self.size} is too large: with resize={self.resize} pictures would get more than "
                f"{MAX_PIXELS:,} pixels; it can be at most {largest}"
            )

    def plan(self, width: int, height: int) -> Plan:
        """Return the sizes and the matrix for an image of width x height pixels.

        Raises:
            DataError: the image is empty, or its input would exceed `MAX_PIXELS` pixels.
        """
        if min(width, height) < 1:
            raise DataError(f"an image of {width} x {height} pixels is empty")
        reference = min(width, height) if self.resize == "short" else max(width, height)
        scale = self.size / reference
        content = (max(1, round(width * scale)), max(1, round(height * scale)))
        padded = (round_up(content[0], self.multiple), round_up(content[1], self.multiple))
        if padded[0] * padded[1] > MAX_PIXELS:
            told = f"an image of {width} x {height} pixels would become {padded[0]} x {padded[1]}: "
            if self.resize == "short":
                told += f"too narrow for size {self.size} with resize=short, use resize=long or cut it"
            else:
                told += f"size {self.size} is too large"
            raise DataError(told)
        step = np.array([width / content[0], height / content[1]])  # original pixels per input pixel
        return Plan(content, padded, np.column_stack([np.diag(step), 0.5 * step - 0.5]))

    def warp(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Make the network input of one image.

        Shrinking averages over the area of each new pixel (`cv2.INTER_AREA`), enlarging is bilinear; both
        stretch the whole image onto whole pixels, which is the matrix exactly. Measured, from 3000 x 2000
        down and from 300 x 200 up to 512: the centroid of a blob moves as the matrix says within 0.02 px, its
        mean error is under 0.002 px. `cv2.warpAffine` has no low-pass filter: shrinking to a half it moves
        the light of single pixels by up to 0.47 px (area: 0.27, zero on average).

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            The padded input (H', W', 3) uint8 RGB, and the (2, 3) float64 matrix input -> original pixels.

        Raises:
            DataError: the image is of another shape or type.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise DataError(f"an image must be uint8 (H, W, 3) RGB, this one is {image.dtype} {image.shape}")
        height, width = image.shape[:2]
        plan = self.plan(width, height)
        # INTER_AREA follows another rule, not the matrix, as soon as one side grows; INTER_LINEAR on bytes
        # darkens by an eighth of a grey level, the exact one rounds, alike on every CPU.
        shrinks = plan.content[0] <= width and plan.content[1] <= height
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR_EXACT
        resized = cv2.resize(image, plan.content, interpolation=method)
        padded = np.full((plan.size[1], plan.size[0], 3), PAD_VALUE, dtype=np.uint8)
        padded[: plan.content[1], : plan.content[0]] = resized
        return padded, plan.matrix


def apply_matrix(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return points (..., 2) carried through a (2, 3) matrix, in float64."""
    return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]


def invert_matrix(matrix: np.ndarray) -> np.ndarray:
    """Return the (2, 3) inverse of a (2, 3) matrix: original -> network-input pixels."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.column_stack([inverse, -inverse @ matrix[:, 2]])


def round_up(value: int, multiple: int) -> int:
    """Return the smallest multiple of `multiple` that is at least `value`."""
    return -(-value // multiple) * multiple


def round_down(value: int, multiple: int) -> int:
    """Return the largest multiple of `multiple` that is at most `value`."""
    return value // multiple * multiple


def describe_geometry(geometry: Any) -> dict[str, Any]:
    """Return the keys of the data from which a `TestGeometry` was made; empty for anything else."""
    if not isinstance(geometry, TestGeometry):
        return {}
    return {"test_size": geometry.size, "resize": geometry.resize, "pad_multiple": geometry.multiple}
