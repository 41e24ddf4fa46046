"""One person cut out of a picture: the square around it, and its affine map to a network's input."""

from collections.abc import Iterable

import cv2
import numpy as np
import torch

from dancepose.affine import UNIT, affine_matrix, shrink, transform_points
from dancepose.inference.geometry import PAD_VALUE
from dancepose.records import Person

LARGEST_SIDE = 2**15 - 1  # of a picture that cv2.warpAffine takes

Square = tuple[float, float, float]  # x and y of the middle, side, in pixels of the picture


def person_square(person: Person, size: tuple[int, int], margin: float) -> Square:
    """Return the square to cut out: the person's extent, a margin on each side, moved into the picture.

    The extent is that of all keypoints which are known of the person, those that the classifier's skeleton
    lacks among them (a face shows where the head is, whatever the classifier reads), together with the box
    where there is one. Keypoints in one point have no extent; without extent and box it is the whole picture.
    The longer side decides. Where the square reaches beyond the picture it is moved inside; where it is
    larger than the picture it stands in the picture's middle on that axis, and what lies outside is black.

    Args:
        person: in pixels of the picture.
        size: width and height of the picture; (0, 0) where there is none.
        margin: share of the extent that is added on each side.
    """
    whole, box = person.whole, person.box
    known = [] if whole is None or (whole[2:] == whole[:2]).all() else [whole]
    known += [] if box is None else [np.concatenate([box[:2], box[:2] + box[2:]])]
    if known:
        low, high = np.min(known, axis=0)[:2], np.max(known, axis=0)[2:]
    else:
        low, high, margin = np.array([-0.5, -0.5]), np.array(size) - 0.5, 0.0
    side, middle = float((high - low).max()) * (1 + 2 * margin), (low + high) / 2
    if not min(size):  # there is no picture, and the units are the file's
        return float(middle[0]), float(middle[1]), side or 1.0
    side = max(side, 1.0)
    reach = np.array(size) - 0.5 - side / 2  # the furthest that the middle may lie to the right and below
    inside = np.clip(middle, side / 2 - 0.5, np.maximum(reach, side / 2 - 0.5))
    middle = np.where(np.array(size) >= side, inside, (np.array(size) - 1) / 2)
    return float(middle[0]), float(middle[1]), side


def square_matrix(
    square: Square, size: int, resize: int, scale: float = 1.0, rotation: float = 0.0
) -> np.ndarray:
    """Return the map from picture to crop: the square becomes `resize` pixels, of which the middle is kept.

    Args:
        square: of the person.
        size: side of the crop in pixels.
        resize: what the side of the square becomes.
        scale: of the region that is cut out.
        rotation: degrees, see `affine_matrix`.

    Returns:
        (3, 3) float64.
    """
    x, y, side = square
    matrix = affine_matrix((x, y), side * size / resize * scale / UNIT, (size, size), rotation)
    matrix[:2, 2] -= 0.5  # it puts the point half a pixel beyond the middle of the crop's pixels
    return matrix


def person_matrix(
    person: Person, picture: tuple[int, int], size: int, resize: int, margin: float
) -> np.ndarray:
    """Return the map from picture to the crop of a person at test time, (3, 3) float64.

    Args:
        person: in pixels of the picture.
        picture: its width and height; (0, 0) where there is none.
        size: side of the crop in pixels.
        resize: what the side of the person's square becomes.
        margin: see `person_square`.
    """
    return square_matrix(person_square(person, picture, margin), size, resize)


def cut_people(cuts: Iterable[tuple[np.ndarray, np.ndarray]], size: int) -> torch.Tensor:
    """Cut people out of pictures: (N, 3, size, size) uint8, as a network takes them.

    Args:
        cuts: of each person the picture, (H, W, 3) uint8 RGB, and its `person_matrix`.
        size: side of the crops in pixels.
    """
    crops = np.stack([cut_square(picture, matrix, size) for picture, matrix in cuts])
    return torch.from_numpy(crops).permute(0, 3, 1, 2)


def cut_square(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Warp a picture, (H, W, 3) uint8 -> (size, size, 3) uint8; what lies outside of it is black."""
    image, matrix = _part(*shrink(image, matrix), size)
    return cv2.warpAffine(
        image,
        matrix[:2],
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=PAD_VALUE,
    )


def _part(image: np.ndarray, matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what a crop shows of a picture too large for OpenCV to warp, and the matrix from that."""
    if max(image.shape[:2]) < LARGEST_SIDE:
        return image, matrix
    corners = np.array([[x, y] for x in (-1, size) for y in (-1, size)])
    places = transform_points(np.linalg.inv(matrix), corners)
    bounds = np.array(image.shape[1::-1])
    low = np.clip(np.floor(places.min(axis=0)).astype(int) - 1, 0, bounds - 1)
    high = np.clip(np.ceil(places.max(axis=0)).astype(int) + 2, low + 1, bounds)
    moved = np.eye(3)
    moved[:2, 2] = low
    return image[low[1] : high[1], low[0] : high[0]], matrix @ moved
