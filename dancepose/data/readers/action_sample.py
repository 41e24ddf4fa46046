"""One sample of an `actions.json`: a person in a picture and what it does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile
from dancepose.data.problems import Problems
from dancepose.data.readers.points import plain_numbers, settle_points
from dancepose.errors import did_you_mean, in_brackets
from dancepose.records import Person, mapped_extent
from dancepose.skeleton import Skeleton

FIELDS = ("image", "label", "clip", "person", "box", "keypoints", "source")


@dataclass(frozen=True)
class Sample:
    """What a sample says.

    Attributes:
        where: it stands in the file, `samples[3]`.
        image: path of the picture below the data's folder.
        clip: the video that the picture is from, or None.
        numbered: whether the file gives the person a number.
        person: action, box, number and keypoints, in those of the run.
        source: where it comes from, for reports.
    """

    where: str
    image: str
    clip: str | None
    numbered: bool
    person: Person
    source: str


class SampleReader:
    """Makes a `Sample` of each entry of `samples`.

    Args:
        path: of the file.
        classes: the names that a label may have.
        labelled: the skeleton of the file's keypoints; None where it names none.
        run: the run's skeleton.
        problems: findings are added to it.
    """

    def __init__(
        self,
        path: Path,
        classes: tuple[str, ...],
        labelled: Skeleton | None,
        run: Skeleton,
        problems: Problems,
    ):
        self.path, self.classes, self.labelled, self.problems = path, classes, labelled, problems
        self._blank = np.zeros((len(run), 3))
        self._map = None if labelled is None else labelled.map_to(run)

    def read(self, where: str, entry: Any) -> Sample:
        """Return the sample.

        Args:
            where: the entry stands in the file.
            entry: its content.

        Raises:
            BrokenFile: a field is missing or holds something else than it should; names it and the remedy.
        """
        if not isinstance(entry, dict):
            raise BrokenFile(self.path, f"must be a mapping, not {entry!r}", where)
        for field in entry:
            if field not in FIELDS:
                self.problems.add(
                    "unknown field", self.path, where, f"'{field}'{in_brackets(did_you_mean(field, FIELDS))}"
                )
        image = self._text(where, entry, "image", "the path of the picture below the data's folder")
        label = self._text(where, entry, "label", f"one of {', '.join(self.classes)}")
        assert image is not None and label is not None  # only what may be null is
        if label not in self.classes:
            hint = did_you_mean(label, self.classes)
            known = f"is none of 'classes' ({', '.join(self.classes)})"
            raise BrokenFile(self.path, f"{label!r} {known}.{hint or ' Add it there.'}", f"{where}.label")
        number = entry.get("person")
        if number is not None and (type(number) is not int or number < 0):
            raise BrokenFile(
                self.path,
                f"{number!r} must be the person's number in its clip (0, 1, ...), or null",
                f"{where}.person",
            )
        keypoints, extent = self._keypoints(where, entry.get("keypoints"))
        person = Person(
            keypoints,
            box=self._box(where, entry.get("box")),
            extent=extent,
            id=number or 0,
            action=label,
        )
        clip = self._text(where, entry, "clip", "the name of the video, or null", optional=True)
        source = self._text(where, entry, "source", "a name, or null", optional=True)
        name = Path(image.replace("\\", "/")).as_posix()
        return Sample(where, name, clip, number is not None, person, source or "")

    def _text(
        self, where: str, entry: dict[str, Any], name: str, needed: str, optional: bool = False
    ) -> str | None:
        value = entry.get(name)
        if optional and value is None:
            return None
        if not isinstance(value, str) or not value:
            found = f"{value!r} must be" if name in entry else "is missing: give"
            raise BrokenFile(self.path, f"{found} {needed}", f"{where}.{name}")
        return value

    def _box(self, where: str, value: Any) -> np.ndarray | None:
        if value is None:
            return None
        box = plain_numbers(value)
        if box is None or len(box) != 4 or not np.isfinite(box).all() or min(box[2:]) <= 0:
            what = "must be x, y, width and height in pixels, the last two above 0; null where it is unknown"
            raise BrokenFile(self.path, what, f"{where}.box")
        return box

    def _keypoints(self, where: str, value: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the keypoints in the run's skeleton, blank where there are none, and `Person.extent`."""
        if value is None:
            return self._blank.copy(), None
        field = f"{where}.keypoints"
        if self.labelled is None or self._map is None:
            what = "are of no known skeleton: name it in the file's field 'skeleton'"
            raise BrokenFile(self.path, what, field)
        count = len(self.labelled)
        rows = [plain_numbers(row) for row in value] if isinstance(value, list) else []
        if len(rows) != count or any(row is None or len(row) != 3 for row in rows):
            there = f"; there are {len(value)}" if isinstance(value, list) and len(value) != count else ""
            what = f"must be {count} times [x, y, v], one for each keypoint of {self.labelled.name}{there}"
            raise BrokenFile(self.path, what, field)
        own = settle_points(np.array(rows), self.path, field, self.problems)
        mapped = self._map.apply(own)
        return mapped, mapped_extent(own, mapped)
