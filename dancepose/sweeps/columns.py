"""Columns of a sheet that is wider than the place where it is shown: narrower tables, one below the other."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dancepose.sweeps.sheets import Sheet

LINES = 3  # of a heading at most


@dataclass(frozen=True)
class Portion:
    """Some of the columns of a sheet.

    Attributes:
        columns: their numbers; the first, which names the rows, is in every portion.
        header: their names, broken into lines where that saves room.
    """

    columns: tuple[int, ...]
    header: tuple[str, ...]


def is_list(sheet: Sheet) -> bool:
    """Tell whether a sheet has words alone: where it is too wide, each row is better told as a sentence."""
    return sheet.left == len(sheet.header)


def portions(sheet: Sheet, most: int, gap: int, without: Collection[str] = ()) -> list[Portion]:
    """Divide the columns of a sheet so that no cell is broken.

    Args:
        sheet: the table.
        most: characters of a line; a column that is wider by itself stays so.
        gap: of them, what each column takes beside its cells.
        without: names of columns that are left out.

    Returns:
        One portion with its names in one line if that has room; else as few as can be.
    """
    kept = [n for n, name in enumerate(sheet.header) if name not in without]
    cells = {n: max((len(row[n]) for row in sheet.rows), default=0) for n in kept}
    if sum(max(len(sheet.header[n]), cells[n]) + gap for n in kept) <= most:
        return [Portion(tuple(kept), tuple(sheet.header[n] for n in kept))]
    names = {n: _broken(sheet.header[n], cells[n]) for n in kept}
    widths = {n: max(cells[n], *map(len, names[n].split("\n"))) + gap for n in kept}
    parts = _filled(kept, widths, most)
    narrowest = most
    # as even as they can be: else the last table would have what is left, one column say
    while narrowest > 1 and len(evener := _filled(kept, widths, narrowest - 1)) == len(parts):
        parts = evener
        narrowest -= 1
    return [Portion(tuple(part), tuple(names[n] for n in part)) for part in parts]


def _filled(columns: Sequence[int], widths: Mapping[int, int], most: int) -> list[list[int]]:
    """Fill one table after the other, each with the first column, as far as it has room."""
    first, *others = columns
    parts: list[list[int]] = [[first]]
    for number in others:
        if len(parts[-1]) > 1 and sum(widths[n] for n in parts[-1]) + widths[number] > most:
            parts.append([first])
        parts[-1].append(number)
    return parts


def _broken(name: str, cells: int) -> str:
    """Break a heading at its blanks into lines: as narrow as its cells, but no more than `LINES` of them."""
    width = max(cells, *map(len, name.split()), 1)
    while len(lines := textwrap.wrap(name, width, break_on_hyphens=False)) > LINES:
        width += 1
    return "\n".join(lines)
