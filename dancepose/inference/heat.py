"""Maps over a grey copy of a picture: heat of keypoints, and how strong something is. RGB in, RGB out."""

import cv2
import numpy as np

from dancepose.inference.canvas import contact_sheet, fit
from dancepose.skeleton import Skeleton

NOTHING = 0.01  # heat of a background that a network has learned to leave alone
HEAT, STRENGTH = 0.7, 0.5  # opacity of colours: heat is at a few places, a gate may be open everywhere
GROUND = 0.6  # brightness of the grey copy: less than that of any strong colour


def draw_heatmap(image: np.ndarray, heatmap: np.ndarray, peak: float = 1.0) -> np.ndarray:
    """Lay a heatmap of keypoints over a grey copy of a picture.

    Colours go with the square root of the heat, so that a peak of 0.05 is seen too: many are as faint before
    a network is trained well. What is below 0.01 of `peak` has no colour.

    Args:
        image: (H, W, 3) uint8 RGB, all of what the map covers.
        heatmap: (h, w), 0 to `peak`.
        peak: the value shown brightest.
    """
    heat = _resized(heatmap, image) / peak
    return _overlay(image, np.sqrt(np.clip((heat - NOTHING) / (1 - NOTHING), 0, 1)), HEAT)


def draw_heatmaps(image: np.ndarray, heatmaps: np.ndarray, peak: float = 1.0) -> np.ndarray:
    """Lay the maximum of (K, h, w) heatmaps over a picture, as `draw_heatmap`."""
    return draw_heatmap(image, np.asarray(heatmaps, np.float32).max(axis=0), peak)


def draw_heatmap_grid(
    image: np.ndarray, heatmaps: np.ndarray, skeleton: Skeleton, peak: float = 1.0, tile: int = 240
) -> np.ndarray:
    """Lay each of (K, h, w) heatmaps over a picture: one tile a keypoint, with its name and maximum."""
    small = fit(image, tile)
    captions = [f"{name} {h.max() / peak:.2f}" for name, h in zip(skeleton.keypoints, heatmaps, strict=True)]
    return contact_sheet([draw_heatmap(small, heatmap, peak) for heatmap in heatmaps], captions, tile=tile)


def draw_strength(image: np.ndarray, values: np.ndarray, peak: float) -> np.ndarray:
    """Lay a map of features or of a gate over a grey copy of a picture: colours in proportion to the values.

    The picture is seen through them, even where all values are as large as can be.

    Args:
        image: (H, W, 3) uint8 RGB, all of what the map covers.
        values: (h, w), 0 to `peak`.
        peak: the value shown brightest.
    """
    return _overlay(image, np.clip(_resized(values, image) / peak, 0, 1), STRENGTH)


def _resized(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    size = (image.shape[1], image.shape[0])
    return cv2.resize(np.asarray(values, np.float32), size, interpolation=cv2.INTER_LINEAR)


def _overlay(image: np.ndarray, shown: np.ndarray, opacity: float) -> np.ndarray:
    """Lay colours over a grey copy; `shown` is (H, W), 0 (none) to 1 (the brightest)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] * np.float32(GROUND)
    shades = np.rint(100 + 155 * shown).astype(np.uint8)  # from purple on: the dark end is hard to see
    colour = cv2.cvtColor(cv2.applyColorMap(shades, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    share = np.clip(shown * 2.5, 0, 1)[..., None] * np.float32(opacity)
    return np.rint(grey * (1 - share) + colour * share).astype(np.uint8)
