"""What `source=` of a prediction means: pictures, or something with frames."""

import glob
import os
from pathlib import Path

from dancepose.errors import DataError
from dancepose.image_files import SUFFIXES
from dancepose.inference.interface import Item

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp")


def camera_index(source: str | int) -> int | None:
    """Return the number of the camera that is meant, None for anything else."""
    text = str(source)
    return int(text) if text.isdecimal() and not Path(text).exists() else None


def is_pictures(source: str | int) -> bool:
    """Tell whether a source is pictures: a folder, a glob, or a file that is named like a picture.

    Any other file is taken for a video.
    """
    if camera_index(source) is not None:
        return False
    path = Path(str(source)).expanduser()
    several = path.is_dir() or (glob.has_magic(str(source)) and not path.exists())
    return several or path.suffix.lower() in SUFFIXES


def find_pictures(source: str | Path) -> list[Item]:
    """Return the pictures of a file, folder (with the folders below it) or glob, in order of their names.

    Hidden files and folders are passed over, and in a folder whatever is not named like a picture; a glob and
    the name of a file are taken at their word. A name is the path below the folder, of a glob below the
    folder that all its pictures share.

    Raises:
        DataError: there is no picture, or a glob means videos.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return [Item(path, path.name)]
    if path.is_dir():
        root, there = path, [f for f in path.rglob("*") if f.is_file() and not _hidden(f.relative_to(path))]
        files = [file for file in there if file.suffix.lower() in SUFFIXES]
        what = f"no picture ({', '.join(SUFFIXES)}) is in it or in the folders below it{_videos(there)}"
    elif glob.has_magic(str(source)):
        files = [Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file()]
        if told := _videos(files):
            raise DataError(f"source={source}: it means pictures{told}")
        root = Path(os.path.commonpath([file.parent for file in files])) if files else path
        what = "no file has such a name. In a shell it may need quotes: 'source=photos/*.jpg'"
    else:
        raise DataError(
            f"source={source}: there is no such file or folder. Give a picture, a folder, a glob, a video or "
            "the number of a camera"
        )
    if not files:
        raise DataError(f"source={source}: {what}")
    return [Item(file, file.relative_to(root).as_posix()) for file in sorted(files)]


def _videos(files: list[Path]) -> str:
    """Return what to say where some files are videos, which are predicted one at a time; else nothing."""
    videos = sorted(file for file in files if file.suffix.lower() in VIDEOS)
    if not videos:
        return ""
    many = f", as are {len(videos)} of {len(files)} files" if len(files) > 1 else ""
    return f"; {videos[0]} is a video{many}: give videos one at a time, source={videos[0]}"


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
