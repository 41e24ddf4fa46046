"""`Job`: what a run directory says of a run, and the jobs that lie below a sweep's folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.errors import DanceposeError, DataError
from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.samples import MotionSamples
from dancepose.paths import EVALUATIONS
from dancepose.run_yaml import parse_overrides, read_yaml
from dancepose.sweeps.launched import ended, missing_jobs, run_directories
from dancepose.sweeps.left_out import RESULT, LeftOut, damaged, write_again

CONFIG, CHOICES = "config.yaml", "choices.yaml"
UNKNOWN = "unknown"
IDENTITY = ("split", "version", "data_hash")  # in what jobs must agree to be compared


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
        weights: what stands for the contents of `model.weights` when it began; empty where that is not known.
        evaluation: name of the evaluation that it is compared by; None: its training's own test.
        samples: what it said of each test sample, where that was read and is held; see `with_samples`.
    """

    path: Path
    name: str
    config: Mapping[str, Any]
    overrides: Mapping[str, str | None]
    choices: Mapping[str, str]
    metrics: Mapping[str, float | None]
    objective: float | None
    identity: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""
    evaluation: str | None = None
    samples: MotionSamples | PoseImages | None = field(default=None, repr=False)

    @property
    def tested(self) -> Path:
        """Folder of the files of the test that it is compared by."""
        return self.path if self.evaluation is None else self.path / EVALUATIONS / self.evaluation

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


def read_jobs(sweeps: Sequence[str | Path], tested: bool = True) -> tuple[list[Job], list[LeftOut]]:
    """Read the jobs of sweeps.

    Args:
        sweeps: folders with run directories below them; one that is a run directory itself is a sweep of one.
        tested: leave out those that their trainings did not test.

    Returns:
        The finished jobs, in the order of sweeps and names, and those that are not, or one of whose files
        is damaged: one job shall not keep the others from being compared.

    Raises:
        DataError: a folder is missing or holds no job; names it.
    """
    jobs: list[Job] = []
    left_out: list[LeftOut] = []
    seen: set[Path] = set()
    for sweep in map(Path, sweeps):
        if not sweep.is_dir():
            raise DataError(f"sweeps: {sweep} is no folder: give the folders of sweeps")
        found = list(run_directories(sweep))
        missing = list(missing_jobs(sweep))
        if not found and not missing:
            raise DataError(
                f"sweeps: {sweep} holds no job: below it there must be run directories with their {RESULT}"
            )
        for path in found:
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            try:
                one = _read_job(path, str(path.relative_to(sweep.parent)), tested)
            except DataError as error:
                one = damaged(path, error, write_again(path, config=str(path / CONFIG) in str(error)))
            (jobs if isinstance(one, Job) else left_out).append(one)  # type: ignore[arg-type]
        left_out += [one for one in missing if one.path.resolve() not in seen]
        seen.update(one.path.resolve() for one in missing)
    jobs, more = _with_choices(jobs)
    return jobs, left_out + more


def _with_choices(jobs: Sequence[Job]) -> tuple[list[Job], list[LeftOut]]:
    """Part the jobs that tell their choices of groups from those that do not, where others of the sweep do.

    Else a job without them would seem to differ in every group from all others, and these would find no
    partners with its settings. Where no job of a sweep has them it is of an earlier version.
    """
    telling = {job.path.parent for job in jobs if (job.path / CHOICES).is_file()}
    without = [j for j in jobs if j.path.parent in telling and not (j.path / CHOICES).is_file()]
    cause = f"it has no {CHOICES}, as others have: what it chose of the groups is not known"
    return (
        [job for job in jobs if job not in without],
        [damaged(job.path, DataError(cause), write_again(job.path)) for job in without],
    )


def _read_job(path: Path, name: str, tested: bool) -> Job | LeftOut:
    if not (path / RESULT).is_file():
        return LeftOut(path, *ended(path, f"it has no {RESULT}: it stopped as it began"))
    result = load_mapping(path / RESULT)
    status = str(result.get("status", "unknown"))
    if status != "done":
        return LeftOut(path, *ended(path, str(result.get("cause") or ""), result))
    metrics = _mapping(path, result, "metrics")
    if tested and not any(str(key).startswith("test/") for key in metrics):
        return LeftOut(path, status, "it was not tested: train it with test=true")
    config = read_yaml(path / CONFIG, dict)
    seed = config.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise DataError(f"{path / 'config.yaml'}: seed={seed!r}: a whole number is needed")
    choices = read_yaml(path / CHOICES, dict) if (path / CHOICES).is_file() else {}
    return Job(
        path,
        name,
        config,
        parse_overrides(_texts(path / "overrides.yaml")),
        {str(group): str(option) for group, option in choices.items() if option is not None},
        {key: _number(path, f"metrics.{key}", value) for key, value in metrics.items()},
        _number(path, "objective", result.get("objective")),
        {
            "split": str(result.get("split", UNKNOWN)),
            "version": _version(result),
            "data_hash": str(result.get("data", UNKNOWN)),
        },
        str(result.get("weights", "")),
    )


def _mapping(run: Path, result: Mapping[str, Any], field: str) -> dict[str, Any]:
    found = result.get(field) or {}
    if not isinstance(found, dict):
        raise BrokenFile(run / RESULT, f"must hold a mapping, not a {type(found).__name__}", field)
    return found


def _texts(path: Path) -> list[str]:
    found = read_yaml(path, list)
    if wrong := [entry for entry in found if not isinstance(entry, str)]:
        raise DataError(f"{path} must hold overrides as texts, not {wrong[0]!r}")
    return found


def _version(result: Mapping[str, Any]) -> str:
    """Return the version of the code that trained a run, with its commits where they are known."""
    version, commit = (
        str(result.get(key, default)) for key, default in (("version", UNKNOWN), ("commit", ""))
    )
    return f"{version}, commit {commit}" if commit else version


def _number(run: Path, field: str, value: Any) -> float | None:
    """Return a number of metrics.json, None of none.

    Raises:
        BrokenFile: it is something else.
    """
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return None if value is None else float(value)
    raise BrokenFile(run / RESULT, f"is {value!r}: a number is needed", field)


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
