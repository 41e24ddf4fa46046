"""Things that stand in front of people and hide parts of them."""

import numpy as np

from dancepose.data.synthetic.kinematics import unit
from dancepose.data.synthetic.material import KINDS, Material
from dancepose.data.synthetic.shapes import Cone, Ellipsoid, Shape

PROPS = ("pole", "column", "ball", "plant", "rail")
PATTERNS = tuple(kind for kind in KINDS if kind not in ("face", "toecap"))


def draw_prop(
    random: np.random.Generator, behind: np.ndarray, camera: float, first: int
) -> tuple[list[Shape], list[Material]]:
    """Draw a thing a little nearer to the camera than a place.

    Args:
        random: where it is drawn from.
        behind: (2,) x and z of a person on the floor.
        camera: its z.
        first: number of the thing's first material.

    Returns:
        Its shapes and its materials.
    """
    share = random.uniform(0.55, 0.9)
    x = behind[0] * share + random.normal(0, 0.35)
    z = camera + (behind[1] - camera) * share
    colour = random.uniform(0.05, 0.9) + random.uniform(-0.2, 0.2, 3) * random.random()
    colour = np.clip(colour, 0.03, 0.95)
    pattern = str(random.choice(PATTERNS)) if random.random() < 0.4 else "plain"
    material = Material(colour, random.uniform(0, 1, 3), pattern, random.uniform(2, 9))
    floor = np.array([x, 0.0, z])
    kind = str(random.choice(PROPS))
    up = np.array([0.0, 1.0, 0.0])
    if kind == "pole":
        top, thick = random.uniform(0.9, 2.4), random.uniform(0.015, 0.05)
        return [Cone(floor + thick * up, floor + top * up, (thick, thick), first)], [material]
    if kind == "column":
        top, thick = random.uniform(0.4, 1.1), random.uniform(0.12, 0.3)
        ends = (thick, thick * random.uniform(0.7, 1.2))
        return _column(floor, float(top), ends, first), [material]
    if kind == "ball":
        size = random.uniform(0.1, 0.3)
        flying = random.uniform(0, 1.2) if random.random() < 0.4 else 0.0
        centre = floor + (size + flying) * up
        return [Ellipsoid(centre, np.eye(3), np.full(3, size), first)], [material]
    if kind == "rail":
        half, high = random.uniform(0.4, 1.5), random.uniform(0.5, 1.05)
        side = np.array([half, 0, 0])
        rails = [
            Cone(floor - side + h * up, floor + side + h * up, (0.025, 0.025), first)
            for h in (high, high / 2)
        ]
        posts = [
            Cone(floor + s * side + 0.03 * up, floor + s * side + high * up, (0.03, 0.03), first)
            for s in (-1, 0, 1)
        ]
        return [*rails, *posts], [material]
    green = np.array([0.16, 0.3, 0.12]) * random.uniform(0.7, 1.5)
    high = random.uniform(0.3, 0.9)
    leaves = _column(floor, 0.25, (0.12, 0.15), first)
    leaves.append(Cone(floor + 0.25 * up, floor + (0.3 + high) * up, (0.02, 0.01), first + 1))
    for _ in range(8):
        away = unit(random.normal(0, 1, 3) * [1, 0.5, 1] + 0.3 * up)
        turn = np.linalg.qr(np.column_stack([away, random.standard_normal((3, 2))]))[0]
        stem = floor + (0.3 + high * random.random()) * up
        leaves.append(Ellipsoid(stem + 0.18 * away, turn, np.array([0.2, 0.07, 0.04]), first + 1))
    return leaves, [material, Material(np.clip(green, 0, 1))]


def _column(floor: np.ndarray, top: float, radii: tuple[float, float], material: int) -> list[Shape]:
    """Return a column that is flat on the floor, not a ball's half below it, and a little rounded on top."""
    up = np.array([0.0, 1.0, 0.0])
    lid = np.array([radii[1], 0.25 * radii[1], radii[1]])
    return [
        Cone(floor, floor + top * up, radii, material, open=True),
        Ellipsoid(floor + top * up, np.eye(3), lid, material),
    ]
