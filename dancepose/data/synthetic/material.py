"""Materials and light: from what is nearest in each pixel to its colour."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from dancepose.data.synthetic.raster import Surfaces

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
        under: (3,) skin that shows at the neckline of a front.
    """

    colour: np.ndarray
    second: np.ndarray = field(default_factory=_black)
    pattern: str = "plain"
    scale: float = 4.0
    front: str | None = None
    under: np.ndarray = field(default_factory=_black)


@dataclass(frozen=True)
class Light:
    """Light on a scene.

    Attributes:
        ambient: (3,) from everywhere.
        lamps: pairs of a direction to the lamp (3,), in the camera's axes, and its colour (3,).
    """

    ambient: np.ndarray
    lamps: Sequence[tuple[np.ndarray, np.ndarray]]


def shade(surfaces: Surfaces, materials: Sequence[Material], light: Light) -> np.ndarray:
    """Return (n, 3) float32 colours of surfaces."""
    albedo = _albedo(surfaces.material, surfaces.place, materials)
    x, y, z = surfaces.normal
    below = 0.75 - 0.25 * y  # less from below
    lamps = []
    for direction, colour in light.lamps:
        dx, dy, dz = (direction / np.linalg.norm(direction) * 0.85).astype(np.float32)
        lambert = np.maximum(dx * x + dy * y + dz * z + np.float32(0.15), 0)  # wrapped, as on soft cloth
        lamps.append((lambert, colour.astype(np.float32)))
    edge = 0.78 + 0.22 * np.sqrt(np.clip(-z, 0, 1))  # limbs in front of a body stand out
    for channel, values in enumerate(albedo):
        total = below * np.float32(light.ambient[channel])
        for lambert, colour in lamps:
            total += lambert * colour[channel]
        values *= total * edge
    return np.ascontiguousarray(albedo.T)


def _albedo(index: np.ndarray, place: np.ndarray, materials: Sequence[Material]) -> np.ndarray:
    """Return (3, n) of surface points, given the number of their material and their place on the shape."""
    colour, second, under = (
        np.array([getattr(m, name) for m in materials], np.float32).reshape(-1, 3).T
        for name in ("colour", "second", "under")
    )
    albedo = np.stack([channel.take(index) for channel in colour])
    pattern = np.array([KINDS.index(m.pattern) for m in materials], np.int8).take(index)
    scale = np.array([m.scale for m in materials], np.float32)
    for kind in sorted({m.pattern for m in materials} - {"plain"}):
        points = np.flatnonzero(pattern == KINDS.index(kind))
        if not len(points):
            continue
        own = index[points]
        x, y, z = place[:, points]
        if kind == "face":
            _face(albedo, points, x, y, z, second[:, own])
            continue
        share = _pattern(kind, x, y, z, scale[own])
        for channel, other in zip(albedo, second, strict=True):
            channel[points] += share * (other[own] - channel[points])
    _fronts(albedo, index, materials, place, second, under)
    return albedo


def _pattern(kind: str, x: np.ndarray, y: np.ndarray, z: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return (n,) the second colour's share."""
    # a cone has its place across and along; an ellipsoid the point of the unit sphere
    cone = z == 0
    v = (np.where(cone, y, (y + 1) / 2) * scale) % 1
    if kind == "bands":
        return (v < 0.4).astype(np.float32)
    turn = cv2.phase(np.where(cone, np.sqrt(np.maximum(1 - x * x, 0)), z), x).ravel() / np.float32(np.pi)
    u = (np.where(turn > 1, turn - 2, turn) * scale * 2) % 1
    if kind == "strands":
        return 0.5 + 0.5 * np.sin(2 * np.pi * u)
    inside = {
        "stripes": lambda: u < 0.4,
        "checks": lambda: (u < 0.5) ^ (v < 0.5),
        "dots": lambda: (u - 0.5) ** 2 + (v - 0.5) ** 2 < 0.07,
    }[kind]()
    return inside.astype(np.float32)


def _face(
    albedo: np.ndarray, points: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray, hair: np.ndarray
) -> None:
    """Paint eyes, brows and mouth on heads: by them front and back, left and right can be told."""
    front = np.flatnonzero(z > 0)
    x, y, hair, points = x[front], y[front], hair[:, front], points[front]
    aside = np.abs(x) - 0.42
    albedo[:, points[(aside / 0.17) ** 2 + (y / 0.085) ** 2 < 1]] = 0.92  # the white
    albedo[:, points[aside**2 + y**2 < 0.075**2]] = 0.08
    brow = (np.abs(aside) < 0.2) & (np.abs(y - 0.19) < 0.035)
    albedo[:, points[brow]] = 0.5 * hair[:, brow]
    mouth = points[(x / 0.3) ** 2 + ((y + 0.52) / 0.06) ** 2 < 1]
    albedo[:, mouth] = np.array([[0.62], [0.22], [0.22]])


def _fronts(
    albedo: np.ndarray,
    index: np.ndarray,
    materials: Sequence[Material],
    place: np.ndarray,
    second: np.ndarray,
    under: np.ndarray,
) -> None:
    """Paint neckline, zip and logo on the front of trunks, a seam on their back."""
    trunk = np.array([FRONT_KINDS.index(m.front) if m.front else -1 for m in materials], np.int8)
    kind = trunk.take(index)
    points = np.flatnonzero((kind >= 0) & (place[2] != 0))
    x, y, z = place[:, points]
    kind, own = kind[points], index[points]
    front, middle = z > 0, np.abs(x)
    zips, logos = kind == FRONT_KINDS.index("zip"), kind == FRONT_KINDS.index("logo")
    marked = front & ((zips & (middle < 0.05)) | (logos & (x**2 + (y - 0.1) ** 2 < 0.09)))
    albedo[:, points[marked]] = second[:, own[marked]]
    bare = front & (y > 0.62) & (middle < (y - 0.62) * 1.4)
    albedo[:, points[bare]] = under[:, own[bare]]
    albedo[:, points[~front & (middle < 0.03)]] *= 0.8
