"""Which jobs of a table are averaged and paired: a seed's runs of the same settings in all arms."""

from collections.abc import Iterable, Mapping, Sequence

from dancepose.errors import DataError
from dancepose.sweeps.factors import Factors
from dancepose.sweeps.jobs import Job, told_job
from dancepose.sweeps.left_out import LeftOut

Place = tuple[int, tuple[str, ...]]  # seed, levels of the pooled factors


def placed_jobs(jobs: Iterable[Job], factors: Factors, pooled: Sequence[str]) -> dict[Place, Job]:
    """Return the jobs of an arm by seed and pooled factors.

    Args:
        jobs: of the arm.
        factors: of all jobs.
        pooled: names of the pooled ones.

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


def complete_seeds(
    placed: Mapping[str, Mapping[Place, Job]], pooled: Sequence[str]
) -> tuple[dict[str, list[Job]], list[LeftOut]]:
    """Keep of each seed what every arm with this seed has of it: means must be of the same settings.

    Args:
        placed: arm -> its jobs by their places.
        pooled: names of the pooled factors.

    Returns:
        The jobs of each arm, and those that have no partners in some other.

    Raises:
        DataError: an arm has no job left.
    """
    having: dict[int, set[str]] = {}  # seed -> arms
    for name, runs in placed.items():
        for seed, _ in runs:
            having.setdefault(seed, set()).add(name)
    kept: dict[str, list[Job]] = {name: [] for name in placed}
    left_out = []
    for name, runs in placed.items():
        for (seed, levels), job in runs.items():
            lacking = [n for n in placed if n in having[seed] and (seed, levels) not in placed[n]]
            if not lacking:
                kept[name].append(job)
                continue
            place = ", ".join([f"seed={seed}", *(f"{n}={v}" for n, v in zip(pooled, levels, strict=True))])
            cause = (
                f"there is no finished run of {'; '.join(lacking)} with {place}: train it, or give "
                f"split=[{','.join(pooled)}] or only={{factor: [levels]}}"
            )
            left_out.append(LeftOut(job.path, "done", cause))
    if empty := [name for name, jobs in kept.items() if not jobs]:
        raise DataError(
            f"no run of {'; '.join(empty)} has partners in the other arms: of no seed do all arms have runs "
            f"of equal {', '.join(pooled)}. Give split=[{','.join(pooled)}], or only={{factor: [levels]}}"
        )
    return kept, left_out
