"""Solid shapes: ellipsoids and round cones, as one describes them and as a camera sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dancepose.data.synthetic.camera import NEAR, Camera
from dancepose.data.synthetic.quadrics import Quadrics

EVERYWHERE = (-1e6, -1e6, 1e6, 1e6)
NOWHERE = (1e6, 1e6, -1e6, -1e6)


@dataclass
class Ellipsoid:
    """An ellipsoid.

    Attributes:
        centre: (3,) in the scene.
        frame: (3, 3), columns are its axes in the scene.
        radii: (3,).
        material: index of what it is made of.
        cut: (4,) n, k: of the unit sphere's points p only those with n p < k are there (a hairline).
    """

    centre: np.ndarray
    frame: np.ndarray
    radii: np.ndarray
    material: int
    cut: np.ndarray | None = None


@dataclass
class Cone:
    """A round cone: a ball that moves from one point to another and changes its size on the way.

    Attributes:
        start: (3,) in the scene.
        end: (3,).
        radii: at start and end.
        material: index of what it is made of.
        open: straight from end to end and without the balls' halves beyond them (a skirt).
    """

    start: np.ndarray
    end: np.ndarray
    radii: tuple[float, float]
    material: int
    open: bool = False


Shape = Ellipsoid | Cone


@dataclass(frozen=True)
class Solids:
    """Shapes as a camera sees them, in arrays.

    Attributes:
        material: (S,) int16.
        is_cone: (S,) bool.
        table: (S, 12) float32, what `surface` needs of each.
        quadrics: of all of them.
    """

    material: np.ndarray
    is_cone: np.ndarray
    table: np.ndarray
    quadrics: Quadrics

    @classmethod
    def seen(cls, shapes: Sequence[Shape], camera: Camera) -> "Solids":
        """Return shapes as a camera sees them; of what reaches behind it, the part in front."""
        is_cone = np.array([isinstance(shape, Cone) for shape in shapes], bool)
        table = np.zeros((len(shapes), 12), np.float32)
        table[~is_cone], balls = _balls(
            [shape for shape in shapes if isinstance(shape, Ellipsoid)], np.flatnonzero(~is_cone), camera
        )
        table[is_cone], cones = _cones(
            [shape for shape in shapes if isinstance(shape, Cone)], np.flatnonzero(is_cone), camera
        )
        material = np.array([shape.material for shape in shapes], np.int16)
        return cls(material, is_cone, table, balls + cones)


def _balls(balls: list[Ellipsoid], numbers: np.ndarray, camera: Camera) -> tuple[np.ndarray, Quadrics]:
    count = len(balls)
    centre = camera.view(np.array([ball.centre for ball in balls]).reshape(count, 3))
    frame = camera.axes @ np.array([ball.frame for ball in balls]).reshape(count, 3, 3)
    radii = np.array([ball.radii for ball in balls]).reshape(count, 3)
    # into the axes in which it is the unit sphere
    to_unit = np.swapaxes(frame, 1, 2) / radii[:, :, None]
    origin = -np.einsum("nij,nj->ni", to_unit, centre)
    slab = np.tile([0.0, 0, 0, 0, -np.inf, np.inf], (count, 1))
    for row, ball in enumerate(balls):
        if ball.cut is not None:
            normal = ball.cut[:3]
            slab[row] = *(normal @ to_unit[row]), normal @ origin[row], -np.inf, ball.cut[3]
    spread = (frame * radii[:, None] ** 2) @ np.swapaxes(frame, 1, 2)
    box, cut = _boxes(centre, spread, camera)
    table = np.concatenate([to_unit.reshape(count, 9), origin], 1)
    a = np.swapaxes(to_unit, 1, 2) @ to_unit
    b, c = np.einsum("nij,ni->nj", to_unit, origin), (origin**2).sum(1) - 1
    return table, Quadrics(numbers, a, b, c, slab, box, cut, np.zeros(count, bool))


def _cones(cones: list[Cone], numbers: np.ndarray, camera: Camera) -> tuple[np.ndarray, Quadrics]:
    """Return mantles and balls (Quilez 2018, "Round cone: intersection")."""
    count = len(cones)
    start, end = (
        camera.view(np.array([getattr(cone, end) for cone in cones]).reshape(count, 3))
        for end in ("start", "end")
    )
    radii = np.array([cone.radii for cone in cones]).reshape(count, 2)
    first, last = radii.T
    # the axis, as far as it lies in front of the camera
    step = end[:, 2] - start[:, 2]
    crossing = np.clip((NEAR - start[:, 2]) / np.where(step == 0, 1, step), 0, 1)
    low, high = np.where(start[:, 2] < NEAR, crossing, 0), np.where(end[:, 2] < NEAR, crossing, 1)
    start, end = start + low[:, None] * (end - start), start + high[:, None] * (end - start)
    first, last = first + low * (last - first), first + high * (last - first)
    gone = high <= low
    along, grown = end - start, last - first
    open_ = np.array([cone.open for cone in cones], bool)
    squared = (along**2).sum(1)
    slope = squared - grown**2  # of a round one; not positive: one ball holds the other
    there = ~gone & ((slope > 0) | open_)
    squared[~there] = slope[~there] = 1
    # at p = start + w, with u = along w: w² - stretch u² + 2 flare u - size = 0; with share =
    # stretch u - flare, which goes from low to high, w - share along is the normal
    stretch = np.where(open_, (1 + grown**2 / squared) / squared, 1 / slope)
    flare = -first * grown / np.where(open_, squared, slope)
    size = np.where(open_, first**2, first**2 * squared / slope)
    low, high = np.where(open_, -flare, 0), np.where(open_, stretch * squared - flare, 1)
    across = camera.project(end) - camera.project(start)
    across /= np.maximum(np.hypot(*across.T), 1e-3)[:, None]
    table = np.concatenate([start, along, np.stack([stretch, -flare, *across.T, low, high], 1)], 1)
    # the mantles
    offset = (along * start).sum(1)
    a = np.eye(3) - stretch[:, None, None] * along[:, :, None] * along[:, None]
    b = (stretch * offset + flare)[:, None] * along - start
    c = (start**2).sum(1) - stretch * offset**2 - 2 * flare * offset - size
    slab = np.concatenate([stretch[:, None] * along, np.stack([-stretch * offset - flare, low, high], 1)], 1)
    # the balls at their ends
    centres, sizes = np.stack([start, end]), np.stack([first, last])
    box, cut = _boxes(centres, np.eye(3) * sizes[..., None, None] ** 2, camera)
    box[:, gone] = NOWHERE
    around = np.concatenate([box[..., :2].min(0), box[..., 2:].max(0)], 1)
    around[~there] = NOWHERE
    mantles = Quadrics(numbers, a, b, c, slab, around, np.zeros(count, bool), open_)
    round_ = np.stack([~open_, ~open_])
    centres, sizes = centres[round_], sizes[round_]
    balls = Quadrics(
        np.stack([numbers, numbers])[round_],
        np.tile(np.eye(3), (len(sizes), 1, 1)),
        -centres,
        (centres**2).sum(1) - sizes**2,
        np.tile([0.0, 0, 0, 0, -np.inf, np.inf], (len(sizes), 1)),
        box[round_],
        cut[round_],
        np.zeros(len(sizes), bool),
    )
    return table, mantles + balls


def _boxes(centre: np.ndarray, spread: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return the boxes (..., 4) of ellipsoids' outlines, and which the near plane cuts (...).

    Args:
        centre: (..., 3).
        spread: (..., 3, 3) frame, squared radii, frame transposed.
        camera: whose axes they are in.
    """
    dual = centre[..., :, None] * centre[..., None, :] - spread  # lines p with p dual p = 0 touch the outline
    depth, reach = centre[..., 2], np.sqrt(spread[..., 2, 2])
    before = depth - reach > NEAR
    scale = np.where(before, dual[..., 2, 2], 1)
    edges = []
    for i in (0, 1):
        half = np.sqrt(np.maximum(dual[..., i, 2] ** 2 - dual[..., i, i] * scale, 0))
        edges.append([(dual[..., i, 2] + sign * half) / scale for sign in (-1, 1)])
    (x1, x2), (y1, y2) = edges
    box = np.stack([x1, y1, x2, y2], -1) * camera.focal + np.tile(camera.centre, 2)
    box[~before] = EVERYWHERE
    box[depth + reach < NEAR] = NOWHERE
    return box, ~before


def surface(
    is_cone: np.ndarray, table: np.ndarray, number: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return normals and places of points on shapes.

    Args:
        is_cone: (S,) of all shapes.
        table: (S, 12) of `Solids`.
        number: (n,) shape of each point.
        points: (3, n) in the camera's axes.

    Returns:
        (3, n) float32 normals in the camera's axes; and (3, n) float32 places on the shape: for a cone across
        (-1 to 1), along (0 to 1), 0; for an ellipsoid its unit sphere's point.
    """
    normal, place = np.zeros_like(points), np.zeros_like(points)
    columns = np.ascontiguousarray(table.T)
    cones = is_cone[number]
    for chosen in (np.flatnonzero(cones), np.flatnonzero(~cones)):
        if not len(chosen):
            continue
        which, point = number[chosen], points[:, chosen]
        of = [column.take(which) for column in columns]
        if is_cone[which[0]]:
            away = [point[i] - of[i] for i in range(3)]
            share = sum(away[i] * of[3 + i] for i in range(3)) * of[6] + of[7]
            share = np.clip(share, of[10], of[11])
            found = [away[i] - share * of[3 + i] for i in range(3)]
        else:
            unit = [sum(of[3 * i + j] * point[j] for j in range(3)) + of[9 + i] for i in range(3)]
            found = [sum(of[3 * i + j] * unit[i] for i in range(3)) for j in range(3)]
        length = 1 / np.sqrt(found[0] ** 2 + found[1] ** 2 + found[2] ** 2 + 1e-18)
        found = [component * length for component in found]
        if is_cone[which[0]]:
            along = (share - of[10]) / (of[11] - of[10])
            unit = [found[0] * of[9] - found[1] * of[8], along, np.zeros_like(along)]
            # of an open one, seen from within; at an outline rounding alone may turn a normal away
            inner = sum(found[i] * point[i] for i in range(3)) > 0.05 * point[2]
            found = [np.where(inner, -component, component) for component in found]
        for i in range(3):
            normal[i, chosen], place[i, chosen] = found[i], unit[i]
    return normal, place
