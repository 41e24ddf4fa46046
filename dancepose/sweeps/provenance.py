"""Where the figures of a comparison come from, in a few lines."""

import re
import shlex
from collections.abc import Mapping

from dancepose.sweeps.factors import printable, told_value
from dancepose.sweeps.results import Comparison


def provenance(comparison: Comparison) -> list[tuple[str, str]]:
    """Return what stands in the block of a page: title and words of each line.

    A line in which the tables of a comparison differ is told for each.
    """
    jobs = [sum(len(arm.jobs) for arm in table.group.arms.values()) for table in comparison.tables]
    left_out = f"; {len(comparison.left_out)} left out" if comparison.left_out else ""
    rows = [("sweeps", f"{', '.join(comparison.sweeps)} ({_count(sum(jobs), 'run')} compared{left_out})")]
    found: dict[str, dict[str, str]] = {}
    for table in comparison.tables:
        test = table.origin
        if test is None:
            continue
        hashes = f" (labels {', '.join(test.data_hashes)})"
        for title, words in (
            ("trained by", "dancepose " + "; ".join(test.versions)),
            ("data", "; ".join(test.data) + hashes),
            ("split", "; ".join(test.splits)),
            ("test part", test.words),
            ("bootstrap", _drawn(comparison, test.groups, test.unit)),
        ):
            found.setdefault(title, {})[table.group.title] = words
    for title, of_table in found.items():
        once = len(set(of_table.values())) == 1
        told = of_table.values() if once else (f"{name}: {words}" for name, words in of_table.items())
        rows.append((title, list(told)[0] if once else "; ".join(told)))
    if comparison.made is not None:
        rows.append(("compared", f"{comparison.made.date}, by dancepose {comparison.made.version}"))
        rows.append(("command", command(comparison.made.options)))
    return [(title, printable(words)) for title, words in rows]


def command(options: Mapping[str, object]) -> str:
    """Return the command that makes such a comparison again, with all that decides its figures."""
    told = [f"{key}={_option(value)}" for key, value in options.items() if value not in (None, [], {})]
    return shlex.join(["dancepose-compare", *told])


def _drawn(comparison: Comparison, groups: int, unit: str) -> str:
    whole = ", each whole" if unit == "clips" else ""  # with all its samples
    told = f"{comparison.resamples:,} resamples of the {groups:,} {unit}{whole}"
    return f"{told}, {100 * comparison.level:g} % intervals"


def _option(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_option(of)}" for key, of in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_option(of) for of in value) + "]"
    text = told_value(value)
    if not isinstance(value, str) or re.fullmatch(r"[\w./@+-]+", text):
        return text
    return "'" + text.replace("'", r"\'") + "'"  # for Hydra; the shell's quotes come around it


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
