"""What the folder of a sweep tells of its jobs without a result: how they ended, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dancepose.data.json_file import BrokenFile
from dancepose.errors import DataError
from dancepose.run_yaml import read_yaml
from dancepose.sweeps.ledger import JOBS, Outcome, Sweep
from dancepose.sweeps.left_out import RESULT, SAVE, LeftOut, failed_again, go_on, is_of_sweep, write_again
from dancepose.sweeps.names import DIGITS, lasting

DONE = ("done", "skipped")
DEPTH = 3  # folders below a sweep's in which jobs may lie: those of a sweep of sweeps


def run_directories(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield the run directories at and below a folder, those with numbers for names in their order."""
    if is_run(folder):
        yield folder
        return
    if depth:
        for path in sorted(_inner(folder), key=lambda p: (not p.name.isdigit(), p.name.zfill(9), p.name)):
            yield from run_directories(path, depth - 1)


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds a run."""
    return (folder / RESULT).is_file() or (folder / "config.yaml").is_file()


def missing_jobs(folder: Path) -> Iterator[LeftOut]:
    """Yield the jobs that were launched at and below a folder, and left nothing to be read.

    A broken jobs.json names none, see `ledger_notes`.
    """
    for path in _sweeps(folder):
        there = renamed(path)
        for name in _launched(path):
            if not is_run(path / name) and name not in there:
                yield _missing(path / name)


def _missing(run: Path) -> LeftOut:
    outcome = _last_outcome(run)
    if outcome is None and not run.is_dir():
        return LeftOut(
            run,
            "unknown",
            f"it was launched, and did not begin, or its folder is gone: {failed_again(run, goes_on=True)}",
        )
    if outcome is not None and outcome.status in DONE and not run.is_dir():
        again = failed_again(run, goes_on=True)
        return LeftOut(run, outcome.status, f"it was done, and its folder is gone: put it back, or {again}")
    return LeftOut(run, *ended(run, "it was launched, and left nothing"))


def has_begun(metrics: Mapping[str, Any]) -> bool:
    """Tell whether a run has read its data and begun to train, by its metrics.json.

    One that failed before is run again by the same command: what hindered it may be mended.
    """
    return "data" in metrics


def ended(run: Path, cause: str = "", metrics: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """Tell how a run without a result stands.

    Args:
        run: its folder.
        cause: that its own files tell; told where the sweep knows none.
        metrics: its metrics.json; None where it has none.

    Returns:
        Its status, and the cause with the remedy.
    """
    status = "" if metrics is None else str(metrics.get("status", "unknown"))
    if Sweep(run.parent).is_running(run.name):
        return "running", "it is being run at this moment: compare again when it has ended"
    outcome = _last_outcome(run)
    if outcome is not None and outcome.queued and status not in ("failed",):
        again = "compare again when it has ended, or launch the sweep again, which waits for it"
        return status or outcome.status, f"the cluster, which calls it {outcome.queued}, has it: {again}"
    known = outcome.cause if outcome is not None else ""
    done = outcome is not None and outcome.status in DONE
    if not status and (done or (run / "checkpoints").is_dir()):
        what = "it was done, and" if done else "it"
        return (
            outcome.status if outcome is not None else "unknown",
            f"{what} has no {RESULT}: {write_again(run)}",
        )
    if status == "failed" or (not status and outcome is not None and outcome.status == "failed"):
        told = (cause or known) if status else (known or cause)
        goes_on = metrics is None or not has_begun(metrics)
        return "failed", f"{told or 'it failed'}: {failed_again(run, goes_on)}"
    if status == "running":
        killed = "it was killed together with its launcher"
        return (
            status,
            f"{known or (killed if is_of_sweep(run) else 'it runs still, or was killed')}: {go_on(run)}",
        )
    told = known or cause or (f"it was {status}" if status == "interrupted" else f"its status is {status}")
    return status or (outcome.status if outcome is not None else "unknown"), f"{told}: {go_on(run)}"


def ledger_notes(sweeps: Sequence[str | Path]) -> list[str]:
    """Return what must be said of the files and folders of sweeps beside what their jobs tell.

    That jobs.json or sweep.json is broken, so that jobs without a folder cannot be named, or how they ended
    is not known; and which folders were renamed.
    Jobs that have a folder are compared all the same: each says by itself what it is.
    """
    notes: dict[str, None] = {}
    for path in (found for sweep in sweeps for found in _sweeps(Path(sweep))):
        for read, lost in (
            (_read_jobs, "the jobs are compared by their own files; any that left no folder are not known"),
            (_read_outcomes, "how jobs without a result ended is not known"),
        ):
            try:
                read(path)
            except DataError as error:
                told = " ".join(str(error).removesuffix(SAVE).split())
                notes[f"{told}: {lost}. Remove it and launch the sweep again, which writes it anew"] = None
        for old, new in renamed(path).items():
            found = new.endswith(old[-DIGITS - 1 :])  # by these digits a launch finds it
            hint = "" if found else f"; name it {old} again, else a launch of the sweep trains it once more"
            told = f"{path / new} was launched as {old}: the folder was renamed, and the job counts once"
            notes[f"{told}{hint}"] = None
    return list(notes)


def renamed(sweep: Path) -> dict[str, str]:
    """Return name -> folder of the jobs of a sweep whose folder was renamed: it has the job's overrides."""
    jobs = _launched(sweep)
    gone = {name: sorted(lasting(o)) for name, o in jobs.items() if not (sweep / name).is_dir()}
    if not gone:
        return {}
    strange = {}
    for path in _inner(sweep):
        if path.name not in jobs and is_run(path):
            try:
                strange[path.name] = sorted(lasting(map(str, read_yaml(path / "overrides.yaml", list))))
            except DataError:  # told of by itself
                continue
    found: dict[str, str] = {}
    for name, overrides in gone.items():
        same = [new for new, own in strange.items() if own == overrides and new not in found.values()]
        if same:
            found[name] = same[0]
    return found


def _sweeps(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield the folders at and below one in which a sweep was launched."""
    if is_run(folder) or not folder.is_dir():
        return
    if (folder / JOBS).is_file():
        yield folder.resolve()
    if depth:
        for path in sorted(_inner(folder)):
            yield from _sweeps(path, depth - 1)


def _inner(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _launched(sweep: Path) -> dict[str, list[str]]:
    try:
        return _read_jobs(sweep)
    except DataError:
        return {}


def _read_jobs(sweep: Path) -> dict[str, list[str]]:
    jobs = Sweep(sweep).jobs()
    for name, overrides in jobs.items():
        if not isinstance(overrides, list) or not all(isinstance(one, str) for one in overrides):
            raise BrokenFile(sweep / JOBS, f"must be the job's overrides, a list of texts{SAVE}", name)
    return jobs


def _read_outcomes(sweep: Path) -> dict[str, Outcome]:
    return Sweep(sweep).outcomes("")


def _last_outcome(run: Path) -> Outcome | None:
    """Return how a job stands by its sweep's folder; None where that does not tell, or is broken."""
    try:
        return Sweep(run.parent).last_outcome(run.name)
    except DataError:
        return None
