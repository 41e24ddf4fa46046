"""Sheets of captioned pictures, text in pictures, picture files: what `drawing` builds on. RGB throughout."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dancepose.errors import DataError
from dancepose.files import write_bytes
from dancepose.inference.labels import blend
from dancepose.inference.lettering import lettering, text_width

PAPER, INK = (255, 255, 255), (24, 24, 28)
CAPTION = 13  # px, the letters of a caption
LONGEST = 65_500  # px: the longest side of a JPEG


def line_width(width: int, height: int) -> int:
    """Return the width of a limb in a picture of this size: 3 px at 640 x 480."""
    return max(1, round(math.sqrt(width * height) / 170))


def contact_sheet(
    images: Sequence[np.ndarray],
    captions: Sequence[str],
    columns: int | None = None,
    tile: int = 320,
    title: str | None = None,
) -> np.ndarray:
    """Put pictures side by side, each with a caption below it.

    Args:
        images: (H, W, 3) uint8 RGB each, of any sizes.
        captions: one for each, of one or more lines; too long ones lose their middle.
        columns: pictures in a row; None makes the sheet about a third wider than high.
        tile: the longer side of each picture on the sheet, in pixels.
        title: a line above all.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: there is no picture.
    """
    if not images:
        raise DataError("a contact sheet needs at least one picture")
    columns = min(len(images), columns or math.ceil(math.sqrt(1.4 * len(images))))
    gap, line = 8, 22
    width = columns * (tile + gap) + gap
    rows = []
    if title is not None:
        rows.append(_text_row(width, line + gap, title, gap))
    tiles = [fit(image, tile) for image in images]
    lines = [caption.split("\n") for caption in captions]
    below = line * max(map(len, lines), default=1)
    for start in range(0, len(tiles), columns):
        row = tiles[start : start + columns]
        strip = np.full((gap + max(t.shape[0] for t in row) + below, width, 3), PAPER, np.uint8)
        for i, (picture, words) in enumerate(zip(row, lines[start : start + columns], strict=True)):
            x = gap + i * (tile + gap)
            indent = x + (tile - picture.shape[1]) // 2
            bottom = gap + picture.shape[0]
            strip[gap:bottom, indent : indent + picture.shape[1]] = picture
            for y, text in zip(range(bottom, bottom + below, line), words, strict=False):
                strip[y : y + line, x : x + tile] = _text_row(tile, line, text, 0)
        rows.append(strip)
    rows.append(np.full((gap, width, 3), PAPER, np.uint8))
    return np.concatenate(rows)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB as the kind of file that the name's ending says, whole or not at all.

    Raises:
        DataError: OpenCV knows no such kind.
        DanceposeError: the file cannot be written.
    """
    write_bytes(path, encoded(path, image))


def encoded(path: Path, image: np.ndarray) -> bytes:
    """Return the content of the file that `write_image` writes.

    Raises:
        DataError: OpenCV knows no such kind, or the picture is too large for it.
    """
    if not cv2.haveImageWriter(path.name):
        raise DataError(f"{path}: no picture is written with the ending '{path.suffix}': use .png or .jpg")
    done, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        size = f"{image.shape[1]} x {image.shape[0]}"
        raise DataError(f"{path}: a picture of {size} px cannot be written so: use .png, or a smaller one")
    content: bytes = data.tobytes()
    return content


def fit(image: np.ndarray, side: int) -> np.ndarray:
    """Return the picture with its longer side at `side` px."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return image
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _text_row(width: int, height: int, text: str, indent: int) -> np.ndarray:
    """Return a white strip with a line of dark text, shortened in the middle until it fits."""
    keep, shown = len(text), text
    while keep > 1 and text_width(shown, CAPTION) > width - 2 * indent:
        keep -= 1
        shown = text[: keep // 2] + "..." + text[len(text) - (keep - keep // 2) :]
    row = np.full((height, width, 3), PAPER, np.uint8)
    letters, _ = lettering(shown, CAPTION)
    top = max(0, (height - letters.shape[0]) // 2)
    region = row[top : top + letters.shape[0], indent : indent + letters.shape[1]]
    blend(region, letters[: region.shape[0], : region.shape[1], None], INK)
    return row


def text_size(canvas: np.ndarray) -> int:
    """Return the size of letters in pixels that goes with the line width of a picture."""
    return max(11, round(4.8 * line_width(canvas.shape[1], canvas.shape[0])))
