"""Pictures of a classifier of actions: confusion matrix, reliability, and the curves of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dancepose.inference.charts import shortened
from dancepose.inference.figure import new_figure, rgb
from dancepose.metrics.action_result import ActionResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    History = Mapping[str, Sequence[tuple[float, float]]]  # part -> epochs done, value

DPI = 110
LONGEST = 22  # characters of a class name
RIGHT, GAP, LINE, EMPTY = "#88b8dd", "#a03048", "#777777", "#e4e4e4"
STYLES = {  # colour, line, marker: they differ in print and in every kind of colour blindness
    "training": ("#cc6677", "--", "o"),
    "validation": ("#332288", "-", "s"),
}
MARKED = 40  # points up to which each is marked


def draw_confusion(result: ActionResult, title: str) -> np.ndarray:
    """Draw the confusion matrix (the paper's table 3): shares of each row's samples, and their numbers.

    Rows are labels, columns predictions. Colour follows the share; a row without samples is grey.

    Args:
        result: of 1 class or more.
        title: a line above.

    Returns:
        (H, W, 3) uint8 RGB, larger with more classes.
    """
    count = len(result.classes)
    cell = float(np.interp(count, (2, 8, 20), (1.0, 0.78, 0.52)))  # inches
    large, small = (float(np.interp(cell, (0.52, 1.0), sizes)) for sizes in ((8, 14), (6, 9)))
    names = class_labels(result.classes)
    totals = result.confusion.sum(axis=1)
    shares = result.confusion / np.maximum(totals, 1)[:, None]
    words = 0.085 * max(len(name) for name in names) + 0.6  # inches that the rows' names take
    with new_figure(max(5.2, words + count * cell + 1.3), count * cell + 1.1 + 0.6 * words, DPI) as figure:
        axes = figure.subplots()
        image = axes.imshow(np.where(totals[:, None] > 0, shares, np.nan), cmap="Blues", vmin=0, vmax=1)
        axes.set_facecolor(EMPTY)
        for row, column in np.ndindex(count, count):
            if not totals[row]:
                continue
            share, number = shares[row, column], result.confusion[row, column]
            ink = "white" if share > 0.55 else "#202020" if number else "#aaaaaa"
            place: dict[str, Any] = {"ha": "center", "color": ink}
            weight = "bold" if row == column else "normal"
            if not number:
                axes.text(column, row, "0", va="center", fontsize=large, **place)
            else:
                shown = f"{100 * share:.1f}"
                axes.text(column, row - 0.03, shown, va="bottom", fontsize=large, weight=weight, **place)
                axes.text(column, row + 0.1, str(number), va="top", fontsize=small, **place)
        for row in np.flatnonzero(totals == 0).tolist():
            axes.text(
                (count - 1) / 2,
                row,
                "no samples",
                ha="center",
                va="center",
                color="#555555",
                backgroundcolor=EMPTY,
            )
        rows = [f"{name}  ({total})" for name, total in zip(names, totals, strict=True)]
        axes.set_yticks(range(count), rows, parse_math=False)
        axes.set_xticks(
            range(count), names, rotation=40, ha="right", rotation_mode="anchor", parse_math=False
        )
        axes.set(xlabel="predicted", ylabel="label (samples)")
        axes.tick_params(length=0)
        axes.set_xticks(np.arange(count - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(count - 1) + 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=1.5)
        axes.tick_params(which="minor", length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(
            image, ax=axes, shrink=0.8, aspect=25, format=lambda value, _: f"{100 * value:.0f}"
        )
        bar.set_label("% of the label's samples")
        _title(figure, [title, _headline(result)])
        return rgb(figure)


def draw_reliability(result: ActionResult, title: str) -> np.ndarray:
    """Draw how often the classifier is right when it is so and so sure, and how many samples that are.

    Args:
        result: its bins are drawn; the width of a gap says how far confidence and accuracy lie apart.
        title: a line above.

    Returns:
        (748, 660, 3) uint8 RGB.
    """
    with new_figure(6.0, 6.8, DPI) as figure:
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        filled = [b for b in result.bins if b.count]
        edges = np.array([[b.low, b.high - b.low] for b in result.bins])
        places, widths = edges[:, 0] + edges[:, 1] / 2, 0.92 * edges[:, 1]
        accuracies = np.array([b.accuracy or 0.0 for b in result.bins])
        top.bar(places, accuracies, widths, color=RIGHT, label="accuracy of the bin")
        if filled:
            sure = np.array([b.confidence for b in filled], np.float64)
            right = np.array([b.accuracy for b in filled], np.float64)
            middle = np.array([(b.low + b.high) / 2 for b in filled])
            look: dict[str, Any] = {"facecolor": "none", "edgecolor": GAP, "hatch": "////", "linewidth": 1}
            top.bar(
                middle, sure - right, widths[0], right, label="gap to the mean confidence", zorder=3, **look
            )
            top.plot(sure, right, "o", color="white", markeredgecolor="black", markersize=6, zorder=4)
        else:
            top.text(0.5, 0.5, "no samples", ha="center", va="center", fontsize=16)
        top.plot([0, 1], [0, 1], color=LINE, linestyle="--", label="as sure as right", zorder=2)
        top.set(ylim=(0, 1.02), ylabel="accuracy")
        top.legend(loc="upper left", fontsize=9)
        numbers = [b.count for b in result.bins]
        bars = below.bar(places, numbers, widths, color=LINE)
        below.bar_label(bars, [str(n) if n else "" for n in numbers], padding=2, fontsize=8)
        below.set(xlim=(0, 1), xlabel="confidence: probability of the predicted class", ylabel="samples")
        below.set_ylim(0, 1.25 * max([1, *numbers]))
        for axes in (top, below):
            axes.grid(alpha=0.3)
            axes.set_axisbelow(True)
        ece = "" if result.ece is None else f"expected calibration error {result.ece:.3f}"
        _title(figure, [title, ", ".join(filter(None, [ece, f"{result.samples} samples"]))])
        return rgb(figure)


def draw_history(loss: History, accuracy: History, title: str) -> np.ndarray:
    """Draw loss and accuracy of training and validation over the epochs (the paper's figure 7).

    Args:
        loss: `training` and `validation` -> points, epochs that were done and the value; empty where nothing
            was logged.
        accuracy: the same, 0 to 1.
        title: a line above.

    Returns:
        (462, 1210, 3) uint8 RGB.
    """
    with new_figure(11.0, 4.2, DPI) as figure:
        left, right = figure.subplots(1, 2)
        _draw_lines(left, loss, "loss", 1.0, "{:.3g}")
        _draw_lines(right, accuracy, "accuracy, %", 100.0, "{:.1f}")
        right.set_ylim(min(right.get_ylim()[0], 95), 101)
        _title(figure, [title])
        return rgb(figure)


def _draw_lines(axes: Axes, history: History, name: str, scale: float, form: str) -> None:
    from matplotlib.ticker import MaxNLocator

    for part, points in history.items():
        colour, line, marker = STYLES[part]
        if not points:
            axes.plot([], [], color=colour, linestyle=line, label=f"{part}: not logged")
            continue
        epochs, values = np.array(points, np.float64).T
        label = f"{part}: last {form.format(scale * values[-1])}"
        sign = marker if len(epochs) <= MARKED else ""
        axes.plot(epochs, scale * values, line, color=colour, marker=sign, markersize=4, label=label)
    axes.set(xlabel="epochs", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    last = max((points[-1][0] for points in history.values() if points), default=1.0)
    axes.set_xlim(0, 1.02 * max(1.0, last))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9)
    if not any(history.values()):
        axes.text(0.5, 0.5, "not logged", transform=axes.transAxes, ha="center", va="center", fontsize=14)


def class_labels(classes: Sequence[str]) -> list[str]:
    """Return names that can be drawn: long ones lose their middle, what the font lacks becomes `class 3`."""
    from matplotlib.font_manager import findfont, get_font

    known = set(get_font(findfont("DejaVu Sans")).get_charmap())
    drawn = []
    for number, name in enumerate(classes, 1):
        if not all(ord(letter) in known for letter in name) or not name.strip():
            name = f"class {number}"
        if len(name) > LONGEST:
            name = f"{name[: LONGEST // 2 - 1]}..{name[1 - LONGEST // 2 :]}"
        drawn.append(name)
    return drawn


def _headline(result: ActionResult) -> str:
    """Say the figures in a line."""
    values = {"accuracy": result.accuracy, "macro-F1": result.macro_f1}
    said = [f"{name} {100 * value:.1f} %" for name, value in values.items() if value is not None]
    return ", ".join([*said, f"{result.samples} samples"])


def _title(figure: Any, lines: Sequence[str]) -> None:
    longest = round(10 * figure.get_figwidth())  # characters that fit
    text = "\n".join(shortened(line, longest) for line in lines if line)
    figure.suptitle(text, fontsize=11, parse_math=False)
