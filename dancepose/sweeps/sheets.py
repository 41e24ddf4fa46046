"""Sheets: the tables of a comparison as cells of text, of which all forms of output are made."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from dancepose.sweeps.bootstrap import Interval
from dancepose.sweeps.costs import told_count
from dancepose.sweeps.factors import printable
from dancepose.sweeps.measures import Metric
from dancepose.sweeps.results import ArmResult, Comparison, MetricResult, Table
from dancepose.sweeps.undecided import told_together

NOTHING = "-"


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes:
        title: of the table.
        header: names of the columns; the first is that of the rows' names.
        rows: of as many cells as the header.
        words: the verdicts of its rows, sentences.
        notes: what else must stand below it.
        left: columns from the left that hold words, and so stand at the left.
        marked: row and column of what is claimed to be better.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    left: int = 1
    marked: frozenset[tuple[int, int]] = field(default_factory=frozenset)


def sheets_of(comparison: Comparison, short: bool = False) -> list[Sheet]:
    """Return the sheets of all tables, and of the jobs that are left out.

    Args:
        comparison: of which they are.
        short: of the differences those alone of the metric that decides.
    """
    sheets = [sheet for table in comparison.tables for sheet in table_sheets(comparison, table, short)]
    if comparison.left_out:
        sheets.append(left_out_sheet(comparison))
    return sheets


def table_sheets(comparison: Comparison, table: Table, short: bool = False) -> Iterator[Sheet]:
    """Yield the results, the differences by each metric, and the parts of one table."""
    yield result_sheet(comparison, table)
    if len(table.group.arms) > 1:
        for number, result in enumerate(table.metrics[:1] if short else table.metrics):
            yield difference_sheet(comparison, table, result, decides=number == 0)
    if table.parts is not None:
        yield parts_sheet(comparison, table)


def result_sheet(comparison: Comparison, table: Table) -> Sheet:
    """Return what was measured of each arm."""
    first, batches = table.metrics[0], sorted({b for c in table.costs.values() for b in c.latency})
    header = [" and ".join(comparison.by), "seeds", f"{first.metric.title}, mean ± std"]
    header.append(f"{100 * comparison.level:g} % interval")
    header += [result.metric.title for result in table.metrics[1:]]
    header += ["parameters", "MACs", *(f"ms at batch {batch}, p50 / p90" for batch in batches)]
    rows, decimals = [], {batch: _decimals(table, batch) for batch in batches}
    for number, name in enumerate(table.group.arms):
        own = first.arms[number]
        cells = [
            name,
            str(len(own.seeds)),
            told_mean(first.metric, own),
            told_ends(first.metric, own.interval),
        ]
        cells += [told_mean(result.metric, result.arms[number]) for result in table.metrics[1:]]
        cost = table.costs.get(name)
        cells += [NOTHING] * 2 if cost is None else [told_count(cost.parameters), told_count(cost.macs)]
        for batch in batches:
            times = None if cost is None else cost.latency.get(batch)
            told = NOTHING if times is None else " / ".join(f"{ms:.{decimals[batch]}f}" for ms in times)
            cells.append(told)
        rows.append(tuple(cells))
    notes = [f"{title}: {words}" for title, words in _interval_words(first)]
    what = "MACs and times are" if batches else "MACs are"
    notes += [f"{what} of {sample}" for sample in sorted({c.sample for c in table.costs.values()})]
    notes += [f"times on {device}" for device in sorted({c.device for c in table.costs.values() if c.device})]
    better = [n for n, arm in enumerate(first.arms) if arm.difference and arm.difference.claim == "better"]
    marked = frozenset((number, 2) for number in better)
    return Sheet(_title("Results", table), tuple(header), tuple(rows), (*notes, *table.notes), marked=marked)


def difference_sheet(comparison: Comparison, table: Table, result: MetricResult, decides: bool) -> Sheet:
    """Return how each arm differs from the reference by one metric, with the verdicts in words.

    Of a metric that does not decide there are the differences and their intervals, and no verdict.
    """
    level = f"{100 * comparison.level:g} %"
    found_of = {arm.name: arm.difference for arm in result.arms if arm.difference is not None}
    unit = next((found.unit for found in found_of.values()), "samples")
    together = " together" if len(found_of) > 1 else ""  # Bonferroni: each interval by itself holds more
    header = [
        f"{' and '.join(comparison.by)}, against {comparison.against}",
        *(["verdict"] if decides else []),
        "pairs",
        "difference",
        f"{level} over other seeds",
        f"{level}{together} over seeds and {unit}",
        *(["p", "p, Holm", "smallest difference found with 80 % power"] if decides else []),
    ]
    rows, metric = [], result.metric
    for name, found in found_of.items():
        cells = [name, *([found.verdict] if decides else [])]
        cells += [str(len(found.seeds)), metric.told(found.estimate, signed=True)]
        cells += [told_ends(metric, ends, signed=True) for ends in (found.over_seeds, found.over_both)]
        if decides:
            cells += [told_p(found.p), told_p(found.p_holm), metric.told(found.detectable)]
        rows.append(tuple(cells))
    what = "" if decides else ", told beside the metric that decides"
    title = _title(f"Differences of {result.metric.title}{what}", table)
    notes = tuple(f"{name}: {told}" for name, told in _difference_words(result))
    words = tuple(told_together(metric, list(found_of.values())))
    return Sheet(title, tuple(header), tuple(rows), notes, words, left=2 if decides else 1)


def parts_sheet(comparison: Comparison, table: Table) -> Sheet:
    """Return the keypoint groups of poses, or the classes of motions: means over seeds, and their std."""
    parts = table.parts
    assert parts is not None
    rows = []
    for name, row in parts.rows.items():
        cells = [name]
        for column in parts.columns:
            mean, std = row[column]
            cells.append(
                NOTHING if mean is None else f"{mean:.1f}" + ("" if std is None else f" ± {std:.1f}")
            )
        rows.append(tuple(cells))
    header = (" and ".join(comparison.by), *parts.columns)
    return Sheet(_title(f"{parts.title}, mean ± std over seeds", table), header, tuple(rows))


def left_out_sheet(comparison: Comparison) -> Sheet:
    """Return the jobs that take no part, with their causes."""
    rows = tuple(
        (printable(str(one.path)), printable(one.status), printable(one.cause)) for one in comparison.left_out
    )
    return Sheet(f"Jobs that are left out: {len(rows)}", ("job", "status", "cause"), rows, left=3)


def told_mean(metric: Metric, arm: ArmResult) -> str:
    """Return a mean with its standard deviation: `71.3 ± 1.2`."""
    return metric.told(arm.mean) + ("" if arm.std is None else f" ± {metric.told(arm.std)}")


def told_ends(metric: Metric, interval: Interval | None, signed: bool = False) -> str:
    """Return the ends of an interval: `+0.3 to +1.2`."""
    if interval is None or interval.low is None or interval.high is None:
        return NOTHING
    return f"{metric.told(interval.low, signed)} to {metric.told(interval.high, signed)}"


def told_p(p: float | None) -> str:
    """Return a p value: `0.016`, `< 0.001`."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _decimals(table: Table, batch: int) -> int:
    """Return with how many decimals the times of a column are told: three digits of the shortest, or 1 us."""
    times = [ms for cost in table.costs.values() for ms in cost.latency.get(batch, ()) if ms > 0]
    return min(3, max(0, 2 - math.floor(math.log10(min(times))))) if times else 0


def _title(what: str, table: Table) -> str:
    return f"{what}; {table.group.title}" if table.group.title else what


def _interval_words(result: MetricResult) -> list[tuple[str, str]]:
    """Return title and words of the intervals of an arm's mean, each once."""
    found = [arm.interval for arm in result.arms if arm.interval is not None]
    there = dict.fromkeys(i.words for i in found if i.low is not None)
    words = [("interval of the mean", told) for told in there]
    return words + [("note", note) for note in dict.fromkeys(i.note for i in found if i.note)]


def _difference_words(result: MetricResult) -> list[tuple[str, str]]:
    """Return which populations the intervals of the differences speak of, each once."""
    found = [arm.difference for arm in result.arms if arm.difference is not None]
    words: dict[str, list[str]] = {}
    for title, intervals in (
        ("over other seeds", [d.over_seeds for d in found]),
        ("over both", [d.over_both for d in found]),
    ):
        for interval in intervals:
            told = interval.words if interval.low is not None else interval.note
            notes = [(told, title)] + [(interval.note, "note")] * (interval.low is not None)
            for note, of in notes:
                if of not in words.setdefault(note, []):
                    words[note].append(of)
    return [(" and ".join(titles), told) for told, titles in words.items() if told]
