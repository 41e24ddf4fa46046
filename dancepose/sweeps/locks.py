"""A lock on a file of a sweep's folder, which a dry run may remove when it ends."""

from pathlib import Path

from filelock import FileLock

from dancepose.files import unwritable


def locked(path: Path, patience: float = -1) -> FileLock:
    """Return a lock that is held, for who calls to release; its folder is made where there is none.

    Args:
        path: of the file.
        patience: seconds to wait for it; -1: without an end.

    Raises:
        Timeout: another holds it.
        DanceposeError: its folder cannot be made.
    """
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path.parent, error) from None
        lock = FileLock(path)
        try:
            lock.acquire(timeout=patience)
        except FileNotFoundError:  # its folder was removed while it was waited for
            continue
        return lock
