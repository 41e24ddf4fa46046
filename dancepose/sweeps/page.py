"""`comparison.html`: everything of a comparison on one page that needs nothing but itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from dancepose.files import write_text
from dancepose.sweeps.best_run import (
    Picture,
    best_arms,
    best_job,
    pictures_of,
    show_samples,
    told_objective,
)
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.learning import Curve, learning_curves
from dancepose.sweeps.parallel import parallel
from dancepose.sweeps.plots import confusion, forest, forest_key, learning
from dancepose.sweeps.provenance import provenance
from dancepose.sweeps.results import Comparison, Table
from dancepose.sweeps.sheets import Sheet, difference_sheet, left_out_sheet, parts_sheet, result_sheet
from dancepose.sweeps.svg import swatch
from dancepose.sweeps.undecided import told_together

TEMPLATE = "page.html.j2"
ARMS = 12  # arms at most that curves and matrices show


@dataclass(frozen=True)
class Section:
    """What the page shows of one table.

    Attributes:
        title: of a table among several.
        chance: which arms are not above chance, in words; empty where all are.
        undecided: that there are too few seeds, where that holds for several arms; else empty.
        claims: words of the differences that are claimed, by the metric that decides.
        no_claims: words of the others.
        results: what was measured.
        differences: sheet, forest plot and its key, of each metric.
        parts: keypoint groups or classes.
        curves: learning curves.
        spread: how they show the standard deviation.
        parallel: lines of the runs.
        matrices: confusion matrices.
        columns: in which they stand.
        best: the best run by its validation.
        best_arm: the arm that it is of.
        objective: by which it is the best, with its value.
        pictures: of the best run.
        samples: whether sample predictions are among them.
        legend: number, name and line of the arms.
        hidden: arms that curves and matrices leave out.
        runs: how many there are.
    """

    title: str
    chance: str
    undecided: str
    claims: list[str]
    no_claims: list[str]
    results: Sheet
    differences: list[tuple[Sheet, Markup, str]]
    parts: Sheet | None
    curves: list[Markup]
    spread: str
    parallel: Markup
    matrices: list[Markup]
    columns: int
    best: Job | None
    best_arm: str
    objective: str
    pictures: list[Picture]
    samples: bool
    legend: list[tuple[int, str, Markup]]
    hidden: int
    runs: int


def write_page(path: Path, comparison: Comparison, pictures: int) -> None:
    """Write the page.

    Names come from files that may be anyone's: all text is escaped, and the page may load nothing.

    Args:
        path: of the file.
        comparison: what is shown.
        pictures: of each table's best run, at most.

    Raises:
        DataError: a log of a run is broken.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"breakable": breakable, "figures": figures}
    page = environment.get_template(TEMPLATE).render(
        comparison=comparison,
        provenance=provenance(comparison),
        sections=[_section(comparison, table, pictures) for table in comparison.tables],
        left_out=left_out_sheet(comparison) if comparison.left_out else None,
    )
    write_text(path, page)


def breakable(text: str) -> Markup:
    """Return a name, escaped, that may be broken where its words are joined."""
    return Markup(re.sub(r"(?<=[_/])", "<wbr>", str(escape(text))))


def figures(text: str) -> Markup:
    """Return a cell of figures, escaped, which is broken between them alone: `71.3`, `± 1.2`."""
    parts = re.split(r" (?=± |to |/ )", text)
    return Markup(" ").join(Markup("<b>{}</b>").format(part) for part in parts)


def _section(comparison: Comparison, table: Table, most: int) -> Section:
    arms = table.group.arms
    numbers = {name: number for number, name in enumerate(arms)}
    shown = best_arms(table, ARMS)
    differences = [
        (
            difference_sheet(comparison, table, result, decides=number == 0),
            Markup(forest(result, comparison.against, numbers)),
            forest_key(result),
        )
        for number, result in enumerate(table.metrics)
        if len(arms) > 1
    ]
    metric = table.metrics[0].metric
    decided = [arm.difference for arm in table.metrics[0].arms if arm.difference is not None]
    open_words = told_together(metric, [found for found in decided if found.claim is None])
    together = open_words[:1] if open_words and open_words[0] not in {d.words for d in decided} else []
    best = best_job(table)
    pictures = [] if best is None else pictures_of(best, most)
    curves = {
        name: kept
        for name, of_arm in learning_curves(table.group, [r.metric.name for r in table.metrics]).items()
        if (kept := {arm: curve for arm, curve in of_arm.items() if arm in shown})
    }
    matrices = [
        Markup(confusion(name, matrix, table.classes))
        for name, matrix in table.confusion.items()
        if name in shown
    ]
    return Section(
        table.group.title,
        _below_chance(table),
        "".join(together),
        [found.words for found in decided if found.claim is not None],
        open_words[len(together) :],
        result_sheet(comparison, table),
        differences,
        None if table.parts is None else parts_sheet(comparison, table),
        _drawn(table, curves, numbers),
        _spread(curves),
        Markup(parallel(table, numbers)),
        matrices,
        2 if len(matrices) in (1, 2, 4) or len(table.classes) > 8 else 3,
        best,
        "" if best is None else next(name for name, arm in arms.items() if best in arm.jobs),
        "" if best is None else told_objective(best),
        pictures,
        show_samples(pictures),
        [(number, name, Markup(swatch(number))) for name, number in numbers.items()],
        len(arms) - len(shown),
        sum(len(arm.jobs) for arm in arms.values()),
    )


def _below_chance(table: Table) -> str:
    result = next((result for result in table.metrics if result.chance is not None), None)
    if result is None or result.chance is None or not result.chance.arms(False):
        return ""
    return result.chance.words(result.metric)


def _drawn(
    table: Table, curves: Mapping[str, Mapping[str, Curve]], numbers: Mapping[str, int]
) -> list[Markup]:
    metrics = {f"val/{result.metric.name}": result.metric for result in table.metrics}
    return [Markup(learning(name, arms, numbers, metrics.get(name))) for name, arms in curves.items()]


def _spread(curves: Mapping[str, Mapping[str, Curve]]) -> str:
    """Return how the curves show the standard deviation: `band`, `bar` of what was measured once alone."""
    points = {len(curve.epochs) == 1 for arms in curves.values() for curve in arms.values()}
    return {(True,): "bar", (False, True): "band or bar"}.get(tuple(sorted(points)), "band")
