"""Parallel coordinates: a line for each run through its factors, its seed and its metrics."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dancepose.sweeps.factors import Factors, as_number, in_order
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.measures import TEST
from dancepose.sweeps.plots import least_span, shortened
from dancepose.sweeps.results import Table
from dancepose.sweeps.svg import Scale, colour_of, drawing, element, points, told_tick

WIDTH = 1080.0  # at least
TOP, BOTTOM = 56.0, 330.0
SHOWN, LETTER = 18, 6.2  # letters of a level, and pixels of one
MOST = 2000  # runs that are drawn
WIDE = 50.0  # times that the largest value is the smallest, from which on an axis is logarithmic


@dataclass(frozen=True)
class Axis:
    """One of the axes.

    Attributes:
        title: of it.
        place: of a run on it, None where it has no value.
        ticks: words and their places.
    """

    title: str
    place: Callable[[Job], float | None]
    ticks: Sequence[tuple[str, float]]


def parallel(table: Table, numbers: Mapping[str, int]) -> str:
    """Draw the runs of a table.

    Args:
        table: whose runs are drawn.
        numbers: arm -> its number, for its colour.
    """
    runs = [(name, job) for name, arm in table.group.arms.items() for job in arm.jobs][:MOST]
    axes = _axes(table, [job for _, job in runs])
    words = [shortened(word, SHOWN) for axis in axes[:1] for word, _ in axis.ticks]
    # lines begin at the first axis: its words stand beside them, not below
    left = max(90, 30 + LETTER * max(map(len, words), default=0))
    width = max(WIDTH, left + 150 * (len(axes) - 1) + 90)
    across = Scale(0, max(1, len(axes) - 1), left, width - 90)
    lines = []
    for name, job in runs:
        found = [axis.place(job) for axis in axes]
        xs = [across(i) for i, y in enumerate(found) if y is not None]
        ys = [y for y in found if y is not None]
        told = ",".join("" if y is None else f"{y:.1f}" for y in found)
        lines.append(
            element(
                "polyline",
                element("title", text=job.name),
                points=points(xs, ys),
                stroke=colour_of(numbers[name]),
                class_="run arm",
                data_arm=numbers[name],
                data_y=told,
            )
        )
    parts = [element("g", *lines)]
    for number, axis in enumerate(axes):
        x = across(number)
        shown = [
            element("line", x1=x, x2=x, y1=TOP, y2=BOTTOM, class_="axis"),
            element(
                "text", text=shortened(axis.title, 22), x=x, y=TOP - 26, text_anchor="middle", class_="strong"
            ),
        ]
        beside, anchor = (x + 7, None) if number else (x - 9, "end")
        for word, y in axis.ticks:
            told = shortened(word, SHOWN)
            shown.append(element("text", text=told, x=beside, y=y + 4, text_anchor=anchor, class_="tick"))
        box = {"x": x - 22, "y": TOP - 12, "width": 44, "height": BOTTOM - TOP + 24}
        shown.append(element("rect", **box, class_="brush", data_axis=number))  # type: ignore[arg-type]
        shown.append(element("rect", x=x - 9, y=0, width=18, height=0, class_="chosen"))
        parts.append(element("g", *shown))
    return drawing(width, BOTTOM + 24, *parts, title="parallel coordinates of the runs")


def _axes(table: Table, jobs: Sequence[Job]) -> list[Axis]:
    factors = Factors(jobs)
    names = [name for name in table.group.by if name in factors.levels]
    names += [name for name in table.group.pooled if name in factors.levels]
    axes = [_factor_axis(name, factors) for name in names]
    seeds = sorted({job.seed for job in jobs})
    if len(seeds) > 1:
        step = -(-len(seeds) // 12)
        levels = [str(seed) for seed in seeds[::step]]
        axes.append(_number_axis("seed", [(job, float(job.seed)) for job in jobs], levels))
    for result in table.metrics:
        metric = result.metric
        known = [(job, job.metrics.get(f"{TEST}{metric.name}")) for job in jobs]
        values = [
            (job, metric.scale * value) for job, value in known if value is not None and math.isfinite(value)
        ]
        if values:
            axes.append(_number_axis(metric.title, values, least=least_span(metric)))
    return axes


def _factor_axis(name: str, factors: Factors) -> Axis:
    levels = in_order({factors.of(job, name) for job in factors.jobs})
    values = [as_number(level) for level in levels]
    if all(value is not None for value in values):
        found = [(job, float(as_number(factors.of(job, name)) or 0.0)) for job in factors.jobs]
        return _number_axis(name, found, levels if len(levels) <= 8 else None)
    scale = Scale(0, max(1, len(levels) - 1), BOTTOM, TOP)
    places = {level: scale(i) for i, level in enumerate(levels)}
    step = max(1, len(levels) // 16)
    return Axis(name, lambda job: places[factors.of(job, name)], list(places.items())[::step])


def _number_axis(
    title: str, found: Sequence[tuple[Job, float]], levels: Sequence[str] | None = None, least: float = 0.0
) -> Axis:
    values = {id(job): value for job, value in found}
    low, high = min(values.values()), max(values.values())
    wide = low > 0 and high / low >= WIDE
    of: Callable[[float], float] = math.log10 if wide else float
    scale = Scale(of(low), of(high), BOTTOM, TOP)
    if high - low < least and not wide:
        scale = Scale.around([low, high], BOTTOM, TOP, least, positive=True)

    def place(job: Job) -> float | None:
        value = values.get(id(job))
        return None if value is None else scale(of(value))

    if levels is not None:
        ticks = [(level, scale(of(as_number(level) or 0.0))) for level in levels]
    elif wide:
        powers = range(math.ceil(scale.low), math.floor(scale.high) + 1)
        ticks = [(told_tick(10.0**power), scale(power)) for power in powers] or [(told_tick(low), BOTTOM)]
    else:
        ticks = [(told, scale(tick)) for tick, told in scale.told_ticks()]
    return Axis(title, place, ticks)
