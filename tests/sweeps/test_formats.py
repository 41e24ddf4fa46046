"""A comparison as text, CSV, Markdown, LaTeX."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from comparisons import compare_sweeps, made_up
from rich.console import Console
from run_directories import motion_job, motion_sweep

from dancepose.sweeps.console import rich_tables
from dancepose.sweeps.formats import (
    COLUMNS,
    as_csv,
    as_markdown,
    as_text,
    parts_csv,
    records,
)
from dancepose.sweeps.latex import as_latex
from dancepose.sweeps.left_out import LeftOut
from dancepose.sweeps.results import Comparison
from dancepose.sweeps.sheets import sheets_of

ODD = r"a|b_&%$#{}~^\<x>*`[l](u)`"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    return made_up(tmp_path_factory.mktemp("made_up"), seeds=3)


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> Comparison:
    sweep = tmp_path_factory.mktemp("odd")
    for seed in (0, 1):
        for number, name in enumerate(("none", ODD)):
            motion_job(sweep / f"{number}{seed}", [f"x={name}"], seed, 0.8 - 0.1 * number, config={"x": name})
    return compare_sweeps(sweep)


@pytest.mark.parametrize("form", [as_text, as_markdown, as_latex, as_csv])
def test_every_form_holds_every_arm_and_the_verdicts_in_words(comparison, form):
    told = form(comparison)
    assert all(name in told for name in ("none", "cbam0", "cbam1"))
    assert "3 paired seeds decide nothing" in told and "at least 7 seeds are needed" in told


def test_rich_shows_the_same_without_reading_marks_of_names(odd):
    console = Console(width=400, file=io.StringIO())
    for shown in rich_tables(odd, 400):
        console.print(shown)
    told = console.file.getvalue()
    assert ODD in told and "2 paired seeds decide nothing" in told


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_cell_is_broken_on_a_narrow_terminal(comparison, width):
    console = Console(width=width, file=io.StringIO())
    for shown in rich_tables(comparison, width):
        console.print(shown)
    told = console.file.getvalue()
    assert max(map(len, told.splitlines())) <= width
    cells = {cell.strip() for line in told.splitlines() for cell in line.split("│")}
    for sheet in sheets_of(comparison, short=True):
        assert {cell for row in sheet.rows for cell in row} <= cells
    assert "3 paired seeds decide nothing" in told


def test_jobs_that_are_left_out_are_a_list_where_the_table_is_too_wide(comparison):
    left_out = (LeftOut(Path("sweeps/a/b"), "failed", f"no memory: {'word ' * 30}"),)
    console = Console(width=100, file=io.StringIO())
    for shown in rich_tables(replace(comparison, left_out=left_out), 100):
        console.print(shown)
    assert "\n  sweeps/a/b: failed; no memory: word" in console.file.getvalue()


def test_latex_fits_the_column_of_a_paper(comparison):
    """345 pt of an article's text: 81 digits of its \\footnotesize."""
    for tabular in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", as_latex(comparison), re.S):
        rows = [line for line in tabular.splitlines() if line.endswith(r"\\")]
        table = [[_narrow(cell) for cell in row.removesuffix(r"\\").split(" & ")] for row in rows]
        assert sum(max(column) + 2 for column in zip(*table, strict=True)) <= 81
    told = as_latex(comparison)
    assert "verdict &" not in told and "3 paired seeds decide nothing" in told
    assert not re.search(r"& -\d", told) and "$-$" in told


def _narrow(cell: str) -> int:
    """Return the characters of a cell's longest line as it is set."""
    cell = re.sub(r"\\shortstack\[.\]|\\textbf|[{}$]", "", cell.strip()).replace(r"\pm", "±")
    return max(len(line.strip().replace("\\", "")) for line in cell.split(r" \\ "))


def test_csv_has_all_digits_and_reads_back(comparison):
    rows = list(csv.DictReader(io.StringIO(as_csv(comparison))))
    assert list(rows[0]) == list(COLUMNS) and len(rows) == 9
    arm = comparison.tables[0].metrics[0].arms[2]
    assert float(rows[2]["mean"]) == arm.mean and float(rows[2]["difference"]) == arm.difference.estimate
    assert rows[0]["difference"] == "" and rows[2]["verdict"] == "undecided: 3 of 7 seeds"
    assert records(comparison)[2]["both_low"] == arm.difference.over_both.low


def test_parts_as_csv(comparison):
    rows = list(csv.DictReader(io.StringIO(parts_csv(comparison))))
    assert [row["arm"] for row in rows] == ["none", "cbam0", "cbam1"]
    assert float(rows[0]["wave"]) == comparison.tables[0].parts.rows["none"]["wave"][0]


def test_markdown_tables_have_as_many_cells_in_each_row_whatever_the_names(odd):
    for block in re.findall(r"(?:^\|.*\|\n)+", as_markdown(odd), re.M):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1
    assert r"a\|b\_&%$\#{}\~^\\\<x\>\*\`\[l\](u)\`" in as_markdown(odd)


def test_latex_is_escaped_and_its_environments_are_closed(odd):
    told = as_latex(odd)
    odd = r"a\textbar{}b\_\&\%\$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}\textless{}x"
    assert odd in told
    for name in ("table", "tabular"):
        assert told.count(f"\\begin{{{name}}}") == told.count(f"\\end{{{name}}}") > 0
    rows = [line for line in told.splitlines() if line.endswith(r"\\")]
    columns = [len(spec) for spec in re.findall(r"\\begin\{tabular\}\{([lr]+)\}", told)]
    cells = {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows}
    assert cells == set(columns)
    bare = re.sub(r"\\[&%$#_{}]|\$\\pm\$", "", told.partition("\n")[2])
    assert not re.search(r"(?<!\\)[%#_~^]", bare), bare


def test_no_name_is_an_argument_of_the_row_before_it_in_latex(tmp_path):
    """`\\\\` and booktabs' rules look for `[` and `*` beyond the end of their line."""
    for number, name in enumerate(("none", "[64,96]", "*")):
        motion_job(tmp_path / str(number), [f"x={name}"], right=0.8 - 0.1 * number, config={"x": name})
    rows = as_latex(compare_sweeps(tmp_path)).splitlines()
    assert not any(re.match(r"[\[*]", row) for row in rows)
    assert any(row.startswith("{[}64,96{]} &") for row in rows) and any(
        row.startswith("{*} &") for row in rows
    )


def test_several_tables_stand_in_one_file(tmp_path):
    for lr in ("0.1", "0.01"):
        config = {"optimizer": {"lr": float(lr)}}
        motion_sweep(
            tmp_path / lr, {"none": 0.5, "cbam1": 0.7}, overrides=[f"optimizer.lr={lr}"], config=config
        )
    comparison = compare_sweeps(tmp_path, by=["model/attention"], split=["optimizer.lr"])
    assert "Results; optimizer.lr=0.01" in as_text(comparison)
    assert {row["table"] for row in records(comparison)} == {"optimizer.lr=0.01", "optimizer.lr=0.1"}
    assert "for the 2 comparisons of all tables at once" in as_text(comparison)
