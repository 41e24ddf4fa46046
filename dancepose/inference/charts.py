"""Precision over recall and bars for each report column, as one picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dancepose.inference.figure import new_figure, rgb
from dancepose.metrics.table import ResultRow, column_curves, format_value
from dancepose.skeleton import COLUMNS, Skeleton

SIZE, DPI = (13.0, 5.6), 110  # inches: 1430 x 616 pixels
COLOURS = "petroff10"  # Petroff 2021, Accessible Color Sequences for Data Visualization
DASHES = ("solid", "dashed", "dashdot", "dotted")  # beside the colours, for those who see few of them
HATCHES = ("", "///", "...")
FINE = np.arange(1001) / 1000  # recalls; the steps of up to a thousand people stand upright
COUNTED = (("images", "pictures"), ("people", "people"))  # in a row's counts, and what the title calls them
LONGEST = 110  # characters of a title


def bar_values(rows: Mapping[str, ResultRow], skeleton: Skeleton) -> dict[str, dict[str, float | None]]:
    """Return what the bars show: label of a row -> report column -> percent; None without truth.

    These are the rows with figures for each column: mAP, and PCK and PCKh where they stand. Each row's own
    name for its total becomes `all`, so that totals stand side by side.

    Args:
        rows: of `PoseEvaluation.compute`.
        skeleton: the rows'.
    """
    bars = {}
    for label, row in rows.items():
        if row.joints and {*COLUMNS, *skeleton.columns} <= set(row.columns):  # not swaps: limbs alone
            bars[label] = {"all" if c == row.total else c: value for c, value in row.columns.items()}
    return bars


def draw_curves(rows: Mapping[str, ResultRow], skeleton: Skeleton, title: str) -> np.ndarray:
    """Draw the curves of each report column of the mAP, and beside them the bars of mAP and PCK.

    The people of each figure stand with it, for PCK is of single-person pictures alone.

    Args:
        rows: of `PoseEvaluation.compute`.
        skeleton: the rows'.
        title: data and part; the numbers of pictures and people are added. Longer ones lose their middle,
            characters beyond ASCII become `?`, for matplotlib's own font has only some of them.

    Returns:
        (616, 1430, 3) uint8 RGB.
    """
    row = rows["mAP"]
    counts = [f"{word} {row.counts.get(name, 0)}" for name, word in COUNTED]
    with new_figure(*SIZE, DPI) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        words = ", ".join(filter(None, [shortened(title), *counts]))
        figure.suptitle(words, fontsize=12, parse_math=False)
        _draw_precision(left, row, skeleton)
        _draw_bars(right, rows, skeleton)
        return rgb(figure)


def _draw_precision(axes: Any, row: ResultRow, skeleton: Skeleton) -> None:
    from matplotlib import color_sequences

    colours = color_sequences[COLOURS]
    lines, labels = [], []
    for i, (column, precision) in enumerate(column_curves(row, skeleton, FINE).items()):
        total = column == row.total
        colour, dash = ("black", "solid") if total else (colours[i % len(colours)], DASHES[i % len(DASHES)])
        drawn = np.full(len(FINE), np.nan) if precision is None else precision
        lines += axes.plot(FINE, drawn, color=colour, linestyle=dash, linewidth=3 if total else 1.8)
        labels.append(f"{column}  {format_value(row.columns[column])}")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    if note := _note(row):
        axes.text(0.5, 0.5, note, transform=axes.transAxes, ha="center", va="center", fontsize=16)
    axes.set_title("mean over each column's joints; the area is the AP", fontsize=10)
    axes.grid(alpha=0.3)
    legend = axes.legend(
        lines, labels, title=row.metric, handlelength=3.2, loc="upper left", bbox_to_anchor=(1.0, 1.0)
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _note(row: ResultRow) -> str:
    """Return what to write where there is no curve to see: all lie on the axis, or there are none."""
    values = [value for value in row.columns.values() if value is not None]
    if not values:
        return "no truth to compare with"
    if any(values):
        return ""
    return "no joint found in its place" if row.counts.get("predictions") else "nobody found"


def _draw_bars(axes: Any, rows: Mapping[str, ResultRow], skeleton: Skeleton) -> None:
    from matplotlib import color_sequences

    bars = bar_values(rows, skeleton)
    columns = list(bars["mAP"])
    height = 0.84 / len(bars)
    for i, (label, values) in enumerate(bars.items()):
        places = np.arange(len(columns)) + (i - (len(bars) - 1) / 2) * height
        lengths = [values[column] or 0.0 for column in columns]
        drawn = axes.barh(
            places,
            lengths,
            height,
            label=f"{rows[label].metric}\n{rows[label].counts.get('people', 0)} people",
            color=color_sequences[COLOURS][i],
            hatch=HATCHES[i % len(HATCHES)],
            edgecolor="white",
        )
        axes.bar_label(drawn, [format_value(values[column]) for column in columns], padding=3, fontsize=8)
    axes.set_yticks(np.arange(len(columns)), labels=columns, parse_math=False)
    axes.invert_yaxis()
    axes.set(xlim=(0, 112), xticks=range(0, 101, 20), xlabel="percent")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(bars), frameon=False, fontsize=9)


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return the text in ASCII, without its middle where it is too long."""
    text = text.encode("ascii", "replace").decode()
    return text if len(text) <= longest else f"{text[: longest // 2 - 2]}...{text[-longest // 2 + 2 :]}"
