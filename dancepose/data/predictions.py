"""`predictions.json`, what predict and evaluate write and evaluate and compare read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.coco_results import people_of_results
from dancepose.data.json_file import load_json
from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.files import write_text
from dancepose.records import VISIBLE, Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton


@dataclass
class ImagePredictions:
    """The people found in one image, or in one group of an image.

    Attributes:
        image: name of the frame, or in a COCO result file its number.
        people: in original pixels.
        group: number of the group within the image, or None.
        size: width and height of the image in pixels, None where the file does not say.
        labels: `label_hash` of the truth at hand when it was predicted, None where there was none.
    """

    image: str | int
    people: list[Person]
    group: int | None = None
    size: tuple[int, int] | None = None
    labels: str | None = None


@dataclass
class Predictions:
    """A file of predictions.

    Attributes:
        path: of the file.
        skeleton: of the people.
        split: hash of the split whose part it is of, or None where the file does not say.
        images: in the order of the file.
    """

    path: Path
    skeleton: Skeleton
    split: str | None
    images: list[ImagePredictions]

    def people(self, frames: Sequence[Frame]) -> dict[str, list[Person]]:
        """Return name of frame -> its people, those of several groups together; empty where nobody was found.

        Raises:
            DataError: the file speaks of an image that is none of the frames.
        """
        by_key: dict[str | int, str] = {frame.name: frame.name for frame in frames}
        by_key |= {frame.id: frame.name for frame in frames if frame.id is not None}
        found: dict[str, list[Person]] = {frame.name: [] for frame in frames}
        for i, entry in enumerate(self.images):
            name = by_key.get(entry.image)
            if name is None and isinstance(entry.image, int) and all(frame.id is None for frame in frames):
                raise DataError(
                    f"{self.path} names pictures by number ({entry.image}), as COCO results do, and this "
                    "truth has no numbers: give gt=<their COCO JSON>, or pred=predictions.json"
                )
            if name is None:
                hint = did_you_mean(entry.image, found) if isinstance(entry.image, str) else ""
                raise DataError(
                    f"{self.path}: images[{i}] is {entry.image!r}, which is none of the truth's "
                    f"{len(frames)} pictures.{hint}"
                )
            found[name] += entry.people
        return found

    def covered(self, frames: Sequence[Frame]) -> list[Frame]:
        """Return the frames to score.

        A file that carries the hash of a split is of one part of it, and names every picture of this part:
        the others were not predicted. Any other file is of all frames: a picture that it leaves out, as COCO
        results do where nobody was found, is one without people.

        Raises:
            DataError: a file of one part speaks of no frame.
        """
        if self.split is None:
            return list(frames)
        named = self.named
        found = [frame for frame in frames if frame.name in named]
        if not found:
            raise DataError(f"{self.path} speaks of none of the truth's {len(frames)} pictures")
        return found

    @property
    def named(self) -> set[str | int]:
        """The images that the file speaks of."""
        return {entry.image for entry in self.images}


def label_hash(frame: Frame) -> str:
    """Return 8 hexadecimal digits that stand for the labelled people of a frame, in whatever order."""
    people = sorted((person.keypoints.round(2) + 0.0).tolist() for person in frame.people)
    return hashlib.sha256(json.dumps(people).encode()).hexdigest()[:8]


def write_predictions(
    path: Path,
    predictions: Sequence[tuple[str, list[Person]] | ImagePredictions],
    skeleton: Skeleton,
    split: str | None = None,
    truth: Sequence[Frame] = (),
) -> None:
    """Write predictions, whole or not at all.

    Numbers are written in full, so that scoring the file gives exactly the figures of the run. A keypoint
    that was not found is [0, 0, 0].

    Args:
        path: of the file.
        predictions: name of each frame and its people.
        skeleton: of the people; written by name if it is a shipped one, else in full.
        split: hash of the split.
        truth: the frames that were predicted, as far as they are labelled; their sizes and the hashes of
            their labels go into the file, by which `agreement.doubts` knows them again.
    """
    images, frames = [], {frame.name: frame for frame in truth}
    for entry in predictions:
        if not isinstance(entry, ImagePredictions):
            entry = ImagePredictions(*entry)
        people = [_person_to_plain(person) for person in entry.people]
        known: dict[str, Any] = {}
        if (frame := frames.get(str(entry.image))) is not None:
            known = {"size": [int(side) for side in frame.size], "labels": label_hash(frame)}
        images.append({"image": entry.image, "group": entry.group, **known, "people": people})
    head = {"skeleton": _skeleton_to_plain(skeleton), "split": split}
    lines = ",\n".join(json.dumps(image, allow_nan=False, ensure_ascii=False) for image in images)
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "images": [\n' + lines + "\n]}\n"
    write_text(Path(path), text)


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
    images = []
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
        images.append(
            ImagePredictions(
                image["image"], people, image.get("group"), (size[0], size[1]) if size else None, labels
            )
        )
    return Predictions(path, named, content.get("split"), images)


def _skeleton_to_plain(skeleton: Skeleton) -> str | dict[str, Any]:
    try:
        return skeleton.name if load_skeleton(skeleton.name) == skeleton else skeleton.to_dict()
    except ConfigError:  # not a shipped one
        return skeleton.to_dict()


def _skeleton_from_plain(path: Path, value: Any) -> Skeleton:
    if not isinstance(value, (str, dict)):
        raise DataError(f"{path}: field 'skeleton', a name or its keypoints, is missing")
    try:
        return load_skeleton(value) if isinstance(value, str) else Skeleton.from_dict(value)
    except ConfigError as error:
        raise DataError(f"{path}: field 'skeleton': {error}") from None


def _person_to_plain(person: Person) -> dict[str, Any]:
    present = person.present
    scores = person.score if person.scores is None else person.scores
    rows = np.column_stack([person.keypoints[:, :2], np.broadcast_to(scores, present.shape)])
    return {
        "keypoints": np.where(present[:, None], rows, 0).tolist(),
        "score": float(person.score),
        "box": None if person.box is None else np.asarray(person.box, dtype=np.float64).tolist(),
        "track": person.track,
        "action": person.action,
        "probabilities": None if person.probabilities is None else np.asarray(person.probabilities).tolist(),
    }


def _person_from_plain(where: str, content: Any, keypoints: int) -> Person:
    if not isinstance(content, dict):
        raise DataError(f"{where} must be a mapping")
    rows = _numbers(where, content, "keypoints")
    if rows is None or rows.shape != (keypoints, 3):
        raise DataError(f"{where}.keypoints must be {keypoints} x [x, y, score]")
    score = content.get("score", 1.0)
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        raise DataError(f"{where}.score must be a number")
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
