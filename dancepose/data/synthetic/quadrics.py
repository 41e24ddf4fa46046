"""Quadrics, and where the rays of a picture meet them: many at once, in the tiles that each may touch."""

from dataclasses import dataclass

import numpy as np

from dancepose.data.synthetic.camera import NEAR

FAR = np.float32(2**20)  # whose last bits are 0, see `MOST`
TILE = 8  # pixels: shapes are drawn in square tiles, all tiles that they touch at once
HALF = (TILE - 1) / 2
MOST = 128  # shapes at once: their numbers stand in the last 7 bits of a depth, which keeps 16 of its own
# of a tile's pixels, seen from its middle
ACROSS = np.tile(np.arange(TILE, dtype=np.float32) - np.float32(HALF), TILE)
DOWN = np.repeat(np.arange(TILE, dtype=np.float32) - np.float32(HALF), TILE)


@dataclass(frozen=True)
class Quadrics:
    """Quadrics and where rays meet them.

    A ray from the camera in direction d = (x, y, 1) meets one at the depth t at which
    t² (d A d) + 2 t (b d) + c = 0, if low < t (m d) + k < high.

    Attributes:
        shape: (P,) number of the shape that each belongs to.
        a: (P, 3, 3), symmetric.
        b: (P, 3).
        c: (P,).
        slab: (P, 6) m, k, low and high.
        box: (P, 4) x1, y1, x2, y2 in the picture, pixels, inside which it lies.
        cut: (P,) whether the plane at `NEAR` goes through it.
        hollow: (P,) whether its inside is seen where the slab takes its near side away (a skirt's).
    """

    shape: np.ndarray
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    slab: np.ndarray
    box: np.ndarray
    cut: np.ndarray
    hollow: np.ndarray

    def __add__(self, other: "Quadrics") -> "Quadrics":
        """Return both."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Quadrics(*(np.concatenate(pair) for pair in pairs))


def nearest(
    quadrics: Quadrics, part: np.ndarray, tile: np.ndarray, middle: np.ndarray, focal: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is nearest in tiles.

    Args:
        quadrics: P of them.
        part: (N,) which of them may touch a tile.
        tile: (N,) which tile.
        middle: (2, N) the ray through the tile's middle.
        focal: pixels.

    Returns:
        (T, TILE²) int32, the bits of the depth with the number of the shape in the last of them; and the
        numbers of these tiles (T,).
    """
    outline = quadrics.b[:, :, None] * quadrics.b[:, None] - quadrics.c[:, None, None] * quadrics.a
    root = _quadratic(outline[part], middle, focal)
    order = np.flatnonzero(_greatest(root) > 0)
    order = order[np.argsort(tile[order], kind="stable")]
    part, tile, middle, root = part[order], tile[order], middle[:, order], root[order]
    forms = (
        root,
        _quadratic(quadrics.a[part], middle, focal),
        _linear(quadrics.b[part], middle, focal),
        _linear(quadrics.slab[part, :3], middle, focal),
        quadrics.slab[part, 3:],
    )
    root, square, linear, along, limits = (form.astype(np.float32)[..., None] for form in forms)
    flags = quadrics.cut[part], quadrics.hollow[part]
    keys = _meet(root, square, linear, along, limits, *flags).view(np.int32)
    keys &= -MOST
    keys |= quadrics.shape[part].astype(np.int32)[:, None]
    starts = np.flatnonzero(np.diff(tile, prepend=-1))
    return np.minimum.reduceat(keys, starts) if len(starts) else keys, tile[starts]


def _meet(
    root: np.ndarray,
    square: np.ndarray,
    linear: np.ndarray,
    along: np.ndarray,
    limits: np.ndarray,
    cut: np.ndarray,
    hollow: np.ndarray,
) -> np.ndarray:
    """Return (n, TILE²) depths at which rays meet quadrics, `FAR` where they do not.

    Args:
        root: (n, 6, 1) coefficients of the discriminant.
        square: (n, 6, 1) of d A d.
        linear: (n, 3, 1) of b d.
        along: (n, 3, 1) of m d.
        limits: (n, 3, 1) k, low and high.
        cut: (n,) whether the near plane goes through.
        hollow: (n,) whether the far side counts where the slab takes the near one away.
    """
    discriminant = _quadratic_values(root)
    inside = discriminant > 0
    half = np.sqrt(np.maximum(discriminant, 0, out=discriminant), out=discriminant)
    divisor, middle = _quadratic_values(square), _linear_values(linear)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        depth = middle + half
        depth /= -divisor
        if cut.any():  # the near plane shows what is inside
            behind = (half[cut] - middle[cut]) / divisor[cut] > NEAR
            depth[cut] = np.where(behind, np.maximum(depth[cut], np.float32(NEAR)), depth[cut])
        inside &= depth >= np.float32(NEAR)
        bounded = np.flatnonzero(np.isfinite(limits[:, 2, 0]))
        kept = _within(depth[bounded], along[bounded], limits[bounded])
        if hollow.any():
            part = hollow[bounded]
            rows = bounded[part]
            far = (half[rows] - middle[rows]) / divisor[rows]
            seen = ~kept[part] & (far >= np.float32(NEAR)) & _within(far, along[rows], limits[rows])
            depth[rows] = np.where(seen, far, depth[rows])
            kept[part] |= seen
            inside[rows] |= seen & (half[rows] > 0)
        inside[bounded] &= kept
    return np.where(inside, depth, FAR)


def _within(depth: np.ndarray, along: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return (n, TILE²) whether the points at these depths lie within the slabs."""
    share = _linear_values(along)
    share *= depth
    share += limits[:, 0]
    return (share > limits[:, 1]) & (share < limits[:, 2])


def _quadratic(matrix: np.ndarray, middle: np.ndarray, focal: float) -> np.ndarray:
    """Return (N, 6) coefficients of d matrix d in x, y, x², x y, y², in pixels from tiles' middles, and 1."""
    x, y = middle
    step = 1 / focal
    xx, xy, xz = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 0, 2]
    yy, yz, zz = matrix[:, 1, 1], matrix[:, 1, 2], matrix[:, 2, 2]
    dx, dy = xx * x + xy * y + xz, xy * x + yy * y + yz
    value = dx * x + dy * y + xz * x + yz * y + zz
    return np.stack([2 * step * dx, 2 * step * dy, step**2 * xx, 2 * step**2 * xy, step**2 * yy, value], 1)


def _linear(vector: np.ndarray, middle: np.ndarray, focal: float) -> np.ndarray:
    """Return (N, 3) coefficients of d vector in x and y, in pixels from tiles' middles, and 1."""
    value = vector[:, 0] * middle[0] + vector[:, 1] * middle[1] + vector[:, 2]
    return np.stack([vector[:, 0] / focal, vector[:, 1] / focal, value], 1)


def _quadratic_values(coefficients: np.ndarray) -> np.ndarray:
    """(n, 6, 1) coefficients -> (n, TILE²) values in tiles' pixels."""
    x, y, xx, xy, yy, one = coefficients.swapaxes(0, 1)
    total = xx * ACROSS
    total += xy * DOWN
    total += x
    total *= ACROSS
    rest = yy * DOWN
    rest += y
    rest *= DOWN
    rest += one
    total += rest
    return total


def _linear_values(coefficients: np.ndarray) -> np.ndarray:
    """(n, 3, 1) coefficients -> (n, TILE²) values in tiles' pixels."""
    x, y, one = coefficients.swapaxes(0, 1)
    total = x * ACROSS
    total += y * DOWN
    total += one
    return total


def _greatest(coefficients: np.ndarray) -> np.ndarray:
    """Return (N,) what quadratic polynomials do not exceed in their tiles."""
    x, y, xx, xy, yy, one = coefficients.T
    bend = np.maximum(xx + yy + np.hypot(xx - yy, xy), 0) / 2  # the greater eigenvalue
    return one + HALF * (np.abs(x) + np.abs(y)) + 2 * HALF**2 * bend
