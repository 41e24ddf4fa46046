"""The files in a folder and below it: links are followed, and what cannot be read is told."""

import glob
import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple


class Unreadable(NamedTuple):
    """A folder that cannot be read, or a link that leads nowhere.

    Attributes:
        path: of it.
        error: why it cannot be read, in one line that names it.
    """

    path: Path
    error: str

    @classmethod
    def folder(cls, path: Path, error: OSError) -> "Unreadable":
        """Return what to tell of a folder."""
        return cls(path, f"folder {path} cannot be read: {error.strerror or error}")

    @classmethod
    def link(cls, path: Path, error: OSError) -> "Unreadable":
        """Return what to tell of a link that leads nowhere."""
        return cls(path, f"link {path} cannot be followed: {error.strerror or error}")


def walk(root: Path) -> tuple[list[Path], list[Unreadable]]:
    """Return the files in a folder and in all below it, but for hidden ones, and what cannot be read.

    Links to folders are followed after all else, and no folder is looked at twice, whatever leads to it: so
    there are no loops, and a file is found under the name that has no links, if there is one.

    Args:
        root: the folder.

    Returns:
        Paths that begin with `root`; in no order.
    """
    files: list[Path] = []
    lost: list[Unreadable] = []
    seen: set[tuple[int, int]] = set()
    folders, linked = deque([root]), deque[Path]()
    while folders or linked:
        folder = (folders or linked).popleft()
        try:
            status = folder.stat()
            if (known := (status.st_dev, status.st_ino)) in seen:
                continue
            seen.add(known)
            with os.scandir(folder) as listed:
                entries = [entry for entry in listed if not entry.name.startswith(".")]
        except OSError as error:
            lost.append(Unreadable.folder(folder, error))
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.is_symlink():
                try:
                    (linked if S_ISDIR(path.stat().st_mode) else files).append(path)
                except OSError as error:
                    lost.append(Unreadable.link(path, error))
            elif entry.is_dir():
                folders.append(path)
            elif entry.is_file():
                files.append(path)
    return files, lost


def broken_of_glob(pattern: str, names: Iterable[Path]) -> Iterator[Unreadable]:
    """Yield what a glob means and cannot have: links that lead nowhere, and folders that `glob` passes over.

    Args:
        pattern: the glob.
        names: what it was found to mean.
    """
    for path in names:
        if path.is_symlink():
            try:
                path.stat()
            except OSError as error:
                yield Unreadable.link(path, error)
    seen: set[str] = set()
    magic = True
    while magic:
        pattern = os.path.dirname(pattern)
        magic = glob.has_magic(pattern)
        for name in glob.glob(pattern, recursive=True) if magic else [pattern or "."]:
            if name in seen or not os.path.isdir(name):
                continue
            seen.add(name)
            try:
                os.scandir(name).close()
            except OSError as error:
                yield Unreadable.folder(Path(name), error)


def without_circles(paths: Iterable[Path]) -> list[Path]:
    """Leave out paths whose folder another path has under a shorter name, as where a link leads back."""
    shortest: dict[tuple[str, str], Path] = {}
    for path in sorted(paths, key=lambda path: (len(path.parts), path)):
        shortest.setdefault((os.path.realpath(path.parent), path.name), path)
    return list(shortest.values())
