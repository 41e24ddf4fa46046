"""One annotation of a COCO file, made into a person or an ignore region."""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dancepose.data.problems import Problems
from dancepose.data.readers.labelme_file import rectangle
from dancepose.errors import DataError
from dancepose.records import NOT_ANNOTATED, OCCLUDED, VISIBLE, Frame, Person


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
        """Add the person, or the ignore region, to its frame."""
        if self.content.get("iscrowd"):
            self._ignore(frame, self._segments(frame.size))
            return
        person = Person(self._keypoints(target, keypoints, frame), box=self._box(), id=len(frame.people))
        if person.present.any():
            frame.people.append(person)
            return
        if any(v > 0 for v in (self.content.get("keypoints") or [])[2::3]):
            self.problems.add("no known keypoint", self.path, self.where, detail=frame.name)
        self._ignore(frame, [])

    def _keypoints(self, target: np.ndarray, count: int, frame: Frame) -> np.ndarray:
        flat = self.content.get("keypoints")
        mapped = np.zeros((count, 3))
        if flat is None:
            return mapped
        if len(flat) != 3 * len(target) or not all(isinstance(v, (int, float)) for v in flat):
            raise DataError(
                f"{self.path}: {self.where}.keypoints must be {3 * len(target)} numbers (x, y, v of each "
                f"keypoint of its category), there are {len(flat)}"
            )
        points = np.array(flat, dtype=np.float64).reshape(-1, 3)
        wrong = ~np.isfinite(points).all(axis=1)
        if wrong.any():
            self.problems.add("not a number", self.path, f"{self.where}.keypoints", count=int(wrong.sum()))
        points[wrong] = 0
        points[:, 2] = np.select([points[:, 2] >= 2, points[:, 2] >= 1], [VISIBLE, OCCLUDED], NOT_ANNOTATED)
        points[points[:, 2] == NOT_ANNOTATED] = 0
        mapped[target[target >= 0]] = points[target >= 0]
        size = np.array(frame.size)
        outside = (mapped[:, 2] > 0) & ((mapped[:, :2] < -0.5) | (mapped[:, :2] > size + 0.5)).any(axis=1)
        if outside.any():
            detail = f"{frame.name}, {size[0]} x {size[1]}"
            self.problems.add(
                "outside the image",
                self.path,
                f"{self.where}.keypoints",
                detail=detail,
                count=int(outside.sum()),
            )
        return mapped

    def _box(self) -> np.ndarray | None:
        box = self.content.get("bbox")
        if box is None:
            return None
        if len(box) != 4 or not all(isinstance(v, (int, float)) and math.isfinite(v) for v in box):
            raise DataError(f"{self.path}: {self.where}.bbox must be four numbers: x, y, width, height")
        return np.array(box, dtype=np.float64) if box[2] > 0 and box[3] > 0 else None

    def _ignore(self, frame: Frame, polygons: list[np.ndarray]) -> None:
        box = self._box()
        if not polygons and box is not None:
            x, y, width, height = box
            polygons = [rectangle(x, y, x + width, y + height)]
        if not polygons:
            self.problems.add("no place", self.path, self.where, detail=frame.name)
            frame.complete = False
        frame.ignore += polygons

    def _segments(self, size: tuple[int, int]) -> list[np.ndarray]:
        segments = self.content.get("segmentation")
        if isinstance(segments, list):
            return [np.array(s, dtype=np.float64).reshape(-1, 2) for s in segments if len(s) >= 6]
        if isinstance(segments, dict):
            return rle_polygons(segments, f"{self.path}: {self.where}.segmentation")
        return []


def rle_polygons(rle: dict[str, Any], where: str) -> list[np.ndarray]:
    """Return the outlines of a run-length encoded mask, as polygons (N, 2) that hold every pixel of it.

    Args:
        rle: `{"size": [height, width], "counts": runs in column order, as numbers or COCO's string}`.
        where: file and field, for the message.

    Raises:
        DataError: the runs do not fill the size.
    """
    counts, (height, width) = rle.get("counts"), rle.get("size", (0, 0))
    if isinstance(counts, str):
        from faster_coco_eval.core import mask as coco_mask

        mask = coco_mask.decode({"size": [height, width], "counts": counts.encode()})
    else:
        runs = np.array(counts if counts is not None else [], dtype=np.int64)
        if runs.sum() != height * width or height * width == 0:
            raise DataError(f"{where}: the runs fill {runs.sum()} pixels, its size has {height * width}")
        values = np.arange(len(runs)) % 2
        mask = np.repeat(values, runs).reshape(width, height).T
    padded = np.pad(mask.astype(np.uint8), 1)  # the outline runs half a pixel outside the mask's pixels
    grown = cv2.dilate(padded, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [outline.reshape(-1, 2).astype(np.float64) - 1 for outline in outlines]
