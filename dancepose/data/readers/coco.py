"""COCO keypoint files: one JSON with `images`, `annotations` and `categories`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import load_mapping
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

    Args:
        annotations: the JSON file.
        skeleton: the run's.
        root: folder of the images, or the folder above `images/`.
        key: the config key that names the file, for messages.

    Returns:
        Frames in order of their names, and what was wrong.

    Raises:
        DataError: the file is missing, broken, or not of this kind; names file, field and remedy.
    """
    path = Path(annotations)
    if not path.is_file():
        raise DataError(f"{key}={path} is no file: give the COCO keypoint JSON")
    content = load_mapping(path, key)
    for name in ("images", "annotations", "categories"):
        if not isinstance(content.get(name), list):
            raise DataError(f"{path}: field '{name}' is missing: not a COCO keypoint file")
    problems = Problems()
    categories = _categories(path, content["categories"], skeleton, problems)
    labelled = np.zeros(len(skeleton), dtype=bool)
    for target in categories.values():
        if target is not None:
            labelled[target[target >= 0]] = True
    frames = _images(path, content["images"], Path(root), skeleton, labelled, problems)
    seen: set[Any] = set()
    for i, annotation in enumerate(content["annotations"]):
        where = f"annotations[{i}]"
        identity = annotation.get("id")
        if identity is not None and identity in seen:
            raise DataError(f"{path}: {where}.id {identity} stands twice")
        seen.add(identity)
        frame = frames.get(annotation.get("image_id"))
        if frame is None:
            raise DataError(f"{path}: {where}.image_id {annotation.get('image_id')} is the id of no image")
        if annotation.get("category_id") not in categories:
            raise DataError(
                f"{path}: {where}.category_id {annotation.get('category_id')} is no category's id"
            )
        target = categories[annotation["category_id"]]
        if target is not None:
            CocoAnnotation(path, where, annotation, problems).put(frame, target, len(skeleton))
    return sorted(frames.values(), key=lambda frame: frame.name), problems


def _categories(
    path: Path, entries: Sequence[dict], skeleton: Skeleton, problems: Problems
) -> dict[int, np.ndarray | None]:
    """Return category id -> index of its keypoints in the run's skeleton (-1: none); None: not people."""
    categories: dict[int, np.ndarray | None] = {}
    for i, entry in enumerate(entries):
        where = f"categories[{i}]"
        if not isinstance(entry, dict) or "id" not in entry:
            raise DataError(f"{path}: {where}.id is missing")
        if entry["id"] in categories:
            raise DataError(f"{path}: {where}.id {entry['id']} stands twice")
        names = entry.get("keypoints")
        if not names:
            categories[entry["id"]] = None
            continue
        target = np.full(len(names), -1, dtype=np.int64)
        for j, name in enumerate(names):
            index = skeleton.find(str(name))
            if index is None:
                hint = did_you_mean(str(name), skeleton.keypoints)
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
                f"it names {', '.join(map(str, names[:4]))}, ... Choose another with skeleton="
            )
        categories[entry["id"]] = target
    if all(target is None for target in categories.values()):
        raise DataError(f"{path}: no entry of categories has keypoints: not a COCO keypoint file")
    return categories


def _images(
    path: Path,
    entries: Sequence[dict],
    root: Path,
    skeleton: Skeleton,
    labelled: np.ndarray,
    problems: Problems,
) -> dict[int, Frame]:
    """Return image id -> frame without people."""
    folders = [root] + ([root / "images"] if (root / "images").is_dir() else [])
    frames: dict[int, Frame] = {}
    names: set[str] = set()
    for i, entry in enumerate(entries):
        where = f"images[{i}]"
        for name, kind in (("id", int), ("file_name", str), ("width", int), ("height", int)):
            if not isinstance(entry, dict) or not isinstance(entry.get(name), kind):
                raise DataError(f"{path}: {where}.{name} is missing or no {kind.__name__}")
        if entry["id"] in frames:
            raise DataError(f"{path}: {where}.id {entry['id']} stands twice")
        if entry["file_name"] in names:
            raise DataError(f"{path}: {where}.file_name {entry['file_name']} stands twice")
        names.add(entry["file_name"])
        found = next((f / entry["file_name"] for f in folders if (f / entry["file_name"]).is_file()), None)
        if found is None:
            problems.add("image missing", path, f"{where}.file_name", detail=str(root / entry["file_name"]))
        frame = Frame(
            found or root / entry["file_name"],
            (entry["width"], entry["height"]),
            [],
            skeleton.name,
            entry["file_name"],
            labelled,
        )
        frame.id = entry["id"]
        frames[entry["id"]] = frame
    return frames
