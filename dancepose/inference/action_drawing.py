"""Pictures of who does what: boxes and labels in a colour for each person, poses alone. RGB.

Inputs are never changed.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from dancepose.inference.canvas import line_width, text_size
from dancepose.inference.drawing import draw_people
from dancepose.inference.labels import EDGE, Labels
from dancepose.inference.person_colours import person_colour
from dancepose.records import Person
from dancepose.skeleton import Skeleton

GROUND = (112, 112, 120)  # behind a pose without a picture: light and dark stand out from it
MARGIN = 0.15  # of the pose, around it


def draw_actions(image: np.ndarray, people: Sequence[Person]) -> np.ndarray:
    """Draw the box of each person who does something, and at its corner what: `draw_boxes`.

    Args:
        image: (H, W, 3) uint8 RGB.
        people: in pixels of the image; those without an action are left out.

    Returns:
        A new picture of the same shape.
    """
    return draw_boxes(image, people, [person.action or "" for person in people])


def draw_boxes(image: np.ndarray, people: Sequence[Person], texts: Sequence[str]) -> np.ndarray:
    """Draw a box around each person and a text at its corner, both in the person's colour.

    The colour is that of the track, or else of the number within the frame, or else of the place among the
    people: in a video it stays. Without a box the text stands at the keypoints, without either at the top of
    the picture. Texts do not cover each other as long as there is room: see `Labels.add_at_box`.

    Args:
        image: (H, W, 3) uint8 RGB.
        people: in pixels of the image.
        texts: a line for each; whose is empty is left out.

    Returns:
        A new picture of the same shape.
    """
    canvas, labels = image.copy(), Labels()
    size = max(11, round(0.8 * text_size(canvas)))  # a long line, of each of many people
    last = np.array([canvas.shape[1] - 1, canvas.shape[0] - 1])
    told = []
    for place, (person, text) in enumerate(zip(people, texts, strict=True)):
        number = next(n for n in (person.track, person.id, place) if n is not None)
        if text:
            told.append((number, person, text))
    told.sort(key=lambda one: one[0])  # the first gets the best place: in a video the same one
    for number, person, text in told:
        points = person.keypoints[person.present, :2]
        if person.box is not None:
            corners = np.array([person.box[:2], person.box[:2] + person.box[2:]])
        elif len(points):
            corners = np.array([points.min(axis=0), points.max(axis=0)])
        else:
            corners = np.array([[canvas.shape[1] / 2, 0.0]] * 2)
        corners = np.clip(np.rint(corners), 0, last).astype(int)
        colour = person_colour(number)
        if person.box is not None:
            _draw_box(canvas, corners, colour)
        labels.add_at_box(text, corners.ravel(), size, colour)
    labels.draw(canvas)
    return canvas


def _draw_box(canvas: np.ndarray, corners: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draw a box from its left top to its right bottom, as a line with a dark edge."""
    thick = max(1, round(line_width(canvas.shape[1], canvas.shape[0]) / 2))
    first, second = corners.tolist()
    cv2.rectangle(canvas, first, second, EDGE, thick + 2)
    cv2.rectangle(canvas, first, second, colour, thick)


def draw_pose(person: Person, skeleton: Skeleton, side: int = 256) -> np.ndarray:
    """Draw a person's keypoints alone, as large as they fit, for want of a picture.

    Args:
        person: its keypoints may be in any unit, y down.
        skeleton: of the keypoints.
        side: of the square in pixels.

    Returns:
        (side, side, 3) uint8 RGB.
    """
    ground = np.full((side, side, 3), GROUND, np.uint8)
    points = person.keypoints[person.present, :2]
    if not len(points):
        labels = Labels()
        labels.add("no keypoints", (side / 2, side / 2), 15)
        labels.draw(ground)
        return ground
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    scale = side / (1 + 2 * MARGIN) / extent if extent > 0 else 1.0
    keypoints = person.keypoints.astype(np.float64)
    keypoints[person.present, :2] = (points - (low + high) / 2) * scale + (side - 1) / 2
    return draw_people(ground, [replace(person, keypoints=keypoints)], skeleton)
