"""In what the jobs of a table must agree: split, version and data; and where they silently do not."""

from collections.abc import Iterable, Mapping, Sequence

from dancepose.errors import DataError
from dancepose.key_comments import GLOBAL_GROUPS
from dancepose.sweeps.factors import Factors, differences, in_order, level_of
from dancepose.sweeps.jobs import IDENTITY, UNKNOWN, Job


def check_identity(jobs: Sequence[Job], separate: Sequence[str], allow: Sequence[str]) -> list[str]:
    """Refuse to compare jobs of differing splits, versions or data, or contents of one `model.weights`.

    Args:
        jobs: of one table.
        separate: factors whose levels are not pooled.
        allow: what may differ.

    Returns:
        Notes on what differs and is allowed to, and on runs of which it is not known.
    """
    notes = []
    for name in IDENTITY:
        found: dict[str, list[Job]] = {}
        for job in jobs:
            found.setdefault(job.identity[name], []).append(job)
        word = {"split": "splits", "version": "versions of dancepose", "data_hash": "data"}[name]
        if silent := [job for value, of in found.items() if value.startswith(UNKNOWN) for job in of]:
            notes.append(f"nothing tells whether these are of the same {word}: {_told_jobs(silent)}")
        if len(found) == 1 or name in separate:
            continue
        told = "; ".join(f"{value} of {_told_jobs(of)}" for value, of in found.items())
        if name not in allow:
            raise DataError(
                f"the jobs are of different {word}: {told}. They are not pooled unasked: 'split=[{name}]' "
                f"makes a table for each, 'allow=[{name}]' compares them all the same, or leave a sweep out"
            )
        notes.append(f"jobs of different {word} are compared, as allow={name} says: {told}")
    _check_weights(jobs)
    return notes


def _check_weights(jobs: Sequence[Job]) -> None:
    """Refuse jobs that began from the same file when it held something else."""
    files: dict[str, dict[str, list[Job]]] = {}
    for job in jobs:
        if job.weights:
            files.setdefault(level_of(job, "model.weights"), {}).setdefault(job.weights, []).append(job)
    for name, found in files.items():
        if len(found) > 1:
            told = "; ".join(f"{value} of {_told_jobs(of)}" for value, of in found.items())
            raise DataError(
                f"model.weights={name} held something else when some of the jobs began: {told}. Train the "
                "older ones anew (rerun=stale), or leave a sweep out"
            )


def _told_jobs(jobs: Sequence[Job], most: int = 4) -> str:
    names = ", ".join(job.name for job in jobs[:most])
    return f"{names} and {len(jobs) - most} more" if len(jobs) > most else names


def hidden_differences(
    arms: Mapping[str, Sequence[Job]], factors: Factors, compared: Sequence[str], pooled: Sequence[str]
) -> list[str]:
    """Tell of settings in which runs differ, though no override or choice of a group says so.

    Of a file that was edited between two sweeps for instance: within an arm it adds to the scatter of the
    seeds, and where it goes along with the arms it makes a difference of its own.

    Args:
        arms: of one table.
        factors: of all jobs.
        compared: factors by which the arms differ; what belongs to them may differ between arms.
        pooled: factors over which arms are averaged.
    """
    jobs = [(name, job) for name, members in arms.items() for job in members]
    known = list(factors.levels)
    within: dict[str, set[str]] = {}
    for cell in _cells((job for _, job in jobs), factors, known):
        for key in _varied(cell):
            within.setdefault(key, set()).update(level_of(job, key) for job in cell)
    notes = [
        f"runs that should differ by their seeds alone differ in {key} too: {', '.join(in_order(values))}"
        for key, values in sorted(within.items())
    ]
    if any(name in GLOBAL_GROUPS for name in compared):
        return notes  # a recipe may set anything
    arm_of = {id(job): name for name, job in jobs}
    between: dict[str, dict[str, set[str]]] = {}
    for cell in _cells((job for _, job in jobs), factors, pooled):
        for key in _varied(cell):
            if key not in within and not any(_belongs(key, name) for name in known if name not in pooled):
                values = between.setdefault(key, {})
                for job in cell:
                    values.setdefault(arm_of[id(job)], set()).add(level_of(job, key))
    for key, values in sorted(between.items()):
        told = ", ".join(f"{arm} {' or '.join(in_order(of))}" for arm, of in values.items())
        notes.append(
            f"{key} differs along with {' and '.join(compared)}, though no override says so ({told}): no "
            "table can tell them apart"
        )
    return notes


def _cells(jobs: Iterable[Job], factors: Factors, names: Sequence[str]) -> Iterable[list[Job]]:
    """Return the jobs that have the same levels of some factors."""
    found: dict[tuple[str, ...], list[Job]] = {}
    for job in jobs:
        found.setdefault(tuple(factors.of(job, name) for name in names), []).append(job)
    return found.values()


def _varied(jobs: Sequence[Job]) -> dict[str, None]:
    """Return the keys in which the configurations of jobs are not all equal."""
    base = jobs[0].config
    return dict.fromkeys(key for job in jobs[1:] for key, _, _ in differences(base, job.config))


def _belongs(key: str, factor: str) -> bool:
    """Return whether a key is set by a factor: `model.attention.order` is by `model/attention`."""
    dotted = factor.replace("/", ".")
    return f"{key}.".startswith(f"{dotted}.") or dotted.startswith(f"{key}.")
