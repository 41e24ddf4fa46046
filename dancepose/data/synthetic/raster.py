"""`Raster`: solid shapes seen by a camera, nearest first; what shading and occlusion are computed from."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

FAR = np.float32(1e6)
MARGIN = 2  # pixels around a shape's box
CHAINED = 0.6  # a limb that shows less of its length is drawn as a chain of balls
LINKS = 12  # of such a chain


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; its axes are x right, y down, z into the picture.

    Attributes:
        position: (3,) in the scene, metres; the scene's axes are x right, y up, z out of the picture.
        pitch: how far it looks down, radians.
        focal: pixels.
        size: width and height of the picture.
        roll: of the picture, radians.
    """

    position: np.ndarray
    pitch: float
    focal: float
    size: tuple[int, int]
    roll: float = 0.0

    @cached_property
    def axes(self) -> np.ndarray:
        """(3, 3): rows are the camera's x, y, z in the scene."""
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        level = np.array([[1.0, 0, 0], [0, -c, s], [0, -s, -c]])
        c, s = np.cos(self.roll), np.sin(self.roll)
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]) @ level

    def view(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) in the scene -> (..., 3) in the camera's axes."""
        return (points - self.position) @ self.axes.T

    def project(self, seen: np.ndarray) -> np.ndarray:
        """(..., 3) in the camera's axes -> (..., 2) pixels; what lies behind it comes out far away."""
        depth = np.maximum(seen[..., 2:], 1e-3)
        return seen[..., :2] / depth * self.focal + self.centre

    @cached_property
    def centre(self) -> np.ndarray:
        """(2,) pixel that the camera looks at."""
        return (np.array(self.size) - 1) / 2


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
        open: without the balls' halves beyond the ends (a skirt).
    """

    start: np.ndarray
    end: np.ndarray
    radii: tuple[float, float]
    material: int
    open: bool = False


@dataclass
class Raster:
    """What is nearest in each pixel.

    Attributes:
        camera: of the picture.
        depth: (H, W) float32, metres along the camera's axis.
        material: (H, W) int16, -1 where there is nothing.
        owner: (H, W) int16, number of the person or prop.
        surface: (H, W, 6) float32: the normal in the camera's axes; and the place on the shape: for a cone
            across (-1 to 1), along (0 to 1), 0; for an ellipsoid its unit sphere's point.
    """

    camera: Camera
    depth: np.ndarray = field(init=False)
    material: np.ndarray = field(init=False)
    owner: np.ndarray = field(init=False)
    surface: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        width, height = self.camera.size
        self.depth = np.full((height, width), FAR, np.float32)
        self.material = np.full((height, width), -1, np.int16)
        self.owner = np.full((height, width), -1, np.int16)
        self.surface = np.zeros((height, width, 6), np.float32)

    def add(self, shape: Ellipsoid | Cone, owner: int) -> None:
        """Draw a shape where it is nearer than all before; nothing of what lies behind the camera."""
        if isinstance(shape, Ellipsoid):
            self._ellipsoid(shape, owner)
        else:
            self._cone(shape, owner)

    def _window(self, low: np.ndarray, high: np.ndarray) -> tuple[slice, slice] | None:
        width, height = self.camera.size
        x0, y0 = np.clip(np.floor(low) - MARGIN, 0, [width, height]).astype(int)
        x1, y1 = np.clip(np.ceil(high) + MARGIN + 1, 0, [width, height]).astype(int)
        return (slice(y0, y1), slice(x0, x1)) if x0 < x1 and y0 < y1 else None

    def _write(
        self,
        window: tuple[slice, slice],
        inside: np.ndarray,
        depth: np.ndarray,
        parts: list[np.ndarray],
        material: int,
        owner: int,
    ) -> None:
        nearer = inside & (depth < self.depth[window])
        if not nearer.any():
            return
        np.copyto(self.depth[window], depth, where=nearer)
        self.material[window][nearer] = material
        self.owner[window][nearer] = owner
        surface = self.surface[window]
        for i, part in enumerate(parts):
            np.copyto(surface[..., i], part, where=nearer)

    def _ellipsoid(self, shape: Ellipsoid, owner: int) -> None:
        camera = self.camera
        centre = camera.view(shape.centre)
        largest = float(shape.radii.max())
        if centre[2] < largest + 0.05:
            return
        middle = camera.project(centre)
        extent = camera.focal * largest / (centre[2] - largest) * 1.1
        window = self._window(middle - extent, middle + extent)
        if window is None:
            return
        to_unit = ((camera.axes @ shape.frame).T / shape.radii[:, None]).astype(np.float32)
        rows, columns = window
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) - camera.centre[0]) / camera.focal
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) - camera.centre[1]) / camera.focal
        # rays (x, y, 1) and the camera, both in the axes in which the ellipsoid is the unit sphere
        rays = [m[0] * x[None] + (m[1] * y[:, None] + m[2]) for m in to_unit]
        origin = to_unit @ -centre.astype(np.float32)
        a = rays[0] ** 2 + rays[1] ** 2 + rays[2] ** 2
        b = rays[0] * origin[0] + rays[1] * origin[1] + rays[2] * origin[2]
        c = float(origin @ origin) - 1
        root = b * b - a * c
        inside = root > 0
        depth = (-b - np.sqrt(np.maximum(root, 0))) / a
        point = [o + depth * r for o, r in zip(origin, rays, strict=True)]
        if shape.cut is not None:
            n = shape.cut
            inside &= n[0] * point[0] + n[1] * point[1] + n[2] * point[2] < n[3]
        normal = [sum(to_unit[i, j] * point[i] for i in range(3)) for j in range(3)]
        length = np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2) + 1e-9
        parts = [component / length for component in normal] + point
        self._write(window, inside, depth, parts, shape.material, owner)

    def _cone(self, shape: Cone, owner: int) -> None:
        camera = self.camera
        seen = camera.view(np.stack([shape.start, shape.end]))
        radii = np.array(shape.radii)
        if (seen[:, 2] < radii + 0.05).any():
            return
        ends = camera.project(seen)
        spread = camera.focal * radii / seen[:, 2]
        window = self._window((ends - spread[:, None]).min(0), (ends + spread[:, None]).max(0))
        if window is None:
            return
        rows, columns = window
        x = np.arange(columns.start, columns.stop, dtype=np.float32)[None] - np.float32(ends[0, 0])
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(ends[0, 1])
        dx, dy = (ends[1] - ends[0]).astype(np.float32)
        length = max(float(np.hypot(dx, dy)), 1e-3)
        ux, uy = dx / length, dy / length
        # the mantle between the ends
        place = (x * ux + y * uy) / length
        across = x * uy - y * ux
        radius = spread[0] + place * (spread[1] - spread[0])
        offset = across / np.where(radius > 0.01, radius, 0.01)
        inside = (place >= 0) & (place <= 1) & (np.abs(offset) < 1)
        out = np.sqrt(np.maximum(1 - offset**2, 0))
        z0, z1 = seen[:, 2]
        share = place * z0 / (z1 + place * (z0 - z1))  # along the axis itself, which perspective shortens
        thick = radii[0] + share * (radii[1] - radii[0])
        # across the axis in the picture, and towards the camera as far as the axis itself does not
        tilt = float(z1 - z0) / max(float(np.linalg.norm(seen[1] - seen[0])), 1e-6)
        facing = np.sqrt(max(1 - tilt**2, 0.0))
        chained = facing < CHAINED and not shape.open
        inside &= not chained
        depth = np.where(inside, z0 + share * (z1 - z0) - out * thick / max(facing, 0.1), FAR)
        normal = [offset * uy + out * tilt * ux, -offset * ux + out * tilt * uy, -out * facing]
        # the balls at the ends; a limb that points at the camera is a chain of balls, the nearer before the
        # farther
        for at in () if shape.open else np.linspace(0, 1, LINKS if chained else 2):
            centre, ball = seen[0] + at * (seen[1] - seen[0]), radii[0] + at * (radii[1] - radii[0])
            middle, extent = camera.project(centre), camera.focal * ball / centre[2]
            disk = self._window(middle - extent, middle + extent)
            if disk is None:
                continue
            part = tuple(
                slice(max(0, inner.start - outer.start), max(0, inner.stop - outer.start))
                for inner, outer in zip(disk, window, strict=True)
            )
            bx, by = (middle - ends[0]).astype(np.float32)
            px, py = (x[:, part[1]] - bx) / np.float32(extent), (y[part[0]] - by) / np.float32(extent)
            height = np.sqrt(np.maximum(1 - px * px - py * py, 0))
            front = centre[2] - height * ball
            nearer = (height > 0) & (front < depth[part])
            np.copyto(depth[part], front, where=nearer)
            place[part][nearer] = at
            np.copyto(offset[part], px * uy - py * ux, where=nearer)
            for target, value in zip(normal, (px, py, -height), strict=True):
                np.copyto(target[part], value, where=nearer)
            inside[part] |= nearer
        parts = [*normal, offset, place, np.zeros_like(place)]
        self._write(window, inside, depth.astype(np.float32), parts, shape.material, owner)
