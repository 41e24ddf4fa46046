"""Pictures of people and masks. RGB in, RGB out; inputs are never changed, no display is needed.

Left is orange and right is blue, which the common kinds of colour blindness tell apart; the middle is
white. A dark edge keeps all three legible on any photograph. A low score makes lines and points transparent.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from dancepose.inference.canvas import (
    contact_sheet,
    fit,
    line_width,
    text_size,
    write_image,
)
from dancepose.inference.labels import EDGE, Labels
from dancepose.records import OCCLUDED, Person
from dancepose.skeleton import Skeleton

__all__ = [
    "contact_sheet",
    "draw_comparison",
    "draw_mask",
    "draw_people",
    "keypoint_colours",
    "limb_colours",
    "resize_with_people",
    "write_image",
]

LEFT, RIGHT, CENTRE = (255, 146, 20), (40, 165, 255), (255, 255, 255)
MASKED = (204, 60, 180)  # what is left out of the loss
SHIFT = 4  # OpenCV draws lines at 1/16 px
FAINTEST = 0.3  # opacity of a point of score 0


def keypoint_colours(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    """Return the RGB colour of each keypoint: left, right or centre, as the skeleton's pairs say."""
    left = {a for a, _ in skeleton.pairs}
    right = {b for _, b in skeleton.pairs}
    return [LEFT if k in left else RIGHT if k in right else CENTRE for k in skeleton.keypoints]


def limb_colours(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    """Return the RGB colour of each limb: a side's if it touches that side only, else centre."""
    ends = keypoint_colours(skeleton)
    colours = []
    for a, b in skeleton.limb_index:
        sides = {ends[a], ends[b]} - {CENTRE}
        colours.append(sides.pop() if len(sides) == 1 else CENTRE)
    return colours


def draw_people(
    image: np.ndarray,
    people: Sequence[Person],
    skeleton: Skeleton,
    captions: Sequence[str] | None = None,
) -> np.ndarray:
    """Draw skeletons over a picture.

    A keypoint that is not annotated (or not predicted) is not drawn, nor any limb that ends in it; an
    occluded one is a ring. Lines get thinner for people who are small in the picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        people: in pixels of the image.
        skeleton: whose keypoints the people have.
        captions: a short text for each person, put above it, inside the picture and beside the others.

    Returns:
        A new picture of the same shape.
    """
    canvas = image.copy()
    for person in people:
        _draw_person(canvas, person, skeleton)
    labels = Labels()
    for person, caption in zip(people, captions or (), strict=captions is not None):
        points = person.keypoints[person.present, :2]
        if len(points):
            size = text_size(canvas)
            labels.add(caption, (points[:, 0].mean(), points[:, 1].min() - 0.8 * size), size)
    labels.draw(canvas)
    return canvas


def _draw_person(canvas: np.ndarray, person: Person, skeleton: Skeleton) -> None:
    present = person.present
    if not present.any():
        return
    height, width = canvas.shape[:2]
    points = person.keypoints[:, :2]
    low, high = points[present].min(axis=0), points[present].max(axis=0)
    widest = line_width(width, height)
    # a person of few keypoints may be larger than they show
    fine = np.clip((high - low).max() / 40, 0.5, widest) if present.sum() > 3 else widest
    thick = max(1, round(fine))
    edge = max(1, round(thick / 3))
    radius = 0.9 * fine + 1.1
    margin = math.ceil(radius) + edge + 3
    x0, y0 = np.clip(np.floor(low) - margin, 0, [width, height]).astype(int)
    x1, y1 = np.clip(np.ceil(high) + margin + 1, 0, [width, height]).astype(int)
    if x0 >= x1 or y0 >= y1:
        return
    region = canvas[y0:y1, x0:x1]
    layer = region.copy()  # the person at full opacity
    alpha = np.zeros(region.shape[:2], np.uint8)  # how much of it shows; beside the lines both are equal
    fixed = np.rint((np.clip(points, -1e6, 1e6) - [x0, y0]) * 2**SHIFT).astype(int)
    scores = np.ones(len(points)) if person.scores is None else np.clip(person.scores, 0, 1)
    opacity = np.rint(255 * (FAINTEST + (1 - FAINTEST) * scores)).astype(int)

    limbs = [
        (opacity[limb].min(), tuple(fixed[limb[0]]), tuple(fixed[limb[1]]), colour)
        for limb, colour in zip(skeleton.limb_index, limb_colours(skeleton), strict=True)
        if present[limb].all()
    ]
    limbs.sort(key=lambda limb: limb[0])  # the surest on top
    for _, a, b, _ in limbs:
        cv2.line(layer, a, b, EDGE, thick + 2 * edge, cv2.LINE_AA, SHIFT)
    for shows, a, b, colour in limbs:
        cv2.line(layer, a, b, colour, thick, cv2.LINE_AA, SHIFT)
        cv2.line(alpha, a, b, int(shows), thick + 2 * edge + 2, cv2.LINE_8, SHIFT)
    colours = keypoint_colours(skeleton)
    for k in sorted(np.flatnonzero(present), key=lambda k: opacity[k]):
        _disk(layer, fixed[k], radius + edge, EDGE)
        _disk(layer, fixed[k], radius, colours[k])
        if person.keypoints[k, 2] == OCCLUDED:
            _disk(layer, fixed[k], 0.55 * radius, EDGE)
        _disk(alpha, fixed[k], radius + edge + 1, int(opacity[k]))
    drawn = alpha > 0
    share = alpha[drawn, None].astype(np.float32) / 255
    region[drawn] = np.rint(layer[drawn] * share + region[drawn] * (1 - share)).astype(np.uint8)


def _disk(canvas: np.ndarray, centre: np.ndarray, radius: float, colour: int | tuple[int, int, int]) -> None:
    """Fill a circle around a point in 1/16 px; `cv2.circle` makes a diamond of one of 2 px."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = centre + radius * 2**SHIFT * np.column_stack([np.cos(angles), np.sin(angles)])
    edges = cv2.LINE_8 if canvas.ndim == 2 else cv2.LINE_AA  # what is no colour has no intermediate values
    cv2.fillConvexPoly(canvas, np.rint(rim).astype(np.int32), colour, edges, SHIFT)


def resize_with_people(
    image: np.ndarray, people: Sequence[Person], side: int
) -> tuple[np.ndarray, list[Person]]:
    """Bring a picture's longer side to `side` px, and people with it: lines drawn afterwards are crisp."""
    height, width = image.shape[:2]
    resized = fit(image, side)
    scale = np.array([resized.shape[1] / width, resized.shape[0] / height])
    moved = []
    for person in people:
        keypoints = person.keypoints.astype(np.float64)
        keypoints[:, :2] = np.where(person.present[:, None], (keypoints[:, :2] + 0.5) * scale - 0.5, 0)
        box = person.box
        if box is not None:
            box = np.concatenate([(box[:2] + 0.5) * scale - 0.5, box[2:] * scale])
        moved.append(replace(person, keypoints=keypoints, box=box, extent=None))
    return resized, moved


def draw_comparison(
    image: np.ndarray,
    truth: Sequence[Person],
    predicted: Sequence[Person],
    skeleton: Skeleton,
    side: int = 640,
    title: str | None = None,
) -> np.ndarray:
    """Draw truth (left panel) beside prediction (right panel, with each person's score).

    Args:
        image: (H, W, 3) uint8 RGB.
        truth: labelled people, in pixels of the image.
        predicted: predicted people, in pixels of the image.
        skeleton: whose keypoints all have.
        side: longer side of each panel in pixels.
        title: a line above both.
    """
    small, left = resize_with_people(image, truth, side)
    _, right = resize_with_people(image, predicted, side)
    panels = [
        draw_people(small, left, skeleton),
        draw_people(small, right, skeleton, [f"{person.score:.2f}" for person in predicted]),
    ]
    captions = [f"truth: {_count(len(truth))}", f"prediction: {_count(len(predicted))}"]
    return contact_sheet(panels, captions, columns=2, tile=side, title=title)


def draw_mask(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Hatch what a loss mask leaves out.

    Args:
        image: (H, W, 3) uint8 RGB, all of what the mask covers.
        weight: (h, w) bool or 0 to 1; 0 is left out of the loss.
    """
    height, width = image.shape[:2]
    kept = cv2.resize(np.asarray(weight, np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    period = max(6, round(math.sqrt(width * height) / 40))
    y, x = np.mgrid[:height, :width]
    stripe = (x + y) % period < period / 3
    share = ((1 - np.clip(kept, 0, 1)) * np.where(stripe, 0.6, 0.2))[..., None]
    return np.rint(image * (1 - share) + np.array(MASKED, np.float32) * share).astype(np.uint8)


def _count(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"
