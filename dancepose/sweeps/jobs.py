"""`Job`: what a run directory says of a run, and the jobs that lie below a sweep's folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dancepose.data.json_file import load_mapping
from dancepose.errors import DanceposeError, DataError
from dancepose.sweeps.ledger import Sweep
from dancepose.sweeps.run_yaml import parse_overrides, read_yaml

RESULT = "metrics.json"
DEPTH = 3  # folders below a sweep's in which jobs may lie: those of a sweep of sweeps
UNKNOWN = "unknown"
IDENTITY = ("split", "version", "data_hash")  # in what jobs must agree to be compared


@dataclass(frozen=True)
class LeftOut:
    """A job that takes no part in a comparison.

    Attributes:
        path: its run directory.
        status: what its metrics.json says.
        cause: why it is left out.
    """

    path: Path
    status: str
    cause: str


@dataclass(frozen=True, eq=False)
class Job:
    """A finished run.

    Attributes:
        path: its run directory.
        name: that below the sweep's folder, for messages.
        config: resolved.
        overrides: key -> value as it was typed; None of a key that was removed by `~`.
        choices: Hydra group -> chosen option; empty of a run from before there was choices.yaml.
        metrics: `test/accuracy` -> value.
        objective: the value by which its best checkpoint was chosen: of the validation part.
        identity: `split`, `version` (with its commit) and `data_hash`, as metrics.json has them.
    """

    path: Path
    name: str
    config: Mapping[str, Any]
    overrides: Mapping[str, str | None]
    choices: Mapping[str, str]
    metrics: Mapping[str, float | None]
    objective: float | None
    identity: Mapping[str, str] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """Of the run."""
        return int(self.config.get("seed", 0))

    @property
    def poses(self) -> bool:
        """Whether it learnt poses, and not motions."""
        return self._model.get("network", "pose") == "pose"

    @property
    def _model(self) -> Mapping[str, Any]:
        model = self.config.get("model")
        return model if isinstance(model, Mapping) else {}


def read_jobs(sweeps: Sequence[str | Path]) -> tuple[list[Job], list[LeftOut]]:
    """Read the jobs of sweeps.

    Args:
        sweeps: folders with run directories below them; one that is a run directory itself is a sweep of one.

    Returns:
        The finished jobs, in the order of sweeps and names, and those that are not.

    Raises:
        DataError: a folder is missing or holds no job, or a file of a job is broken; names it.
    """
    jobs: list[Job] = []
    left_out: list[LeftOut] = []
    seen: set[Path] = set()
    for sweep in map(Path, sweeps):
        if not sweep.is_dir():
            raise DataError(f"sweeps: {sweep} is no folder: give the folders of sweeps")
        found = list(_run_directories(sweep))
        missing = list(_missing(sweep))
        if not found and not missing:
            raise DataError(
                f"sweeps: {sweep} holds no job: below it there must be run directories with their {RESULT}"
            )
        for path in found:
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            one = _read_job(path, str(path.relative_to(sweep.parent)))
            (jobs if isinstance(one, Job) else left_out).append(one)  # type: ignore[arg-type]
        left_out += [one for one in missing if one.path.resolve() not in seen]
        seen.update(one.path.resolve() for one in missing)
    return jobs, left_out


def _is_run(folder: Path) -> bool:
    return (folder / RESULT).is_file() or (folder / "config.yaml").is_file()


def _missing(folder: Path, depth: int = DEPTH) -> Iterator[LeftOut]:
    """Yield the jobs that were launched at and below a folder, and left nothing to be read."""
    if _is_run(folder) or not depth:
        return
    ledger = Sweep(folder)
    for name in ledger.jobs():
        if not _is_run(folder / name):
            status, cause = _ended(folder / name)
            yield LeftOut(
                folder / name, status, cause or "it was launched, and left nothing: it did not begin"
            )
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            yield from _missing(path, depth - 1)


def _ended(run: Path) -> tuple[str, str]:
    """Return how a job without a result stands by its sweep's folder: status and cause, empty if unknown."""
    outcome = Sweep(run.parent).last_outcome(run.name)
    if outcome is None:
        return "unknown", ""
    return outcome.status, outcome.cause or f"{outcome.status}, and it has no {RESULT}"


def _run_directories(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield the run directories at and below a folder, those with numbers for names in their order."""
    if _is_run(folder):
        yield folder
        return
    if depth:
        inner = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        for path in sorted(inner, key=lambda p: (not p.name.isdigit(), p.name.zfill(9), p.name)):
            yield from _run_directories(path, depth - 1)


def _read_job(path: Path, name: str) -> Job | LeftOut:
    if not (path / RESULT).is_file():
        status, cause = _ended(path)
        return LeftOut(path, status, cause or f"it has no {RESULT}: it stopped as it began")
    result = load_mapping(path / RESULT)
    status = str(result.get("status", "unknown"))
    if status != "done":
        return LeftOut(path, status, str(result.get("cause") or f"its status is {status}"))
    metrics = result.get("metrics") or {}
    if not isinstance(metrics, dict):
        raise DataError(f"{path / RESULT}: metrics must hold a mapping")
    if not any(key.startswith("test/") for key in metrics):
        return LeftOut(path, status, "it was not tested: train it with test=true")
    config = read_yaml(path / "config.yaml", dict)
    seed = config.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise DataError(f"{path / 'config.yaml'}: seed={seed!r}: a whole number is needed")
    choices = read_yaml(path / "choices.yaml", dict) if (path / "choices.yaml").is_file() else {}
    return Job(
        path,
        name,
        config,
        parse_overrides(read_yaml(path / "overrides.yaml", list)),
        {str(group): str(option) for group, option in choices.items() if option is not None},
        {str(key): _number(value) for key, value in metrics.items()},
        _number(result.get("objective")),
        {
            "split": str(result.get("split", UNKNOWN)),
            "version": _version(result),
            "data_hash": str(result.get("data", UNKNOWN)),
        },
    )


def _version(result: Mapping[str, Any]) -> str:
    """Return the version of the code that trained a run, with its commits where they are known."""
    version, commit = (
        str(result.get(key, default)) for key, default in (("version", UNKNOWN), ("commit", ""))
    )
    return f"{version}, commit {commit}" if commit else version


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def told_job(job: Job) -> str:
    """Return a job's name with its seed, for messages."""
    return f"{job.name} (seed {job.seed})"


def refuse_mixed(jobs: Sequence[Job]) -> bool:
    """Tell whether the jobs are of poses.

    Raises:
        DanceposeError: some are, and others of motions.
    """
    kinds: dict[bool, Job] = {}
    for job in jobs:
        kinds.setdefault(job.poses, job)
    if len(kinds) > 1:
        raise DanceposeError(
            f"{kinds[True].name} is of poses and {kinds[False].name} of motions: they have no metric in "
            "common. Give sweeps of one of them"
        )
    return next(iter(kinds))
