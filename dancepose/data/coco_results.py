"""COCO result files: `[{"image_id", "category_id", "keypoints": [x, y, score, ...], "score"}, ...]`."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.errors import DataError
from dancepose.files import write_text
from dancepose.records import VISIBLE, Frame, Person
from dancepose.skeleton import Skeleton

CATEGORY = 1  # COCO's number of `person`


def write_coco_results(path: Path, people: Mapping[str, Sequence[Person]], frames: Sequence[Frame]) -> None:
    """Export predictions, whole or not at all.

    A keypoint that was not found is 0, 0, 0, and the third number of the others is their score, as the
    published code has it (COCO's own evaluation looks at neither).

    Args:
        path: of the file.
        people: name of frame -> its people, keypoints in the order of the COCO file's category.
        frames: their `id` is the image's number; where one has none, or two the same, as those of two data
            sets in a mix may, all are numbered from 1.
    """
    ids = [frame.id for frame in frames]
    numbers = range(1, len(ids) + 1) if None in ids or len(set(ids)) < len(ids) else ids
    results = []
    for number, frame in zip(numbers, frames, strict=True):
        for person in people.get(frame.name, ()):
            scores = person.score if person.scores is None else person.scores
            rows = np.column_stack([person.keypoints[:, :2], np.broadcast_to(scores, person.present.shape)])
            results.append(
                {
                    "image_id": number,
                    "category_id": CATEGORY,
                    "keypoints": np.where(person.present[:, None], rows, 0).ravel().tolist(),
                    "score": float(person.score),
                }
            )
    write_text(Path(path), json.dumps(results, allow_nan=False))


def people_of_results(
    path: Path, content: Sequence[Any], skeleton: Skeleton
) -> list[tuple[int, list[Person]]]:
    """Turn the content of a COCO result file into people.

    A keypoint of three zeros was not found. Where every third number is 0, 1 or 2 they are visibilities, not
    scores, and each keypoint has its person's score.

    Returns:
        Number of each image and its people, in the order of the file.

    Raises:
        DataError: an entry is wrong; names the file and field.
    """
    found: dict[int, list[Person]] = {}
    for i, entry in enumerate(content):
        where = f"{path}: [{i}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("image_id"), int):
            raise DataError(f"{where}.image_id is missing: not a COCO result file")
        try:
            rows = np.array(entry.get("keypoints", ()), dtype=np.float64).reshape(-1, 3)
            score = float(entry.get("score", 1.0))
        except (TypeError, ValueError, OverflowError):
            raise DataError(
                f"{where}.keypoints must be x, y, score of each keypoint, and score a number"
            ) from None
        if not math.isfinite(score):
            raise DataError(f"{where}.score must be a finite number")
        if len(rows) != len(skeleton) or not np.isfinite(rows).all():
            raise DataError(
                f"{where}.keypoints must be {3 * len(skeleton)} finite numbers for skeleton {skeleton.name}, "
                f"there are {rows.size}"
            )
        present = rows.any(axis=1)
        flags = np.isin(rows[:, 2], (0, 1, 2)).all()
        scores = np.where(present, score if flags else rows[:, 2], 0)
        keypoints = np.column_stack([rows[:, :2], np.where(present, VISIBLE, 0)])
        found.setdefault(entry["image_id"], []).append(Person(keypoints, scores=scores, score=score))
    return list(found.items())
