"""`Labels`: short texts in a picture, each near its place, inside the picture and beside the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dancepose.inference.lettering import lettering
from dancepose.inference.person_colours import ink_on

Colour = tuple[int, int, int]

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


@dataclass(frozen=True)
class _Label:
    """A text that is wanted: around a point, or in a colour at a corner of a box."""

    text: str
    size: int
    centre: tuple[float, float] = (0.0, 0.0)
    box: np.ndarray | None = None  # (4,) x1, y1, x2, y2
    colour: Colour = LETTERS

    def masks(self) -> tuple[np.ndarray, np.ndarray]:
        return lettering(self.text, self.size, 0 if self.box is not None else max(1, round(self.size / 14)))

    @property
    def margin(self) -> int:
        """Pixels that stay free at the left and the right of the letters."""
        return self.size // 6 if self.box is None else self.size // 4 + 1

    def corners(self, size: np.ndarray) -> np.ndarray:
        """Return (C, 2) places of the left top of a label of this width and height, the best first."""
        if self.box is None:
            return np.array([self.centre]) - size / 2
        (left, top, right, bottom), (width, height) = self.box, size
        rows = top - height, top, bottom, bottom - height  # above, inside, below, inside
        return np.array([(x, y) for y in rows for x in (left, right - width)])


class Labels:
    """Texts that are to be put into a picture once all of them are known; the first gets the best place."""

    def __init__(self) -> None:
        self._wanted: list[_Label] = []

    def add(self, text: str, centre: tuple[float, float], size: int) -> None:
        """Ask for a text around a point, in letters of so many pixels, white with a dark edge."""
        if text:
            self._wanted.append(_Label(text, size, centre))

    def add_at_box(self, text: str, box: np.ndarray, size: int, colour: Colour) -> None:
        """Ask for a text on a ground of a colour, at a corner of a box.

        Above the box before inside and below it, left before right. Where others stand at all corners it
        makes way, and a line leads from it to the box.

        Args:
            text: one line.
            box: (4,) x1, y1, x2, y2 in pixels, not outside the picture.
            size: of the letters in pixels.
            colour: RGB of ground and line; the letters are black or white.
        """
        if text:
            self._wanted.append(_Label(text, size, box=np.asarray(box, float), colour=colour))

    def draw(self, canvas: np.ndarray) -> None:
        """Write all texts into (H, W, 3) uint8 RGB."""
        masks = [label.masks() for label in self._wanted]
        if not masks:
            return
        sizes = np.array(
            [
                (edged.shape[1] + 2 * label.margin, edged.shape[0])
                for label, (_, edged) in zip(self._wanted, masks, strict=True)
            ]
        )
        wanted = [label.corners(size) for label, size in zip(self._wanted, sizes, strict=True)]
        corners = place(wanted, sizes, (canvas.shape[1], canvas.shape[0]))
        for label, (letters, edged), corner, size in zip(self._wanted, masks, corners, sizes, strict=True):
            x, y = corner.tolist()
            if label.box is not None:
                last = (x + int(size[0]) - 1, y + int(size[1]) - 1)
                cv2.rectangle(canvas, (x, y), last, label.colour, cv2.FILLED)
                cv2.rectangle(canvas, (x, y), last, EDGE)
            # a view: a label may be too large
            region = canvas[y : y + letters.shape[0], x + label.margin :][:, : letters.shape[1]]
            letters, edged = (mask[: region.shape[0], : region.shape[1], None] for mask in (letters, edged))
            if label.box is None:
                blend(region, edged, EDGE)
            blend(region, letters, LETTERS if label.box is None else ink_on(label.colour))
        # over the texts: the labels that one made way for lie between it and its box
        for label, corner, size in zip(self._wanted, corners, sizes, strict=True):
            if label.box is not None:
                _lead(canvas, corner, corner + size - 1, label.box, label.colour)


def blend(region: np.ndarray, mask: np.ndarray, colour: Colour) -> None:
    """Paint (h, w, 3) uint8 over, in place, as far as an (h, w, 1) uint8 mask says."""
    share = mask * np.float32(1 / 255)
    region[:] = np.rint(region + (np.array(colour, np.float32) - region) * share)


def place(wanted: Sequence[np.ndarray], sizes: np.ndarray, picture: tuple[int, int]) -> np.ndarray:
    """Find places for rectangles, one after the other: where they are wanted, or near, free and inside.

    Where there is no free place within some of its own heights and widths, a rectangle covers as little of
    the others as it can.

    Args:
        wanted: (C, 2) for each rectangle: where its left and top may be, the best first, wherever; moved into
            the picture.
        sizes: (N, 2) widths and heights in whole pixels.
        picture: its width and height.

    Returns:
        (N, 2) whole left and top; at 0 where a rectangle is larger than the picture.
    """
    room = np.maximum(np.array(picture) - sizes, 0)
    corners = np.zeros((len(sizes), 2), int)
    reach = np.array([COLUMNS, ROWS])
    for i, size in enumerate(sizes):
        starts = np.clip(np.clip(np.nan_to_num(wanted[i]), -1e6, 1e6), 0, room[i])
        placed, extent = corners[:i], sizes[:i]
        best = np.rint(starts)
        free = (k for k in range(len(best)) if not _meet(best[k], best[k] + size, placed, extent).any())
        if (k := next(free, None)) is not None:
            corners[i] = best[k]
            continue
        start = starts[0]
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


def _lead(canvas: np.ndarray, low: np.ndarray, high: np.ndarray, box: np.ndarray, colour: Colour) -> None:
    """Draw a line from a label to the nearest corner of its box, unless it stands at the box's outline."""
    beside = (low > box[2:] + 1).any() or (high < box[:2] - 1).any()
    within = (low > box[:2] + 1).all() and (high < box[2:] - 1).all()
    if not (beside or within):
        return
    corners = np.array([(x, y) for x in box[[0, 2]] for y in box[[1, 3]]])
    nearest = np.clip(corners, low, high)  # of the label, to each
    best = np.abs(corners - nearest).sum(axis=1).argmin()
    begin, end = (np.rint(points[best]).astype(int).tolist() for points in (nearest, corners))
    cv2.line(canvas, begin, end, EDGE, 3, cv2.LINE_AA)
    cv2.line(canvas, begin, end, colour, 1, cv2.LINE_AA)
