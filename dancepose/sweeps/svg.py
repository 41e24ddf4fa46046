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
MARGIN = 0.05  # of a scale's values, beyond them
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


def swatch(number: int) -> str:
    """Draw how the lines of the n-th arm look, for a legend."""
    colour, dashes = colour_of(number), dash_of(number)
    return element(
        "svg",
        element("line", x1=1, x2=23, y1=6, y2=6, stroke=colour, stroke_width=3, stroke_dasharray=dashes),
        viewBox="0 0 24 12",
        width=24,
        height=12,
        class_="swatch",
        aria_hidden="true",
    )


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

    @classmethod
    def around(
        cls, values: Sequence[float], start: float, end: float, least: float, positive: bool = False
    ) -> "Scale":
        """Return a scale that holds values, and no less than a span that is worth being looked at.

        Without a least span equal values, but for rounding, would be drawn as if worlds lay between them.

        Args:
            values: one at least.
            start: place of the lower end.
            end: of the upper end.
            least: span in the unit of the values, above 0.
            positive: whether it must not reach below 0, where no value does.
        """
        low, high = min(values), max(values)
        wanted = max((high - low) * (1 + 2 * MARGIN), least)
        bottom = (low + high - wanted) / 2
        if positive and low >= 0:
            bottom = max(0.0, bottom)
        return cls(bottom, bottom + wanted, start, end)

    def ticks(self, about: int = 5) -> list[float]:
        """Return round values within the scale."""
        step = self._step(about)
        if step is None:
            return [self.low]
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [round((first + i) * step, 12) + 0.0 for i in range(max(0, count))]  # + 0.0: no -0

    def told_ticks(self, about: int = 5) -> list[tuple[float, str]]:
        """Return the ticks with what stands beside them: all with as many decimals as their step needs."""
        ticks, step = self.ticks(about), self._step(about)
        if step is None or step < 1e-4 or max(map(abs, ticks), default=0.0) >= 1e6:
            return [(tick, told_tick(tick)) for tick in ticks]
        decimals = next(d for d in range(7) if abs(round(step, d) - step) < 1e-9 * step)
        return [(tick, f"{tick:.{decimals}f}") for tick in ticks]

    def _step(self, about: int) -> float | None:
        span = self.high - self.low
        if span <= 0 or not math.isfinite(span):
            return None
        rough = span / about
        power = 10.0 ** math.floor(math.log10(rough))
        return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)


def told_tick(value: float) -> str:
    """Return a value at an axis."""
    return f"{value:.6g}"
