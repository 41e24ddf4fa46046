"""Pictures of who does what: boxes and names of actions, poses alone. RGB; inputs are never changed."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from dancepose.inference.canvas import line_width, text_size
from dancepose.inference.drawing import draw_people
from dancepose.inference.labels import EDGE, Labels
from dancepose.records import Person
from dancepose.skeleton import Skeleton

FRAME = (255, 255, 255)  # left and right have their colours, a box is neither
GROUND = (112, 112, 120)  # behind a pose without a picture: light and dark stand out from it
MARGIN = 0.15  # of the pose, around it


def draw_actions(image: np.ndarray, people: Sequence[Person], labels: Labels | None = None) -> np.ndarray:
    """Draw the box of each person who does something, and above it what.

    Without a box the name stands above the keypoints, without either at the top of the picture; where another
    stands already, beside that.

    Args:
        image: (H, W, 3) uint8 RGB.
        people: in pixels of the image; those without an action are left out.
        labels: where the names are left for the caller to draw, with others; None: they are drawn.

    Returns:
        A new picture of the same shape.
    """
    canvas = image.copy()
    given = Labels() if labels is None else labels
    size = round(1.3 * text_size(canvas))  # read beside a caption of the picture, not of a joint
    for person in people:
        if not person.action:
            continue
        points = person.keypoints[person.present, :2]
        if person.box is not None:
            _draw_box(canvas, person.box)
            x, y = person.box[0] + person.box[2] / 2, person.box[1] - 0.7 * size
        elif len(points):
            x, y = points[:, 0].mean(), points[:, 1].min() - size
        else:
            x, y = canvas.shape[1] / 2, 0.0
        given.add(str(person.action), (x, y), size)
    if labels is None:
        given.draw(canvas)
    return canvas


def _draw_box(canvas: np.ndarray, box: np.ndarray) -> None:
    """Draw a box as a white line with a dark edge; what lies beyond the picture is drawn at its border."""
    thick = max(1, round(line_width(canvas.shape[1], canvas.shape[0]) / 2))
    last = np.array([canvas.shape[1] - 1, canvas.shape[0] - 1])
    first, second = np.clip(np.rint([box[:2], box[:2] + box[2:]]), 0, last).astype(int).tolist()
    cv2.rectangle(canvas, first, second, EDGE, thick + 2, cv2.LINE_AA)
    cv2.rectangle(canvas, first, second, FRAME, thick, cv2.LINE_AA)


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
