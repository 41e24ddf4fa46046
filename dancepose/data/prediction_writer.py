"""`predictions.json`, written: what predict and evaluate leave."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from dancepose.data.predictions import ImagePredictions, label_hash
from dancepose.errors import ConfigError, DanceposeError
from dancepose.files import Appended, json_bytes, replacing
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton

log = logging.getLogger(__name__)


def write_predictions(
    path: Path,
    predictions: Sequence[tuple[str, list[Person]] | ImagePredictions],
    skeleton: Skeleton,
    split: str | None = None,
    truth: Sequence[Frame] = (),
) -> None:
    """Write predictions, whole or not at all.

    Numbers are written in full, so that scoring the file gives exactly the figures of the run. A keypoint
    that was not found is [0, 0, 0]. People predicted for one group are written under its number.

    Args:
        path: of the file.
        predictions: name of each frame and its people.
        skeleton: of the people; written by name if it is a shipped one, else in full.
        split: hash of the split.
        truth: the frames that were predicted, as far as they are labelled; their sizes and the hashes of
            their labels go into the file, by which `agreement.doubts` knows them again.
    """
    frames = {frame.name: frame for frame in truth}
    with PredictionsWriter(path, skeleton, split) as writer:
        for entry in (one for given in predictions for one in _by_group(given)):
            if (frame := frames.get(str(entry.image))) is not None:
                width, height = (int(side) for side in frame.size)
                entry = replace(entry, size=(width, height), labels=label_hash(frame))
            writer.write(entry)


class PredictionsWriter:
    """`predictions.json`, written one picture after the other in constant memory; a context manager.

    The file appears under its name, whole, when the context ends. Where it ends by an error there is none,
    unless what was written so far is to be kept.

    Args:
        path: of the file.
        skeleton: of the people; written by name if it is a shipped one, else in full.
        split: hash of the split.
        keep: also where an error ends the context, the file appears, with what was written until then.
        made_by: what stands in the file under this name, of plain containers; None: nothing.

    Raises:
        DanceposeError: the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        skeleton: Skeleton,
        split: str | None = None,
        *,
        keep: bool = False,
        made_by: Mapping[str, Any] | None = None,
    ) -> None:
        self.path, self.keep = Path(path), keep
        self._head = {"skeleton": _skeleton_to_plain(skeleton), "split": split}
        self._head |= {} if made_by is None else {"made_by": dict(made_by)}
        self._stack = contextlib.ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._file = Appended(self.path, stack.enter_context(replacing(self.path)), b"\n]}\n")
            self._file.append(json_bytes(self._head)[:-1] + b', "images": [')
            self._stack = stack.pop_all()
        return self

    def write(self, entry: ImagePredictions) -> None:
        """Write the people of one picture at once; the next place in the file is theirs."""
        self._file.append((b",\n" if self._count else b"\n") + json_bytes(image_to_plain(entry)))
        self._count += 1

    def take_back(self) -> None:
        """Remove the last picture again, once."""
        self._file.take_back()
        self._count -= 1

    def __exit__(self, *raised: Any) -> bool | None:
        if raised[0] is None or not self.keep or self._file.broken:
            return self._stack.__exit__(*raised)
        try:
            self._stack.__exit__(None, None, None)
        except (DanceposeError, OSError) as second:
            log.warning("%s", second)  # the first error is told by whoever catches it
        return None


def image_to_plain(entry: ImagePredictions) -> dict[str, Any]:
    """Return what the file says of one image, as plain containers: of JSON lines, too."""
    known: dict[str, Any] = {}
    if entry.size is not None:
        known["size"] = list(entry.size)
    if entry.labels is not None:
        known["labels"] = entry.labels
    people = [_person_to_plain(person) for person in entry.people]
    return {"image": entry.image, "group": entry.group, **known, "people": people}


def _by_group(entry: tuple[str, list[Person]] | ImagePredictions) -> list[ImagePredictions]:
    """Return the predictions of one image, an entry for each group that people were predicted for."""
    if isinstance(entry, ImagePredictions):
        return [entry]
    image, people = entry
    groups = dict.fromkeys(person.group for person in people) or {None: None}
    return [ImagePredictions(image, [p for p in people if p.group == group], group) for group in groups]


def _skeleton_to_plain(skeleton: Skeleton) -> str | dict[str, Any]:
    try:
        return skeleton.name if load_skeleton(skeleton.name) == skeleton else skeleton.to_dict()
    except ConfigError:  # not a shipped one
        return skeleton.to_dict()


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
