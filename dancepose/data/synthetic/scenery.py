"""What stands behind the people: houses, trees, furniture, signs, and the grain of walls and floors."""

import colorsys
from functools import cache

import cv2
import numpy as np

from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.paint import grain, noise

TEXTURE = 256  # texels of a floor's grain to each side
WARM = (0.02, 0.15)  # hues of wood, brick, sand and skin: most of what is built is of them


def draw_colour(random: np.random.Generator, saturation: float, low: float, high: float) -> np.ndarray:
    """Draw the colour (3,) of a surface: most often a warm one, its saturation up to a limit."""
    hue = random.uniform(*WARM) if random.random() < 0.5 else random.random()
    value = random.uniform(low, high)
    return np.array(colorsys.hsv_to_rgb(hue, random.uniform(0, saturation), value), np.float32)


@cache
def _texture() -> np.ndarray:
    """Return (TEXTURE, TEXTURE) float32 noise: one for all floors, which take it from different places."""
    return grain(np.random.default_rng(0), (TEXTURE, TEXTURE), (1, 3, 7))


def floor_grain(random: np.random.Generator, camera: Camera, row: int) -> np.ndarray:
    """Return (H - row, W) float32 noise of unit deviation that lies on the floor, in perspective."""
    width, height = camera.size
    texels = random.uniform(20, 60)  # to the metre
    x, z = random.uniform(-3, 3, 2)
    # from the floor's x and z, in texels, to half the picture's pixels: soft things need no more
    origin = camera.axes @ (np.array([x, 0, z]) - camera.position)
    on_floor = np.stack([camera.axes[:, 0] / texels, camera.axes[:, 2] / texels, origin], 1)
    focal, (cx, cy) = camera.focal / 2, camera.centre / 2
    pixels = np.array([[focal, 0, cx], [0, focal, cy - row / 2], [0, 0, 1]])
    low = cv2.warpPerspective(
        _texture(), pixels @ on_floor, (width // 2, (height - row + 1) // 2), borderMode=cv2.BORDER_REFLECT
    )
    return cv2.resize(low, (width, height - row))


def blocks(
    random: np.random.Generator, image: np.ndarray, row: int, values: tuple[float, float], lit: bool
) -> None:
    """Draw houses along the horizon, with windows."""
    x, width = 0, image.shape[1]
    while x < width:
        w, h = int(random.integers(50, 160)), int(random.integers(40, max(41, row)))
        top = max(0, row - h)
        wall = draw_colour(random, 0.3, *values).tolist()
        dark = [random.uniform(0.3, 0.7) * value for value in wall]
        image[top:row, x : x + w] = wall
        step = int(random.integers(12, 26))
        for wy in range(top + 6, row - 8, step):
            for wx in range(x + 5, min(x + w, width) - 8, step):
                pane = [0.95, 0.85, 0.5] if random.random() < 0.3 and lit else dark
                far = (wx + step // 2 - 1, wy + step // 2 - 1)
                cv2.rectangle(image, (wx, wy), far, pane, -1)
        x += w + int(random.integers(0, 30))


def trees(random: np.random.Generator, image: np.ndarray, row: int, light: float) -> None:
    """Draw up to four trees or bushes before the houses, their leaves in light and shadow."""
    height, width = image.shape[:2]
    for _ in range(int(random.integers(0, 5))):
        wide, high = int(random.integers(50, 190)), int(random.integers(50, 170))
        x, foot = int(random.integers(-wide // 2, width)), row + int(random.integers(0, 20))
        top = foot - high - int(random.integers(-high // 3, 90))
        if top + high < foot:  # a trunk
            middle, thick = x + wide // 2, int(random.integers(4, 12))
            cv2.line(
                image,
                (middle, top + high // 2),
                (middle, foot),
                (0.18 * light, 0.13 * light, 0.1 * light),
                thick,
            )
        rows, columns = (
            slice(max(0, top), max(0, min(height, top + high))),
            slice(max(0, x), min(width, x + wide)),
        )
        part = image[rows, columns]
        if not part.size:
            continue
        leaves = grain(random, (wide, high), (3, 10))
        down, across = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j].astype(np.float32)
        there = 0.35 * leaves + down**2 + across**2 < 0.8
        shade = light * (0.7 + 0.4 * leaves - 0.35 * down)
        green = np.array([random.uniform(0.15, 0.4), random.uniform(0.28, 0.42), 0.17], np.float32)
        cut = slice(rows.start - top, rows.stop - top), slice(columns.start - x, columns.stop - x)
        chosen = there[cut]
        part[chosen] = shade[cut][chosen][:, None] * green


def furniture(random: np.random.Generator, image: np.ndarray, row: int, count: int) -> None:
    """Draw shelves, cupboards and pictures against the wall: edges, panels, lettering."""
    width = image.shape[1]
    for _ in range(int(random.integers(0, count + 1))):
        hung = random.random() < 0.4
        w, h = int(random.integers(30, 170)), int(random.integers(25, 90 if hung else 190))
        x = int(random.integers(-w // 2, width - 10))
        base = row - int(random.integers(60, 200)) if hung else row + int(random.integers(0, 12))
        colour = draw_colour(random, 0.45, 0.08, 0.85)
        cv2.rectangle(image, (x, base - h), (x + w, base), colour.tolist(), -1)
        cv2.rectangle(
            image, (x, base - h), (x + w, base), (0.5 * colour).tolist(), int(random.integers(1, 4))
        )
        kind = random.random()
        across, down = int(random.integers(1, 4)), int(random.integers(1, 6))
        if kind < 0.6:  # doors or boards, with what stands on them
            for i in range(across * down):
                left, top = x + 4 + i % across * w // across, base - h + 4 + i // across * h // down
                panel = (
                    colour * random.uniform(0.5, 1.4) if kind < 0.3 else draw_colour(random, 0.6, 0.05, 0.9)
                )
                far = (left + w // across - 8, top + h // down - 8)
                cv2.rectangle(image, (left, top), far, panel.tolist(), -1)
        elif kind < 0.8:
            letters(random, image, (x + 4, base - h // 2), draw_colour(random, 0.8, 0.0, 1.0))


def letters(
    random: np.random.Generator, image: np.ndarray, place: tuple[int, int], colour: np.ndarray
) -> None:
    """Write a few letters."""
    text = "".join(chr(int(code)) for code in random.integers(65, 91, int(random.integers(3, 9))))
    size = random.uniform(0.4, 1.2)
    cv2.putText(
        image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour.tolist(), int(1 + 2 * size), cv2.LINE_AA
    )


def clutter(random: np.random.Generator, image: np.ndarray, row: int, count: int, hangs: bool = True) -> None:
    """Draw things of all colours that are no people: boxes, disks and bars against the wall.

    Args:
        random: where they are drawn from.
        image: (H, W, 3), changed.
        row: in which the wall meets the floor.
        count: most of them.
        hangs: whether there is a wall that they can hang on; else boxes and poles stand on the ground.
    """
    height, width = image.shape[:2]
    for _ in range(random.integers(0, count + 1)):
        x, w, h = int(random.integers(0, width)), int(random.integers(8, 70)), int(random.integers(8, 120))
        base = min(height, row + int(random.integers(-60 if hangs else 1, 40)))
        colour = draw_colour(random, 0.7, 0.1, 0.9).tolist()
        kind = random.random()
        if kind < 0.5:
            cv2.rectangle(image, (x, base - h), (x + w, base), colour, -1)
        elif kind < 0.75 and hangs:
            cv2.ellipse(image, (x, base - h), (w // 2 + 2, h // 3 + 2), 0, 0, 360, colour, -1, cv2.LINE_AA)
        else:
            end = (x + (int(random.normal(0, 60)) if hangs else 0), base - h - 40)
            cv2.line(image, (x, base), end, colour, int(random.integers(2, 9)), cv2.LINE_AA)


def uneven_light(
    random: np.random.Generator, size: tuple[int, int], colour: np.ndarray, extent: float
) -> np.ndarray:
    """Return (H, W, 3) float32: a colour, stronger here and weaker there."""
    width, height = size
    coarse = np.maximum(noise(random, (4, 4), extent, 1.0), 0.5)
    smooth = cv2.resize(coarse, (width // 16, height // 16), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(smooth[..., None] * colour.astype(np.float32), (width, height))
