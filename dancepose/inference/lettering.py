"""Text in pictures: any characters that a font of the system has, rendered once and kept."""

import logging
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

log = logging.getLogger(__name__)

KEPT = 512  # rendered texts: those of the frames of a video come again and again
LAST_RESORT = "Last Resort"  # matplotlib's own: it has a box for every character


def text_width(text: str, size: int) -> int:
    """Return how wide a text is in pixels, in letters of so many pixels (the em)."""
    text = _plain(text)
    return round(_font(_file_for(text), size).getlength(text))


@lru_cache(KEPT)
def lettering(text: str, size: int, edge: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Render a line of text.

    Args:
        text: what no font here has is drawn as a box, and told once in the log.
        size: of the letters, in pixels (the em).
        edge: width of an outline around them, in pixels.

    Returns:
        Two (h, w) uint8 masks, not to be changed: of the letters, and of the letters with their outline. All
        texts of a size and font have one height.
    """
    text = _plain(text)
    font = _font(_file_for(text), size)
    ascent, descent = font.getmetrics()
    width = max(1, round(font.getlength(text))) + 2 * edge
    masks = []
    for stroke in (0, edge):
        image = Image.new("L", (width, ascent + descent + 2 * edge))
        ImageDraw.Draw(image).text((edge, edge + ascent), text, 255, font, "ls", stroke_width=stroke)
        masks.append(np.asarray(image))
    return masks[0], masks[1]


def _plain(text: str) -> str:
    """Return a text as one line that a font can be asked for: without halves of characters."""
    return " ".join(text.encode("utf-8", "replace").decode().split("\n"))


@lru_cache(64)
def _font(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size)


@cache
def _usual() -> Path:
    """Return DejaVu Sans, which matplotlib brings along: Latin, Greek, Cyrillic, Arabic and more."""
    return Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


def _file_for(text: str) -> Path:
    return _usual() if text.isascii() else _file_with(frozenset(filter(str.isprintable, text)))


@lru_cache(KEPT)
def _file_with(characters: frozenset[str]) -> Path:
    """Return a font that has all of some characters; DejaVu Sans if it has them, or if none does."""
    if _has(_usual(), characters):
        return _usual()
    from matplotlib.font_manager import fontManager  # reads the list of all fonts

    fonts = (entry for entry in fontManager.ttflist if not entry.name.startswith(LAST_RESORT))
    plain = sorted(
        fonts, key=lambda entry: (entry.style != "normal", str(entry.weight) not in ("400", "normal"))
    )
    for file in (Path(entry.fname) for entry in plain):
        if _has(file, characters):
            return file
    _tell("".join(sorted(c for c in characters if not _has(_usual(), frozenset(c)))))
    return _usual()


def _has(file: Path, characters: frozenset[str]) -> bool:
    try:
        known = FT2Font(str(file)).get_charmap()
    except (OSError, RuntimeError):  # gone since the list was made, or no font that FreeType reads
        return False
    return all(ord(character) in known for character in characters)


_told: list[str] = []


def _tell(lacking: str) -> None:
    """Say once that there are characters which no font has."""
    if not _told:
        log.warning(
            "no font on this machine has %s: drawn as boxes. Install one that does (Noto Sans CJK, say) and "
            "delete matplotlib's list of fonts (fontlist*.json in %s)",
            lacking,
            matplotlib.get_cachedir(),
        )
    _told.append(lacking)
