"""Backdrops: stages, rooms and streets by day and night, painted behind the people; and what stands there."""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.material import Light
from dancepose.data.synthetic.paint import add_pixels, grain, scale_channels, scale_pixels

KINDS = ("stage", "room", "street", "night")


@dataclass(frozen=True)
class Backdrop:
    """A painted backdrop.

    Attributes:
        kind: one of `KINDS`.
        image: (H, W, 3) float32, 0 to 1.
        light: on the people.
        wall: distance of the back wall behind the scene's origin, metres; what hangs on it is drawn there.
        haze: (3,) colour of the air.
        thickness: of the haze: its share at 10 m.
    """

    kind: str
    image: np.ndarray
    light: Light
    wall: float
    haze: np.ndarray
    thickness: float


def draw_backdrop(random: np.random.Generator, camera: Camera, wall: float, hard: float) -> Backdrop:
    """Draw a backdrop and its light.

    Args:
        random: where it is drawn from.
        camera: of the picture.
        wall: where the back wall stands, see `Backdrop`.
        hard: 0 (plain and well lit) to 1 (cluttered, dim, coloured).
    """
    kind = str(random.choice(KINDS))
    floor = horizon_row(camera, wall)
    paint = {"stage": _stage, "room": _room, "street": _street, "night": _night}[kind]
    image = paint(random, camera, floor, wall)
    add_pixels(image, 0.025 * (1 + hard) * grain(random, camera.size, (2, 9, 40)))
    if hard > 0.3:
        _clutter(random, image, floor, int(hard * 10))
    dim = {"stage": 0.3, "room": 0.55, "street": 0.6, "night": 0.25}[kind] * random.uniform(0.8, 1.15)
    tint = _tint(random, 0.08 + 0.25 * hard * (kind in ("stage", "night")))
    lamps: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(1 + int(random.integers(0, 2)) + (kind == "stage")):
        direction = np.array([random.normal(0, 1), random.uniform(-1.6, -0.3), random.uniform(-1.5, -0.1)])
        strength = random.uniform(0.25, 0.75) / (1 + 0.4 * len(lamps))
        lamps.append((direction, strength * _tint(random, 0.08 + 0.5 * hard * (kind in ("stage", "night")))))
    haze = np.array([0.6, 0.62, 0.68]) * (0.4 if kind in ("stage", "night") else 1.2) * _tint(random, 0.15)
    thickness = random.uniform(0, 0.1 + 0.35 * hard)
    scale_channels(image, (0.65 + 0.5 * dim) * _tint(random, 0.04))
    np.clip(image, 0, 1, out=image)
    return Backdrop(kind, image, Light(dim * tint, lamps), wall, np.clip(haze, 0, 1), thickness)


def horizon_row(camera: Camera, wall: float) -> int:
    """Return the row in which the floor meets a wall at z = -`wall`."""
    foot = camera.project(camera.view(np.array([camera.position[0], 0.0, -wall])))
    return int(np.clip(foot[1], 0, camera.size[1]))


def _tint(random: np.random.Generator, extent: float) -> np.ndarray:
    """Draw a factor (3,) around 1."""
    return 1 + extent * (np.array(colorsys.hsv_to_rgb(random.random(), 1, 1)) - 0.5)


def _colour(random: np.random.Generator, saturation: float, low: float, high: float) -> np.ndarray:
    value = random.uniform(low, high)
    return np.array(colorsys.hsv_to_rgb(random.random(), random.uniform(0, saturation), value), np.float32)


def _floor_places(camera: Camera, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and z, in metres, float32, of the floor's points in the rows from `row` down."""
    width, height = camera.size
    across = (np.arange(width) - camera.centre[0])[None] / camera.focal
    down = (np.arange(row, height) - camera.centre[1])[:, None] / camera.focal
    # a ray's direction in the scene: the camera's axes are rows
    x, y, z = (
        (a * across).astype(np.float32) + (b * down + c).astype(np.float32) for a, b, c in camera.axes.T
    )
    reach = np.float32(-camera.position[1]) / np.minimum(y, np.float32(-1e-3))
    x *= reach
    z *= reach
    return x + np.float32(camera.position[0]), z + np.float32(camera.position[2])


def _base(camera: Camera, wall: np.ndarray, floor: np.ndarray, row: int) -> np.ndarray:
    width, height = camera.size
    image = np.empty((height, width, 3), np.float32)
    lines = image.reshape(height, -1)
    fall = np.linspace(0.85, 1.08, height, dtype=np.float32)[:, None]
    np.multiply(fall[:row], np.tile(wall.astype(np.float32), width), out=lines[:row])
    np.multiply(fall[row:], np.tile(floor.astype(np.float32), width), out=lines[row:])
    return image


def _planks(
    random: np.random.Generator, image: np.ndarray, camera: Camera, row: int, across: bool, depth: float
) -> None:
    """Draw boards, tiles or stones on the floor, in perspective."""
    if row >= image.shape[0]:
        return
    x, z = _floor_places(camera, row)
    step = random.uniform(0.15, 0.6)
    x /= np.float32(step)
    number = np.floor(x)
    gap = x - number < 0.04
    if across:
        z /= np.float32(step)
        number += np.floor(z)
        shade = 2 * _fraction(number * np.float32(0.5)) - np.float32(0.5)
    else:  # a board's shade is one of 13, not in their order
        shade = _fraction((2 * number + np.float32(0.5)) / np.float32(13)) - np.float32(0.5)
    shade *= np.float32(depth)
    shade += 1
    shade *= 1 - np.float32(0.2) * gap
    scale_pixels(image[row:], shade)


def _fraction(values: np.ndarray) -> np.ndarray:
    return values - np.floor(values)


def _stage(random: np.random.Generator, camera: Camera, row: int, wall: float) -> np.ndarray:
    colour = _colour(random, 0.8, 0.08, 0.35)
    image = _base(camera, colour, _colour(random, 0.5, 0.15, 0.45), row)
    width = camera.size[0]
    folds = np.sin(np.arange(width) / random.uniform(4, 14) + 2 * np.sin(np.arange(width) / 60))
    image[:row].reshape(row, -1)[:] *= np.repeat(1 + 0.3 * folds, 3).astype(np.float32)
    _planks(random, image, camera, row, False, 0.25)
    for _ in range(random.integers(0, 4)):  # screens and lamps
        x, y = random.integers(0, width), random.integers(0, max(1, row // 2))
        cv2.circle(image, (int(x), int(y)), int(random.integers(2, 9)), (1.0, 0.95, 0.8), -1, cv2.LINE_AA)
    return image


def _room(random: np.random.Generator, camera: Camera, row: int, wall: float) -> np.ndarray:
    image = _base(camera, _colour(random, 0.35, 0.45, 0.9), _colour(random, 0.5, 0.25, 0.65), row)
    width = camera.size[0]
    _planks(random, image, camera, row, random.random() < 0.4, 0.2)
    if row > 6:
        image[row - 6 : row] *= 0.7  # the skirting board
    for _ in range(random.integers(0, 3)):  # windows and doors
        w, h = int(random.integers(50, 130)), int(random.integers(60, 160))
        x, y = int(random.integers(-30, width)), max(0, row - h - int(random.integers(0, 90)))
        cv2.rectangle(image, (x, y), (x + w, min(row, y + h)), (0.9, 0.9, 0.88), -1)
        pane = _colour(random, 0.3, 0.6, 0.95).tolist()
        cv2.rectangle(image, (x + 5, y + 5), (x + w - 5, min(row, y + h - 5)), pane, -1)
        cv2.line(image, (x + w // 2, y), (x + w // 2, min(row, y + h)), (0.85, 0.85, 0.83), 3)
    return image


def _street(random: np.random.Generator, camera: Camera, row: int, wall: float) -> np.ndarray:
    sky = np.array([0.55, 0.7, 0.9], np.float32) * random.uniform(0.8, 1.1)
    image = _base(camera, sky, _colour(random, 0.3, 0.35, 0.65), row)
    _blocks(random, image, row, (0.35, 0.8), lit=False)
    if random.random() < 0.4:  # grass
        cv2.rectangle(
            image, (0, row), camera.size, (np.array([0.3, 0.45, 0.2]) * random.uniform(0.7, 1.2)).tolist(), -1
        )
        add_pixels(image[row:], 0.05 * grain(random, camera.size, (2, 5))[row:])
    else:
        _planks(random, image, camera, row, True, 0.15)
    return image


def _night(random: np.random.Generator, camera: Camera, row: int, wall: float) -> np.ndarray:
    image = _base(camera, np.array([0.04, 0.05, 0.11], np.float32), _colour(random, 0.3, 0.1, 0.25), row)
    _blocks(random, image, row, (0.05, 0.16), lit=True)
    _planks(random, image, camera, row, True, 0.2)
    return image


def _blocks(
    random: np.random.Generator, image: np.ndarray, row: int, values: tuple[float, float], lit: bool
) -> None:
    """Draw houses along the horizon, with windows."""
    x, width = 0, image.shape[1]
    while x < width:
        w, h = int(random.integers(50, 160)), int(random.integers(40, max(41, row)))
        top = max(0, row - h)
        wall = _colour(random, 0.4, *values).tolist()
        dark = [0.6 * value for value in wall]
        image[top:row, x : x + w] = wall
        step = int(random.integers(12, 26))
        for wy in range(top + 6, row - 8, step):
            for wx in range(x + 5, min(x + w, width) - 8, step):
                pane = [0.95, 0.85, 0.5] if random.random() < 0.3 and lit else dark
                far = (wx + step // 2 - 1, wy + step // 2 - 1)
                cv2.rectangle(image, (wx, wy), far, pane, -1)
        x += w + int(random.integers(0, 30))


def _clutter(random: np.random.Generator, image: np.ndarray, row: int, count: int) -> None:
    """Draw boxes, disks and lines of all colours against the wall: things that are no people."""
    height, width = image.shape[:2]
    for _ in range(random.integers(0, count + 1)):
        x, w, h = int(random.integers(0, width)), int(random.integers(8, 70)), int(random.integers(8, 120))
        base = min(height, row + int(random.integers(-60, 40)))
        colour = _colour(random, 0.9, 0.1, 0.9).tolist()
        kind = random.random()
        if kind < 0.5:
            cv2.rectangle(image, (x, base - h), (x + w, base), colour, -1)
        elif kind < 0.75:
            cv2.ellipse(image, (x, base - h), (w // 2 + 2, h // 3 + 2), 0, 0, 360, colour, -1, cv2.LINE_AA)
        else:
            end = (x + int(random.normal(0, 60)), base - h - 40)
            cv2.line(image, (x, base), end, colour, int(random.integers(2, 9)), cv2.LINE_AA)
