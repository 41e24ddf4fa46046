"""Files that are written whole or not at all."""

import errno
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from dancepose.errors import DanceposeError


def _mode() -> int:
    """Return what the user lets new files be; temporary ones are private, whatever that is."""
    os.umask(mask := os.umask(0o077))  # it can be read only by setting it: here, before there are threads
    return 0o666 & ~mask


MODE = _mode()
SUFFIX = ".dancepose_partial"  # of files that `replacing` is writing; nobody else's
KEPT = 200  # bytes of a file's name in that of its temporary one: a name may have 255
PARTIAL = re.compile(r"\..+\.[a-z0-9_]{8}" + re.escape(SUFFIX))  # their names


class Unwritable(DanceposeError):
    """A file that the system does not let us write.

    Args:
        path: of the file.
        why: in the system's words.
        full: whether there is no room for it.
    """

    def __init__(self, path: Path, why: str, full: bool):
        self.path, self.why, self.full = path, why, full
        remedy = "Make room there, or write to another disk: output=... or hydra.run.dir=..."
        super().__init__(f"{path} cannot be written: {why}" + (f". {remedy}" if full else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it come back from a worker process as it was raised."""
        return type(self), (self.path, self.why, self.full)


def unwritable(path: Path, error: OSError) -> Unwritable:
    """Return the error for a file that the system does not let us write, in one line."""
    return Unwritable(path, error.strerror or str(error), error.errno in (errno.ENOSPC, errno.EDQUOT))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file under a temporary name beside `path`; it takes the place of `path` when it is complete.

    Raises:
        DanceposeError: the disk is full or the folder cannot be written; the old file, if any, is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        name = os.fsdecode(os.fsencode(path.name)[:KEPT])
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{name}.", suffix=SUFFIX)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, MODE)
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def by_number(name: str) -> list[tuple[int, str]]:
    """Return by what names are sorted so that their numbers count as numbers: `f2.jpg` before `f10.jpg`."""
    words = [(int(word), "") if word.isdecimal() else (-1, word) for word in re.split(r"([0-9]+)", name)]
    return [*words, (-1, name)]  # 1.jpg and 01.jpg in one order, too


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
    """Give the name beside `path` of a file that is to be written and checked; no other process has it.

    It takes the place of `path` at the end; after any error it is gone, and the old file, if any, untouched.

    Raises:
        DanceposeError: it cannot be renamed, `path` is a folder say.
    """
    partial = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield partial
        try:
            os.replace(partial, path)
        except OSError as error:
            raise unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


class Appended:
    """A file that grows by whole pieces: one that cannot be written whole leaves no trace in it.

    Args:
        path: of the file, for messages.
        file: open for writing, which nobody else does.
        end: what always stands behind the last piece.
        whole: bytes that the file holds already, and keeps.

    Attributes:
        broken: not even the end could be put back.
    """

    def __init__(self, path: Path, file: IO[Any], end: bytes = b"", whole: int = 0) -> None:
        self._path, self._handle, self._end, self.broken = path, file.fileno(), end, False
        self._whole = self._before = whole  # where the last piece ends, and where it begins

    def append(self, piece: bytes) -> None:
        """Write a piece at once.

        Raises:
            DanceposeError: it does not fit, as on a full disk; the file is as it was.
        """
        try:
            self._write(piece + self._end)
        except OSError as error:
            self._cut()
            raise unwritable(self._path, error) from error
        self._before, self._whole = self._whole, self._whole + len(piece)

    def take_back(self) -> None:
        """Remove the last piece, once."""
        self._whole = self._before
        self._cut()

    def _cut(self) -> None:
        try:
            self._write(self._end)  # where it stood: a full disk has that room
            os.ftruncate(self._handle, self._whole + len(self._end))
        except OSError:
            self.broken = True

    def _write(self, data: bytes) -> None:
        os.lseek(self._handle, self._whole, os.SEEK_SET)
        left = memoryview(data)
        while left:
            left = left[os.write(self._handle, left) :]


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; see `replacing`."""
    with replacing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    """Return a value as JSON in UTF-8; NaN is refused, since it is not JSON.

    The name of a file need not be UTF-8; what is not stands as an escape, which is read as the same name.
    """
    try:
        return json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, allow_nan=False).encode()


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all; see `json_bytes`."""
    write_bytes(path, json_bytes(value, indent=2) + b"\n")
