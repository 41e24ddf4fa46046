"""One person cut out of a picture: the square around it, and what training does to it at random."""

import cv2
import numpy as np

from dancepose.data.affine import UNIT, affine_matrix, shrink, transform_points
from dancepose.data.transforms import BORDER, Augmentation, Photometric
from dancepose.records import Person

Square = tuple[float, float, float]  # x and y of the middle, side, in pixels of the picture


def person_square(person: Person, size: tuple[int, int], margin: float) -> Square:
    """Return the square to cut out: the keypoints' extent, a margin on each side, moved into the picture.

    The extent of annotated keypoints is taken; without any (or with fewer than two) the person's box, and
    without one the whole picture. The longer side of the extent decides. Where the square reaches beyond the
    picture it is moved inside; where it is larger than the picture it stands in the picture's middle on that
    axis, and what lies outside is black.

    Args:
        person: in pixels of the picture.
        size: width and height of the picture; (0, 0) where there is none.
        margin: share of the extent that is added on each side.
    """
    points = person.keypoints[person.present, :2]
    if len(points) >= 2:
        low, high = points.min(axis=0), points.max(axis=0)
    elif person.box is not None:
        low, high = person.box[:2], person.box[:2] + person.box[2:]
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


class PersonTransform:
    """Cut a turned, scaled, moved and perhaps mirrored square around a person out of a picture.

    One affine map stands for the paper's steps (section 4.1: resize to 256, rotate, flip, crop 224): the
    square becomes `resize` pixels wide, and the middle `size` of them are kept, moved by the recipe's
    translation (16 of 256 is the usual random crop of 224). A mirror swaps left and right keypoints.

    Args:
        size: side of the crop in pixels.
        resize: what the side of the person's square becomes, before the crop is cut out of its middle.
        recipe: what to draw; the default is the plain centre crop of the test.
        flip_index: of the skeleton.
    """

    def __init__(self, size: int, resize: int, recipe: Augmentation, flip_index: np.ndarray):
        self.size, self.resize, self.recipe, self.flip_index = size, resize, recipe, flip_index
        self.photometric = Photometric(recipe)

    def draw(self, square: Square, seed: int) -> tuple[np.ndarray, bool]:
        """Draw a matrix from picture to crop, (3, 3) float64, and whether it mirrors.

        Scale, rotation, both translations and the mirror are drawn in this order, always all of them, so that
        recipes which differ in one strength share the others' draws.

        Args:
            square: of the person.
            seed: the same seed gives the same result anywhere.
        """
        random, recipe = np.random.Generator(np.random.PCG64(seed)), self.recipe
        x, y, side = square
        region = side * self.size / self.resize * random.uniform(*recipe.scale)
        rotation = random.uniform(-recipe.rotation, recipe.rotation)
        reach = recipe.translation * region / self.size
        x, y = x + random.uniform(-reach, reach), y + random.uniform(-reach, reach)
        mirrored = bool(random.random() < recipe.flip)
        matrix = affine_matrix((x, y), region / UNIT, (self.size, self.size), rotation)
        matrix[:2, 2] -= 0.5  # it puts the point half a pixel beyond the middle of the crop's pixels
        if mirrored:
            matrix = np.array([[-1, 0, self.size - 1], [0, 1, 0], [0, 0, 1]]) @ matrix
        return matrix, mirrored

    def keypoints(self, keypoints: np.ndarray, matrix: np.ndarray, mirrored: bool) -> np.ndarray:
        """Carry keypoints (..., K, 3) over to the crop; those outside of it stay, missing ones are zero."""
        moved = np.concatenate([transform_points(matrix, keypoints[..., :2]), keypoints[..., 2:]], axis=-1)
        moved = np.where(keypoints[..., 2:] > 0, moved, 0)
        return moved[..., self.flip_index, :] if mirrored else moved

    def image(self, image: np.ndarray, matrix: np.ndarray, seed: int) -> np.ndarray:
        """Warp a picture, (H, W, 3) uint8 -> (size, size, 3) uint8, and change its colours by the recipe."""
        image, matrix = shrink(image, matrix)
        crop = cv2.warpAffine(
            image,
            matrix[:2],
            (self.size, self.size),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=BORDER,
        )
        return self.photometric(crop, seed)
