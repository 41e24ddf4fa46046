"""A folder for each class: pictures sorted into folders by what the person in them does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dancepose.data.images import SUFFIXES, image_size
from dancepose.data.problems import Problems
from dancepose.data.readers import classes as class_file
from dancepose.data.split_file import SPLIT_FILE
from dancepose.errors import DataError
from dancepose.files import by_number
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton


def read_action_folder(
    root: Path, skeleton: Skeleton, key: str = "data", classes: Sequence[str] | None = None
) -> tuple[list[Frame], Problems]:
    """Read `root/<class>/...`: pictures at any depth below a class's folder.

    There are no keypoints and no boxes: the whole picture is the person, and a frame is never complete. What
    is hidden (`.name`, `__name`) is passed over.

    Args:
        root: the folder of the classes' folders.
        skeleton: the run's.
        key: prefix of the config keys, for messages.
        classes: their names in their order; None: the names of the folders, sorted.

    Returns:
        Frames class by class in sorted order, in a folder by name with numbers as numbers (2 before 10); and
        what was wrong: files that are no pictures, pictures in no class's folder, empty classes. Broken
        pictures are told by what looks at the images.

    Raises:
        DataError: there is no class's folder or no picture in any; a folder is none of `classes`.
    """
    root, problems = Path(root), Problems()
    if not root.is_dir():
        raise DataError(f"{key}.root={root} is no folder: give the folder that holds a folder for each class")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not _is_hidden(path.name))
    if not folders:
        raise DataError(
            f"{key}.root={root} holds no folders: one for each class is needed, with its pictures in it"
        )
    names = class_file.ordered([path.name for path in folders], classes, f"{key}.root={root}", key)
    for path in sorted(root.iterdir()):
        if path.is_file() and path.name not in (class_file.FILE, SPLIT_FILE) and not _is_hidden(path.name):
            kind = "picture of no class" if _is_picture(path) else "not a picture"
            problems.add(kind, path, subject=path.suffix)
    frames = [
        Frame(
            path,
            _size(path),
            [Person(np.zeros((len(skeleton), 3)), id=0, action=folder.name)],
            skeleton.name,
            path.relative_to(root).as_posix(),
            labelled=np.zeros(len(skeleton), bool),
            complete=False,
            classes=names,
        )
        for folder in folders
        for path in _pictures(folder, problems)
    ]
    if not frames:
        found = f"\n{problems.report(3)}" if problems else ""
        raise DataError(
            f"{key}.root={root}: no picture ({', '.join(SUFFIXES)}) is in its {len(folders)} folders{found}"
        )
    class_file.find_empty(frames, names, root, "", problems)
    return frames, problems


def _pictures(folder: Path, problems: Problems) -> list[Path]:
    """Return the pictures below a folder in natural order; other files are recorded."""
    found = []
    for path in folder.rglob("*"):
        if any(_is_hidden(part) for part in path.relative_to(folder).parts) or path.is_dir():
            continue
        if _is_picture(path):
            found.append(path)
        else:
            problems.add("not a picture", path, subject=path.suffix)
    return sorted(found, key=lambda path: by_number(path.relative_to(folder).as_posix()))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__"))


def _size(path: Path) -> tuple[int, int]:
    try:
        return image_size(path)
    except DataError:  # found again, and told, by what looks at the images of the parts that are used
        return 0, 0
