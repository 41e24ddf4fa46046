"""The geometry of training crops: the affine map, and how pictures, people and polygons follow it.

Pixel centres are at integers, so a picture of width W reaches from -0.5 to W - 0.5.
"""

from dataclasses import replace

import cv2
import numpy as np

from dancepose.records import NOT_ANNOTATED, Frame, Person

UNIT = 200  # the published code's unit of scale: a person of this height has scale 1


def affine_matrix(
    centre: tuple[float, float], scale: float, size: tuple[int, int], rotation: float
) -> np.ndarray:
    """Return the published code's matrix from picture to crop (HigherHRNet's augmentation).

    Args:
        centre: x, y of the region's middle in the picture; it becomes width / 2, height / 2 of the crop.
        scale: side of the region in units of 200 px.
        size: width and height of the crop.
        rotation: degrees; positive turns the picture anticlockwise as it is seen.

    Returns:
        (3, 3) float64.
    """
    width, height = size
    angle = np.deg2rad(rotation)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([width, height]) / (UNIT * scale)
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.array([width, height]) / 2 - linear @ np.array(centre)
    return matrix


def shrink(image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average over areas before a map that makes the picture half as large or smaller.

    Returns:
        The picture, shrunk by a whole number (to whole pixels, so by a hair more or less along each axis),
        and the (3, 3) matrix from it to the same crop.
    """
    factor = int(1 / max(1e-6, np.sqrt(abs(np.linalg.det(matrix[:2, :2])))))
    height, width = image.shape[:2]
    if factor < 2 or min(height, width) < factor:
        return image, matrix
    small = (round(width / factor), round(height / factor))
    step = np.array([width / small[0], height / small[1]])
    back = np.array([[step[0], 0, step[0] / 2 - 0.5], [0, step[1], step[1] / 2 - 0.5], [0, 0, 1]])
    return cv2.resize(image, small, interpolation=cv2.INTER_AREA), matrix @ back


def transform_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return (..., 2) points carried through a (3, 3) affine matrix, float64."""
    return np.asarray(points, dtype=np.float64) @ matrix[:2, :2].T + matrix[:2, 2]


def transform_frame(
    frame: Frame, matrix: np.ndarray, size: tuple[int, int], order: np.ndarray | slice = slice(None)
) -> Frame:
    """Carry people, boxes and ignore regions over to a crop; what falls outside is not annotated in it.

    Args:
        frame: in pixels of the picture.
        matrix: (3, 3) picture -> crop.
        size: width and height of the crop.
        order: of the keypoints afterwards, `Skeleton.flip_index` under a mirror.
    """
    people = [transform_person(person, matrix, size, order) for person in frame.people]
    cut = [[clip_polygon(transform_points(matrix, part), size) for part in region] for region in frame.ignore]
    regions = [[part for part in region if len(part) >= 3] for region in cut]
    return replace(
        frame,
        size=size,
        people=[person for person in people if person.present.any()],
        ignore=[region for region in regions if region],
        labelled=None if frame.labelled is None else frame.labelled[order],
        groups=[],
    )


def transform_person(
    person: Person, matrix: np.ndarray, size: tuple[int, int], order: np.ndarray | slice
) -> Person:
    """Carry a person over to a crop; keypoints outside it become (0, 0, 0), boxes the box of their corners.

    Args:
        person: in pixels of the picture.
        matrix: (3, 3) picture -> crop.
        size: width and height of the crop.
        order: of the keypoints afterwards, `Skeleton.flip_index` under a mirror.
    """
    keypoints = np.array(person.keypoints, dtype=np.float64)
    xy = transform_points(matrix, keypoints[:, :2])
    inside = ((xy >= -0.5) & (xy < np.array(size) - 0.5)).all(
        axis=1
    )  # a pixel reaches half a pixel to each side
    kept = (inside & person.present)[:, None]
    keypoints = np.where(kept, np.column_stack([xy, keypoints[:, 2]]), NOT_ANNOTATED)[order]
    box, head_box = person.box, person.head_box
    if box is not None:
        x1, y1, x2, y2 = _transform_box(matrix, np.concatenate([box[:2], box[:2] + box[2:]]))
        box = np.array([x1, y1, x2 - x1, y2 - y1])
    return replace(
        person,
        keypoints=keypoints,
        scores=None if person.scores is None else person.scores[order],
        box=box,
        extent=None if person.extent is None else _transform_box(matrix, person.extent),
        head_box=None if head_box is None else _transform_box(matrix, head_box),
    )


def _transform_box(matrix: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return x1, y1, x2, y2 around the four transformed corners of x1, y1, x2, y2."""
    x1, y1, x2, y2 = box
    corners = transform_points(matrix, np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]))
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def clip_polygon(polygon: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut a polygon (N, 2) to the pixels of a picture, -0.5 to side - 0.5 (Sutherland and Hodgman 1974).

    Returns:
        (M, 2); (0, 2) where nothing of it is inside.
    """
    points = np.asarray(polygon, dtype=np.float64)
    for axis in (0, 1):
        for sign, bound in ((1, -0.5), (-1, size[axis] - 0.5)):
            if not len(points):
                return points.reshape(0, 2)
            depth = sign * (points[:, axis] - bound)  # inside where >= 0
            after, depth_after = np.roll(points, -1, axis=0), np.roll(depth, -1)
            crossing = (depth >= 0) != (depth_after >= 0)
            share = np.divide(depth, depth - depth_after, out=np.zeros_like(depth), where=crossing)
            cut = points + share[:, None] * (after - points)
            cut[:, axis] = bound  # exactly, whatever was rounded
            pairs = np.stack([points, cut], axis=1)  # each corner, then where its edge crosses the bound
            points = pairs[np.stack([depth >= 0, crossing], axis=1)]
    return points
