"""`Scene`: people who move in front of a backdrop, as pictures with their truth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from dancepose.data.synthetic.backdrop import Backdrop, draw_backdrop, horizon_row
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.effects import Effects, crowd, poster, shadows
from dancepose.data.synthetic.figure import Figure, Outfit
from dancepose.data.synthetic.material import Material, shade
from dancepose.data.synthetic.motion import Motion, draw_motion
from dancepose.data.synthetic.paint import add_channels, scale_channels
from dancepose.data.synthetic.props import draw_prop
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.shapes import Ellipsoid, Shape
from dancepose.data.synthetic.truth import Truth, find_truth

SIZE = (640, 480)
PROP = 1000  # owners from here on are no people


@dataclass(frozen=True)
class Difficulty:
    """How hard scenes are.

    Attributes:
        people: least and most.
        tall: least and greatest height of a person of 1.7 m in the picture, pixels.
        gap: least distance of two people on the floor, metres.
        beyond: how far over the picture's border people may stand, as a share of its width.
        props: most things in front of people.
        hard: 0 to 1: clutter, dim and coloured light, haze, blur, noise.
        figures: probability of each distractor that looks like people: mirror, poster, crowd.
    """

    people: tuple[int, int]
    tall: tuple[float, float]
    gap: float
    beyond: float
    props: int
    hard: float
    figures: float


DIFFICULTIES = {
    "easy": Difficulty((1, 3), (140, 420), 0.9, -0.08, 0, 0.0, 0.0),
    "medium": Difficulty((1, 6), (80, 450), 0.5, 0.02, 2, 0.4, 0.12),
    "hard": Difficulty((2, 8), (40, 475), 0.35, 0.06, 4, 1.0, 0.25),
}


@dataclass(frozen=True)
class Actor:
    """A person in a scene.

    Attributes:
        body: its build.
        outfit: its clothes.
        action: its class.
        motion: what it does.
        place: (2,) x and z on the floor at the start, metres.
        yaw: where it faces: 0 is towards the camera.
        start: time at which it is at its place.
    """

    body: Body
    outfit: Outfit
    action: str
    motion: Motion
    place: np.ndarray
    yaw: float
    start: float = 0.0

    def joints(self, time: float) -> dict[str, np.ndarray]:
        """Return the joints in the scene (see `Body.joints`)."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        way = self.motion.speed * self.body.height * (time - self.start)
        x, z = self.place + way * np.array([s, c])
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
        # without the things in front: how much of a person there would be
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
        shadows(image, self.camera, joints)
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
        glass = image[y1:y2, x1:x2] * 0.85 + 0.05
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


def draw_scene(
    random: np.random.Generator,
    difficulty: Difficulty,
    cast: Mapping[int, tuple[Body, Outfit]],
    start: float = 0.0,
    actions: tuple[str, ...] = ACTIONS,
) -> Scene:
    """Draw a scene.

    Args:
        random: where it is drawn from.
        difficulty: how hard.
        cast: identity -> build and clothes; the people are drawn from it, nobody twice.
        start: time of its first picture: those who walk are at their places then.
        actions: classes that occur.
    """
    width, height = SIZE
    focal = random.uniform(480, 900)
    count = int(random.integers(difficulty.people[0], difficulty.people[1] + 1))
    least, most = np.log(difficulty.tall)
    tall = np.exp(random.uniform(least, most, count))
    near = focal * 1.7 / tall.max()
    eye = float(np.clip(random.normal(1.5, 0.4 + 0.4 * difficulty.hard), 0.5, 3.5))
    distances = focal * 1.7 / tall
    aim = float(np.median(distances))
    pitch = float(np.arctan2(eye - 0.85, near + 0.3 * (aim - near)) + random.normal(0, 0.02))
    roll = random.normal(0, 0.02 + 0.04 * difficulty.hard)
    camera = Camera(np.array([0.0, eye, 0.0]), pitch, focal, SIZE, roll)
    actors: list[Actor] = []
    identities = random.permutation(sorted(cast))[:count].tolist()
    for identity, distance in zip(identities, distances, strict=True):
        place = _place(random, camera, float(distance), difficulty, [a.place for a in actors])
        if place is None:
            continue
        action = str(random.choice(actions))
        body, outfit = cast[identity]
        turned = random.normal(0, 0.6) if random.random() < 0.75 else random.uniform(-np.pi, np.pi)
        motion = draw_motion(action, random, body)
        actors.append(Actor(body, outfit, action, motion, place, turned, start))
    wall = float(distances.max()) + random.uniform(0.8, 4.0)
    backdrop = draw_backdrop(random, camera, wall, difficulty.hard)
    floor = horizon_row(camera, wall)
    mirror = None
    image = backdrop.image
    if random.random() < difficulty.figures and floor > 120:
        w, h = random.integers(120, 320), random.integers(90, floor - 20)
        x = int(random.integers(0, width - w))
        mirror = np.array([x, max(0, floor - h - 10), x + w, floor - 10])
    if random.random() < difficulty.figures and floor > 100:
        poster(random, image, floor, cast)
    if random.random() < difficulty.figures:
        crowd(random, image, floor)
    things: list[list[Shape]] = []
    stuff: list[Material] = []
    for _ in range(int(random.integers(0, difficulty.props + 1))):
        behind = actors[int(random.integers(len(actors)))].place
        shapes, own = draw_prop(random, behind, camera.position[2], len(stuff))
        things.append(shapes)
        stuff += own
    effects = Effects.draw(random, difficulty.hard, backdrop.kind)
    return Scene(camera, backdrop, actors, (things, stuff), effects, mirror)


def _place(
    random: np.random.Generator,
    camera: Camera,
    distance: float,
    difficulty: Difficulty,
    taken: list[np.ndarray],
) -> np.ndarray | None:
    """Return x and z of a free place on the floor, about so far from the camera; None if none is found."""
    width = camera.size[0]
    for _ in range(20):
        column = random.uniform(-difficulty.beyond, 1 + difficulty.beyond) * width
        place = np.array([(column - camera.centre[0]) / camera.focal * distance, -distance])
        if all(np.linalg.norm(place - other) > difficulty.gap for other in taken):
            return place
    return None
