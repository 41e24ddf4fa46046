"""`Job`: what a run directory says of a run, and the jobs that lie below a sweep's folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from dancepose.data.json_file import load_mapping
from dancepose.errors import DanceposeError, DataError

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml: slower, and the same
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

RESULT = "metrics.json"
DEPTH = 3  # folders below a sweep's in which jobs may lie: those of a sweep of sweeps
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
        identity: `split`, `version` and `data_hash`, hashes as metrics.json has them.
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
        if not found:
            raise DataError(
                f"sweeps: {sweep} holds no job: below it there must be run directories with their {RESULT}"
            )
        for path in found:
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            one = _read_job(path, str(path.relative_to(sweep.parent)))
            (jobs if isinstance(one, Job) else left_out).append(one)  # type: ignore[arg-type]
    return jobs, left_out


def _run_directories(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield the run directories at and below a folder, those with numbers for names in their order."""
    if (folder / RESULT).is_file() or (folder / "config.yaml").is_file():
        yield folder
        return
    if depth:
        inner = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        for path in sorted(inner, key=lambda p: (not p.name.isdigit(), p.name.zfill(9), p.name)):
            yield from _run_directories(path, depth - 1)


def _read_job(path: Path, name: str) -> Job | LeftOut:
    if not (path / RESULT).is_file():
        return LeftOut(path, "unknown", f"it has no {RESULT}: it stopped as it began")
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
            "split": str(result.get("split", "unknown")),
            "version": str(result.get("version", "unknown")),
            "data_hash": str(result.get("data", "unknown")),
        },
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def read_yaml(path: Path, kind: type) -> Any:
    """Read a YAML file of a run; no code in it is run.

    Raises:
        DataError: it is missing, broken, or holds something else than a `kind`.
    """
    try:
        content = _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataError(f"{path} is no valid YAML: {error}") from None
    if not isinstance(content, kind):
        raise DataError(f"{path} must hold a {'mapping' if kind is dict else 'list'}")
    return content


def _parse(text: str) -> Any:
    """Parse YAML, of a mapping each entry by itself: the runs of a sweep have most of theirs in common."""
    entries = _entries(text)
    if entries is None:
        return yaml.load(text, Loader)
    try:
        found: dict[Any, Any] = {}
        for entry in entries:
            found.update(_parse_entry(entry))
        return found
    except (yaml.YAMLError, TypeError, ValueError):  # an anchor in another entry, or it is broken
        return yaml.load(text, Loader)


def _entries(text: str) -> list[str] | None:
    """Cut a mapping in block style, as `yaml.safe_dump` writes it, in front of each unindented key."""
    entries: list[list[str]] = []
    for line in text.splitlines(keepends=True):
        if line[:1].isalpha():
            entries.append([line])
        elif entries and line[:1] in (" ", "-"):
            entries[-1].append(line)
        else:
            return None
    return ["".join(lines) for lines in entries] if entries else None


@lru_cache(maxsize=4096)
def _parse_entry(text: str) -> Any:
    found = yaml.load(text, Loader)
    if not isinstance(found, dict) or len(found) != 1:
        raise ValueError("no entry of a mapping")
    return found


def parse_overrides(overrides: Sequence[Any]) -> dict[str, str | None]:
    """Return key -> value of overrides as Hydra takes them: `+model.width=8`, `~scheduler`."""
    found: dict[str, str | None] = {}
    for override in map(str, overrides):
        key, equals, value = override.lstrip("+~").partition("=")
        found[key.partition("@")[0]] = value if equals and not override.startswith("~") else None
    return found


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
