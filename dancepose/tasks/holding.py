"""One process runs a run: whoever comes second is refused before it writes."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dancepose.errors import ConfigError
from dancepose.sweeps.ledger import PATIENCE, Sweep

log = logging.getLogger(__name__)

_held: set[int] = set()  # descriptors of the folders that this process holds


@contextmanager
def holding_run(run: Path) -> Iterator[None]:
    """Hold a run directory for oneself: as a job of its sweep, else by a lock on the folder.

    The lock goes with the process, however that ends.

    Raises:
        JobTaken: another process is running this job of a sweep.
        ConfigError: another process is running this run.
    """
    sweep = Sweep.of_run(run)
    with _holding_folder(run) if sweep is None else sweep.holding(run.name):
        yield


@contextmanager
def _holding_folder(folder: Path) -> Iterator[None]:
    if sys.platform == "win32" or not folder.is_dir():
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    _held.add(descriptor)
    try:
        last = time.monotonic() + PATIENCE
        while not _locked(descriptor, folder):
            if time.monotonic() > last:
                raise ConfigError(
                    f"{folder} is being run by another process at this moment: wait for its end, or stop it "
                    "first"
                )
            time.sleep(0.05)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _locked(descriptor: int, folder: Path) -> bool:
    """Take the lock, if nobody has it."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # some network file systems lock no folders
        log.warning("%s cannot be locked (%s): start no second command on this run", folder, error)
    return True


def _let_go() -> None:
    """In a fork, a data loader's worker say, which may outlive a training that was killed."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
