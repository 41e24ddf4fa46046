"""One annotation of a COCO file, made into a person or an ignore region."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dancepose.data.json_file import BrokenFile
from dancepose.data.problems import Problems
from dancepose.data.readers.points import find_outside, plain_numbers, rectangle, settle_points
from dancepose.records import Frame, Person


class CocoAnnotation:
    """One entry of `annotations`: a person, or a region to ignore.

    Args:
        path: of the file.
        where: of the entry in it.
        content: the entry.
        problems: findings are added to it.
    """

    def __init__(self, path: Path, where: str, content: dict[str, Any], problems: Problems):
        self.path, self.where, self.content, self.problems = path, where, content, problems

    def put(self, frame: Frame, target: np.ndarray, keypoints: int) -> None:
        """Add the person, or the ignore region, to its frame.

        Raises:
            BrokenFile: a field holds something else than it should; names file and field.
        """
        crowd = self.content.get("iscrowd")
        if crowd not in (None, 0, 1):
            raise self._wrong("iscrowd", f"0 or 1, not {crowd!r}")
        if crowd:
            self._ignore(frame, self._segments(frame.size))
            return
        points = self._keypoints(target, keypoints, frame)
        person = Person(points, box=self._box(), area=self._area(), id=len(frame.people))
        if person.present.any():
            frame.people.append(person)
            return
        if any(v > 0 for v in (self.content.get("keypoints") or [])[2::3]):  # of other names than the run's
            self.problems.add("no known keypoint", self.path, self.where, detail=frame.name)
        self._ignore(frame, [])

    def _wrong(self, name: str, needed: str) -> BrokenFile:
        return BrokenFile(self.path, f"must be {needed}", f"{self.where}.{name}")

    def _keypoints(self, target: np.ndarray, count: int, frame: Frame) -> np.ndarray:
        flat = self.content.get("keypoints")
        mapped = np.zeros((count, 3))
        if flat is None:
            return mapped
        numbers = plain_numbers(flat)
        if numbers is None or len(numbers) != 3 * len(target):
            there = f", there are {len(flat)}" if numbers is not None else ""
            needed = f"{3 * len(target)} numbers (x, y, v of each keypoint of its category){there}"
            raise self._wrong("keypoints", needed)
        where = f"{self.where}.keypoints"
        points = settle_points(numbers.reshape(-1, 3), self.path, where, self.problems)
        mapped[target[target >= 0]] = points[target >= 0]
        find_outside(mapped, frame.size, self.path, where, frame.name, self.problems)
        return mapped

    def _box(self) -> np.ndarray | None:
        if self.content.get("bbox") is None:
            return None
        box = plain_numbers(self.content["bbox"])
        if box is None or len(box) != 4 or not np.isfinite(box).all():
            raise self._wrong("bbox", "four numbers: x, y, width, height")
        return box if box[2] > 0 and box[3] > 0 else None

    def _area(self) -> float | None:
        area = self.content.get("area")
        if area is None:
            return None
        if isinstance(area, bool) or not isinstance(area, (int, float)) or not 0 <= area < np.inf:
            raise self._wrong("area", f"a number of square pixels, not {area!r}")
        return float(area) or None

    def _ignore(self, frame: Frame, polygons: list[np.ndarray]) -> None:
        box = self._box()
        if not polygons and box is not None:
            x, y, width, height = box
            polygons = [rectangle(x, y, x + width, y + height)]
        if not polygons:
            self.problems.add("no place", self.path, self.where, detail=frame.name)
            frame.complete = False
            return
        frame.ignore.append(polygons)

    def _segments(self, size: tuple[int, int]) -> list[np.ndarray]:
        segments = self.content.get("segmentation")
        if segments is None:
            return []
        if isinstance(segments, dict):
            if segments.get("size") != [size[1], size[0]]:
                raise self._wrong("segmentation.size", f"height and width of the image: {size[1]}, {size[0]}")
            return rle_polygons(segments, self.path, f"{self.where}.segmentation")
        if not isinstance(segments, list):
            raise self._wrong("segmentation", f"polygons or a run-length encoded mask, not {segments!r}")
        polygons = []
        for i, segment in enumerate(segments):
            numbers = plain_numbers(segment)
            if numbers is None or len(numbers) % 2 or not np.isfinite(numbers).all():
                raise self._wrong(f"segmentation[{i}]", "a polygon: a list of numbers x, y, x, y, ...")
            if len(numbers) >= 6:
                polygons.append(numbers.reshape(-1, 2))
        return polygons


def rle_polygons(rle: dict[str, Any], path: Path, where: str) -> list[np.ndarray]:
    """Return the outlines of a run-length encoded mask, as polygons (N, 2) that hold every pixel of it.

    Args:
        rle: `{"size": [height, width], "counts": runs in column order, as numbers or COCO's string}`.
        path: of the file, for the message.
        where: the field in it, likewise.

    Raises:
        BrokenFile: size or runs are wrong, or the runs do not fill the size.
    """
    counts, size = rle.get("counts"), rle.get("size")
    if not isinstance(size, list) or len(size) != 2 or not all(type(n) is int and n > 0 for n in size):
        raise BrokenFile(path, f"must be height and width, not {size!r}", f"{where}.size")
    height, width = size
    if isinstance(counts, str):
        from faster_coco_eval.core import mask as coco_mask

        try:
            mask = coco_mask.decode({"size": [height, width], "counts": counts.encode()})
        except (ValueError, RuntimeError) as error:
            what = f"is no run-length string of {height} x {width}: {error}"
            raise BrokenFile(path, what, f"{where}.counts") from None
    else:
        if not isinstance(counts, list) or not all(type(n) is int and n >= 0 for n in counts):
            raise BrokenFile(path, "must be run lengths, or COCO's string of them", f"{where}.counts")
        if sum(counts) != height * width:
            what = f"is wrong: the runs fill {sum(counts)} pixels, its size has {height * width}"
            raise BrokenFile(path, what, where)
        runs = np.array(counts, dtype=np.int64)
        values = np.arange(len(runs)) % 2
        mask = np.repeat(values, runs).reshape(width, height).T
    padded = np.pad(mask.astype(np.uint8), 1)  # the outline runs half a pixel outside the mask's pixels
    grown = cv2.dilate(padded, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [outline.reshape(-1, 2).astype(np.float64) - 1 for outline in outlines]
