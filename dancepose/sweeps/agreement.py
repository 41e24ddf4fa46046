"""In what the jobs of a table must agree: split, version and data; and where they silently do not."""

from collections.abc import Mapping, Sequence
from typing import Any

from dancepose.errors import DataError
from dancepose.sweeps.factors import Factors, differences, in_order
from dancepose.sweeps.jobs import IDENTITY, Job


def check_identity(jobs: Sequence[Job], separate: Sequence[str], allow: Sequence[str]) -> list[str]:
    """Refuse to compare jobs of differing splits, versions or data.

    Args:
        jobs: of one table.
        separate: factors whose levels are not pooled.
        allow: what may differ.

    Returns:
        Notes on what differs and is allowed to.
    """
    notes = []
    for name in IDENTITY:
        found: dict[str, list[Job]] = {}
        for job in jobs:
            found.setdefault(job.identity[name], []).append(job)
        if len(found) == 1 or name in separate:
            continue
        told = "; ".join(f"{value} of {_told_jobs(of)}" for value, of in found.items())
        word = {"split": "splits", "version": "versions of dancepose", "data_hash": "data"}[name]
        if name not in allow:
            raise DataError(
                f"the jobs are of different {word}: {told}. They are not pooled unasked: 'split=[{name}]' "
                f"makes a table for each, 'allow=[{name}]' compares them all the same, or leave a sweep out"
            )
        notes.append(f"jobs of different {word} are compared, as allow={name} says: {told}")
    return notes


def _told_jobs(jobs: Sequence[Job], most: int = 4) -> str:
    names = ", ".join(job.name for job in jobs[:most])
    return f"{names} and {len(jobs) - most} more" if len(jobs) > most else names


def hidden_differences(arms: Mapping[str, Sequence[Job]], factors: Factors) -> list[str]:
    """Tell of settings in which runs of equal factors differ, though no override says so."""
    first: dict[tuple[str, ...], Mapping[str, Any]] = {}
    differing: dict[str, set[str]] = {}
    known = list(factors.levels)
    for members in arms.values():
        for job in members:
            cell = tuple(factors.of(job, name) for name in known)
            base = first.setdefault(cell, job.config)
            if base is not job.config:
                for key, one, other in differences(base, job.config):
                    differing.setdefault(key, set()).update((one, other))
    return [
        f"runs that should differ by their seeds alone differ in {key} too: {', '.join(in_order(values))}"
        for key, values in sorted(differing.items())
    ]
