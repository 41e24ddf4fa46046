"""What `source=` of a prediction means: pictures, or something with frames."""

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from dancepose.errors import DataError
from dancepose.image_files import SUFFIXES
from dancepose.inference.folder_walk import Unreadable, broken_of_glob, walk, without_circles
from dancepose.inference.interface import Item

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp")

Source = str | int | Path | Sequence[str | int | Path]


def camera_index(source: object) -> int | None:
    """Return the number of the camera that is meant, None for anything else."""
    text = str(source)
    return int(text) if text.isdecimal() and not os.path.exists(text) else None


def is_pictures(source: Source) -> bool:
    """Tell whether a source is pictures: a folder, a glob, a file that is named like a picture, or a list.

    Any other file is taken for a video.
    """
    if _is_list(source):
        return True
    if camera_index(source) is not None:
        return False
    path = Path(str(source)).expanduser()
    several = os.path.isdir(path) or (glob.has_magic(str(source)) and not os.path.exists(path))
    return several or path.suffix.lower() in SUFFIXES


def find_pictures(source: Source) -> list[Item]:
    """Return the pictures of a file, folder (with the folders below it), glob, or list of these, in order.

    Hidden files and folders are passed over, and in a folder whatever is not named like a picture; a glob and
    the name of a file are taken at their word. A name is the path below the folder, of a glob or list below
    the folder that all its pictures share. Links to folders are followed; a folder that several names lead
    to is looked at once.

    A folder that cannot be read and a link that leads nowhere are items, too, with their `error`.

    Raises:
        DataError: there is no picture, or a glob or list means videos.
    """
    if _is_list(source):
        found, lost = _of_list(source)
        root = _shared(found)
    else:
        found, lost, root = _of_one(source)
    if not found:  # of one that is there something is said already
        raise DataError(
            f"source={source}: no picture can be read: {'; '.join(one.error for one in lost[:3])}"
        )
    items = [Item(file, file.relative_to(root).as_posix()) for file in found]
    items += [Item(None, os.path.relpath(one.path, root), one.error) for one in lost]
    return sorted(items, key=lambda item: Path(item.name))


def _of_list(sources: Sequence[Any]) -> tuple[list[Path], list[Unreadable]]:
    """Return the pictures of a list, each once, and what cannot be read, by absolute paths."""
    files: dict[Path, None] = {}
    lost: dict[Path, Unreadable] = {}
    for source in sources:
        if not is_pictures(source):
            raise DataError(
                f"source=[{', '.join(map(str, sources))}]: {source} is no picture, folder or glob, of which "
                f"alone a list may be: give videos and cameras one at a time, source={source}"
            )
        found, unreadable, _ = _of_one(source)
        files |= dict.fromkeys(Path(os.path.abspath(file)) for file in found)
        lost |= {Path(os.path.abspath(one.path)): one for one in unreadable}
    if not files and not lost:
        raise DataError("source=[]: name a picture, a folder or a glob in it")
    return list(files), list(lost.values())


def _of_one(source: object) -> tuple[list[Path], list[Unreadable], Path]:
    """Return the pictures of a file, folder or glob, what cannot be read, and the folder of their names.

    Raises:
        DataError: it means no picture, and nothing that cannot be read either.
    """
    path = Path(str(source)).expanduser()
    lost: list[Unreadable] = []
    if os.path.isfile(path):
        return [path], lost, path.parent
    if os.path.isdir(path):
        there, lost = walk(path)
        files, root = [file for file in there if file.suffix.lower() in SUFFIXES], path
        what = f"no picture ({', '.join(SUFFIXES)}) is in it or in the folders below it{_videos(there)}"
    elif glob.has_magic(str(source)):
        files, lost = _of_glob(path)
        if told := _videos(files):
            raise DataError(f"source={source}: it means pictures{told}")
        root = _shared(files)
        what = f"no file has such a name. {_glob_remedy(path)}"
    else:
        raise DataError(f"source={source}: {_missing(path)}")
    if not files and not lost:
        raise DataError(f"source={source}: {what}")
    return files, lost, root


def _of_glob(pattern: Path) -> tuple[list[Path], list[Unreadable]]:
    names = without_circles(map(Path, glob.glob(str(pattern), recursive=True)))
    return [name for name in names if os.path.isfile(name)], [*broken_of_glob(str(pattern), names)]


def _missing(path: Path) -> str:
    """Return what to say of a path at which nothing is found."""
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"it cannot be looked at: {error.strerror or error}"
    return (
        "there is no such file or folder. Give a picture, a folder, a glob, a list of these, a video or the "
        "number of a camera"
    )


def _shared(files: Iterable[Path]) -> Path:
    """Return the folder that all files share."""
    parents = [file.parent for file in files]
    return Path(os.path.commonpath(parents)) if parents else Path()


def _is_list(source: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(source, Sequence) and not isinstance(source, str)


def _glob_remedy(path: Path) -> str:
    """Return what to do about a glob that finds nothing: a folder may have in its name what is a pattern."""
    folder = next((parent for parent in path.parents if parent.exists()), None)
    if folder is None or not glob.has_magic(str(folder)):
        return "In a shell it may need quotes: 'source=photos/*.jpg'"
    meant = Path(glob.escape(str(folder))) / path.relative_to(folder)
    return (
        f"Brackets, * and ? are a pattern in a glob, and {folder} has them in its name: write them within "
        f"brackets, {meant}, or give the folder alone"
    )


def _videos(files: list[Path]) -> str:
    """Return what to say where some files are videos, which are predicted one at a time; else nothing."""
    videos = sorted(file for file in files if file.suffix.lower() in VIDEOS)
    if not videos:
        return ""
    told = f"{videos[0]} is a video"
    if len(videos) > 1:
        told = f"{len(videos)} of {len(files)} files are videos, {videos[0]} is one"
    return f"; {told}: give videos one at a time, source={videos[0]}"
