"""What a sweep's folder knows of its jobs: their overrides, how they ended, and which is being run now."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from filelock import Timeout

from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.errors import ConfigError, DanceposeError
from dancepose.files import remove_partial, write_json, write_text
from dancepose.sweeps.locks import locked

JOBS, OUTCOMES, TABLE, LOCKS = "jobs.json", "sweep.json", "sweep.txt", ".locks"
LEDGER = "ledger"  # the lock of who writes into the folder itself
PLANS = ".plans_"  # and a launch: what its dry run has found so far
PATIENCE = 2.0  # seconds that a job waits for its lock: who only looks whether it is held has it for a moment
GLANCE = 0.1  # seconds that who only looks waits for another who does


def check_objective(name: Any) -> None:
    """Refuse to choose by the test part.

    Raises:
        ConfigError: the objective is one of its metrics.
    """
    if str(name).startswith("test/"):
        raise ConfigError(f"objective={name}: nothing may be chosen by the test part; give a val/ metric")


class JobTaken(DanceposeError):
    """Another process is running this very job now."""


@dataclass(frozen=True)
class Outcome:
    """How a job stands after a launch.

    Attributes:
        status: done, failed, interrupted, skipped (done before), stale, unknown (its data cannot be read),
            running (by another launcher), submitted (to a cluster); of a dry run also missing.
        cause: why it failed or what it is stale by.
        objective: what a sweep optimises; None where there is none.
        seconds: that the launch spent on it.
        goes_on: whether a failed job is run again by the same command: it was killed, or never began.
        queued: what a cluster calls a job that was submitted to it, and has not told of its end.
        about: of a dry run, whether it is `due`: would be run; parameters, MACs and so on.
    """

    status: str
    cause: str = ""
    objective: float | None = None
    seconds: float = 0.0
    goes_on: bool = False
    queued: str = ""
    about: dict[str, Any] | None = None


class Sweep:
    """The folder of a sweep: a run directory for each job, `jobs.json`, `sweep.json`.

    Several launchers may write at once. Locks are those of the operating system: one that a process held
    is free when the process has ended, however it ended.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).resolve()

    @classmethod
    def of_run(cls, run: Path) -> "Sweep | None":
        """Return the sweep of which a run directory is a job, None where it is of none."""
        sweep = cls(run.parent)
        return sweep if run.name in sweep.jobs() else None

    def jobs(self) -> dict[str, list[str]]:
        """Return name -> overrides of every job that was ever launched here.

        Raises:
            DataError: jobs.json is broken.
        """
        path = self.path / JOBS
        return load_mapping(path) if path.is_file() else {}

    def add(self, name: str, overrides: Sequence[str]) -> None:
        """Write a job into `jobs.json`."""
        if self.jobs().get(name) != list(overrides):
            with self.writing():
                write_json(self.path / JOBS, {**self.jobs(), name: list(overrides)})

    def record(self, name: str, launch: str, outcome: Outcome) -> None:
        """Write how a job ended into `sweep.json`.

        Args:
            name: of the job.
            launch: which launch it is that tells.
            outcome: what to tell.
        """
        self._record(self.path / OUTCOMES, launch, {name: outcome})

    def submit(self, jobs: Mapping[str, str], launch: str) -> None:
        """Write down which jobs were submitted to a cluster.

        Args:
            jobs: name -> what the cluster calls it.
            launch: which launch it is that has submitted them.
        """
        outcomes = {name: Outcome("submitted", queued=queued) for name, queued in jobs.items()}
        self._record(self.path / OUTCOMES, launch, outcomes)

    def queued(self, name: str) -> str:
        """Return what a cluster calls a job that was submitted and has not told of its end; else nothing."""
        found = self.last_outcome(name)
        return found.queued if found is not None else ""

    def write_table(self, text: str) -> None:
        """Write the table of a launch, `sweep.txt`."""
        with self.writing():
            write_text(self.path / TABLE, text)

    def clean(self) -> None:
        """Remove what launchers left that were killed: half-written files, and plans of dry runs."""
        if not self.path.is_dir():
            return
        with self.writing():  # as do all who write into the folder itself
            remove_partial(self.path)
            for path in self.path.glob(f"{PLANS}*.json"):
                if not self.is_held(path.stem):
                    self._forget(path)

    @contextmanager
    def planning(self, launch: str) -> Iterator[None]:
        """Make a dry run: its plans go when it ends. What else it leaves: see `without_trace`."""
        path = self._plans(launch)
        with self.holding(path.stem):
            try:
                yield
            finally:
                self._forget(path)

    def _forget(self, plans: Path) -> None:
        plans.unlink(missing_ok=True)
        self._lock_file(plans.stem).unlink(missing_ok=True)

    def plan(self, name: str, launch: str, outcome: Outcome, number: int) -> None:
        """Write what a dry run found of a job, for `plans`.

        Args:
            name: of the job.
            launch: the dry run.
            outcome: what was found.
            number: of the job in the sweep.
        """
        self._record(self._plans(launch), launch, {name: outcome}, number=number)

    def _record(self, path: Path, launch: str, outcomes: Mapping[str, Outcome], **more: int) -> None:
        with self.writing():
            found = load_mapping(path) if path.is_file() else {}
            for name, outcome in outcomes.items():
                entry = {"launch": launch, **asdict(outcome), **more}
                if outcome.status == "interrupted":  # a cluster may have put it back into its queue
                    entry["queued"] = found.get(name, {}).get("queued", "")
                found[name] = entry
            write_json(path, found)

    def outcomes(self, launch: str) -> dict[str, Outcome]:
        """Return name -> outcome of the jobs of a launch, in the order in which they ended."""
        return self._read(self.path / OUTCOMES, launch)

    def last_outcome(self, name: str) -> Outcome | None:
        """Return how a job stood at last, whichever launch has told; None if none has."""
        return self._read(self.path / OUTCOMES, None).get(name)

    def plans(self, launch: str) -> dict[str, Outcome]:
        """Return what a dry run has found, in the sweep's order, in whatever order its launcher went."""
        path = self._plans(launch)
        entries = load_mapping(path) if path.is_file() else {}
        found = self._read(path, launch)
        return {name: found[name] for name in sorted(found, key=lambda name: entries[name]["number"])}

    def _plans(self, launch: str) -> Path:
        return self.path / f"{PLANS}{launch}.json"

    @staticmethod
    def _read(path: Path, launch: str | None) -> dict[str, Outcome]:
        kept = {field.name for field in fields(Outcome)}
        found = {}
        for name, entry in (load_mapping(path) if path.is_file() else {}).items():
            if not isinstance(entry, dict) or not {"launch", "status"} <= entry.keys():
                raise BrokenFile(path, "must tell launch and status: save it again or remove it", name)
            if launch in (None, entry["launch"]):
                found[name] = Outcome(**{key: value for key, value in entry.items() if key in kept})
        return found

    @contextmanager
    def holding(self, name: str, patience: float = PATIENCE) -> Iterator[None]:
        """Hold a job for oneself.

        Args:
            name: of the job.
            patience: seconds to wait for it.

        Raises:
            JobTaken: another process holds it.
        """
        try:
            lock = locked(self._lock_file(name), patience)
        except Timeout:
            raise JobTaken(f"{self.path / name} is being run by another process at this moment") from None
        try:
            yield
        finally:
            lock.release()

    def is_held(self, name: str) -> bool:
        """Tell whether some process is running a job now."""
        try:
            if not self._lock_file(name).exists():  # nobody ever held it; to look leaves no file
                return False
            with self.holding(name, patience=GLANCE):
                return False
        except JobTaken:
            return True

    def is_running(self, name: str) -> bool:
        """Tell what `is_held` does, of a folder that may be another user's."""
        try:
            return self.is_held(name)
        except OSError:  # who alone may lock it
            return False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write into the folder itself: one process at a time, and nothing of it is taken for a leftover."""
        lock = locked(self._lock_file(LEDGER))
        try:
            yield
        finally:
            lock.release()

    def _lock_file(self, name: str) -> Path:
        return self.path / LOCKS / f"{name.replace('/', '_')}.lock"
