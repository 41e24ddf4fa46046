"""`predictions.json` and COCO results, read: what evaluate scores."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.coco_results import people_of_results
from dancepose.data.json_file import load_json
from dancepose.data.predictions import ImagePredictions, Predictions
from dancepose.errors import ConfigError, DataError
from dancepose.records import VISIBLE, Person
from dancepose.skeleton import Skeleton, load_skeleton


def read_predictions(path: Path, skeleton: Skeleton | None = None) -> Predictions:
    """Read `predictions.json` or a COCO result file.

    Args:
        path: of the file.
        skeleton: of the people; needed for COCO results, else that of the file, which must then be the same.

    Raises:
        DataError: the file is missing, broken or holds something else; names the file and field.
        ConfigError: COCO results without a skeleton.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"pred={path} is no file")
    content = load_json(path)
    if isinstance(content, list):
        if skeleton is None:
            raise ConfigError(f"pred={path} is a COCO result file, which names no keypoints: give skeleton=")
        entries = [ImagePredictions(*entry) for entry in people_of_results(path, content, skeleton)]
        return Predictions(path, skeleton, None, entries)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise DataError(f"{path}: field 'images' is missing: neither predictions.json nor COCO results")
    named = _skeleton_from_plain(path, content.get("skeleton"))
    if skeleton is not None and skeleton.keypoints != named.keypoints:
        raise DataError(f"{path}: its people have skeleton {named.name}, not {skeleton.name}")
    images: list[ImagePredictions] = []
    seen = set[tuple[str, int | None]]()
    for i, image in enumerate(content["images"]):
        where = f"images[{i}]"
        if not isinstance(image, dict) or not isinstance(image.get("image"), str):
            raise DataError(f"{path}: {where}.image, the name of a picture, is missing")
        if not isinstance(image.get("people"), list):
            raise DataError(f"{path}: {where}.people must be a list")
        people = [
            _person_from_plain(f"{path}: {where}.people[{p}]", person, len(named))
            for p, person in enumerate(image["people"])
        ]
        size, labels = image.get("size"), image.get("labels")
        if size is not None and not (
            isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)
        ):
            raise DataError(f"{path}: {where}.size must be width and height in pixels")
        group = image.get("group")
        if group is not None and (type(group) is not int or group < 0):
            raise DataError(f"{path}: {where}.group must be the number of a group, from 0, or null")
        if (image["image"], group) in seen:
            raise DataError(
                f"{path}: {where}.image, {image['image']}, stands there twice: give its people in one entry"
            )
        seen.add((image["image"], group))
        images.append(
            ImagePredictions(image["image"], people, group, (size[0], size[1]) if size else None, labels)
        )
    return Predictions(path, named, content.get("split"), images)


def _skeleton_from_plain(path: Path, value: Any) -> Skeleton:
    if not isinstance(value, (str, dict)):
        raise DataError(f"{path}: field 'skeleton', a name or its keypoints, is missing")
    try:
        return load_skeleton(value) if isinstance(value, str) else Skeleton.from_dict(value)
    except ConfigError as error:
        raise DataError(f"{path}: field 'skeleton': {error}") from None


def _person_from_plain(where: str, content: Any, keypoints: int) -> Person:
    if not isinstance(content, dict):
        raise DataError(f"{where} must be a mapping")
    rows = _numbers(where, content, "keypoints")
    if rows is None or rows.shape != (keypoints, 3):
        raise DataError(f"{where}.keypoints must be {keypoints} x [x, y, score]")
    score = content.get("score", 1.0)
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
        raise DataError(f"{where}.score must be a finite number")
    box = _numbers(where, content, "box")
    if box is not None and box.shape != (4,):
        raise DataError(f"{where}.box must be four numbers, x, y, width, height, or null")
    return Person(
        np.column_stack([rows[:, :2], np.where(rows.any(axis=1), VISIBLE, 0)]),
        scores=rows[:, 2],
        score=float(score),
        box=box,
        track=content.get("track"),
        action=content.get("action"),
        probabilities=_numbers(where, content, "probabilities"),
    )


def _numbers(where: str, content: dict[str, Any], name: str) -> np.ndarray | None:
    if content.get(name) is None:
        return None
    try:
        array = np.array(content[name], dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{where}.{name} must hold numbers") from None
    if not np.isfinite(array).all():
        raise DataError(f"{where}.{name} holds a number that is not finite")
    return array
