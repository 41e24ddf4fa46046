"""One process runs a run: whoever comes second is refused before it writes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dancepose.errors import ConfigError
from dancepose.sweeps.ledger import Sweep

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
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    _held.add(descriptor)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"{folder} is being run by another process at this moment: wait for its end, or stop it first"
            ) from None
        except OSError:  # some network file systems lock no folders; there nobody watches, as before
            pass
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _let_go() -> None:
    """In a fork, a data loader's worker say, which may outlive a training that was killed."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
