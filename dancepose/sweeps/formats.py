"""The forms in which a comparison is written: text, CSV, Markdown, and rows for a table of W&B."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from dancepose.sweeps.results import Comparison
from dancepose.sweeps.sheets import sheets_of
from dancepose.text_table import aligned

COLUMNS = (
    *("table", "metric", "title", "arm", "against", "seeds", "mean", "std", "low", "high"),
    *("pairs", "difference", "seeds_low", "seeds_high", "both_low", "both_high", "p", "p_holm"),
    *("detectable", "verdict", "words", "parameters", "macs", "device"),
)


def as_text(comparison: Comparison) -> str:
    """Return all sheets as aligned text."""
    blocks = [f"comparison of {comparison.title}: {', '.join(comparison.sweeps)}"]
    for sheet in sheets_of(comparison):
        lines = aligned([sheet.header, *sheet.rows], left=sheet.left)
        blocks.append(
            "\n".join([sheet.title, *lines, *(f"  {note}" for note in (*sheet.words, *sheet.notes))])
        )
    return "\n\n".join(blocks) + "\n"


def as_markdown(comparison: Comparison) -> str:
    """Return all sheets as tables of Markdown."""
    blocks = [f"# Comparison of {_markdown(comparison.title)}"]
    for sheet in sheets_of(comparison):
        marks = ["---" if i < sheet.left else "---:" for i in range(len(sheet.header))]
        rows = [
            [f"**{_markdown(c)}**" if (i, j) in sheet.marked else _markdown(c) for j, c in enumerate(row)]
            for i, row in enumerate(sheet.rows)
        ]
        header = [_markdown(cell) for cell in sheet.header]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))
        notes = "\n".join(f"- {_markdown(note)}" for note in (*sheet.words, *sheet.notes))
        blocks.append("\n\n".join(filter(None, [f"## {_markdown(sheet.title)}", table, notes])))
    return "\n\n".join(blocks) + "\n"


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.split()))


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row of plain values for each arm, metric and table: `COLUMNS`, None where there is none."""
    found = []
    for table in comparison.tables:
        for result in table.metrics:
            for arm in result.arms:
                row: dict[str, Any] = dict.fromkeys(COLUMNS)
                row |= {"table": table.group.title, "metric": result.metric.name, "arm": arm.name}
                row |= {"title": result.metric.title, "against": comparison.against}
                row |= {"seeds": len(arm.seeds), "mean": arm.mean, "std": arm.std}
                if arm.interval is not None:
                    row |= {"low": arm.interval.low, "high": arm.interval.high}
                if (cost := table.costs.get(arm.name)) is not None:
                    row |= {"parameters": cost.parameters, "macs": cost.macs, "device": cost.device or None}
                    for batch, (p50, p90) in cost.latency.items():
                        row |= {f"batch_{batch}_p50_ms": p50, f"batch_{batch}_p90_ms": p90}
                if (d := arm.difference) is not None:
                    row |= {"pairs": len(d.seeds), "difference": d.estimate, "p": d.p, "p_holm": d.p_holm}
                    row |= {"seeds_low": d.over_seeds.low, "seeds_high": d.over_seeds.high}
                    row |= {"both_low": d.over_both.low, "both_high": d.over_both.high}
                    row |= {"detectable": d.detectable, "verdict": d.verdict, "words": d.words}
                found.append(row)
    columns = dict.fromkeys(column for row in found for column in row)
    return [{column: row.get(column) for column in columns} for row in found]


def as_csv(comparison: Comparison) -> str:
    """Return `records` as CSV: numbers with all their digits."""
    rows = records(comparison)
    return _csv(list(rows[0]), ([row[column] for column in row] for row in rows))


def parts_csv(comparison: Comparison) -> str | None:
    """Return keypoint groups or classes as CSV, means and standard deviations; None where there are none."""
    rows: list[list[Any]] = []
    columns: dict[str, None] = {}
    tables = [table for table in comparison.tables if table.parts is not None]
    for table in tables:
        assert table.parts is not None
        columns.update(dict.fromkeys(table.parts.columns))
    for table in tables:
        assert table.parts is not None
        for name, row in table.parts.rows.items():
            cells = [value for column in columns for value in row.get(column, (None, None))]
            rows.append([table.group.title, name, *cells])
    header = ["table", "arm", *(f"{column}{what}" for column in columns for what in ("", " std"))]
    return _csv(header, rows) if rows else None


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue()
