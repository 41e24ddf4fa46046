"""What training does to a picture and its people at random. The only module that knows albumentations.

The published bottom-up recipe (HigherHRNet): one affine map from the picture to a square crop, with rotation,
scale, translation and mirroring, and nothing else. Its random numbers come from a seed given with every call,
so they do not depend on data workers, their number, or what was drawn before.
"""

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network for its newest version

import albumentations as A
import numpy as np

from dancepose.affine import (
    UNIT,
    affine_matrix,
    transform_frame,
)
from dancepose.checks import one_of, read_arguments
from dancepose.errors import ConfigError
from dancepose.inference.geometry import TestGeometry, invert_matrix
from dancepose.inference.person_crop import cut_square
from dancepose.records import Frame
from dancepose.skeleton import Skeleton


@dataclass(frozen=True)
class Augmentation:
    """The keys of `data.augmentation`; with the defaults it is a plain centre crop.

    Attributes:
        rotation: degrees, drawn from -rotation to rotation.
        scale: side of the region that is cut out, drawn between these two multiples of the picture's side.
        scale_type: which side of the picture that is, `short` or `long`.
        translation: pixels of the crop by which the region is moved, each axis drawn from -translation to it.
        flip: probability of mirroring, with left and right keypoints changing places.
        brightness: share by which it changes at most; also contrast and saturation.
        contrast: see brightness.
        saturation: see brightness.
        hue: share of the colour circle by which hues turn at most, 0 to 0.5.
        grey: probability of losing all colour.
        blur: probability of a Gaussian blur, sigma .5 to 2 px of the crop.
        noise: probability of Gaussian noise, standard deviation 2 to 10 % of full brightness.
    """

    rotation: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    scale_type: str = "short"
    translation: float = 0.0
    flip: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    noise: float = 0.0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], key: str = "data.augmentation") -> "Augmentation":
        """Make it from plain data.

        Raises:
            ConfigError: an unknown key or an impossible value; names the key.
        """
        given = read_arguments(cls, values, key)
        scale = given.get("scale", (1.0, 1.0))
        if len(scale) != 2 or not 0 < scale[0] <= scale[1]:
            raise ConfigError(f"{key}.scale={scale}: give two positive numbers, the smaller first")
        one_of(f"{key}.scale_type", given.get("scale_type", "short"), ("short", "long"))
        limits = {"hue": 0.5, "rotation": 180, "translation": float("inf")}
        for name in set(given) - {"scale", "scale_type"}:
            highest = limits.get(name, 1)
            if not 0 <= given[name] <= highest:
                raise ConfigError(f"{key}.{name}={given[name]}: give a number from 0 to {highest}")
        return cls(**(given | {"scale": (float(scale[0]), float(scale[1]))}))


class PoseAffine(A.DualTransform):
    """Cut a turned, scaled, moved and perhaps mirrored square out of a picture; a Frame follows.

    One bilinear interpolation (after averaging over areas, where the picture shrinks to a half or less, as
    bilinear sampling alone would skip pixels); outside the picture is black. The mirror is x -> width - 1 - x
    in the crop, exactly what `image[:, ::-1]` does with pixel centres at integers.
    """

    def __init__(self, size: int, recipe: Augmentation, flip_index: np.ndarray):
        super().__init__(p=1.0)
        self.size, self.recipe, self.flip_index = size, recipe, flip_index

    @property
    def targets(self) -> dict[str, Callable[..., Any]]:
        """What `Compose` hands to this transform: the image and the frame."""
        return {"image": self.apply, "frame": self.apply_to_frame}

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Draw scale, rotation, translation and mirror, always in this order and always all of them."""
        height, width = params["shape"][:2]
        low, high = self.recipe.scale
        side = min(width, height) if self.recipe.scale_type == "short" else max(width, height)
        draw = self.py_random.uniform
        region = side * draw(low, high)  # picture pixels
        rotation = draw(-self.recipe.rotation, self.recipe.rotation)
        reach = self.recipe.translation * region / self.size
        centre = (width / 2 + draw(-reach, reach), height / 2 + draw(-reach, reach))
        mirrored = self.py_random.random() < self.recipe.flip
        matrix = affine_matrix(centre, region / UNIT, (self.size, self.size), rotation)
        if mirrored:
            matrix = np.array([[-1, 0, self.size - 1], [0, 1, 0], [0, 0, 1]]) @ matrix
        return {"matrix": matrix, "mirrored": mirrored}

    def apply(self, img: np.ndarray, matrix: np.ndarray, **params: Any) -> np.ndarray:
        """Warp the picture, (H, W, 3) uint8 -> (size, size, 3) uint8."""
        return cut_square(img, matrix, self.size)

    def apply_to_frame(self, frame: Frame, matrix: np.ndarray, mirrored: bool, **params: Any) -> Frame:
        """Carry people, ignore regions and boxes over; what falls outside the crop is not annotated in it."""
        order = self.flip_index if mirrored else slice(None)
        return transform_frame(frame, matrix, (self.size, self.size), order)


Transform = Callable[[np.ndarray, Frame, int], tuple[np.ndarray, Frame]]  # image, frame, seed of the sample


def generators(seed: int) -> tuple[np.random.Generator, random.Random]:
    """Return the two generators from which albumentations draws a sample."""
    return np.random.Generator(np.random.PCG64(seed)), random.Random(seed)


class TrainTransform:
    """Everything that is random about a training sample.

    Args:
        size: side of the square crop in pixels.
        recipe: what to draw.
        skeleton: which keypoints change places under a mirror.
    """

    def __init__(self, size: int, recipe: Augmentation, skeleton: Skeleton):
        steps: list[A.BasicTransform] = [
            PoseAffine(size, recipe, skeleton.flip_index),
            *_photometric_steps(recipe),
        ]
        self._compose = A.Compose(steps)

    def __call__(self, image: np.ndarray, frame: Frame, seed: int) -> tuple[np.ndarray, Frame]:
        """Transform a picture and its frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            frame: in pixels of the image.
            seed: of all that is drawn; the same seed gives the same result anywhere.

        Returns:
            The crop (size, size, 3) uint8, and the frame in pixels of the crop.
        """
        # set_random_seed would make a pair of generators for every step; one pair serves all of them
        self._compose.set_random_state(*generators(seed))
        result = self._compose(image=image, frame=frame)
        return result["image"], result["frame"]


class Photometric:
    """The photometric part of a recipe alone: what changes colours and leaves every pixel in its place.

    Args:
        recipe: what to draw; its geometry is somebody else's.
    """

    def __init__(self, recipe: Augmentation):
        steps = _photometric_steps(recipe)
        self._compose = A.Compose(steps) if steps else None

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        """Change a picture, (H, W, 3) uint8; the same seed gives the same result anywhere."""
        if self._compose is None:
            return image
        self._compose.set_random_state(*generators(seed))
        return self._compose(image=image)["image"]


def _photometric_steps(recipe: Augmentation) -> list[A.BasicTransform]:
    steps: list[A.BasicTransform] = []
    jitter = (recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue)
    if any(jitter):
        steps.append(
            A.ColorJitter(*((max(0.0, 1 - j), 1 + j) for j in jitter[:3]), (-recipe.hue, recipe.hue), p=1)
        )
    if recipe.grey:
        steps.append(A.ToGray(p=recipe.grey))
    if recipe.blur:
        steps.append(A.GaussianBlur(blur_limit=0, sigma_limit=(0.5, 2.0), p=recipe.blur))
    if recipe.noise:
        steps.append(A.GaussNoise(std_range=(0.02, 0.1), p=recipe.noise))
    return steps


class TestTransform:
    """Nothing random: the picture as the test shows it to the network (`data.overfit`).

    Args:
        geometry: of the test.
    """

    __test__ = False  # its name starts like a test class, and pytest would collect it

    def __init__(self, geometry: TestGeometry):
        self.geometry = geometry

    def __call__(self, image: np.ndarray, frame: Frame, seed: int) -> tuple[np.ndarray, Frame]:
        """Return the test's input of a picture and the frame in its pixels; see `TrainTransform`."""
        padded, back = self.geometry.warp(image)
        matrix = np.vstack([invert_matrix(back), [0, 0, 1]])
        return padded, transform_frame(frame, matrix, (padded.shape[1], padded.shape[0]))
