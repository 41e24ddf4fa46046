"""The charts that the statistics of a data set are drawn with, each into axes of its own.

The colours of the parts and of visibility differ in lightness and in line or hatching as well, so that they
are told apart in every kind of colour blindness and in print (hues: P. Tol's scheme "muted").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dancepose.inference.drawing import keypoint_colours
from dancepose.skeleton import Skeleton
from dancepose.text_table import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Parts = Mapping[str, Mapping[str, Any]]  # what `statistics` returns
STYLES = (
    ("#332288", "-", "o"),
    ("#cc6677", "--", "s"),
    ("#44aa99", ":", "^"),
)  # colour, line, marker of a part
SEEN = {  # colour, hatching
    "visible": ("#1f4e79", ""),
    "occluded": ("#88b8dd", "////"),
    "missing": ("#e4e4e4", ""),
    "unlabelled": ("#ffffff", "xxx"),
}
WORDS = {"missing": "not annotated", "unlabelled": "never labelled by its source"}


def class_bars(axes: Axes, parts: Parts, unit: str) -> None:
    """Draw how many samples or clips of each class there are: a bar with its number for each part."""
    names = next(list(numbers["actions"]) for numbers in parts.values() if numbers["actions"])
    height = 0.8 / len(parts)
    for number, (part, numbers) in enumerate(parts.items()):
        values = [numbers["actions"].get(name, {}).get(unit, 0) for name in names]
        rows = np.arange(len(names)) + (number - (len(parts) - 1) / 2) * height
        total = f": {sum(values)}" if unit == "samples" else ""  # several classes may share a clip
        bars = axes.barh(rows, values, height, color=STYLES[number % 3][0], label=f"{part}{total}")
        axes.bar_label(bars, padding=3, fontsize=8)
    axes.set(ylim=(len(names) - 0.4, -0.6), title=f"{unit.capitalize()} of each class", xlabel=unit)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.08)
    _finish(axes)


def whole_number_bars(axes: Axes, parts: Parts, name: str, unit: str, most: int) -> None:
    """Draw how often each whole number comes up: a bar for each part."""
    used = {part: numbers[name]["counts"] for part, numbers in parts.items()}
    last = min(most, max([1, *(len(counts) - 1 for counts in used.values())]))
    width = 0.8 / len(parts)
    for number, (part, counts) in enumerate(used.items()):
        total, mean = parts[part][unit], parts[part][name]["mean"]
        counts = np.array([*counts[:last], sum(counts[last:])])
        x = np.arange(len(counts)) + (number - (len(parts) - 1) / 2) * width
        label = f"{part}: {counted(total, unit.removesuffix('s') if unit == 'pictures' else 'person', unit)}"
        label += "" if mean is None else f", mean {mean:.1f}"
        axes.bar(x, _percent(counts), width, color=STYLES[number % 3][0], label=label)
    pooled = any(len(counts) - 1 > last for counts in used.values())
    ticks = range(0, last + 1, 1 if last <= 20 else 2)
    axes.set_xticks(ticks, [f"{n}+" if pooled and n == last else str(n) for n in ticks])
    _finish(axes)


def size_histograms(axes: Axes, parts: Parts, name: str, unit: str) -> None:
    """Draw a histogram of sizes: a line for each part."""
    shown: list[float] = []
    for number, (part, numbers) in enumerate(parts.items()):
        spread = numbers["person_size"][name]
        if spread is None:
            continue
        edges, counts = (np.array(spread["histogram"][key]) for key in ("edges", "counts"))
        colour, line, _ = STYLES[number % 3]
        median = f"{spread['quartiles'][1]:.0f} {unit}" if unit else f"{spread['quartiles'][1]:.2f}"
        values = _percent(counts)
        axes.stairs(values, edges, fill=True, color=colour, alpha=0.12)
        axes.stairs(
            values, edges, color=colour, linestyle=line, linewidth=2, label=f"{part}: median {median}"
        )
        filled = np.flatnonzero(counts)
        shown += [edges[filled[0]], edges[filled[-1] + 1]]
    if unit:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    if shown:
        axes.set_xlim(min(shown), max(shown))
    _finish(axes)


def picture_size_marks(axes: Axes, parts: Parts) -> None:
    """Draw width and height of the pictures: a mark for each size, the larger the more pictures have it."""
    right = top = 1
    for number, (part, numbers) in enumerate(parts.items()):
        if not numbers["picture_sizes"]:
            continue
        width, height, count = np.array(numbers["picture_sizes"]).T
        colour, _, marker = STYLES[number % 3]
        area = 30 + 400 * count / count.sum()
        marks: dict[str, Any] = {
            "facecolors": "none",
            "edgecolors": colour,
            "marker": marker,
            "linewidths": 1.5,
        }
        axes.scatter(width, height, s=area, alpha=0.8, label=part, **marks)
        right, top = max(right, 1.15 * width.max()), max(top, 1.15 * height.max())
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    small: dict[str, Any] = {"color": "#666666", "fontsize": 8, "bbox": paper}
    for ratio, name in ((1, "1:1"), (4 / 3, "4:3"), (3 / 4, "3:4"), (16 / 9, "16:9"), (9 / 16, "9:16")):
        x = min(right, top * ratio)
        axes.plot([0, x], [0, x / ratio], color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.text(0.97 * x, 0.97 * x / ratio, name, ha="center", va="center", **small)
    axes.set(xlim=(0, right), ylim=(0, top), aspect="equal")
    axes.set(title="Sizes of the pictures", xlabel="width, px", ylabel="height, px")
    _finish(axes, loc="upper left", same_marks=True)


def visibility_bars(axes: Axes, numbers: Mapping[str, Any], skeleton: Skeleton, named: bool) -> None:
    """Draw a bar for each keypoint: the shares of people who have it visible, occluded, or not."""
    rows = np.arange(len(skeleton))
    start = np.zeros(len(skeleton))
    total = max(1, numbers["people"])
    for name, (colour, hatch) in SEEN.items():
        share = 100 * np.array([numbers["visibility"][k][name] for k in skeleton.keypoints]) / total
        axes.barh(rows, share, 0.8, start, color=colour, hatch=hatch, edgecolor="#777777", linewidth=0.5)
        start += share
    axes.set(xlim=(0, 100), ylim=(len(skeleton) - 0.4, -0.6), xlabel="% of the people")
    axes.set_yticks(rows, skeleton.keypoints)
    axes.tick_params(axis="y", length=0, pad=14 if named else 4, labelleft=named)
    if named:
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        colours = np.array(keypoint_colours(skeleton)) / 255
        transform = axes.get_yaxis_transform()
        axes.scatter(
            np.full(len(rows), -0.025),
            rows,
            s=45,
            c=colours,
            marker="s",
            edgecolors="#555555",
            linewidths=0.8,
            transform=transform,
            clip_on=False,
        )
    if not numbers["people"]:
        _nothing(axes, "no people")


def visibility_legend(row: Any) -> None:
    """Say below a row of figures what the bars of `visibility_bars` mean."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="#777777", label=WORDS.get(name, name))
        for name, (colour, hatch) in SEEN.items()
    ]
    row.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)


def place_map(axes: Axes, numbers: Mapping[str, Any]) -> None:
    """Draw how many keypoints lie where, the pictures stretched to a square, or say why nothing is drawn."""
    places = numbers["places"]
    counts = np.array(places["counts"])
    outside = counted(places["outside"], "keypoint lies", "keypoints lie") if places["outside"] else ""
    axes.set(xlabel=f"{outside} outside" if outside else "", xticks=(), yticks=())
    if not counts.any():
        axes.set(aspect="equal", xlim=(0, 1), ylim=(0, 1))
        if not numbers["keypoints_per_person"]["mean"]:
            _nothing(axes, "no keypoints")
        else:
            _nothing(axes, "none in a picture" if numbers["picture_sizes"] else "sizes of pictures unknown")
        return
    image = axes.imshow(_percent(counts), cmap="viridis", vmin=0, extent=(0, 1, 0, 1))
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.85)
    bar.set_label("% of the keypoints in a cell")


def _finish(axes: Axes, loc: str = "best", same_marks: bool = False) -> None:
    """Give axes their legend, or say that there is nothing to show."""
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        legend = axes.legend(loc=loc, fontsize=9, framealpha=0.85)  # type: ignore[call-overload]
        for mark in legend.legend_handles if same_marks else ():
            mark.set_sizes([60])
    else:
        _nothing(axes, "nobody to measure")


def _nothing(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#666666")


def _percent(counts: Sequence[int] | np.ndarray) -> np.ndarray:
    values = np.asarray(counts, dtype=np.float64)
    return 100 * values / max(1.0, values.sum())
