"""`comparison.html`: everything of a comparison on one page that needs nothing but itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dancepose import __version__
from dancepose.files import write_text
from dancepose.sweeps.best_run import Picture, best_arms, best_job, pictures_of, show_samples
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.learning import learning_curves
from dancepose.sweeps.parallel import parallel
from dancepose.sweeps.plots import confusion, forest, learning
from dancepose.sweeps.results import Comparison, Table
from dancepose.sweeps.sheets import Sheet, difference_sheet, left_out_sheet, parts_sheet, result_sheet
from dancepose.sweeps.svg import colour_of

TEMPLATE = "page.html.j2"
ARMS = 12  # arms at most that curves and matrices show


@dataclass(frozen=True)
class Section:
    """What the page shows of one table.

    Attributes:
        title: of a table among several.
        claims: words of the differences that are claimed, by the metric that decides.
        no_claims: words of the others.
        results: what was measured.
        differences: sheet and forest plot of each metric.
        parts: keypoint groups or classes.
        curves: learning curves.
        parallel: lines of the runs.
        matrices: confusion matrices.
        best: the best run by its validation.
        best_arm: the arm that it is of.
        pictures: of the best run.
        samples: whether sample predictions are among them.
        legend: number, name and colour of the arms.
        hidden: arms that curves and matrices leave out.
        runs: how many there are.
    """

    title: str
    claims: list[str]
    no_claims: list[str]
    results: Sheet
    differences: list[tuple[Sheet, Markup]]
    parts: Sheet | None
    curves: list[Markup]
    parallel: Markup
    matrices: list[Markup]
    best: Job | None
    best_arm: str
    pictures: list[Picture]
    samples: bool
    legend: list[tuple[int, str, str]]
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
    sections = [_section(comparison, table, pictures) for table in comparison.tables]
    left_out = left_out_sheet(comparison) if comparison.left_out else None
    page = environment.get_template(TEMPLATE).render(
        comparison=comparison, sections=sections, left_out=left_out, version=__version__
    )
    write_text(path, page)


def _section(comparison: Comparison, table: Table, most: int) -> Section:
    arms = table.group.arms
    numbers = {name: number for number, name in enumerate(arms)}
    shown = best_arms(table, ARMS)
    differences = [
        (
            difference_sheet(comparison, table, result, decides=number == 0),
            Markup(forest(result, comparison.against, numbers)),
        )
        for number, result in enumerate(table.metrics)
        if len(arms) > 1
    ]
    decided = [arm.difference for arm in table.metrics[0].arms if arm.difference is not None]
    best = best_job(table)
    pictures = [] if best is None else pictures_of(best, most)
    return Section(
        table.group.title,
        [found.words for found in decided if found.claim is not None],
        [found.words for found in decided if found.claim is None],
        result_sheet(comparison, table),
        differences,
        None if table.parts is None else parts_sheet(comparison, table),
        _curves(table, numbers, shown),
        Markup(parallel(table, numbers)),
        [
            Markup(confusion(name, matrix, table.classes))
            for name, matrix in table.confusion.items()
            if name in shown
        ],
        best,
        "" if best is None else next(name for name, arm in arms.items() if best in arm.jobs),
        pictures,
        show_samples(pictures),
        [(number, name, colour_of(number)) for name, number in numbers.items()],
        len(arms) - len(shown),
        sum(len(arm.jobs) for arm in arms.values()),
    )


def _curves(table: Table, numbers: Mapping[str, int], shown: list[str]) -> list[Markup]:
    names = [result.metric.name for result in table.metrics]
    metrics = {f"val/{result.metric.name}": result.metric for result in table.metrics}
    drawn = []
    for name, arms in learning_curves(table.group, names).items():
        kept = {arm: curve for arm, curve in arms.items() if arm in shown}
        if kept:
            drawn.append(Markup(learning(name, kept, numbers, metrics.get(name))))
    return drawn
