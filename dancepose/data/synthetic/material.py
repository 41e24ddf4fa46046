"""Materials and light: from what is nearest in each pixel to its colour."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from dancepose.data.synthetic.raster import Raster

KINDS = ("plain", "stripes", "bands", "checks", "dots", "strands", "face")
FRONT_KINDS = ("none", "zip", "logo")


def _black() -> np.ndarray:
    return np.zeros(3)


@dataclass(frozen=True)
class Material:
    """What a shape is made of.

    Attributes:
        colour: (3,) RGB, 0 to 1.
        second: (3,) of the pattern.
        pattern: one of `KINDS`.
        scale: repetitions of the pattern.
        front: what the front of a trunk bears, which its back does not: one of `FRONT_KINDS`.
        under: (3,) skin that shows at the neckline; None: none does.
    """

    colour: np.ndarray
    second: np.ndarray = field(default_factory=_black)
    pattern: str = "plain"
    scale: float = 4.0
    front: str | None = None
    under: np.ndarray | None = None


@dataclass(frozen=True)
class Light:
    """Light on a scene.

    Attributes:
        ambient: (3,) from everywhere.
        lamps: pairs of a direction to the lamp (3,), in the camera's axes, and its colour (3,).
    """

    ambient: np.ndarray
    lamps: Sequence[tuple[np.ndarray, np.ndarray]]


def shade(raster: Raster, materials: Sequence[Material], light: Light) -> np.ndarray:
    """Return (n, 3) float32 colours of the n pixels in which there is a shape."""
    mask = raster.material >= 0
    index = raster.material[mask]
    surface = raster.surface[mask]
    normal, place = surface[:, :3], surface[:, 3:]
    albedo = _albedo(index, place, materials)
    total = np.broadcast_to(light.ambient.astype(np.float32), albedo.shape).copy()
    total *= (0.75 - 0.25 * normal[:, 1:2]).astype(np.float32)  # less from below
    for direction, colour in light.lamps:
        unit = (direction / np.linalg.norm(direction)).astype(np.float32)
        lambert = np.clip(0.85 * (normal @ unit) + 0.15, 0, None)  # wrapped a little, as on soft cloth
        total += lambert[:, None] * colour.astype(np.float32)
    edge = 0.78 + 0.22 * np.clip(-normal[:, 2:], 0, 1) ** 0.5  # limbs in front of a body stand out
    return albedo * total * edge


def _albedo(index: np.ndarray, place: np.ndarray, materials: Sequence[Material]) -> np.ndarray:
    """Return (n, 3) of surface points, given the number of their material and their place on the shape."""
    first = np.array([m.colour for m in materials], np.float32)[index]
    second = np.array([m.second for m in materials], np.float32)[index]
    kind = np.array([KINDS.index(m.pattern) for m in materials], np.int8)[index]
    scale = np.array([m.scale for m in materials], np.float32)[index]
    x, y, z = place.T
    # a cone has its place across and along; an ellipsoid the point of the unit sphere
    around = np.where(z == 0, np.arcsin(np.clip(x, -1, 1)) / np.pi, np.arctan2(x, z) / np.pi)
    along = np.where(z == 0, y, (y + 1) / 2)
    u, v = (around * scale * 2) % 1, (along * scale) % 1
    share = np.zeros(len(index), np.float32)
    share[kind == KINDS.index("stripes")] = (u < 0.4)[kind == KINDS.index("stripes")]
    share[kind == KINDS.index("bands")] = (v < 0.4)[kind == KINDS.index("bands")]
    share[kind == KINDS.index("checks")] = ((u < 0.5) ^ (v < 0.5))[kind == KINDS.index("checks")]
    dots = kind == KINDS.index("dots")
    share[dots] = ((u - 0.5) ** 2 + (v - 0.5) ** 2 < 0.07)[dots]
    strands = kind == KINDS.index("strands")
    share[strands] = (0.5 + 0.5 * np.sin(2 * np.pi * u))[strands]
    albedo = first + share[:, None] * (second - first)
    _faces(albedo, kind == KINDS.index("face"), x, y, z, second)
    _fronts(albedo, index, materials, x, y, z)
    return albedo


def _faces(
    albedo: np.ndarray, face: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray, hair: np.ndarray
) -> None:
    """Paint eyes, brows and mouth on heads: by them front and back, left and right can be told."""
    face = face & (z > 0)
    aside = np.abs(x) - 0.42
    white = face & ((aside / 0.17) ** 2 + (y / 0.085) ** 2 < 1)
    albedo[white] = 0.92
    albedo[face & (aside**2 + y**2 < 0.075**2)] = 0.08
    brow = face & (np.abs(aside) < 0.2) & (np.abs(y - 0.19) < 0.035)
    albedo[brow] = 0.5 * hair[brow]
    mouth = face & ((x / 0.3) ** 2 + ((y + 0.52) / 0.06) ** 2 < 1)
    albedo[mouth] = [0.62, 0.22, 0.22]


def _fronts(
    albedo: np.ndarray,
    index: np.ndarray,
    materials: Sequence[Material],
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
) -> None:
    """Paint neckline, zip and logo on the front of trunks, a seam on their back."""
    for number, material in enumerate(materials):
        if material.front is None or material.under is None:
            continue
        own = (index == number) & (z != 0)
        front = own & (z > 0)
        if material.front == "zip":
            albedo[front & (np.abs(x) < 0.05)] = material.second
        elif material.front == "logo":
            albedo[front & (x**2 + (y - 0.1) ** 2 < 0.09)] = material.second
        albedo[front & (y > 0.62) & (np.abs(x) < (y - 0.62) * 1.4)] = material.under
        albedo[own & (z < 0) & (np.abs(x) < 0.03)] *= 0.8


def grain(random: np.random.Generator, size: tuple[int, int], scales: Sequence[int]) -> np.ndarray:
    """Return (H, W) float32 smooth noise of mean 0 and about unit deviation.

    Args:
        random: where it is drawn from.
        size: width and height.
        scales: of its features, in pixels.
    """
    width, height = size
    total = np.zeros((height, width), np.float32)
    for scale in scales:
        coarse = random.standard_normal((height // scale + 2, width // scale + 2)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return total / max(1, len(scales)) ** 0.5
