"""Arms: the jobs of a sweep in groups that are compared, each with the same seeds and other settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.sweeps.agreement import check_identity, hidden_differences
from dancepose.sweeps.factors import Factors, in_order, place_of
from dancepose.sweeps.jobs import IDENTITY, Job, told_job

NONE = "none"  # the level that is the reference where nothing else is said
JOINT = ", "  # between the levels of an arm of several factors


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
    """

    by: tuple[str, ...]
    against: str
    split: Mapping[str, str]
    arms: Mapping[str, Arm]
    pooled: tuple[str, ...]
    notes: tuple[str, ...]

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


def _reference(against: str | None, by: Sequence[str], names: Sequence[str]) -> str:
    if against is None:
        if NONE in names:
            return NONE
        raise ConfigError(
            f"against is not set: give the level of {' and '.join(by)} with which the others are compared, "
            f"one of {'; '.join(names)}"
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
    """Make the arms of one table."""
    notes = check_identity(jobs, [*by, *split], allow)
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
    varied = [name for name in others if len({factors.of(job, name) for job in jobs}) > 1]
    along = [n for n in varied if all(len({factors.of(j, n) for j in arm}) == 1 for arm in arms.values())]
    pooled = tuple(name for name in varied if name not in along)
    for name in along:
        told = ", ".join(f"{arm} {factors.of(arms[arm][0], name)}" for arm in names)
        notes.append(f"{name} differs along with {' and '.join(by)} ({told}): no table can tell them apart")
    if pooled:
        told = "; ".join(f"{n} ({', '.join(in_order(factors.of(j, n) for j in jobs))})" for n in pooled)
        notes.append(
            f"pooled: {told}. A seed's runs are averaged over them, all arms over the same ones; "
            f"split=[{','.join(pooled)}] makes tables of them"
        )
    placed = {name: _placed(arms[name], factors, pooled) for name in names}
    kept, more = _complete(placed, pooled)
    notes += more + hidden_differences(kept, factors, by, pooled)
    return Group(
        tuple(by),
        reference,
        dict(split),
        {name: Arm(name, tuple(kept[name])) for name in names},
        pooled,
        tuple(notes),
    )


Place = tuple[int, tuple[str, ...]]  # seed, levels of the pooled factors


def _placed(jobs: Iterable[Job], factors: Factors, pooled: Sequence[str]) -> dict[Place, Job]:
    """Return the jobs of an arm by seed and pooled factors.

    Raises:
        DataError: two are the same.
    """
    found: dict[Place, Job] = {}
    for job in jobs:
        place = job.seed, tuple(factors.of(job, name) for name in pooled)
        if place in found:
            raise DataError(
                f"{found[place].name} and {told_job(job)} are the same job twice: no override or choice of a "
                "group tells them apart. Leave one sweep out, or remove one of the two folders"
            )
        found[place] = job
    return dict(sorted(found.items()))


def _complete(
    placed: Mapping[str, Mapping[Place, Job]], pooled: Sequence[str]
) -> tuple[dict[str, list[Job]], list[str]]:
    """Keep of each seed what every arm with this seed has of it: means must be of the same settings."""
    notes = []
    having: dict[int, set[str]] = {}  # seed -> arms
    for name, runs in placed.items():
        for seed, _ in runs:
            having.setdefault(seed, set()).add(name)
    kept: dict[str, list[Job]] = {name: [] for name in placed}
    dropped = 0
    for name, runs in placed.items():
        for (seed, levels), job in runs.items():
            if all((seed, levels) in placed[other] for other in having[seed]):
                kept[name].append(job)
            else:
                dropped += 1
    if dropped:
        which = f"equal {', '.join(pooled)}"
        notes.append(f"{dropped} jobs are left out: other arms have no run of their seed and of {which}")
    if empty := [name for name, jobs in kept.items() if not jobs]:
        raise DataError(
            f"no run of {'; '.join(empty)} has partners in the other arms: of no seed do all arms have runs "
            f"of equal {', '.join(pooled)}. Give split=[{','.join(pooled)}], or only={{factor: [levels]}}"
        )
    return kept, notes
