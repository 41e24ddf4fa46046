"""One person cut out of a picture: what training does to it at random."""

import numpy as np

from dancepose.affine import transform_points
from dancepose.data.transforms import Augmentation, Photometric
from dancepose.inference.person_crop import Square, cut_square, square_matrix


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
        scale = random.uniform(*recipe.scale)
        rotation = random.uniform(-recipe.rotation, recipe.rotation)
        reach = recipe.translation * side / self.resize * scale
        x, y = x + random.uniform(-reach, reach), y + random.uniform(-reach, reach)
        mirrored = bool(random.random() < recipe.flip)
        matrix = square_matrix((x, y, side), self.size, self.resize, scale, rotation)
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
        return self.photometric(cut_square(image, matrix, self.size), seed)
