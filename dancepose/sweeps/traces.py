"""A dry run of a sweep leaves no trace: what it and its launcher make in a folder goes again."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dancepose.errors import DanceposeError
from dancepose.sweeps.ledger import JOBS, LEDGER, LOCKS, Sweep

SETTINGS = "multirun.yaml"  # which Hydra's sweeper writes
OF_DRY_RUN = b"\ndry_run: true\n"  # in it


@contextmanager
def without_trace(folder: Path) -> Iterator[None]:
    """Leave a sweep's folder as it was, or remove it if it was not there, however a dry run ends.

    What a launcher makes meanwhile that runs jobs in it stays.

    Args:
        folder: of the sweep; need not be there.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    before = set(folder.iterdir()) if folder.is_dir() else set()
    known = _launched(folder)
    settings = folder / SETTINGS
    written = settings.read_bytes() if settings.is_file() else None
    try:
        yield
    finally:
        if folder.is_dir():
            _remove_new(folder, before, known)
            if settings.is_file() and OF_DRY_RUN in settings.read_bytes():
                settings.unlink()
                if written is not None:
                    settings.write_bytes(written)
        for path in missing:  # the innermost first
            with suppress(OSError):
                path.rmdir()


def _launched(folder: Path) -> set[str]:
    """Return the names of all jobs that were launched; a broken jobs.json is for who launches."""
    with suppress(DanceposeError):
        return set(Sweep(folder).jobs())
    return set()


def _remove_new(folder: Path, before: set[Path], known: set[str]) -> None:
    """Remove the empty folders of jobs, and the locks where no job was ever launched.

    Args:
        folder: of the sweep.
        before: what it held when the dry run began.
        known: jobs that had been launched by then; those that were launched since are another launcher's.
    """
    sweep = Sweep(folder)
    with suppress(DanceposeError, OSError), sweep.writing():  # a launch that begins now is there, or waits
        others = _launched(folder) - known
        for path in set(folder.iterdir()) - before:
            if path.is_dir() and path.name not in (*others, LOCKS) and not sweep.is_held(path.name):
                with suppress(OSError):
                    path.rmdir()
        if not (folder / JOBS).exists():
            _remove_locks(sweep)


def _remove_locks(sweep: Sweep) -> None:
    """Remove the folder of locks, where nobody holds any but this process that of the ledger."""
    locks = sweep.path / LOCKS
    if not any(sweep.is_held(path.stem) for path in locks.glob("*.lock") if path.stem != LEDGER):
        shutil.rmtree(locks, ignore_errors=True)
