"""Are predictions of the pictures that they are scored on? Equal names alone do not say so."""

from collections.abc import Sequence

import numpy as np

from dancepose.data.predictions import LABELS, Predictions, label_hash
from dancepose.errors import DataError
from dancepose.records import Frame, Person


def doubts(predictions: Predictions, frames: Sequence[Frame]) -> list[str]:
    """Return what speaks against frames being those that were predicted: names alone may be equal.

    Args:
        predictions: a file of them.
        frames: the truth.

    Raises:
        DataError: images have another size than when they were predicted, as the file says.
    """
    by_name = {frame.name: frame for frame in frames} | {frame.id: frame for frame in frames}
    pairs = [(entry, by_name[entry.image]) for entry in predictions.images if entry.image in by_name]
    for entry, frame in pairs:
        sizes = (entry.size, tuple(frame.size))
        if entry.size is not None and (0, 0) not in sizes and sizes[0] != sizes[1]:
            was, now = (f"{width} x {height}" for width, height in (entry.size, frame.size))
            raise DataError(
                f"{predictions.path}: {entry.image} was {was} pixels when it was predicted, in the truth it "
                f"is {now}: these are other pictures of the same names. Give gt=<the truth of those>"
            )
    told = []
    hashed = [pair for pair in pairs if str(pair[0].labels).startswith(LABELS)]
    known = [entry.labels == label_hash(frame) for entry, frame in hashed]
    if others := known.count(False):
        told.append(
            f"of {others} of {len(known)} pictures the labels are not those at hand when {predictions.path} "
            "was made: labelled anew since, or other pictures of the same names"
        )
    sure = {entry.image for (entry, _), same in zip(hashed, known, strict=True) if same}
    # of truth without pictures the size is 0, 0
    sized = [(entry, frame) for entry, frame in pairs if any(frame.size) and entry.image not in sure]
    inside = [_is_inside(person, frame.size) for entry, frame in sized for person in entry.people]
    if strangers := inside.count(False):
        told.append(
            f"{strangers} of {len(inside)} people of {predictions.path} lie outside their pictures: perhaps "
            "these are other pictures of the same names"
        )
    return told


def _is_inside(person: Person, size: tuple[int, int]) -> bool:
    """Tell whether the middle of a person's keypoints lies in the picture."""
    points = person.keypoints[person.present, :2]
    if not len(points):
        return True
    middle = points.mean(axis=0)
    return bool(((middle >= -0.5) & (middle <= np.array(size) - 0.5)).all())
