"""`PointReader`: the points of the MPII and PoseTrack toolkits' struct arrays, and where errors are.

`annolist(i).image.name`, `annolist(i).annorect(j).annopoints.point(k).{x, y, id, score}`. MATLAB counts
pixels from 1: what is read is 1 less, what is written 1 more.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile
from dancepose.data.mat_file import Struct, kind_of, structs
from dancepose.errors import DataError
from dancepose.metrics.matching import Protocol
from dancepose.skeleton import Skeleton, load_skeleton

ORIGIN = 1.0  # pixels: where MATLAB begins to count
# ids of PoseTrack 2017's points, as its toolkit `poseval` has them; those of MPII are its skeleton's order
POSETRACK_IDS = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    *("upper_neck", "nose", "head_top"),
)
WRISTS = (10, 15)  # MPII's; in PoseTrack 10 is an elbow, and ids end before 15
SKELETONS: dict[Protocol, str] = {"mpii": "mpii16", "posetrack": "posetrack15"}


def joint_ids(protocol: Protocol) -> tuple[str, ...]:
    """Return the keypoint of each point id, from 0."""
    return POSETRACK_IDS if protocol == "posetrack" else load_skeleton(SKELETONS["mpii"]).keypoints


@dataclass
class PointReader:
    """Turns `annopoints` into the keypoints of a skeleton, and counts what was doubtful.

    Args:
        path: the file.
        protocol: whose point ids they are.
        skeleton: of the keypoints.
        key: the config key that names the file.

    Attributes:
        doubles: points of an id that the person has already; the first counts.
        lost: places that are no finite numbers.
        unscored: points without a score that is a finite number.
        points: all that were read.
        ids: those that any point has.

    Raises:
        DataError: the skeleton has none of the protocol's keypoints.
    """

    path: Path
    protocol: Protocol
    skeleton: Skeleton
    key: str
    doubles: int = field(default=0, init=False)
    lost: int = field(default=0, init=False)
    unscored: int = field(default=0, init=False)
    points: int = field(default=0, init=False)
    ids: set[int] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        names = joint_ids(self.protocol)
        found = [self.skeleton.find(name) for name in names]
        self.target = [-1 if index is None else index for index in found]
        if max(self.target) < 0:
            raise DataError(
                f"{self.key}={self.path}: skeleton {self.skeleton.name} has none of the keypoints "
                f"{names[0]}, {names[1]}, ...: choose another with skeleton="
            )

    @property
    def labelled(self) -> np.ndarray:
        """(K,) bool: the keypoints that points can be of."""
        mask = np.zeros(len(self.skeleton), dtype=bool)
        mask[[index for index in self.target if index >= 0]] = True
        return mask

    def read(self, where: str, rect: Struct, keep_lost: bool) -> np.ndarray:
        """Return x, y and score of a person's keypoints.

        Args:
            where: of the person, `annolist(3).annorect(1)`.
            rect: its struct.
            keep_lost: whether a place that is no number is counted and left out, as in a truth, or an error.

        Returns:
            (K, 3) float64, pixels from 0; NaN where there is no point, and for a score that is not there.

        Raises:
            BrokenFile: a field is missing or holds something else; names it as MATLAB would.
        """
        rows = np.full((len(self.skeleton), 3), np.nan)
        holders = self.structs(rect.get("annopoints"), f"{where}.annopoints")
        points = self.structs(holders[0].get("point"), f"{where}.annopoints.point") if holders else []
        seen: set[int] = set()
        for k, point in enumerate(points, start=1):
            here = f"{where}.annopoints.point({k})"
            number = self.number(point, "id", here)
            if number is None or number not in range(len(self.target)):
                told = "is missing" if number is None else f"is {number:g}"
                raise self.broken(
                    f"{told}: {self.protocol} has the ids 0 to {len(self.target) - 1} "
                    "(protocol= says whose they are)",
                    f"{here}.id",
                )
            self.points += 1
            joint = int(number)
            self.ids.add(joint)
            if joint in seen:
                self.doubles += 1
                continue
            seen.add(joint)
            place = [self.number(point, name, here) for name in ("x", "y")]
            if any(value is None or not math.isfinite(value) for value in place):
                name = "xy"[not (place[0] is None or not math.isfinite(place[0]))]
                value = point.get(name)
                if keep_lost and value is not None:
                    self.lost += 1
                    continue
                told = "is missing" if value is None else f"is {value:g}"
                raise self.broken(
                    f"{told}: give a finite number, or leave the point out where it was not found",
                    f"{here}.{name}",
                )
            score = self.number(point, "score", here)
            if score is None or not math.isfinite(score):
                self.unscored += 1
                score = math.nan
            if (index := self.target[joint]) >= 0:
                rows[index] = place[0] - ORIGIN, place[1] - ORIGIN, score  # type: ignore[operator]
        return rows

    def rects(self, where: str, entry: Struct) -> list[Struct]:
        """Return the structs of an entry's people.

        Raises:
            BrokenFile: `annorect` holds something else.
        """
        return self.structs(entry.get("annorect"), f"{where}.annorect")

    def name(self, where: str, entry: Struct) -> str | None:
        """Return the name of an entry's image, None where it has none.

        Raises:
            BrokenFile: it is no text.
        """
        image = entry.get("image")
        if isinstance(image, str):  # `annolist(i).image = name`
            return image
        holders = self.structs(image, f"{where}.image")
        name = holders[0].get("name") if holders else None
        if name is not None and not isinstance(name, str):
            raise self.broken("must be a text", f"{where}.image.name")
        return name

    def foreign_ids(self) -> list[str]:
        """Return what speaks against the points being MPII's: both protocols share all ids but one."""
        right, left = WRISTS
        if self.protocol != "mpii" or left in self.ids or right not in self.ids:
            return []
        return [
            f"no point of {self.path} has the id {left}, MPII's left wrist: if its ids are PoseTrack's, "
            "give protocol=posetrack"
        ]

    def structs(self, value: Any, where: str) -> list[Struct]:
        """Return the structs of a field, none where it is empty.

        Raises:
            BrokenFile: it holds something else.
        """
        try:
            return structs(value)
        except TypeError:
            raise self.broken(
                f"holds {kind_of(value)}, no structs: not the toolkit's annolist", where
            ) from None

    def number(self, struct: Struct, name: str, where: str) -> float | None:
        """Return a number, which may be NaN, or None where the field is missing or empty.

        Raises:
            BrokenFile: it is no single number.
        """
        value = struct.get(name)
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            return value
        raise self.broken(f"holds {kind_of(value)}, where one number is needed", f"{where}.{name}")

    def broken(self, what: str, where: str) -> BrokenFile:
        """Return an error that names file, key and field."""
        return BrokenFile(self.path, what, where, self.key)
