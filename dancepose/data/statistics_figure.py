"""The statistics of a data set as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dancepose.data.statistics_panels import (
    Parts,
    class_bars,
    picture_size_marks,
    place_map,
    size_histograms,
    visibility_bars,
    visibility_legend,
    whole_number_bars,
)
from dancepose.inference.figure import new_figure, png
from dancepose.skeleton import Skeleton
from dancepose.text_table import counted

DPI = 100
WIDTH = 15.0  # of the figure in inches
MOST = 20  # people in a picture beyond which they are counted together


def draw_statistics(parts: Parts, skeleton: Skeleton, title: str) -> bytes:
    """Draw what `statistics` counted: a picture for the whole data set, its parts told apart.

    A row holds all parts together: people in a picture, keypoints of a person, sizes of the pictures. Where
    sources name actions, samples and clips of each class follow. Then, unless these data have no keypoints at
    all, sizes of the people, and two rows with a column for each part: visibility of each keypoint; where in
    the pictures the keypoints lie. What no part has is left out: sizes and places where no size of a picture
    is known, clips where none has several samples.

    Args:
        parts: of `statistics`.
        skeleton: whose keypoints they have.
        title: a line above all.

    Returns:
        The content of a PNG file.
    """
    classes = max((len(numbers["actions"]) for numbers in parts.values()), default=0)
    posed = not classes or any(numbers["keypoints_per_person"]["mean"] for numbers in parts.values())
    sized = any(numbers["picture_sizes"] for numbers in parts.values())
    heights = {"counts": 3.4}
    if classes:
        heights["actions"] = 1.2 + 0.6 * classes
    if posed:
        sizes, places = ({"sizes": 3.4}, {"places": 4.0}) if sized else ({}, {})
        heights |= sizes | {"seen": 1.4 + 0.23 * len(skeleton)} | places
    with new_figure(WIDTH, sum(heights.values()) + 0.6, DPI) as figure:
        figure.suptitle(title, fontsize=14, parse_math=False)
        made: Any = figure.subfigures(len(heights), 1, height_ratios=list(heights.values()), squeeze=False)
        rows = dict(zip(heights, made[:, 0], strict=True))
        counts = rows["counts"].subplots(1, 3 if sized else 2)
        whole_number_bars(counts[0], parts, "people_per_picture", "pictures", MOST)
        counts[0].set(
            title="People in a picture", xlabel="labelled people", ylabel="% of the part's pictures"
        )
        whole_number_bars(counts[1], parts, "keypoints_per_person", "people", len(skeleton))
        counts[1].set(title="Keypoints of a person", xlabel="annotated", ylabel="% of the part's people")
        if sized:
            picture_size_marks(counts[2], parts)
        if classes:
            units = ("samples", "clips") if _in_clips(parts) else ("samples",)
            axes = rows["actions"].subplots(1, len(units), sharey=True, squeeze=False)[0]
            for one, unit in zip(axes, units, strict=True):
                class_bars(one, parts, unit)
        if posed:
            _people(rows, parts, skeleton)
        return png(figure)


def _in_clips(parts: Parts) -> bool:
    """Tell whether any clip has several samples; pictures of no clip count as clips of their own."""
    counts = (row for numbers in parts.values() for row in numbers["actions"].values())
    return any(row["clips"] != row["samples"] for row in counts)


def _people(rows: Mapping[str, Any], parts: Parts, skeleton: Skeleton) -> None:
    """Draw what keypoints tell: sizes of people, visibility, places."""
    if "sizes" in rows:
        _sizes(rows["sizes"], parts)
    seen = rows["seen"].subplots(1, len(parts), sharey=True, squeeze=False)[0]
    for number, (part, numbers) in enumerate(parts.items()):
        visibility_bars(seen[number], numbers, skeleton, named=number == 0)
        seen[number].set(title=f"{part}: keypoints of {counted(numbers['people'], 'person', 'people')}")
    visibility_legend(rows["seen"])
    if "places" in rows:
        for axes, (part, numbers) in zip(
            rows["places"].subplots(1, len(parts), squeeze=False)[0], parts.items(), strict=True
        ):
            place_map(axes, numbers)
            axes.set(title=f"{part}: where the keypoints lie")


def _sizes(row: Any, parts: Parts) -> None:
    """Draw sizes of people; those in a network's input only where there are any: crops have none."""
    panels = {
        "pixels": ("in the picture", "px"),
        "input": ("in the network's input at test time", "px"),
        "share": ("by that of the picture", ""),
    }
    if all(numbers["person_size"]["input"] is None for numbers in parts.values()):
        del panels["input"]
    for axes, (name, (heading, unit)) in zip(row.subplots(1, len(panels)), panels.items(), strict=True):
        size_histograms(axes, parts, name, unit)
        axes.set(title=f"Size of people {heading}", ylabel="% of the part's people")
        axes.set_xlabel(f"diagonal of the keypoints' box{', px' if unit else ' / diagonal of the picture'}")
