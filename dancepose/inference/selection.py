"""Which of the people that were found are wanted; the others are left out, and counted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dancepose.inference.interface import Prediction
from dancepose.records import Person

IN_PADDING = "in the padding beside the picture"  # nobody is there


def in_picture(people: Sequence[Person], rectangle: Sequence[float]) -> list[Person]:
    """Return the people who are in what the network was shown, and not in the padding beside it.

    Weak networks find people in the padding, too. Whoever has keypoints on both sides is where most of their
    scores are: a foot may well lie below the picture.

    Args:
        people: as a codec decodes them, in original pixels.
        rectangle: x, y, width, height of what was shown, in original pixels.
    """
    low = np.asarray(rectangle[:2], np.float64) - 0.5  # pixel centres are at integers
    high = low + np.asarray(rectangle[2:], np.float64)
    kept = []
    for person in people:
        points = person.keypoints[person.present, :2]
        scores = np.ones(len(points)) if person.scores is None else np.asarray(person.scores)[person.present]
        inside = ((points >= low) & (points <= high)).all(axis=1)
        if 2 * scores[inside].sum() >= scores.sum():
            kept.append(person)
    return kept


def leave_out(prediction: Prediction, least_score: float, least_size: float) -> None:
    """Give people boxes, and leave out whom nobody wants; `left_out` counts them by the reason.

    Args:
        prediction: its frame's people and `left_out` are replaced.
        least_score: people below it are left out.
        least_size: likewise people whose box's larger side is less, in pixels of the picture.
    """
    people = []
    for person in prediction.frame.people:
        person = replace(person, box=keypoint_box(person))
        if reason := _unwanted(person, least_score, least_size):
            prediction.left_out[reason] = prediction.left_out.get(reason, 0) + 1
        else:
            people.append(person)
    prediction.frame.people = people


def keypoint_box(person: Person) -> np.ndarray | None:
    """Return (4,) x, y, width, height around a person's keypoints; None without any."""
    points = person.keypoints[person.present, :2]
    if not len(points):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    return np.concatenate([low, high - low]).astype(np.float64)


def _unwanted(person: Person, least_score: float, least_size: float) -> str | None:
    if person.box is None:
        return "no keypoint"
    if person.score < least_score:
        return f"score below {least_score:g}"
    if person.box[2:].max() < least_size:
        return f"smaller than {least_size:g} px"
    return None
