"""The statistics of a data set as one picture.

The colours of the parts and of visibility differ in lightness and in line or hatching as well, so that they
are told apart in every kind of colour blindness and in print (hues: P. Tol's scheme "muted").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dancepose.inference.drawing import keypoint_colours
from dancepose.inference.figure import new_figure, png
from dancepose.skeleton import Skeleton

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Parts = Mapping[str, Mapping[str, Any]]  # what `statistics` returns

DPI = 100
WIDTH = 15.0  # of the figure in inches
MOST = 20  # people in a picture beyond which they are counted together
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


def draw_statistics(parts: Parts, skeleton: Skeleton, title: str) -> bytes:
    """Draw what `statistics` counted: a picture for the whole data set, its parts told apart.

    A row holds all parts together: people in a picture, keypoints of a person, sizes of the pictures. Where
    sources name actions, samples and clips of each class follow. Then, unless these data have no keypoints at
    all, sizes of the people, and two rows with a column for each part: visibility of each keypoint; where in
    the pictures the keypoints lie.

    Args:
        parts: of `statistics`.
        skeleton: whose keypoints they have.
        title: a line above all.

    Returns:
        The content of a PNG file.
    """
    classes = max((len(numbers["actions"]) for numbers in parts.values()), default=0)
    posed = not classes or any(numbers["keypoints_per_person"]["mean"] for numbers in parts.values())
    heights = {"counts": 3.4}
    if classes:
        heights["actions"] = 1.2 + 0.6 * classes
    if posed:
        heights |= {"sizes": 3.4, "seen": 1.4 + 0.23 * len(skeleton), "places": 4.0}
    with new_figure(WIDTH, sum(heights.values()) + 0.6, DPI) as figure:
        figure.suptitle(title, fontsize=14, parse_math=False)
        made: Any = figure.subfigures(len(heights), 1, height_ratios=list(heights.values()), squeeze=False)
        rows = dict(zip(heights, made[:, 0], strict=True))
        counts = rows["counts"].subplots(1, 3)
        _whole_numbers(counts[0], parts, "people_per_picture", "pictures", MOST)
        counts[0].set(
            title="People in a picture", xlabel="labelled people", ylabel="% of the part's pictures"
        )
        _whole_numbers(counts[1], parts, "keypoints_per_person", "people", len(skeleton))
        counts[1].set(title="Keypoints of a person", xlabel="annotated", ylabel="% of the part's people")
        _picture_sizes(counts[2], parts)
        if classes:
            samples, clips = rows["actions"].subplots(1, 2, sharey=True)
            _actions(samples, parts, "samples")
            _actions(clips, parts, "clips")
        if posed:
            _people(rows, parts, skeleton)
        return png(figure)


def _people(rows: Mapping[str, Any], parts: Parts, skeleton: Skeleton) -> None:
    """Draw what keypoints tell: sizes of people, visibility, places."""
    for axes, name, heading, unit in zip(
        rows["sizes"].subplots(1, 3),
        ("pixels", "input", "share"),
        ("in the picture", "in the network's input at test time", "by that of the picture"),
        ("px", "px", ""),
        strict=True,
    ):
        _person_sizes(axes, parts, name, unit)
        axes.set(title=f"Size of people {heading}", ylabel="% of the part's people")
        axes.set_xlabel(f"diagonal of the keypoints' box{', px' if unit else ' / diagonal of the picture'}")
    seen = rows["seen"].subplots(1, len(parts), sharey=True, squeeze=False)[0]
    places = rows["places"].subplots(1, len(parts), squeeze=False)[0]
    for number, (part, numbers) in enumerate(parts.items()):
        _visibility(seen[number], numbers, skeleton, named=number == 0)
        seen[number].set(title=f"{part}: keypoints of {_count(numbers['people'], 'person', 'people')}")
        _places(places[number], numbers["places"])
        places[number].set(title=f"{part}: where the keypoints lie")
    _legend_of_visibility(rows["seen"])


def _actions(axes: Axes, parts: Parts, unit: str) -> None:
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


def _whole_numbers(axes: Axes, parts: Parts, name: str, unit: str, most: int) -> None:
    """Draw how often each whole number comes up: a bar for each part."""
    used = {part: numbers[name]["counts"] for part, numbers in parts.items()}
    last = min(most, max([1, *(len(counts) - 1 for counts in used.values())]))
    width = 0.8 / len(parts)
    for number, (part, counts) in enumerate(used.items()):
        total, mean = parts[part][unit], parts[part][name]["mean"]
        counts = np.array([*counts[:last], sum(counts[last:])])
        x = np.arange(len(counts)) + (number - (len(parts) - 1) / 2) * width
        label = f"{part}: {_count(total, unit.removesuffix('s') if unit == 'pictures' else 'person', unit)}"
        label += "" if mean is None else f", mean {mean:.1f}"
        axes.bar(x, _percent(counts), width, color=STYLES[number % 3][0], label=label)
    pooled = any(len(counts) - 1 > last for counts in used.values())
    ticks = range(0, last + 1, 1 if last <= 20 else 2)
    axes.set_xticks(ticks, [f"{n}+" if pooled and n == last else str(n) for n in ticks])
    _finish(axes)


def _person_sizes(axes: Axes, parts: Parts, name: str, unit: str) -> None:
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


def _picture_sizes(axes: Axes, parts: Parts) -> None:
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


def _visibility(axes: Axes, numbers: Mapping[str, Any], skeleton: Skeleton, named: bool) -> None:
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


def _legend_of_visibility(row: Any) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="#777777", label=WORDS.get(name, name))
        for name, (colour, hatch) in SEEN.items()
    ]
    row.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)


def _places(axes: Axes, places: Mapping[str, Any]) -> None:
    """Draw how many keypoints lie where, the pictures stretched to a square."""
    counts = np.array(places["counts"])
    outside = _count(places["outside"], "keypoint lies", "keypoints lie") if places["outside"] else ""
    axes.set(xlabel=f"{outside} outside" if outside else "", xticks=(), yticks=())
    if not counts.any():
        axes.set(aspect="equal", xlim=(0, 1), ylim=(0, 1))
        _nothing(axes, "no keypoints")
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


def _count(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number} {many}"
