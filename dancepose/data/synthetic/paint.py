"""Whole pictures, quickly: products and sums over pixels, and noise."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from scipy.special import ndtri

FLOAT = np.dtype(np.float32)


def scale_channels(image: np.ndarray, factor: np.ndarray) -> None:
    """Multiply a picture (H, W, 3) float32 by (3,), in place."""
    lines = image.reshape(len(image), -1)  # numpy is slow where the last axis is short
    lines *= np.tile(np.asarray(factor, np.float32), image.shape[1])


def add_channels(image: np.ndarray, summand: np.ndarray) -> None:
    """Add (3,) to a picture (H, W, 3) float32, in place."""
    lines = image.reshape(len(image), -1)
    lines += np.tile(np.asarray(summand, np.float32), image.shape[1])


def scale_pixels(image: np.ndarray, factor: np.ndarray) -> None:
    """Multiply a picture (H, W, 3) float32, or some of its rows, by (H, W) float32, in place."""
    if len(image):
        cv2.multiply(image, cv2.cvtColor(factor, cv2.COLOR_GRAY2RGB), dst=image)


def add_pixels(image: np.ndarray, summand: np.ndarray) -> None:
    """Add (H, W) float32 to a picture (H, W, 3) float32, or some of its rows, in place."""
    if len(image):
        cv2.add(image, cv2.cvtColor(summand, cv2.COLOR_GRAY2RGB), dst=image)


@cache
def _quantiles() -> np.ndarray:
    """Return 256 equally probable values of the normal distribution, of unit deviation."""
    values = ndtri((np.arange(256) + 0.5) / 256)
    return values / values.std()


def noise(
    random: np.random.Generator,
    size: tuple[int, int],
    deviation: float = 1.0,
    mean: float = 0.0,
    kind: np.dtype = FLOAT,
) -> np.ndarray:
    """Return (H, W) normal noise of 256 values: drawn as bytes, in a tenth of the time.

    Args:
        random: where it is drawn from.
        size: width and height.
        deviation: its standard deviation.
        mean: its mean.
        kind: float32, or int16: rounded.
    """
    width, height = size
    drawn = np.frombuffer(random.bytes(width * height), np.uint8).reshape(height, width)
    values = mean + deviation * _quantiles()
    return cv2.LUT(drawn, (values if kind == FLOAT else np.rint(values)).astype(kind))


def grain(random: np.random.Generator, size: tuple[int, int], scales: Sequence[int]) -> np.ndarray:
    """Return (H, W) float32 smooth noise of mean 0 and about unit deviation.

    Args:
        random: where it is drawn from.
        size: width and height.
        scales: of its features, in pixels.
    """
    width, height = size
    total = np.zeros((height, width), np.float32)
    for scale in scales:
        coarse = noise(random, (width // scale + 2, height // scale + 2), max(1, len(scales)) ** -0.5)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return total
