"""Truth from the struct array of the MPII and PoseTrack toolkits, one entry for each group."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dancepose.data.annolist import load_annolist, occurrences
from dancepose.data.annolist_points import ORIGIN, PointReader
from dancepose.data.images import image_size
from dancepose.data.json_file import BrokenFile
from dancepose.data.mat_file import Struct
from dancepose.data.problems import Problems
from dancepose.data.readers.mpii_groups import group_places
from dancepose.errors import DataError
from dancepose.metrics.matching import Protocol
from dancepose.records import VISIBLE, Frame, Group, Person, Region
from dancepose.skeleton import Skeleton

CORNERS = ("x1", "y1", "x2", "y2")


@dataclass
class Entry:
    """One entry of the truth: a group of people in an image."""

    where: str  # for messages, as MATLAB names it
    struct: Struct


def read_annolist(
    path: Path, skeleton: Skeleton, protocol: Protocol, problems: Problems
) -> tuple[list[Frame], list[tuple[str, int]], list[str]]:
    """Read truth from a MATLAB file.

    Entries of one image name are groups of one frame, their places by `group_places`; the first one's number
    in the file, from 1, is the frame's `id`. Images are looked for beside the file and in `images/` there.

    Args:
        path: the toolkit's struct array under any name.
        skeleton: of the frames.
        protocol: says whose point ids they are.
        problems: what was wrong is added.

    Returns:
        Frames in the order of the file; of each entry its frame's name and group; what must be said beside
        figures.

    Raises:
        DataError: the file is damaged, foreign, or a field is wrong or missing; names it and the remedy.
    """
    reader = PointReader(path, protocol, skeleton, "gt")
    name, found = load_annolist(path, "gt")
    entries = [Entry(f"{name}({i})", struct) for i, struct in enumerate(found, start=1)]
    frames, places = _frames(reader, entries, problems)
    if not any(person.present.any() for frame in frames for person in frame.people):
        raise BrokenFile(
            path,
            "holds nobody with points: MPII keeps those of its test images to itself. Give the truth of "
            "images that are labelled",
            key="gt",
        )
    known = (p.head_box is not None for frame in frames for p in frame.people)
    placed = (group.box is not None for frame in frames for group in frame.groups)
    if not reader.unscored and not any(known) and not any(placed):
        raise BrokenFile(
            path,
            "holds predictions: all its points have scores, and nobody a head rectangle or a place. Give the "
            "truth as gt= and the predictions as pred=; a truth needs no scores",
            key="gt",
        )
    for kind, count in (("not a number", reader.lost), ("duplicate point", reader.doubles)):
        if count:
            problems.add(kind, path, count=count)
    return frames, places, reader.foreign_ids()


def _frames(
    reader: PointReader, entries: list[Entry], problems: Problems
) -> tuple[list[Frame], list[tuple[str, int]]]:
    named = [reader.name(entry.where, entry.struct) for entry in entries]
    if None in named and any(named):
        raise reader.broken(
            "is missing, though others have it", f"{entries[named.index(None)].where}.image.name"
        )
    names = [name or f"{number:05d}" for number, name in enumerate(named, start=1)]
    frames: dict[str, Frame] = {}
    for number, (entry, name) in enumerate(zip(entries, names, strict=True), start=1):
        if name not in frames:
            image, size = _picture(reader.path, name)
            frames[name] = Frame(image, size, [], reader.skeleton.name, name, reader.labelled, id=number)
        frame = frames[name]
        rects = reader.rects(entry.where, entry.struct)
        start, places = len(frame.people), []
        for j, rect in enumerate(rects, start=1):
            where = f"{entry.where}.annorect({j})"
            frame.people.append(_person(reader, where, rect, problems))
            places.append(_place(reader, where, rect))
        frame.groups.append(_group(frame.people, start, places))
        if places and frame.groups[-1].box is None:
            problems.add("group without place", reader.path, entry.where)
        frame.ignore += _regions(reader, entry)
    return list(frames.values()), list(zip(names, occurrences(names), strict=True))


def _person(reader: PointReader, where: str, rect: Struct, problems: Problems) -> Person:
    rows = reader.read(where, rect, keep_lost=True)
    present = ~np.isnan(rows[:, 0])
    keypoints = np.where(present[:, None], np.column_stack([rows[:, :2], np.full(len(rows), VISIBLE)]), 0)
    head = [reader.number(rect, name, where) for name in CORNERS]
    if any(value is None or not np.isfinite(value) for value in head):
        problems.add("person without head rectangle", reader.path, where)
        return Person(keypoints)
    return Person(keypoints, head_box=np.array(head, dtype=np.float64) - ORIGIN)


def _place(reader: PointReader, where: str, rect: Struct) -> list[float]:
    """Return x, y and scale of a person's rough place, NaN where one of them is not there."""
    holders = reader.structs(rect.get("objpos"), f"{where}.objpos")
    place = holders[0] if holders else {}
    numbers = [reader.number(place, name, f"{where}.objpos") for name in ("x", "y")]
    numbers.append(reader.number(rect, "scale", where))
    x, y, scale = (np.nan if n is None or not np.isfinite(n) else n for n in numbers)
    return [x - ORIGIN, y - ORIGIN, scale]


def _group(people: list[Person], start: int, places: list[list[float]]) -> Group:
    """Return the group of the people from `start` on."""
    members = list(range(start, len(people)))
    if not members:
        return Group(members)
    annotated = np.array([person.present.any() for person in people[start:]])
    rows = np.array(places)
    (box,), (scale,) = group_places(rows[:, :2], rows[:, 2], annotated, np.array([0]))
    return Group(members) if np.isnan(scale) else Group(members, box, float(scale))


def _regions(reader: PointReader, entry: Entry) -> list[Region]:
    """Return PoseTrack's polygons to ignore: `ignore_regions(r).point(k).{x, y}`."""
    where, found = f"{entry.where}.ignore_regions", []
    for r, region in enumerate(reader.structs(entry.struct.get("ignore_regions"), where), start=1):
        here = f"{where}({r}).point"
        corners = [
            [reader.number(point, name, f"{here}({k})") for name in ("x", "y")]
            for k, point in enumerate(reader.structs(region.get("point"), here), start=1)
        ]
        polygon = np.array(corners, dtype=np.float64).reshape(-1, 2) - ORIGIN
        if len(polygon) < 3 or not np.isfinite(polygon).all():
            raise reader.broken("must be at least three corners with finite x and y", here)
        found.append([polygon])
    return found


def _picture(path: Path, name: str) -> tuple[Path | None, tuple[int, int]]:
    """Return where an image lies and its size, None and (0, 0) where it is not there or cannot be read."""
    for file in (path.parent / "images" / name, path.parent / name):
        if file.is_file():
            try:
                return file, image_size(file)
            except DataError:
                break
    return None, (0, 0)
