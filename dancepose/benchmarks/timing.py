"""Times of several things measured side by side, and how they are told."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from dancepose.progress import track
from dancepose.text_table import aligned

COMMON = ("threads", "shape", "width", "depth")  # figures that are told once where all rows of a part agree


@dataclass
class Row:
    """One line of the table.

    Attributes:
        part: one of the benchmark's parts, `network` for instance.
        name: what was timed.
        milliseconds: of each repetition.
        figures: what follows from them, and what was counted: column -> number or text.
    """

    part: str
    name: str
    milliseconds: list[float] = field(default_factory=list)
    figures: dict[str, float | str] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Milliseconds."""
        return float(np.median(self.milliseconds))

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile in milliseconds."""
        low, high = np.percentile(self.milliseconds, [25, 75])
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Return plain containers, for JSON."""
        told = asdict(self)
        if self.milliseconds:
            told |= {"median_ms": self.median, "quartiles_ms": list(self.spread)}
        return told


def side_by_side(
    cases: Mapping[str, Callable[[], Any]],
    rounds: int,
    device: torch.device | None = None,
    warmup: int = 2,
    seconds: float | None = None,
    ready: Mapping[str, Callable[[], Any]] | None = None,
) -> dict[str, list[float]]:
    """Time each case once a round, so that a machine which slows down meanwhile slows all of them alike.

    Args:
        cases: name -> what to do.
        rounds: repetitions of each that count.
        device: waited for before each clock reading.
        warmup: repetitions in front that do not count.
        seconds: after which no further round is begun, if one has been counted; None: all are.
        ready: name -> what has to be done before that case, outside its time.

    Returns:
        Name -> milliseconds of each round.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    begin = time.perf_counter()

    def numbers() -> Iterator[int]:
        for number in range(-warmup, rounds):
            if number > 0 and seconds is not None and time.perf_counter() - begin >= seconds:
                return
            gc.collect()
            if number == 0:  # not before: compilation, at the first call, leaves much
                gc.disable()  # else the rubbish of one case is swept up in another's time
                gc.freeze()  # a million objects of torch, looked at in each round, would take 0.2 s each time
            yield number

    steps = ((1, (n, name)) for n in numbers() for name in cases)
    swept = gc.isenabled()
    try:
        for number, name in track(steps, (rounds + warmup) * len(cases), "timing"):
            if ready and name in ready:
                ready[name]()
            synchronize(device)
            start = time.perf_counter()
            cases[name]()
            synchronize(device)
            if number >= 0:
                times[name].append(1e3 * (time.perf_counter() - start))
    finally:
        gc.unfreeze()
        if swept:
            gc.enable()
    return times


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep PyTorch and OpenCV to one thread meanwhile."""
    threads, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(of_opencv)


class Shaped(Protocol):
    """An array or a tensor."""

    @property
    def shape(self) -> Any:
        """Its sizes."""


def shape_of(*arrays: Shaped) -> str:
    """Return the shapes of arrays for the table: `1x3x512x512`, several joined by a plus."""
    return " + ".join("x".join(map(str, array.shape)) for array in arrays)


def synchronize(device: torch.device | None) -> None:
    """Wait until a GPU has done what it was given."""
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)


def table(rows: list[Row]) -> str:
    """Return the rows as aligned text, a block for each part, with the columns that occur in it.

    What is `COMMON` to all rows of a part stands in a line below them.
    """
    blocks: list[str] = []
    for part in dict.fromkeys(row.part for row in rows):
        members = [row for row in rows if row.part == part]
        columns = list(dict.fromkeys(column for row in members for column in row.figures))
        common = {column: value for column in COMMON if (value := _agreed(members, column)) is not None}
        columns = [column for column in columns if column not in common]
        lines = [[part, "ms", "quartiles", *columns]]
        for row in members:
            timed = [f"{row.median:.3g}", "{:.3g} .. {:.3g}".format(*row.spread)]
            figures = [_told(row.figures.get(column)) for column in columns]
            lines.append([row.name, *(timed if row.milliseconds else ["", ""]), *figures])
        blocks += aligned(lines)
        if common:
            told = ", ".join(f"{column} {_told(value)}" for column, value in common.items())
            blocks.append(f"throughout: {told}")
        blocks.append("")
    return "\n".join(blocks).rstrip()


def _agreed(rows: list[Row], column: str) -> float | str | None:
    """Return what a figure is in all rows, None where they differ or one has none."""
    values = {row.figures.get(column) for row in rows}
    return values.pop() if len(values) == 1 else None


def _told(value: float | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
