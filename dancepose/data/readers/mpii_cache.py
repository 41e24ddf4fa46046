"""What is kept of MPII between two readings: the annotations beside their hash, and the pictures' sizes."""

import hashlib
import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from filelock import FileLock

from dancepose.data.images import image_size
from dancepose.data.readers.mpii_parser import parse_release
from dancepose.data.readers.mpii_release import Release
from dancepose.errors import DanceposeError, DataError
from dancepose.metrics.array_file import read_arrays, write_arrays
from dancepose.paths import cache_dir
from dancepose.progress import track

log = logging.getLogger(__name__)

VERSION = 2  # of the arrays: a change of what they mean or hold must raise it
SIZE_ARRAYS = ("name", "stamp", "size")
Sizes = dict[str, tuple[int, int]]


def load_release(path: Path, groups: Path | None, key: str = "") -> Release:
    """Read the official files, or what an earlier reading kept of files of these very contents.

    It is kept in `mpii/<hash>.npz` of the cache (plain arrays, no pickle). Several processes may ask at once:
    one reads, the others wait.

    Args:
        path: see `parse_release`.
        groups: likewise.
        key: likewise.

    Raises:
        BrokenFile: see `parse_release`.
    """
    digest = hashlib.sha256(f"{VERSION}".encode())
    for file in (path, groups):
        digest.update(b"none" if file is None else hashlib.sha256(_content(file, key)).digest())
    kept = cache_dir() / "mpii" / f"{digest.hexdigest()[:32]}.npz"
    if (release := _kept(kept)) is not None:
        return release
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(kept.with_suffix(".lock")):
            if (release := _kept(kept)) is not None:
                return release
            log.info("reading %s", path)
            release = parse_release(path, groups, key)
            write_arrays(kept, {f.name: getattr(release, f.name) for f in fields(Release)})
    except DataError:
        raise
    except (OSError, DanceposeError) as error:
        log.warning("%s is read anew each time (%s): DANCEPOSE_CACHE can name another folder", path, error)
    return parse_release(path, groups, key) if release is None else release  # None: nothing could be locked


def _content(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        named = f"{key}={path}" if key else str(path)
        raise DataError(f"{named} cannot be read: {error.strerror or error}") from None


def _kept(path: Path) -> Release | None:
    if not path.is_file():
        return None
    try:
        return Release(**read_arrays(path, [f.name for f in fields(Release)], "MPII", "reading"))
    except DataError as error:
        log.warning("%s; it is made again", error)
        return None


def picture_sizes(folder: Path, names: Collection[str]) -> Sizes:
    """Return the width and height of pictures in a folder; (0, 0) of one that is broken.

    Headers are read once: a file of the same length and time of change has its size kept, and so have those
    that other annotations of the same folder asked for.

    Args:
        folder: of the pictures, not those below it.
        names: of the pictures; those that are not there are left out.
    """
    wanted = set(names)
    found = {e.name: e.stat() for e in os.scandir(folder) if e.name in wanted and e.is_file()}
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]
    path = cache_dir() / "mpii" / f"sizes_{digest}.npz"
    known: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
    if path.is_file():
        try:
            arrays = read_arrays(path, SIZE_ARRAYS, "sizes", "reading")
            stamps, sizes = (map(tuple, arrays[name].tolist()) for name in ("stamp", "size"))
            known = dict(zip(arrays["name"].tolist(), zip(stamps, sizes, strict=True), strict=True))
        except DataError as error:
            log.warning("%s; it is made again", error)
    stamp = {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}
    new = [name for name in found if name not in known or known[name][0] != stamp[name]]
    steps = track(((1, name) for name in new), len(new), "looking at pictures")
    sizes_now: Sizes = {name: known[name][1] for name in found if name in known}
    for name in steps:
        sizes_now[name] = _size(folder / name)
    others = {name: kept for name, kept in known.items() if name not in wanted}
    if new or len(known) > len(others) + len(found):
        all_stamps = stamp | {name: own for name, (own, _) in others.items()}
        _keep_sizes(path, all_stamps, sizes_now | {name: size for name, (_, size) in others.items()})
    return sizes_now


def _size(path: Path) -> tuple[int, int]:
    try:
        return image_size(path)
    except DataError:  # found again, and told, by what looks at the images of the parts that are used
        return 0, 0


def _keep_sizes(path: Path, stamp: Mapping[str, tuple[int, int]], sizes: Sizes) -> None:
    names = list(sizes)
    try:
        write_arrays(
            path,
            {
                "name": np.array(names, np.str_),
                "stamp": np.array([stamp[name] for name in names], np.int64).reshape(-1, 2),
                "size": np.array([sizes[name] for name in names], np.int64).reshape(-1, 2),
            },
        )
    except DanceposeError as error:
        log.warning("pictures are looked at anew each time (%s)", error)
