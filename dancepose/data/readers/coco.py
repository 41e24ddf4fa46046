"""COCO keypoint files: one JSON with `images`, `annotations` and `categories`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.data.problems import Problems
from dancepose.data.readers.coco_annotation import CocoAnnotation
from dancepose.errors import DataError, did_you_mean
from dancepose.records import Frame
from dancepose.skeleton import Skeleton


def read_coco(
    annotations: Path, skeleton: Skeleton, root: Path, key: str = "data.annotations"
) -> tuple[list[Frame], Problems]:
    """Read a COCO keypoint file.

    The categories' keypoints are mapped to the run's skeleton by name and alias; what no category names is
    not labelled in the file. Coordinates are taken as they are. `v >= 1` is annotated. Crowds, and people of
    whom no keypoint is known, are ignore regions. Images without annotations are pictures without people.
    A broken entry of `images` or `annotations` is recorded (`annotation broken`: nothing is trained
    or scored) and the others are read.

    Args:
        annotations: the JSON file.
        skeleton: the run's.
        root: folder of the images, or the folder above `images/`.
        key: the config key that names the file, for messages.

    Returns:
        Frames in order of their names, and what was wrong.

    Raises:
        DataError: the file is missing, no whole JSON, or not of this kind, or its categories are wrong; names
            file, field and remedy.
    """
    path = Path(annotations)
    if not path.is_file():
        raise DataError(f"{key}={path} is no file: give the COCO keypoint JSON")
    content = load_mapping(path, key)
    for name in ("images", "annotations", "categories"):
        if not isinstance(content.get(name), list):
            images = content.get("images")
            if (
                key == "gt"
                and isinstance(images, list)
                and any(isinstance(i, dict) and "people" in i for i in images)
            ):
                raise DataError(f"gt={path} is a predictions.json: give it as pred=, and the truth as gt=")
            raise DataError(f"{path}: field '{name}' is missing: not a COCO keypoint file")
    problems = Problems()
    categories = _categories(path, content["categories"], skeleton, problems)
    labelled = np.zeros(len(skeleton), dtype=bool)
    for target in categories.values():
        if target is not None:
            labelled[target[target >= 0]] = True
    frames = _images(path, content["images"], Path(root), skeleton, labelled, problems)
    seen: set[int] = set()
    for i, annotation in enumerate(content["annotations"]):
        try:
            _annotation(
                path, f"annotations[{i}]", annotation, frames, categories, seen, problems, len(skeleton)
            )
        except BrokenFile as error:
            problems.add_broken(error)
    whole = (frame for frame in frames.values() if frame is not None)
    return sorted(whole, key=lambda frame: frame.name), problems


def _annotation(
    path: Path,
    where: str,
    entry: Any,
    frames: Mapping[int, Frame | None],
    categories: Mapping[int, np.ndarray | None],
    seen: set[int],
    problems: Problems,
    keypoints: int,
) -> None:
    """Put one annotation into its frame.

    Raises:
        BrokenFile: names the field and what is wrong with it.
    """
    _mapping(path, where, entry)
    if entry.get("id") is not None:
        identity = _whole(path, where, entry, "id")
        if identity in seen:
            raise BrokenFile(path, f"{identity} stands twice", f"{where}.id")
        seen.add(identity)
    image, category = (_whole(path, where, entry, name) for name in ("image_id", "category_id"))
    if image not in frames:
        raise BrokenFile(path, f"{image} is the id of no image", f"{where}.image_id")
    if category not in categories:
        raise BrokenFile(path, f"{category} is no category's id", f"{where}.category_id")
    frame, target = frames[image], categories[category]
    if frame is not None and target is not None:
        CocoAnnotation(path, where, entry, problems).put(frame, target, keypoints)


def _mapping(path: Path, where: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        raise BrokenFile(path, f"must be a mapping, not {entry!r}", where)


def _whole(path: Path, where: str, entry: dict[str, Any], name: str, least: int | None = None) -> int:
    """Return a whole number of an entry."""
    if name not in entry:
        raise BrokenFile(path, "is missing", f"{where}.{name}")
    value = entry[name]
    if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
        bound = "" if least is None else f" of at least {least}"
        raise BrokenFile(path, f"{value!r} must be a whole number{bound}", f"{where}.{name}")
    return value


def _categories(
    path: Path, entries: Sequence[Any], skeleton: Skeleton, problems: Problems
) -> dict[int, np.ndarray | None]:
    """Return category id -> index of its keypoints in the run's skeleton (-1: none); None: not people."""
    categories: dict[int, np.ndarray | None] = {}
    for i, entry in enumerate(entries):
        where = f"categories[{i}]"
        _mapping(path, where, entry)
        identity = _whole(path, where, entry, "id")
        if identity in categories:
            raise BrokenFile(path, f"{identity} stands twice", f"{where}.id")
        names = entry.get("keypoints") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BrokenFile(path, f"must be a list of names, not {names!r}", f"{where}.keypoints")
        if not names:
            categories[identity] = None
            continue
        target = np.full(len(names), -1, dtype=np.int64)
        for j, name in enumerate(names):
            index = skeleton.find(name)
            if index is None:
                hint = did_you_mean(name, skeleton.keypoints)
                subject = f"'{name}' (no keypoint of {skeleton.name}{'.' + hint if hint else ''})"
                problems.add("unknown label", path, f"{where}.keypoints[{j}]", subject)
            elif index in target:
                raise DataError(
                    f"{path}: {where}.keypoints names {skeleton.keypoints[index]} twice: '{name}'"
                )
            else:
                target[j] = index
        if (target < 0).all():
            raise DataError(
                f"{path}: {where}.keypoints has nothing in common with skeleton {skeleton.name}; "
                f"it names {', '.join(names[:4])}, ... Choose another with skeleton="
            )
        categories[identity] = target
    if all(target is None for target in categories.values()):
        raise DataError(f"{path}: no entry of categories has keypoints: not a COCO keypoint file")
    return categories


def _images(
    path: Path,
    entries: Sequence[Any],
    root: Path,
    skeleton: Skeleton,
    labelled: np.ndarray,
    problems: Problems,
) -> dict[int, Frame | None]:
    """Return image id -> frame without people; None where its entry is broken, so that its people are too."""
    folders = [root] + ([root / "images"] if (root / "images").is_dir() else [])
    frames: dict[int, Frame | None] = {}
    names: set[str] = set()
    for i, entry in enumerate(entries):
        where = f"images[{i}]"
        try:
            _mapping(path, where, entry)
            identity = _whole(path, where, entry, "id")
            if identity in frames:
                raise BrokenFile(path, f"{identity} stands twice", f"{where}.id")
            frames[identity] = None
            size = _whole(path, where, entry, "width", 1), _whole(path, where, entry, "height", 1)
            file = entry.get("file_name")
            if not isinstance(file, str) or not file:
                raise BrokenFile(path, "is missing: the name of a picture", f"{where}.file_name")
            if file in names:
                raise BrokenFile(path, f"{file} stands twice", f"{where}.file_name")
        except BrokenFile as error:
            problems.add_broken(error)
            continue
        names.add(file)
        found = next((folder / file for folder in folders if (folder / file).is_file()), None)
        if found is None:
            problems.add("image missing", path, f"{where}.file_name", detail=str(root / file))
        frames[identity] = Frame(found or root / file, size, [], skeleton.name, file, labelled, id=identity)
    return frames
