"""Arms: the jobs of a sweep in groups that are compared, each with the same seeds and other settings."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.sweeps.agreement import check_identity, hidden_differences
from dancepose.sweeps.factors import Factors, in_order, place_of
from dancepose.sweeps.jobs import IDENTITY, Job
from dancepose.sweeps.left_out import LeftOut
from dancepose.sweeps.partners import complete_seeds, placed_jobs
from dancepose.text_table import counted

NONE = "none"  # the level that is the reference where nothing else is said
JOINT = ", "  # between the levels of an arm of several factors
MOST = 12  # arms that are told as they are typed


@dataclass(frozen=True, eq=False)
class Arm:
    """The runs of one level, in the order of their seeds.

    Attributes:
        name: its level, or its levels joined.
        jobs: the runs; one for each seed and each combination of the pooled factors.
    """

    name: str
    jobs: tuple[Job, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Each once, rising."""
        return tuple(sorted({job.seed for job in self.jobs}))


@dataclass(frozen=True, eq=False)
class Group:
    """What is compared in one table.

    Attributes:
        by: the factors whose levels are compared.
        against: name of the reference.
        split: factor -> its level in this table.
        arms: by name, the reference first.
        pooled: factors over which the runs of a seed are averaged.
        notes: what must be said of how the jobs were grouped.
        left_out: finished jobs that have no partners in the other arms.
    """

    by: tuple[str, ...]
    against: str
    split: Mapping[str, str]
    arms: Mapping[str, Arm]
    pooled: tuple[str, ...]
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def title(self) -> str:
        """The levels by which the tables are split."""
        return JOINT.join(f"{factor}={level}" for factor, level in self.split.items())


def group_jobs(
    jobs: Sequence[Job],
    by: Sequence[str],
    against: str | None,
    split: Sequence[str] = (),
    only: Mapping[str, Iterable[str]] | None = None,
    allow: Sequence[str] = (),
) -> list[Group]:
    """Group jobs into tables of arms.

    Args:
        jobs: finished ones.
        by: factors whose levels are compared; empty: the only one there is.
        against: the name of the reference: its level, of several factors joined by `JOINT`; None: `none`.
        split: factors each of whose levels has a table of its own.
        only: factor -> the levels whose jobs take part.
        allow: in what jobs of a table may differ all the same: `split`, `version`, `data_hash`.

    Returns:
        The tables, in the order of their levels.

    Raises:
        ConfigError: a factor or level is none; tells what there is.
        DataError: jobs of a table are of differing splits, versions or data, or two are the same job.
    """
    for name in allow:
        if name not in IDENTITY:
            hint = did_you_mean(name, IDENTITY)
            raise ConfigError(f"allow={name}: choose of {', '.join(IDENTITY)}.{hint}")
    jobs = _only(jobs, only or {})
    factors = Factors(jobs)
    by = factors.check("by", by) if by else _the_only_factor(factors)
    split = factors.check("split", split)
    if twice := [name for name in split if name in by]:
        raise ConfigError(f"split={twice[0]}: by={twice[0]} compares its levels already")
    names = in_order(_name(factors, job, by) for job in jobs)
    reference = _reference(against, by, names)
    cells: dict[tuple[str, ...], list[Job]] = {}
    for job in jobs:
        cells.setdefault(tuple(factors.of(job, name) for name in split), []).append(job)
    groups = []
    for levels in sorted(cells, key=lambda key: [place_of(level) for level in key]):
        where = dict(zip(split, levels, strict=True))
        groups.append(_group(cells[levels], factors, by, reference, where, allow))
    return groups


def _only(jobs: Sequence[Job], only: Mapping[str, Iterable[str]]) -> list[Job]:
    factors, kept = Factors(jobs), list(jobs)
    for name, levels in only.items():
        factors.check("only", [name])
        there = {factors.of(job, name) for job in jobs}
        wanted = list(levels)
        for level in wanted:
            if level not in there:
                known = in_order(there)
                hint = did_you_mean(level, known)
                raise ConfigError(f"only.{name}={level}: there is {', '.join(known)}.{hint}")
        kept = [job for job in kept if factors.of(job, name) in wanted]
    if not kept:
        raise ConfigError("only: no job has all these levels")
    return kept


def _the_only_factor(factors: Factors) -> list[str]:
    if len(factors.levels) == 1:
        return list(factors.levels)
    if not factors.levels:
        raise ConfigError(f"by is not set, and there is nothing to compare. {factors.told()}")
    raise ConfigError(f"by is not set: give by=<factor>. {factors.told()}")


def _name(factors: Factors, job: Job, by: Sequence[str]) -> str:
    return JOINT.join(factors.of(job, name) for name in by)


def _typed(name: str, factors: int) -> str:
    """Return how the reference is typed; Hydra would read `null` as no reference, and braces as a mapping."""
    if factors > 1:
        return f"'against=[{name.replace(JOINT, ',')}]'"
    if re.fullmatch(r"[\w./:+-]+", name) and name.lower() not in ("null", "true", "false"):
        return f"against={name}"
    quoted = f'"{name}"'
    return f"against={shlex.quote(quoted)}"


def _reference(against: str | None, by: Sequence[str], names: Sequence[str]) -> str:
    if against is None:
        if NONE in names:
            return NONE
        raise ConfigError(
            f"against is not set, and no level of {' and '.join(by)} is called {NONE}: give the one with "
            f"which the others are compared, {' or '.join(_typed(name, len(by)) for name in names[:MOST])}"
            f"{f', and {len(names) - MOST} more: ' + '; '.join(names[MOST:]) if len(names) > MOST else ''}"
        )
    if against not in names:
        hint = did_you_mean(against, names)
        raise ConfigError(
            f"against={against}: no job has it. Of {' and '.join(by)} there is {'; '.join(names)}.{hint}"
        )
    return against


def _group(
    jobs: Sequence[Job],
    factors: Factors,
    by: Sequence[str],
    reference: str,
    split: Mapping[str, str],
    allow: Sequence[str],
) -> Group:
    """Make the arms of one table; what is said of it is said of the jobs that take part."""
    arms: dict[str, list[Job]] = {}
    for job in jobs:
        arms.setdefault(_name(factors, job, by), []).append(job)
    places = {name: [place_of(factors.of(of[0], factor)) for factor in by] for name, of in arms.items()}
    names = [reference, *sorted((name for name in arms if name != reference), key=places.__getitem__)]
    title = JOINT.join(f"{factor}={level}" for factor, level in split.items())
    if reference not in arms:
        where = f" of {title}" if title else ""
        raise ConfigError(
            f"against={reference}: no job{where} has it, only {'; '.join(arms)}. Leave these jobs out "
            "(only={factor: [levels]}), or compare against another level"
        )
    others = [name for name in factors.levels if name not in by and name not in split]
    varied, along = _varied(factors, others, arms)
    pooled = [name for name in varied if name not in along]
    try:
        placed = {name: placed_jobs(arms[name], factors, pooled) for name in names}
        kept, left_out = complete_seeds(placed, pooled)
    except DataError:
        check_identity(jobs, [*by, *split], allow)  # tells better why jobs look alike
        raise
    there = [job for of in kept.values() for job in of]
    varied, along = _varied(factors, others, kept)
    pooled = [name for name in varied if name not in along]
    notes = check_identity(there, [*by, *split], allow)
    for name in along:
        told = ", ".join(f"{arm} {factors.of(kept[arm][0], name)}" for arm in names)
        notes.append(f"{name} differs along with {' and '.join(by)} ({told}): no table can tell them apart")
    if pooled:
        told = "; ".join(f"{n} ({', '.join(in_order(factors.of(j, n) for j in there))})" for n in pooled)
        notes.append(
            f"pooled: {told}. A seed's runs are averaged over them, all arms over the same ones; "
            f"split=[{','.join(pooled)}] makes tables of them"
        )
    if left_out:
        notes.append(
            f"{counted(len(left_out), 'finished job')} without partners in the other arms left out: they are "
            "named among the jobs that are left out"
        )
    notes += hidden_differences(kept, factors, by, pooled)
    return Group(
        tuple(by),
        reference,
        dict(split),
        {name: Arm(name, tuple(kept[name])) for name in names},
        tuple(pooled),
        tuple(notes),
        tuple(left_out),
    )


def _varied(
    factors: Factors, names: Sequence[str], arms: Mapping[str, Sequence[Job]]
) -> tuple[list[str], list[str]]:
    """Return the factors in which jobs differ, and those of them that have one level in each arm."""
    levels = {name: [{factors.of(job, name) for job in of} for of in arms.values()] for name in names}
    varied = [name for name, of in levels.items() if len(set().union(*of)) > 1]
    return varied, [name for name in varied if all(len(one) == 1 for one in levels[name])]
