"""A comparison as LaTeX: tables that fit the column of a paper."""

import re

from dancepose.sweeps.columns import Portion, is_list, portions
from dancepose.sweeps.results import Comparison
from dancepose.sweeps.sheets import Sheet, sheets_of

# characters of \footnotesize in the 345 pt of an article's line, and what a column takes beside its cells
WIDTH, GAP = 78, 2
BESIDE = ("verdict", "p", "smallest difference found with 80 % power")  # told in words, or better by Holm's p
LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    **{char: f"{{{char}}}" for char in "[]*"},  # else an argument of the row before
}


def as_latex(comparison: Comparison) -> str:
    """Return all sheets as tables of LaTeX, which need the package booktabs.

    A sheet that is wider than a line of a paper becomes several tabulars below each other. The verdicts stand
    as sentences below the tables, and so have no column; CSV and JSON hold everything.
    """
    blocks = ["% \\usepackage{booktabs}"]
    blocks += [_list(sheet) if is_list(sheet) else _table(sheet) for sheet in sheets_of(comparison)]
    return "\n\n".join(blocks) + "\n"


def _table(sheet: Sheet) -> str:
    notes, parts = (*sheet.words, *sheet.notes), portions(sheet, WIDTH, GAP, _beside(sheet))
    lines = [
        "\\begin{table}",
        "\\centering\\footnotesize\\setlength{\\tabcolsep}{4pt}",
        f"\\caption{{{_latex(sheet.title)}}}",
        "\n\\par\\medskip\n".join(_tabular(sheet, part) for part in parts),
        *(f"\\par{{\\raggedright\\footnotesize {_latex(note)}\\par}}" for note in notes),
        "\\end{table}",
    ]
    return "\n".join(lines)


def _beside(sheet: Sheet) -> tuple[str, ...]:
    """Return the columns of differences that a paper does without."""
    return BESIDE if sheet.left > 1 else ()


def _tabular(sheet: Sheet, part: Portion) -> str:
    sides = ["l" if column < sheet.left else "r" for column in part.columns]
    rows = []
    for number, row in enumerate(sheet.rows):
        cells = []
        for column in part.columns:
            told = _latex(row[column])
            cells.append(f"\\textbf{{{told}}}" if (number, column) in sheet.marked else told)
        rows.append(f"{' & '.join(cells)} \\\\")
    header = [_heading(name, side) for name, side in zip(part.header, sides, strict=True)]
    lines = [f"\\begin{{tabular}}{{{''.join(sides)}}}", "\\toprule", f"{' & '.join(header)} \\\\"]
    return "\n".join([*lines, "\\midrule", *rows, "\\bottomrule", "\\end{tabular}"])


def _heading(name: str, side: str) -> str:
    """Return the name of a column, in as many lines as it has."""
    lines = [_latex(line) for line in name.split("\n")]
    stacked = " \\\\ ".join(lines)
    return stacked if len(lines) == 1 else f"\\shortstack[{side}]{{{stacked}}}"


def _list(sheet: Sheet) -> str:
    """Return rows of words as items: paths and causes are wider than any page."""
    items = []
    for first, *others in sheet.rows:
        path = _latex(first).replace("/", "/\\allowbreak{}").replace("\\_", "\\_\\allowbreak{}")
        items.append(f"\\item {path}: {'; '.join(_latex(cell) for cell in others)}")
    title = f"\\par\\noindent\\textbf{{{_latex(sheet.title)}}}"
    return "\n".join([title, "\\begin{itemize}\\sloppy\\small", *items, "\\end{itemize}"])


def _latex(text: str) -> str:
    told = "".join(LATEX.get(char, char) for char in " ".join(text.split()))
    return re.sub(r"(?<![\w.{}-])-(?=[\d.])", "$-$", told)  # of a number, and no hyphen
