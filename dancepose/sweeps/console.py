"""A comparison as `rich` prints it: in tables that fit the terminal, no cell broken."""

from typing import Any

from dancepose.sweeps.columns import Portion, is_list, portions
from dancepose.sweeps.results import Comparison
from dancepose.sweeps.sheets import Sheet, sheets_of

GAP = 3  # characters of a column beside its cells: a blank on both sides and a line


def rich_tables(comparison: Comparison, width: int) -> list[Any]:
    """Return what `rich` prints, title, table and notes in turn; of the differences those that decide.

    Args:
        comparison: what is shown.
        width: of a line, in characters. What is wider becomes several tables below each other.
    """
    from rich.padding import Padding
    from rich.text import Text

    shown: list[Any] = []
    for sheet in sheets_of(comparison, short=True):
        parts = portions(sheet, width - 1, GAP)
        whole = len(parts) == 1 and "\n" not in "".join(parts[0].header)
        if is_list(sheet) and not whole:
            shown.append(Text(sheet.title, style="bold"))
            rows = (f"{first}: {'; '.join(others)}" for first, *others in sheet.rows)
            shown += [Padding(Text(row), (0, 0, 0, 2), expand=False) for row in rows]
        else:
            shown += [_table(sheet, part, titled=not n) for n, part in enumerate(parts)]
        shown += [Padding(Text(words), (0, 0, 0, 2), expand=False) for words in sheet.words]
        shown += [
            *(Padding(Text(note, style="dim"), (0, 0, 0, 2), expand=False) for note in sheet.notes),
            Text(""),
        ]
    return shown


def _table(sheet: Sheet, part: Portion, titled: bool) -> Any:
    from rich.table import Table
    from rich.text import Text

    title = Text(sheet.title) if titled else None
    table = Table(title=title, title_justify="left", title_style="bold")
    for column, name in zip(part.columns, part.header, strict=True):
        justify = "left" if column < sheet.left else "right"
        table.add_column(Text(name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for i, row in enumerate(sheet.rows):
        table.add_row(*(Text(row[j], style=_style(row[j], (i, j) in sheet.marked)) for j in part.columns))
    return table


def _style(cell: str, best: bool) -> str:
    return {"better": "bold green", "worse": "bold red"}.get(cell, "bold" if best else "")
