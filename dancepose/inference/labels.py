"""`Labels`: short texts in a picture, each near its place, inside the picture and beside the others."""

import numpy as np

from dancepose.inference.lettering import lettering

EDGE, LETTERS = (16, 16, 24), (255, 255, 255)  # legible on any photograph
ROWS, COLUMNS = 6, 3  # of labels' own size: how far one makes way for others
STEPS = np.array(
    sorted(
        (
            (x / 2, y / 2)
            for y in range(-2 * ROWS, 2 * ROWS + 1)
            for x in range(-2 * COLUMNS, 2 * COLUMNS + 1)
        ),
        key=lambda step: (abs(step[0]) + abs(step[1]), step[1], step[0]),  # above before below
    )
)
OVERLAP = 1e3  # what a covered pixel is worth, in pixels of distance


class Labels:
    """Texts that are to be put into a picture once all of them are known; the first gets the best place."""

    def __init__(self) -> None:
        self._wanted: list[tuple[str, tuple[float, float], int]] = []

    def add(self, text: str, centre: tuple[float, float], size: int) -> None:
        """Ask for a text around a point, in letters of so many pixels."""
        if text:
            self._wanted.append((text, centre, size))

    def draw(self, canvas: np.ndarray) -> None:
        """Write all texts into (H, W, 3) uint8 RGB: white letters with a dark edge."""
        masks = [lettering(text, size, max(1, round(size / 14))) for text, _, size in self._wanted]
        if not masks:
            return
        gaps = np.array([(size // 3, 0) for _, _, size in self._wanted])  # between texts in a row
        sizes = np.array([edged.shape[::-1] for _, edged in masks]) + gaps
        centres = np.array([centre for _, centre, _ in self._wanted], float)
        corners = place(centres, sizes, (canvas.shape[1], canvas.shape[0])) + gaps // 2
        for (letters, edged), (x, y) in zip(masks, corners.tolist(), strict=True):
            region = canvas[
                y : y + letters.shape[0], x : x + letters.shape[1]
            ]  # views: a label may be too large
            letters, edged = (mask[: region.shape[0], : region.shape[1], None] for mask in (letters, edged))
            blend(region, edged, EDGE)
            blend(region, letters, LETTERS)


def blend(region: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Paint (h, w, 3) uint8 over, in place, as far as an (h, w, 1) uint8 mask says."""
    share = mask * np.float32(1 / 255)
    region[:] = np.rint(region + (np.array(colour, np.float32) - region) * share)


def place(centres: np.ndarray, sizes: np.ndarray, picture: tuple[int, int]) -> np.ndarray:
    """Find places for rectangles, one after the other: near where they are wanted, free and inside.

    Where there is no free place within some of its own heights and widths, a rectangle covers as little of
    the others as it can.

    Args:
        centres: (N, 2) x and y, wherever.
        sizes: (N, 2) widths and heights in whole pixels.
        picture: its width and height.

    Returns:
        (N, 2) whole left and top; at 0 where a rectangle is larger than the picture.
    """
    room = np.maximum(np.array(picture) - sizes, 0)
    wanted = np.clip(np.nan_to_num(centres - sizes / 2), -1e6, 1e6)
    corners = np.zeros((len(sizes), 2), int)
    reach = np.array([COLUMNS, ROWS])
    for i, size in enumerate(sizes):
        start = np.clip(wanted[i], 0, room[i])
        first = np.rint(start)
        placed, extent = corners[:i], sizes[:i]
        if not _meet(first, first + size, placed, extent).any():
            corners[i] = first
            continue
        near = _meet(start - reach * size, start + (reach + 1) * size + 1, placed, extent)
        tried = np.clip(np.rint(start + STEPS * size), 0, room[i]).astype(int)  # (S, 2)
        low = np.maximum(tried[:, None], placed[near])
        high = np.minimum(tried[:, None] + size, placed[near] + extent[near])
        covered = np.maximum(high - low, 0).prod(axis=2).sum(axis=1)
        distance = np.abs(tried - start).sum(axis=1)
        corners[i] = tried[np.argmin(covered * OVERLAP + distance)]
    return corners


def _meet(low: np.ndarray, high: np.ndarray, corners: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Tell which of (N, 2) rectangles a rectangle from one corner to the other covers in part."""
    return ((corners < high) & (corners + sizes > low)).all(axis=1)
