"""Labelme, read and written: a JSON file beside each picture, keypoints as points, people by `group_id`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile, load_json
from dancepose.data.problems import Problems
from dancepose.data.readers.classes import find_empty, ordered
from dancepose.data.readers.labelme_file import (
    ACTION,
    COMPLETE,
    HEAD,
    IGNORE,
    OCCLUDED_FLAG,
    LabelmeFile,
)
from dancepose.data.readers.labelme_image import image_beside
from dancepose.data.readers.sources import NeverLabelled, Sources
from dancepose.data.split_file import SPLIT_FILE
from dancepose.errors import DataError
from dancepose.files import write_json
from dancepose.records import NOT_ANNOTATED, OCCLUDED, Frame
from dancepose.skeleton import Skeleton

VERSION = "5.4.1"  # of the Labelme program whose files these are


def read_labelme(
    root: Path, skeleton: Skeleton, key: str = "data.root", classes: Sequence[str] | None = None
) -> tuple[list[Frame], Problems]:
    """Read a folder as `read_folder` does; return the frames and what was wrong."""
    return read_folder(root, skeleton, key, classes)[:2]


def read_folder(
    root: Path,
    skeleton: Skeleton,
    key: str = "data.root",
    classes: Sequence[str] | None = None,
    known: NeverLabelled | None = None,
) -> tuple[list[Frame], Problems, NeverLabelled]:
    """Read every Labelme file in a folder and the folders below it, but for hidden ones.

    Coordinates are taken as they are, with pixel centres at integers. A frame's name is the path of its image
    below `root`. A file that is broken is recorded (`annotation broken`, with which nothing is trained or
    scored) and the others are read.

    The flag `action:<name>` of a picture, or of any shape of a person, names what it does. Frames in which
    somebody does something have as `classes` all actions of the folder. A picture that has the flag and no
    shapes shows one person, who has no keypoints.

    Args:
        root: the folder, perhaps with a `dataset.yaml` (see `Sources`).
        skeleton: the run's.
        key: the config key that names the folder, for messages.
        classes: the actions in their order; None: sorted.
        known: see `Sources.settle`.

    Returns:
        Frames in order of their names, what was wrong, and which keypoints the sources never label.

    Raises:
        DataError: no folder, no Labelme file, or nobody in any of them, with what was wrong; `dataset.yaml`
            is wrong; an action is none of `classes`.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{key}={root} is no folder: give the folder with the Labelme JSON files")
    sources, problems = Sources(root, skeleton), Problems()
    frames: dict[str, Frame] = {}
    pictures: set[str] = set()
    labelme_files = 0
    for path in sorted(root.rglob("*.json")):
        below = path.relative_to(root)
        if below == Path(SPLIT_FILE) or any(part.startswith(".") for part in below.parts):
            continue  # the folder's own split, and what is hidden
        try:
            content = _load(path)
            if content is None:
                problems.add("not an annotation file", path, detail="no list 'shapes': not Labelme's")
                continue
            labelme_files += 1
            frame = LabelmeFile(path, root, content, skeleton, sources, problems).read()
        except BrokenFile as error:
            problems.add_broken(error)
            continue
        if frame is None:
            continue
        picture = os.path.abspath(str(frame.image))
        if picture in pictures or frame.name in frames:
            problems.add("duplicate image", path, "imagePath", detail=frame.name)
            continue
        pictures.add(picture)
        frames[frame.name] = frame
    if not labelme_files:
        broken = problems.of("annotation broken")
        whole, found = ("whole ", f"\n{broken.report(3)}") if broken else ("", "")
        raise DataError(f"{key}={root} holds no {whole}Labelme JSON file. {_expected(skeleton)}{found}")
    if not frames:
        raise DataError(
            f"{key}={root}: nobody is labelled in its {labelme_files} Labelme files. {_expected(skeleton)}\n"
            + problems.report(3)
        )
    read = [frames[name] for name in sorted(frames)]
    never_labelled = sources.settle(read, problems, known)
    _name_classes(read, classes, root, key, problems)
    return read, problems, never_labelled


def _name_classes(
    frames: Sequence[Frame], given: Sequence[str] | None, root: Path, key: str, problems: Problems
) -> None:
    """Give the frames in which somebody does something the classes of the folder, in place."""
    acting = [frame for frame in frames if any(person.action for person in frame.people)]
    actions = [person.action for frame in acting for person in frame.people if person.action]
    names = ordered(actions, given, f"{key}={root}", key.rpartition(".")[0] or "data")
    for frame in acting:
        frame.classes = names
    if given is not None:
        find_empty(acting, names, root, "", problems)


def _expected(skeleton: Skeleton) -> str:
    return (
        f"Expected: point shapes whose label is a keypoint of skeleton {skeleton.name} "
        f"({', '.join(skeleton.keypoints[:3])}, ...) and whose group_id is the person; "
        "what somebody does is the flag action:<class> of a point, of a head or of the picture."
    )


def _load(path: Path) -> dict[str, Any] | None:
    """Return the content of a Labelme file, None for a file that is something else.

    Raises:
        BrokenFile: it is no whole JSON, or it should be a Labelme file and is not built like one.
    """
    content = load_json(path)
    if not isinstance(content, dict):
        if image_beside(path) is None:
            return None
        raise BrokenFile(path, f"lies beside its picture and must hold a mapping, not {_name(content)}")
    if isinstance(content.get("shapes"), list):
        return content
    if {"shapes", "imagePath"} & content.keys():
        raise BrokenFile(path, f"must be a list, not {_name(content.get('shapes'))}", "shapes")
    return None


def _name(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def write_labelme(frame: Frame, skeleton: Skeleton, path: Path) -> None:
    """Write a frame as a Labelme file, whole or not at all.

    `read_labelme` gives the same people back; the Labelme program opens the file. Scores, tracks and boxes
    have no place in the format and are left out, and so are people without keypoints; what the only one of a
    picture does is then a flag of the picture.

    Args:
        frame: its image must be a file; the path to it is written relative to the JSON file.
        skeleton: that of the frame's people.
        path: of the JSON file.

    Raises:
        DataError: the frame's image is an array, or it has none.
    """
    if not isinstance(frame.image, Path):
        held = "has no picture" if frame.image is None else "holds an array"
        raise DataError(f"{path}: a Labelme file names an image file, but the frame {held}")
    ids = [person.id for person in frame.people]
    numbered = None not in ids and len(set(ids)) == len(ids)
    # both through links: ".." of a linked folder leads to where the folder is, not to where the link is
    image, here = frame.image, os.path.realpath(path.parent)
    there = os.path.join(os.path.realpath(image.parent), image.name)
    shapes = []
    for number, person in enumerate(frame.people):
        group = person.id if numbered else number
        flags = {f"{ACTION}{person.action}": True} if person.action else {}
        for name, (x, y, seen) in zip(skeleton.keypoints, person.keypoints.tolist(), strict=True):
            if seen > NOT_ANNOTATED:
                shapes.append(
                    _shape(name, [[x, y]], "point", group, {OCCLUDED_FLAG: seen == OCCLUDED} | flags)
                )
        if person.head_box is not None:
            x1, y1, x2, y2 = np.asarray(person.head_box, dtype=np.float64).tolist()
            shapes.append(_shape(HEAD, [[x1, y1], [x2, y2]], "rectangle", group, {}))
    for polygon in frame.ignored_polygons:
        shapes.append(_shape(IGNORE, np.asarray(polygon, dtype=np.float64).tolist(), "polygon", None, {}))
    alone = frame.people[0] if len(frame.people) == 1 and not frame.people[0].present.any() else None
    named = {f"{ACTION}{alone.action}": True} if alone is not None and alone.action else {}
    content = {
        "version": VERSION,
        "flags": {COMPLETE: frame.complete} | named,
        "shapes": shapes,
        "imagePath": Path(os.path.relpath(there, here)).as_posix(),
        "imageData": None,
        "imageHeight": frame.size[1],
        "imageWidth": frame.size[0],
    }
    write_json(path, content)


def _shape(label: str, points: list, kind: str, group: int | None, flags: dict[str, bool]) -> dict[str, Any]:
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": flags,
        "mask": None,
    }
