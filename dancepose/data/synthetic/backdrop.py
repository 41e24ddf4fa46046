"""Backdrops: stages, rooms and streets by day and night, painted behind the people; and what stands there."""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.material import Light
from dancepose.data.synthetic.paint import add_pixels, grain, scale_pixels
from dancepose.data.synthetic.scenery import (
    blocks,
    clutter,
    draw_colour,
    floor_grain,
    furniture,
    trees,
    uneven_light,
)

KINDS = {"stage": 0.2, "room": 0.35, "street": 0.35, "night": 0.1}  # probabilities
WALLED = ("stage", "room")  # of them, those behind whose people is a wall on which things hang
DIM = {"stage": 0.38, "room": 0.55, "street": 0.55, "night": 0.38}  # light from everywhere
LEAST = 0.55  # of the light on what faces the camera: people have to be seen


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
    kind = str(random.choice(list(KINDS), p=list(KINDS.values())))
    floor = horizon_row(camera, wall)
    paint = {"stage": _stage, "room": _room, "street": _street, "night": _night}[kind]
    image = paint(random, camera, floor, wall)
    if hard > 0.3:
        clutter(random, image, floor, int(hard * 10), hangs=kind in WALLED)
    rough = random.uniform(0.01, 0.03) * (1 + hard)
    outside = kind in ("street", "night")  # a sky has no grain, houses behind a street little
    if floor > 0:  # from high above nothing but floor is seen
        behind = grain(random, (camera.size[0], floor), (2, 9))
        add_pixels(image[:floor], rough * (0.4 if outside else 1) * behind)
    if floor < camera.size[1]:
        add_pixels(image[floor:], rough * floor_grain(random, camera, floor))
    light = draw_light(random, kind, hard)
    haze = np.array([0.6, 0.62, 0.68]) * (0.4 if kind in ("stage", "night") else 1.2) * _tint(random, 0.15)
    thickness = random.uniform(0, 0.1 + 0.35 * hard)
    tone = (0.65 + 0.5 * DIM[kind]) * _tint(random, 0.04)
    cv2.multiply(image, uneven_light(random, camera.size, tone, 0.1 if outside else 0.2), dst=image)
    np.clip(image, 0, 1, out=image)
    return Backdrop(kind, image, light, wall, np.clip(haze, 0, 1), thickness)


def draw_light(random: np.random.Generator, kind: str, hard: float) -> Light:
    """Draw the light on people: at least `LEAST` of it on what faces the camera.

    Args:
        random: where it is drawn from.
        kind: of the backdrop.
        hard: 0 to 1: how dim and coloured.
    """
    coloured = hard * (kind in ("stage", "night"))
    ambient = DIM[kind] * random.uniform(0.7, 1.15) * _tint(random, 0.08 + 0.25 * coloured)
    lamps: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(1 + int(random.integers(0, 2)) + (kind == "stage")):
        direction = np.array([random.normal(0, 1), random.uniform(-1.6, -0.3), random.uniform(-1.5, -0.1)])
        strength = random.uniform(0.4, 1.1) / (1 + 0.4 * len(lamps))
        lamps.append((direction, strength * _tint(random, 0.08 + 0.5 * coloured)))
    light = Light(ambient, lamps)
    return Light(ambient * max(1.0, 1 + (LEAST - frontal(light)) / (0.75 * ambient.mean())), lamps)


def frontal(light: Light) -> float:
    """Return how bright a white upright surface that faces the camera is, the mean of its channels."""
    total = 0.75 * float(light.ambient.mean())
    for direction, colour in light.lamps:
        cosine = -direction[2] / float(np.linalg.norm(direction))
        total += max(0.85 * cosine + 0.15, 0.0) * float(colour.mean())
    return total


def horizon_row(camera: Camera, wall: float) -> int:
    """Return the row in which the floor meets a wall at z = -`wall`."""
    foot = camera.project(camera.view(np.array([camera.position[0], 0.0, -wall])))
    return int(np.clip(foot[1], 0, camera.size[1]))


def _tint(random: np.random.Generator, extent: float) -> np.ndarray:
    """Draw a factor (3,) around 1."""
    return 1 + extent * (np.array(colorsys.hsv_to_rgb(random.random(), 1, 1)) - 0.5)


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
    colour = draw_colour(random, 0.5, 0.08, 0.4)
    image = _base(camera, colour, draw_colour(random, 0.25, 0.15, 0.6), row)
    width = camera.size[0]
    folds = np.sin(np.arange(width) / random.uniform(4, 14) + 2 * np.sin(np.arange(width) / 60))
    image.reshape(camera.size[1], -1)[:row] *= np.repeat(1 + 0.3 * folds, 3).astype(np.float32)
    _planks(random, image, camera, row, False, 0.25)
    for _ in range(random.integers(0, 4)):  # screens and lamps
        x, y = random.integers(0, width), random.integers(0, max(1, row // 2))
        cv2.circle(image, (int(x), int(y)), int(random.integers(2, 9)), (1.0, 0.95, 0.8), -1, cv2.LINE_AA)
    furniture(random, image, row, 2)
    return image


def _room(random: np.random.Generator, camera: Camera, row: int, wall: float) -> np.ndarray:
    image = _base(camera, draw_colour(random, 0.22, 0.4, 0.95), draw_colour(random, 0.22, 0.2, 0.75), row)
    width = camera.size[0]
    _planks(random, image, camera, row, random.random() < 0.4, 0.2)
    if row > 6:
        image[row - 6 : row] *= 0.7  # the skirting board
    for _ in range(random.integers(0, 3)):  # windows and doors
        w, h = int(random.integers(50, 130)), int(random.integers(60, 160))
        x, y = int(random.integers(-30, width)), max(0, row - h - int(random.integers(0, 90)))
        cv2.rectangle(image, (x, y), (x + w, min(row, y + h)), (0.9, 0.9, 0.88), -1)
        pane = draw_colour(random, 0.3, 0.6, 0.95).tolist()
        cv2.rectangle(image, (x + 5, y + 5), (x + w - 5, min(row, y + h - 5)), pane, -1)
        cv2.line(image, (x + w // 2, y), (x + w // 2, min(row, y + h)), (0.85, 0.85, 0.83), 3)
    furniture(random, image, row, 8)
    return image


def _street(random: np.random.Generator, camera: Camera, row: int, wall: float) -> np.ndarray:
    sky = np.array([0.66, 0.76, 0.88], np.float32) * random.uniform(0.8, 1.1)
    image = _base(camera, sky, draw_colour(random, 0.2, 0.2, 0.7), row)
    blocks(random, image, row, (0.15, 0.9), lit=False)
    trees(random, image, row, random.uniform(0.6, 1.2))
    if random.random() < 0.4 and row < camera.size[1]:  # grass
        cv2.rectangle(
            image,
            (0, row),
            camera.size,
            (np.array([0.32, 0.4, 0.22]) * random.uniform(0.7, 1.2)).tolist(),
            -1,
        )
        add_pixels(image[row:], 0.05 * grain(random, (camera.size[0], camera.size[1] - row), (2, 5)))
    else:
        _planks(random, image, camera, row, True, 0.15)
    return image


def _night(random: np.random.Generator, camera: Camera, row: int, wall: float) -> np.ndarray:
    image = _base(camera, np.array([0.04, 0.05, 0.11], np.float32), draw_colour(random, 0.2, 0.12, 0.35), row)
    blocks(random, image, row, (0.05, 0.25), lit=True)
    trees(random, image, row, 0.25)
    _planks(random, image, camera, row, True, 0.2)
    return image
