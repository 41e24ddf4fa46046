"""`Scene`: people who move in front of a backdrop, as pictures with their truth."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from dancepose.data.synthetic.backdrop import Backdrop
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.effects import Effects, shadows
from dancepose.data.synthetic.figure import Figure
from dancepose.data.synthetic.material import Material, shade
from dancepose.data.synthetic.motion import Motion
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.paint import add_channels, scale_channels
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.shapes import Ellipsoid, Shape
from dancepose.data.synthetic.truth import Truth, find_truth

SIZE = (640, 480)
PROP = 1000  # owners from here on are no people


@dataclass(frozen=True)
class Actor:
    """A person in a scene.

    Attributes:
        body: its build.
        outfit: its clothes.
        action: its class.
        motion: what it does.
        place: (2,) x and z on the floor at the start, metres.
        yaw: where it faces at the start: 0 is towards the camera.
        start: time at which it is at its place.
        turning: radians a second by which it turns to its left: it walks a circle.
    """

    body: Body
    outfit: Outfit
    action: str
    motion: Motion
    place: np.ndarray
    yaw: float
    start: float = 0.0
    turning: float = 0.0

    def ground(self, time: float | np.ndarray) -> np.ndarray:
        """Return x and z of where it is on the floor: (2,), or (n, 2) of n times (n, 1)."""
        way = self.motion.speed * self.body.height * (time - self.start)
        half = self.turning * (time - self.start) / 2
        way = way * np.sinc(half / np.pi)  # of an arc, its chord
        heading = self.yaw + half
        return self.place + way * np.hstack([np.sin(heading), np.cos(heading)])

    def joints(self, time: float) -> dict[str, np.ndarray]:
        """Return the joints in the scene (see `Body.joints`)."""
        yaw = self.yaw + self.turning * (time - self.start)
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        x, z = self.ground(time)
        shift = np.array([x, 0, z])
        return {
            name: turn @ value if name.startswith("frame_") else shift + turn @ value
            for name, value in self.body.joints(self.motion.pose(time)).items()
        }


@dataclass(frozen=True)
class Scene:
    """People, things and a backdrop in front of a camera.

    Attributes:
        camera: of the picture.
        backdrop: behind them.
        actors: the people.
        props: shapes of the things in front of people, with their materials.
        effects: of lens, air and sensor.
        mirror: (4,) x1, y1, x2, y2 of a mirror on the back wall in the picture, or None.
    """

    camera: Camera
    backdrop: Backdrop
    actors: list[Actor]
    props: tuple[list[list[Shape]], list[Material]]
    effects: Effects
    mirror: np.ndarray | None = None

    def render(self, time: float, random: np.random.Generator) -> tuple[np.ndarray, list[Truth]]:
        """Draw the scene at a time.

        Args:
            time: seconds.
            random: of the sensor's noise.

        Returns:
            (H, W, 3) uint8 RGB, and the truth of each actor, in their order.
        """
        joints = [actor.joints(time) for actor in self.actors]
        materials: list[Material] = []
        figures: list[list[Shape]] = []
        for actor, placed in zip(self.actors, joints, strict=True):
            figures.append(Figure(actor.body, actor.outfit, len(materials)).shapes(placed))
            materials += actor.outfit.materials
        raster = Raster(self.camera)
        raster.add(dict(enumerate(figures)))
        # how much of a person the others leave to see, before the things in front hide more of it
        whole = [int(raster.shown(owner)[1].sum()) for owner in range(len(figures))]
        things, stuff = self.props
        first = len(materials)
        raster.add(
            {
                PROP + number: [replace(shape, material=shape.material + first) for shape in shapes]
                for number, shapes in enumerate(things)
            }
        )
        materials += stuff
        image = self.backdrop.image.copy()
        if self.mirror is not None:
            self._reflect(image, figures, materials)
        shadows(image, self.camera, joints, [shape for shapes in things for shape in shapes])
        haze, thickness = self.backdrop.haze.astype(np.float32), self.backdrop.thickness / 10
        clear = np.exp(-thickness * self.backdrop.wall)
        scale_channels(image, np.full(3, clear))
        add_channels(image, (1 - clear) * haze)
        surfaces = raster.surfaces()
        colours = shade(surfaces, materials, self.backdrop.light)
        colours += (1 - np.exp(-thickness * surfaces.depth))[:, None] * (haze - colours)
        image.reshape(-1, 3)[surfaces.pixels] = colours
        truth = [
            find_truth(raster, whole[owner], owner, placed, actor.body)
            for owner, (actor, placed) in enumerate(zip(self.actors, joints, strict=True))
        ]
        return self.effects.apply(image, random), truth

    def _reflect(self, image: np.ndarray, figures: list[list[Shape]], materials: list[Material]) -> None:
        """Show the people in the mirror on the back wall."""
        assert self.mirror is not None
        x1, y1, x2, y2 = self.mirror.astype(int)
        raster = Raster(self.camera.cropped(x1, y1, x2, y2))
        wall = -self.backdrop.wall
        raster.add({n: [_mirrored(shape, wall) for shape in shapes] for n, shapes in enumerate(figures)})
        glass = np.empty_like(image[y1:y2, x1:x2])
        glass[:] = image[y1:y2, x1:x2].mean(axis=(0, 1)) * 0.85 + 0.05  # nothing of the wall behind shows
        surfaces = raster.surfaces()
        glass.reshape(-1, 3)[surfaces.pixels] = 0.8 * shade(surfaces, materials, self.backdrop.light)
        image[y1:y2, x1:x2] = glass
        cv2.rectangle(image, (x1, y1), (x2, y2), (0.25, 0.2, 0.15), 3)


def _mirrored(shape: Shape, wall: float) -> Shape:
    """Return a shape behind the mirror that stands at z = `wall`."""

    def across(point: np.ndarray) -> np.ndarray:
        return np.array([point[0], point[1], 2 * wall - point[2]])

    if isinstance(shape, Ellipsoid):
        return replace(shape, centre=across(shape.centre), frame=np.diag([1.0, 1.0, -1.0]) @ shape.frame)
    return replace(shape, start=across(shape.start), end=across(shape.end))
