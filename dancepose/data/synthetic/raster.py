"""`Raster`: what is nearest in each pixel of a picture of solid shapes; for light, patterns and occlusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.quadrics import FAR, HALF, MOST, TILE, Quadrics, nearest
from dancepose.data.synthetic.shapes import Shape, Solids, surface


@dataclass(frozen=True)
class Surfaces:
    """What is nearest in the n pixels in which there is a shape.

    Attributes:
        pixels: (n,) their numbers, row by row.
        material: (n,) int16.
        depth: (n,) float32, metres along the camera's axis.
        normal: (3, n) float32, in the camera's axes.
        place: (3, n) float32, on the shape, see `shapes.surface`.
    """

    pixels: np.ndarray
    material: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    place: np.ndarray


class Raster:
    """The nearest shape and its depth in each pixel.

    Args:
        camera: of the picture.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        width, height = camera.size
        self._across, self._down = -(-width // TILE), -(-height // TILE)
        self._depth = np.full((self._across * self._down, TILE * TILE), FAR, np.float32)
        self._number = np.full(self._depth.shape, -1, np.int16)
        self._solids: list[Solids] = []
        self._count = 0  # of shapes
        # person or thing -> where it may be, its first shape, and the one after its last
        self._owners: dict[int, tuple[tuple[slice, slice], int, int]] = {}

    def add(self, shapes: Mapping[int, Sequence[Shape]]) -> None:
        """Draw shapes where they are nearer than all before.

        Args:
            shapes: number of a person or thing -> its shapes, all of them.
        """
        listed = [(shape, owner) for owner, own in shapes.items() for shape in own]
        for start in range(0, len(listed), MOST):
            some = listed[start : start + MOST]
            solids = Solids.seen([shape for shape, _ in some], self.camera)
            part, tile = self._tiles(solids.quadrics.box)
            keys, tile = nearest(solids.quadrics, part, tile, self._middles(tile), self.camera.focal)
            depth = (keys & -MOST).view(np.float32)
            closer = depth < self._depth[tile]
            number = (keys & (MOST - 1)).astype(np.int16) + np.int16(self._count)
            self._depth[tile] = np.where(closer, depth, self._depth[tile])
            self._number[tile] = np.where(closer, number, self._number[tile])
            self._note([owner for _, owner in some], solids.quadrics)
            self._solids.append(solids)
            self._count += len(some)
        for name in ("depth", "number"):
            self.__dict__.pop(name, None)

    def _note(self, owners: list[int], quadrics: Quadrics) -> None:
        """Take note of the shapes of persons and things, and in which part of the picture they may be."""
        low = np.full((len(owners), 2), np.inf)
        high = -low
        np.minimum.at(low, quadrics.shape, quadrics.box[:, :2])
        np.maximum.at(high, quadrics.shape, quadrics.box[:, 2:])
        for owner in dict.fromkeys(owners):
            first, last = owners.index(owner), len(owners) - owners[::-1].index(owner)
            x1, y1 = np.floor(np.clip(low[first:last].min(0), 0, self.camera.size)).astype(int)
            x2, y2 = np.clip(np.ceil(high[first:last].max(0)) + 1, 0, self.camera.size).astype(int)
            first += self._count
            if owner in self._owners:  # its shapes came in two lots
                (rows, columns), first, _ = self._owners[owner]
                x1, x2 = min(x1, columns.start), max(x2, columns.stop)
                y1, y2 = min(y1, rows.start), max(y2, rows.stop)
            window = slice(y1, max(y1, y2)), slice(x1, max(x1, x2))
            self._owners[owner] = window, first, self._count + last

    def _tiles(self, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which quadric may touch which tile: two numbers (N,) for each such pair."""
        last = np.array([self._across, self._down])
        low = np.clip(np.floor(box[:, :2] / TILE), 0, last).astype(int)
        wide, high = np.maximum(np.clip(np.floor(box[:, 2:] / TILE) + 1, 0, last).astype(int) - low, 0).T
        count = wide * high
        part = np.repeat(np.arange(len(box)), count)
        inner = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
        x, y = low[part, 0] + inner % wide[part], low[part, 1] + inner // wide[part]
        return part, y * self._across + x

    def _middles(self, tile: np.ndarray) -> np.ndarray:
        """Return (2, N) x and y of the rays (x, y, 1) through tiles' middles."""
        pixel = np.stack([tile % self._across, tile // self._across]) * float(TILE) + HALF
        return (pixel - self.camera.centre[:, None]) / self.camera.focal

    def _picture(self, tiles: np.ndarray) -> np.ndarray:
        """Return tiles as a picture (H, W)."""
        grid = tiles.reshape(self._down, self._across, TILE, TILE).transpose(0, 2, 1, 3)
        width, height = self.camera.size
        return grid.reshape(self._down * TILE, self._across * TILE)[:height, :width]

    @cached_property
    def depth(self) -> np.ndarray:
        """(H, W) float32, metres along the camera's axis; `FAR` where there is nothing."""
        return self._picture(self._depth)

    @cached_property
    def number(self) -> np.ndarray:
        """(H, W) int16, number of the shape, in the order in which they came; -1 where there is nothing."""
        return self._picture(self._number)

    def shown(self, owner: int) -> tuple[tuple[slice, slice], np.ndarray]:
        """Return where a person or thing is nearest.

        Returns:
            A part of the picture, rows and columns; and in it (h, w) bool.
        """
        window, first, last = self._owners.get(owner, ((slice(0, 0), slice(0, 0)), 0, 0))
        number = self.number[window]
        return window, (number >= first) & (number < last)

    def surfaces(self) -> Surfaces:
        """Return what light and patterns need."""
        number = self.number.ravel()
        pixels = np.flatnonzero(number >= 0)
        number, depth = number[pixels], self.depth.ravel()[pixels]
        row, column = np.divmod(pixels.astype(np.int32), np.int32(self.camera.size[0]))
        scale, (x, y) = depth / np.float32(self.camera.focal), self.camera.centre.astype(np.float32)
        points = np.stack(
            [(column.astype(np.float32) - x) * scale, (row.astype(np.float32) - y) * scale, depth]
        )
        solids = self._solids
        if not solids:
            return Surfaces(pixels, number, depth, points, points)
        is_cone, table, material = (
            np.concatenate([getattr(solid, name) for solid in solids])
            for name in ("is_cone", "table", "material")
        )
        normal, place = surface(is_cone, table, number, points)
        return Surfaces(pixels, material[number], depth, normal, place)
