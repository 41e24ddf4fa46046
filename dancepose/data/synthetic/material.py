"""Materials and light: from what is nearest in each pixel to its colour."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from dancepose.data.synthetic.raster import Surfaces

KINDS = ("plain", "stripes", "bands", "checks", "dots", "strands", "toecap", "face")
FRONT_KINDS = ("none", "zip", "logo", "buttons", "open", "bib", "trousers")
LONG_KINDS = ("zip", "buttons", "open", "bib")  # those that go on below the chest


def _black() -> np.ndarray:
    return np.zeros(3)


@dataclass(frozen=True)
class Front:
    """What the front of a trunk bears and its back does not, or the other way round.

    Attributes:
        kind: one of `FRONT_KINDS`.
        colour: (3,) of what it bears.
        under: (3,) skin that shows at the neckline.
        neck: how far up the neckline begins, -1 to 1; 1: there is none.
        pocket: on the left side of the chest.
        short: below the chest, where only some kinds go on.
    """

    kind: str = "none"
    colour: np.ndarray = field(default_factory=_black)
    under: np.ndarray = field(default_factory=_black)
    neck: float = 1.0
    pocket: bool = False
    short: bool = False


@dataclass(frozen=True)
class Material:
    """What a shape is made of.

    Attributes:
        colour: (3,) RGB, 0 to 1.
        second: (3,) of the pattern.
        pattern: one of `KINDS`.
        scale: repetitions of the pattern.
        front: of a trunk; None: it has none.
        folds: how much lighter and darker the cloth's folds are.
    """

    colour: np.ndarray
    second: np.ndarray = field(default_factory=_black)
    pattern: str = "plain"
    scale: float = 4.0
    front: Front | None = None
    folds: float = 0.0


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
    folds = np.array([m.folds for m in materials], np.float32)
    if folds.any():
        edge *= 1 + folds.take(surfaces.material) * _folds(surfaces.material, surfaces.place)
    for channel, values in enumerate(albedo):
        total = below * np.float32(light.ambient[channel])
        for lambert, colour in lamps:
            total += lambert * colour[channel]
        values *= total * edge
    return np.ascontiguousarray(albedo.T)


def _folds(index: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return (n,) light (1) and shadow (-1) of folds across limbs and trunks."""
    x, y, z = place
    bent = np.sin(5 * x + 4 * y + index.astype(np.float32))
    return np.sin(15 * y + 6 * (x + z) + 3 * bent)


def _albedo(index: np.ndarray, place: np.ndarray, materials: Sequence[Material]) -> np.ndarray:
    """Return (3, n) of surface points, given the number of their material and their place on the shape."""
    colour, second = (
        np.array([getattr(m, name) for m in materials], np.float32).reshape(-1, 3).T
        for name in ("colour", "second")
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
    _paint_fronts(albedo, index, place, [m.front for m in materials])
    return albedo


def _pattern(kind: str, x: np.ndarray, y: np.ndarray, z: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return (n,) the second colour's share."""
    # a cone has its place across and along; an ellipsoid the point of the unit sphere
    cone = z == 0
    v = (np.where(cone, y, (y + 1) / 2) * scale) % 1
    if kind == "bands":
        return (v < 0.4).astype(np.float32)
    if kind == "toecap":
        return (y > 0.6).astype(np.float32)
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
    albedo[:, points[(aside / 0.2) ** 2 + (y / 0.12) ** 2 < 1]] = 0.92  # the white
    albedo[:, points[aside**2 + y**2 < 0.09**2]] = 0.08
    brow = (np.abs(aside) < 0.22) & (np.abs(y - 0.23) < 0.05)
    albedo[:, points[brow]] = 0.5 * hair[:, brow]
    mouth = points[(x / 0.32) ** 2 + ((y + 0.52) / 0.085) ** 2 < 1]
    albedo[:, mouth] = np.array([[0.62], [0.22], [0.22]])


def _paint_fronts(
    albedo: np.ndarray, index: np.ndarray, place: np.ndarray, fronts: Sequence[Front | None]
) -> None:
    """Paint what tells the front of trunks from their back, and their left from their right."""
    found = [front or Front() for front in fronts]
    has = np.array([front is not None for front in fronts])
    points = np.flatnonzero(has.take(index) & (place[2] != 0))  # of ellipsoids
    x, y, z = place[:, points]
    own, front, middle = index[points], z > 0, np.abs(x)
    colour, under = (
        np.array([getattr(f, name) for f in found], np.float32).T for name in ("colour", "under")
    )
    names = [f.kind if f.kind in LONG_KINDS or not f.short else "none" for f in found]
    kind = np.array([FRONT_KINDS.index(name) for name in names])[own]
    pocket, neck = np.array([f.pocket for f in found])[own], np.array([f.neck for f in found])[own]

    def of(name: str) -> np.ndarray:
        return kind == FRONT_KINDS.index(name)

    marked = of("zip") & (middle < 0.06)
    marked |= of("logo") & (x**2 + (y - 0.05) ** 2 < 0.13)
    marked |= of("buttons") & (middle < 0.13)
    marked |= of("open") & (middle < 0.25 + 0.08 * y)
    marked |= of("bib") & (middle < 0.48) & (y < 0.4)
    marked |= pocket & (np.abs(x - 0.42) < 0.17) & (np.abs(y - 0.25) < 0.17)  # x is to its left
    marked &= front
    albedo[:, points[marked]] = colour[:, own[marked]]
    bare = front & (y > neck) & (middle < (y - neck) * 1.3)
    albedo[:, points[bare]] = under[:, own[bare]]
    trousers = of("trousers")
    dark = front & of("buttons") & (middle < 0.05) & ((4 * y) % 1 < 0.4)
    dark |= trousers & front & (middle < 0.05)  # the fly
    dark |= trousers & ~front & (np.abs(middle - 0.42) < 0.22) & (np.abs(y + 0.1) < 0.25)  # back pockets
    albedo[:, points[dark]] *= 0.5
    albedo[:, points[~front & ~trousers & (middle < 0.03)]] *= 0.8  # a seam
