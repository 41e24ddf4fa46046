"""Files that are written whole or not at all."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from dancepose.errors import DanceposeError


def _mode() -> int:
    """Return what the user lets new files be; temporary ones are private, whatever that is."""
    os.umask(mask := os.umask(0o077))  # it can be read only by setting it: here, before there are threads
    return 0o666 & ~mask


MODE = _mode()
SUFFIX = ".dancepose_partial"  # nobody else's
PARTIAL = re.compile(
    r"\..+\.[a-z0-9_]{8}" + re.escape(SUFFIX)
)  # the names of files that `replacing` is writing


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file under a temporary name beside `path`; it takes the place of `path` when it is complete.

    Raises:
        DanceposeError: the disk is full or the folder cannot be written; the old file, if any, is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=SUFFIX)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, MODE)
        os.replace(temporary, path)
    except OSError as error:
        raise DanceposeError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def remove_partial(folder: Path) -> None:
    """Remove the half-written files that killed processes have left; who calls knows that nobody is writing.

    Args:
        folder: where they are, not in folders below it, which may be others'; it need not exist.
    """
    for path in folder.glob(f".*{SUFFIX}"):
        if PARTIAL.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


@contextmanager
def proving(path: Path) -> Iterator[Path]:
    """Give the name beside `path` of a file that is to be written and checked.

    It takes the place of `path` at the end; after any error it is gone, and the old file, if any, untouched.

    Raises:
        DanceposeError: it cannot be renamed, `path` is a folder say.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        yield partial
        try:
            os.replace(partial, path)
        except OSError as error:
            raise DanceposeError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; see `replacing`."""
    with replacing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all; NaN is refused, since it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
