"""Pictures of a comparison as SVG: forest plot, learning curves, confusion matrices."""

from collections.abc import Mapping, Sequence

import numpy as np

from dancepose.sweeps.learning import Curve
from dancepose.sweeps.measures import Metric
from dancepose.sweeps.results import MetricResult
from dancepose.sweeps.sheets import told_p
from dancepose.sweeps.svg import Scale, colour_of, dash_of, drawing, element, points

ROW = 46
VERDICT = 810  # where it begins
SHOWN = 26  # letters of a name
LETTER, SLANT = 7.0, 0.75  # pixels of a letter, and of its share where labels are slanted
SMALL = 12  # classes up to which cells of a confusion matrix hold numbers


def shortened(name: str, longest: int = SHOWN) -> str:
    """Return a name that fits, without its middle."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def least_span(metric: Metric) -> float:
    """Return the least span of an axis in a metric's unit: ten of the last digits in which it is told."""
    return 10.0 ** (1 - metric.decimals)


def forest_key(result: MetricResult) -> str:
    """Return what is drawn in a forest plot, in words: of the intervals those alone that are there."""
    found = [arm.difference for arm in result.arms if arm.difference is not None]
    words = ["Circle: mean of the paired differences"]
    seeds = any(d.over_seeds.low is not None for d in found)
    both = [d for d in found if d.over_both.low is not None]
    if seeds:
        words.append(f"thick line: interval over other seeds, on these very {found[0].unit}")
    if both:
        together = ", for all comparisons at once" if len(found) > 1 else ""
        words.append(f"thin line: over other seeds and other {found[0].unit}{together}")
    if not seeds and not both:
        words.append("there are no intervals to draw")
    return "; ".join(words) + "."


def forest(result: MetricResult, against: str, numbers: Mapping[str, int]) -> str:
    """Draw the paired differences of one metric with both intervals.

    Args:
        result: of the arms.
        against: the reference, at 0.
        numbers: arm -> its number, for its colour.
    """
    rows = [(arm, arm.difference) for arm in result.arms if arm.difference is not None]
    ends = [0.0]
    for _, found in rows:
        ends += [
            end
            for i in (found.over_seeds, found.over_both)
            for end in (i.estimate, i.low, i.high)
            if end is not None
        ]
    longest = max((len(found.verdict) for _, found in rows), default=0)
    width, top = max(980, VERDICT + 7 * longest), 58
    bottom = top + ROW * len(rows)
    left = 24 + LETTER * max((len(shortened(arm.name)) for arm, _ in rows), default=0)
    scale = Scale.around(ends, max(100.0, left), 640, least_span(result.metric))
    parts = _forest_axis(result.metric, against, scale, top, bottom)
    for place, (arm, found) in enumerate(rows):
        y, metric = top + ROW * (place + 0.5), result.metric
        colour = colour_of(numbers[arm.name])
        shown = [
            element("title", text=found.words),
            element("text", text=shortened(arm.name), x=scale.start - 14, y=y + 4, text_anchor="end"),
        ]
        for interval, thickness, of in ((found.over_both, 2, "both"), (found.over_seeds, 8, "seeds")):
            if interval.low is not None and interval.high is not None:
                ends_x = {"x1": scale(interval.low), "x2": scale(interval.high)}
                style = {"stroke": colour, "stroke_width": thickness, "class_": of}
                shown.append(element("line", **ends_x, y1=y, y2=y, **style))  # type: ignore[arg-type]
        if found.estimate is not None:
            style = {"stroke": colour, "stroke_width": 3, "class_": "hollow"}
            circle = element("circle", cx=scale(found.estimate), cy=y, r=6, **style)  # type: ignore[arg-type]
            shown.append(circle)
        value = metric.told(found.estimate, signed=True)
        shown.append(element("text", text=value, x=694, y=y + 4, text_anchor="end", class_="strong"))
        p = "" if found.p_holm is None else f"Holm p {told_p(found.p_holm)}"
        shown.append(element("text", text=p, x=794, y=y + 4, text_anchor="end", class_="soft"))
        shown.append(
            element("text", text=found.verdict, x=VERDICT, y=y + 4, class_=f"verdict {found.claim or ''}")
        )
        parts.append(element("g", *shown, class_="arm", data_arm=numbers[arm.name]))
    return drawing(width, bottom + 44, *parts, title=f"differences of {result.metric.title} to {against}")


def _forest_axis(metric: Metric, against: str, scale: Scale, top: float, bottom: float) -> list[str]:
    parts = []
    for tick, told in scale.told_ticks(7):
        x = scale(tick)
        parts.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        parts.append(element("text", text=told, x=x, y=bottom + 18, text_anchor="middle", class_="soft"))
    zero = scale(0.0)
    parts.append(element("line", x1=zero, x2=zero, y1=top - 8, y2=bottom, class_="zero"))
    parts.append(element("text", text=f"as {shortened(against)}", x=zero, y=top - 30, text_anchor="middle"))
    left, right = ("worse", "better") if metric.higher else ("better", "worse")
    parts.append(element("text", text=f"← {left}", x=zero - 10, y=top - 14, text_anchor="end", class_="soft"))
    parts.append(element("text", text=f"{right} →", x=zero + 10, y=top - 14, class_="soft"))
    middle = (scale.start + scale.end) / 2
    title = f"difference of {metric.title}"
    parts.append(element("text", text=title, x=middle, y=bottom + 38, text_anchor="middle", class_="soft"))
    return parts


def learning(
    name: str, curves: Mapping[str, Curve], numbers: Mapping[str, int], metric: Metric | None = None
) -> str:
    """Draw a quantity over the epochs: means over seeds, bands of one standard deviation.

    What was measured once alone is a point with a bar.

    Args:
        name: of the quantity.
        curves: arm -> its curve.
        numbers: arm -> its number, for its colour.
        metric: that the quantity is, for its unit; None: a loss.
    """
    scale_by, percent = (1.0, False) if metric is None else (metric.scale, metric.title.endswith("%"))
    bounds = [bound for c in curves.values() for bound in (c.mean - c.spread, c.mean + c.spread)]
    ends = (scale_by * np.concatenate(bounds)).tolist()
    width, height = 500, 290
    last = max(int(c.epochs[-1]) for c in curves.values())
    first = min(int(c.epochs[0]) for c in curves.values())
    across = Scale(first, last, 60, width - 16)
    least = 0.05 * max(map(abs, ends)) or 1.0 if metric is None else least_span(metric)
    up = Scale.around(ends, height - 44, 30, least, positive=True)
    parts = [element("text", text=name + (", %" if percent else ""), x=60, y=18, class_="strong")]
    for tick, told in up.told_ticks():
        y = up(tick)
        parts.append(element("line", x1=60, x2=width - 16, y1=y, y2=y, class_="grid"))
        parts.append(element("text", text=told, x=53, y=y + 4, text_anchor="end", class_="soft"))
    for tick in (t for t in across.ticks(6) if t == int(t)):
        x, told = across(tick), str(int(tick))
        parts.append(element("text", text=told, x=x, y=height - 26, text_anchor="middle", class_="soft"))
    middle = (60 + width - 16) / 2
    parts.append(element("text", text="epoch", x=middle, y=height - 8, text_anchor="middle", class_="soft"))
    for place, (arm, curve) in enumerate(curves.items()):
        end = f"{arm}: {scale_by * curve.mean[-1]:.4g} ± {scale_by * curve.spread[-1]:.3g} at the end"
        means, spreads = scale_by * curve.mean, scale_by * curve.spread
        beside = 14.0 * (place - (len(curves) - 1) / 2)  # points of one epoch stand side by side
        shown = _line(means, spreads, curve.epochs, across, up, beside, numbers[arm])
        title = element("title", text=f"{end}, {curve.runs} runs")
        parts.append(element("g", title, *shown, class_="arm", data_arm=numbers[arm]))
    return drawing(width, height, *parts, title=f"learning curves of {name}")


def _line(
    means: np.ndarray,
    spreads: np.ndarray,
    epochs: np.ndarray,
    across: Scale,
    up: Scale,
    beside: float,
    number: int,
) -> list[str]:
    """Draw the curve of an arm, or its one point."""
    xs, colour = [across(float(epoch)) for epoch in epochs], colour_of(number)
    above, below = ([up(float(v)) for v in means + sign * spreads] for sign in (1, -1))
    if len(xs) == 1:
        x = xs[0] + (beside if across.low == across.high else 0.0)
        bar = element("line", x1=x, x2=x, y1=above[0], y2=below[0], stroke=colour, stroke_width=2)
        return [bar, element("circle", cx=x, cy=up(float(means[0])), r=4.5, fill=colour)]
    band, line = points([*xs, *reversed(xs)], [*above, *reversed(below)]), [up(float(v)) for v in means]
    style = {"stroke": colour, "stroke_dasharray": dash_of(number), "class_": "curve"}
    return [
        element("polygon", points=band, fill=colour, class_="band"),
        element("polyline", points=points(xs, line), **style),  # type: ignore[arg-type]
    ]


def confusion(name: str, matrix: np.ndarray, classes: Sequence[str]) -> str:
    """Draw a confusion matrix: shares of each label's samples, labels by row.

    Args:
        name: of the arm.
        matrix: (C, C) counts.
        classes: names.
    """
    count = len(classes)
    cell = 40 if count <= 6 else 34 if count <= SMALL else max(8, 400 // count)
    labels = [shortened(c, 18) for c in classes]
    side = 12 + LETTER * max(len(label) for label in labels)
    top = 40 + SLANT * (side - 12)
    totals = matrix.sum(axis=1)
    shares = matrix / np.maximum(totals, 1)[:, None]
    parts = [element("text", text=shortened(name, 40), x=4, y=16, class_="strong")]
    for i, label in enumerate(labels):
        middle = (i + 0.5) * cell
        parts.append(element("text", text=label, x=side - 6, y=top + middle + 4, text_anchor="end"))
        turn = f"rotate(-45 {side + middle:.1f} {top - 6:.1f})"
        parts.append(element("text", text=label, x=side + middle, y=top - 6, transform=turn))
    for row, column in np.ndindex(count, count):
        share, number = float(shares[row, column]), int(matrix[row, column])
        x, y = side + column * cell, top + row * cell
        words = f"{classes[row]} taken for {classes[column]}: {number} of {int(totals[row])}"
        fill = "#e4e6ea" if not totals[row] else _blue(share)
        shown = [
            element("title", text=words),
            element("rect", x=x, y=y, width=cell - 1, height=cell - 1, fill=fill),
        ]
        if count <= SMALL and totals[row]:
            ink = "#ffffff" if share > 0.55 else "#222222" if number else "#8a8f98"
            told = f"{100 * share:.0f}"
            place = {"x": x + cell / 2, "y": y + cell / 2 + 4, "text_anchor": "middle", "fill": ink}
            shown.append(element("text", text=told, **place))  # type: ignore[arg-type]
        parts.append(element("g", *shown))
    # a slanted label reaches beyond its column, and may do so beyond the last one
    reach = max(side + (i + 0.5) * cell + SLANT * LETTER * len(label) for i, label in enumerate(labels))
    width = max(side + count * cell, reach + 8, 12 + 7.5 * len(shortened(name, 40)))
    return drawing(
        width, top + count * cell + 8, *parts, title=f"confusion matrix of {name}, percent of each label"
    )


def _blue(share: float) -> str:
    """Return a colour between white and a deep blue."""
    ends = ((255, 255, 255), (8, 72, 142))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))
