"""One Labelme file: its shapes and flags made into one Frame."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.images import image_size
from dancepose.data.json_file import BrokenFile
from dancepose.data.problems import Problems
from dancepose.data.readers.group_ids import person_numbers
from dancepose.data.readers.labelme_image import image_beside, picture_name
from dancepose.data.readers.points import are_outside, rectangle
from dancepose.data.readers.sources import Source, Sources
from dancepose.errors import DataError, did_you_mean
from dancepose.records import NOT_ANNOTATED, OCCLUDED, VISIBLE, Frame, Person, Region, mapped_extent
from dancepose.skeleton import Skeleton

ACTION, COMPLETE, OCCLUDED_FLAG, HEAD, IGNORE = "action:", "complete", "occluded", "head", "ignore"
AREAS = {"rectangle": 2, "polygon": 3}  # shape type -> points at least


@dataclass
class _Group:
    """The shapes of one person."""

    points: dict[int, tuple[float, float, int]] = field(default_factory=dict)  # source keypoint -> x, y, v
    head: np.ndarray | None = None
    action: str | None = None


class LabelmeFile:
    """Makes one Frame of one file's content.

    Args:
        path: of the file.
        root: the data set's folder.
        content: the parsed JSON.
        skeleton: the run's.
        sources: of the folder.
        problems: findings are added to it.
    """

    def __init__(
        self,
        path: Path,
        root: Path,
        content: dict[str, Any],
        skeleton: Skeleton,
        sources: Sources,
        problems: Problems,
    ):
        self.path, self.root, self.content = path, root, content
        self.skeleton, self.sources, self.problems = skeleton, sources, problems
        self._groups: dict[Hashable, _Group] = {}
        self._ignore: list[Region] = []
        self._loose_double = ""  # a label that stands twice without group_id: there are several people
        self._ungrouped = False

    def read(self) -> Frame | None:
        """Return the frame, or None where the file has nobody in it; problems are recorded.

        Raises:
            BrokenFile: a field holds something else than it should, or the size of the picture is nowhere.
        """
        image, name = self._image()
        source = self.sources.find(name)
        if self.sources.declared and not source.match:
            self.problems.add("file of no source", self.path, detail=self.sources.path.name)
        flags = self._mapping(self.content.get("flags"), "flags")
        for i, shape in enumerate(self.content["shapes"]):
            self._shape(f"shapes[{i}]", shape, source)
        if not self._settle_groups():
            return None
        known = [group for group in self._groups.values() if group.points]
        action = self._action(flags, "flags")
        if not (known or action or flags.get(COMPLETE) is True):  # an empty one is marked as looked at
            labels = sorted({str(s.get("label")) for s in self.content["shapes"]})
            self.problems.add("no people", self.path, detail=f"labels: {', '.join(labels[:5]) or 'none'}")
            return None
        frame = Frame(image, self._size(image), [], self.skeleton.name, name, source.labelled)
        frame.complete = bool(flags.get(COMPLETE, source.complete)) and not self._ungrouped
        frame.ignore = self._ignore
        numbers = person_numbers(self._groups)
        for group_id, group in self._groups.items():
            if group.points:
                person = self._person(group, source, frame.size)
                person.id = numbers[group_id]
                person.action = group.action or action
                if person.present.any():
                    frame.people.append(person)
                else:
                    frame.complete = False  # somebody is there, of unknown extent
                    frame.ignore.append([_surroundings(group)])
                    self.problems.add("no known keypoint", self.path, detail=f"group_id {group_id}")
            elif group.head is not None:
                self.problems.add("head without person", self.path, detail=f"group_id {group_id}")
        if action and not known:  # a picture sorted by what its person does, who is somewhere in it
            blank = np.zeros((len(self.skeleton), 3))
            frame.people, frame.complete = [Person(blank, id=0, action=action)], False
        return frame

    def _image(self) -> tuple[Path, str]:
        """Find the image by imagePath, else beside the file under the same name."""
        named = self.content.get("imagePath")
        image = self.path.parent / named.replace("\\", "/") if isinstance(named, str) and named else None
        if image is None or not image.is_file():
            found = image_beside(self.path)
            image = found or image or self.path.with_suffix(".jpg")
            if found is None:
                self.problems.add("image missing", self.path, "imagePath", detail=str(image))
        return image, picture_name(image, self.path, self.root)

    def _size(self, image: Path) -> tuple[int, int]:
        size = (self.content.get("imageWidth"), self.content.get("imageHeight"))
        if all(isinstance(side, int) and side > 0 for side in size):
            return size  # type: ignore[return-value]
        if image.is_file():
            try:
                return image_size(image)
            except DataError as error:
                raise BrokenFile(self.path, f"is missing, and the {error}", "imageWidth") from None
        raise BrokenFile(self.path, "is missing, and so are imageHeight and the image itself", "imageWidth")

    def _shape(self, where: str, shape: Any, source: Source) -> None:
        if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
            raise BrokenFile(self.path, "is missing or no text", f"{where}.label")
        label, kind = shape["label"].strip(), shape.get("shape_type", "polygon")
        points = self._points(where, shape)
        group_id, flags = shape.get("group_id"), self._mapping(shape.get("flags"), f"{where}.flags")
        if not isinstance(group_id, (int, str, type(None))):
            raise BrokenFile(self.path, "must be a number or null", f"{where}.group_id")
        if kind == "point":
            index = source.skeleton.find(label)
            if index is None:
                self._unknown(where, label, source)
                return
            if len(points) != 1:
                raise BrokenFile(self.path, f"must be one [x, y], not {len(points)}", f"{where}.points")
            group = self._groups.setdefault(group_id, _Group())
            if index in group.points:
                self.problems.add(
                    "duplicate point", self.path, where, detail=f"{label} of group_id {group_id}"
                )
                self._loose_double = self._loose_double or (where if group_id is None else "")
            else:
                seen = OCCLUDED if flags.get(OCCLUDED_FLAG) else VISIBLE
                known = self._finite(where, points)
                group.points[index] = (*points[0], seen) if known else (0.0, 0.0, NOT_ANNOTATED)
            self._act(group, flags, where, group_id)
        elif label == HEAD and kind == "rectangle" and len(points) == 2 and self._finite(where, points):
            group = self._groups.setdefault(group_id, _Group())
            if group.head is not None:
                self.problems.add("duplicate head", self.path, where, detail=f"group_id {group_id}")
            else:
                group.head = np.array([*np.min(points, axis=0), *np.max(points, axis=0)])
            self._act(group, flags, where, group_id)
        elif label == IGNORE and len(points) >= AREAS.get(kind, math.inf) and self._finite(where, points):
            corners = np.array(points, dtype=np.float64)
            polygon = rectangle(*corners[0], *corners[1]) if kind == "rectangle" else corners
            self._ignore.append([polygon])
        else:
            self.problems.add("unknown shape", self.path, where, f"{kind} '{label}'")

    def _points(self, where: str, shape: dict) -> list[tuple[float, float]]:
        try:
            return [(float(x), float(y)) for x, y in shape.get("points", ())]
        except (TypeError, ValueError, OverflowError):
            raise BrokenFile(self.path, "must be a list of [x, y]", f"{where}.points") from None

    def _mapping(self, value: Any, where: str) -> dict[str, Any]:
        if value is not None and not isinstance(value, dict):
            raise BrokenFile(self.path, f"must be a mapping, not a {type(value).__name__}", where)
        return value or {}

    def _finite(self, where: str, points: list[tuple[float, float]]) -> bool:
        good = all(math.isfinite(value) for point in points for value in point)
        if not good:
            self.problems.add("not a number", self.path, f"{where}.points")
        return good

    def _unknown(self, where: str, label: str, source: Source) -> None:
        """Record a label that is no keypoint of the source, by name or alias."""
        if self.skeleton.find(label) is not None and source.skeleton.name != self.skeleton.name:
            subject = f"'{label}' (source labels {source.skeleton.name})"
            self.problems.add("label foreign to its source", self.path, where, subject)
        else:
            kind = source.skeleton
            hint = did_you_mean(label, kind.keypoints) or did_you_mean(label, kind.aliases)
            subject = f"'{label}' (no keypoint of {kind.name}{'.' + hint if hint else ''})"
            self.problems.add("unknown label", self.path, where, subject)

    def _settle_groups(self) -> bool:
        """Give shapes without group_id to the one person; False where there are several and no telling."""
        loose = self._groups.get(None)
        if loose is None:
            return True
        if len(self._groups) > 1:
            del self._groups[None]
            self._ungrouped = bool(loose.points)
            self.problems.add("point without group", self.path, "group_id", count=max(1, len(loose.points)))
            return True
        if self._loose_double:
            self.problems.add(
                "people without group", self.path, "group_id", detail=f"see {self._loose_double}"
            )
        return not self._loose_double

    def _act(self, group: _Group, flags: dict[str, Any], where: str, group_id: Hashable) -> None:
        """Take over the action that the flags of a person's shape name."""
        action = self._action(flags, f"{where}.flags")
        if action and group.action not in (None, action):
            self.problems.add("contradicting actions", self.path, where, detail=f"group_id {group_id}")
        group.action = group.action or action

    def _action(self, flags: dict[str, Any], where: str) -> str | None:
        names = [name[len(ACTION) :] for name, on in flags.items() if on is True and name.startswith(ACTION)]
        if len(names) > 1:
            self.problems.add("contradicting actions", self.path, where, detail=", ".join(names))
        return names[0] if names else None

    def _person(self, group: _Group, source: Source, size: tuple[int, int]) -> Person:
        keypoints = np.zeros((len(self.skeleton), 3))
        for index, point in group.points.items():
            if (target := source.target[index]) >= 0:
                keypoints[target] = point
        for index in np.flatnonzero(are_outside(keypoints, size)).tolist():
            x, y = keypoints[index, :2]
            detail = f"{self.skeleton.keypoints[index]} at {x:.1f}, {y:.1f} of {size[0]} x {size[1]}"
            self.problems.add("outside the image", self.path, detail=detail)
        own = np.array(list(group.points.values()))
        return Person(keypoints, head_box=group.head, extent=mapped_extent(own, keypoints))


def _surroundings(group: _Group) -> np.ndarray:
    """Return the box of a person's points, grown on all sides by its longer one: a face with its head."""
    points = np.array([point[:2] for point in group.points.values()])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.max(high - low)
    return rectangle(*(low - margin), *(high + margin))
