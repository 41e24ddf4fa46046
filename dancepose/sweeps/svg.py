"""Drawing in SVG: elements with escaped text, scales and their ticks."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

# Petroff 2021, Accessible Color Sequences for Data Visualization
COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
DASHES = ("", "7 3", "2 3")  # beside the colours, where there are more arms than colours


def element(tag: str, *content: str, text: str | None = None, **attributes: object) -> str:
    """Return an element.

    Args:
        tag: of SVG.
        content: elements within it.
        text: within it, escaped.
        attributes: `class_` is `class`, `stroke_width` is `stroke-width`; floats are rounded, None is left
            out.
    """
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_told(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(content) + ("" if text is None else html.escape(text))
    return f"<{tag}{told}>{inner}</{tag}>" if inner else f"<{tag}{told}/>"


def _told(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def drawing(width: float, height: float, *content: str, title: str) -> str:
    """Return an `svg` element that shrinks with the page; `title` is what a screen reader says."""
    return element(
        "svg",
        *content,
        viewBox=f"0 0 {_told(float(width))} {_told(float(height))}",
        width=float(width),
        height=float(height),
        role="img",
        aria_label=title,
    )


def points(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Return coordinates as a polyline takes them."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))


def colour_of(number: int) -> str:
    """Return the colour of the n-th arm."""
    return COLOURS[number % len(COLOURS)]


def dash_of(number: int) -> str | None:
    """Return the dashes of the n-th arm; None of a whole line."""
    return DASHES[number // len(COLOURS) % len(DASHES)] or None


@dataclass(frozen=True)
class Scale:
    """From values to places in a drawing, evenly.

    Attributes:
        low: value at `start`.
        high: value at `end`.
        start: place.
        end: place.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value; the middle where all values are one."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Return round values within the scale."""
        span = self.high - self.low
        if span <= 0 or not math.isfinite(span):
            return [self.low]
        rough = span / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [round((first + i) * step, 12) for i in range(max(0, count))]


def told_tick(value: float) -> str:
    """Return a value at an axis."""
    return f"{value:.6g}"
