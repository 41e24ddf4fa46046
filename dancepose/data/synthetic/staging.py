"""`draw_scene`: who dances where, before what, seen from where; by difficulty."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dancepose.data.synthetic.backdrop import WALLED, draw_backdrop, horizon_row
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.effects import Effects, crowd, poster
from dancepose.data.synthetic.material import Material
from dancepose.data.synthetic.motion import draw_motion
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.props import draw_prop
from dancepose.data.synthetic.scene import SIZE, Actor, Scene
from dancepose.data.synthetic.shapes import Shape
from dancepose.data.synthetic.ways import find_way

CLOSE = 0.35  # share of the scenes with few people near the camera
AHEAD = 2.0  # least seconds for which those who walk stay clear of others
BEHIND = (0.8, 1.7)  # least metres behind the last person to the wall in a picture; in a clip: room to turn
PLACES = 4  # tries of a place with a free way


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
        acrobatic: share of the free poses that are upside down, in the air, bent or on the floor.
    """

    people: tuple[int, int]
    tall: tuple[float, float]
    gap: float
    beyond: float
    props: int
    hard: float
    figures: float
    acrobatic: float


DIFFICULTIES = {
    "easy": Difficulty((1, 3), (140, 420), 0.9, -0.08, 0, 0.0, 0.0, 0.2),
    "medium": Difficulty((1, 6), (80, 450), 0.5, 0.02, 2, 0.4, 0.12, 0.55),
    "hard": Difficulty((2, 8), (40, 475), 0.35, 0.06, 4, 1.0, 0.25, 0.55),
}


def draw_scene(
    random: np.random.Generator,
    difficulty: Difficulty,
    cast: Mapping[int, tuple[Body, Outfit]],
    start: float = 0.0,
    actions: tuple[str, ...] = ACTIONS,
    span: float = 0.0,
    free: float = 1 / len(ACTIONS),
) -> Scene:
    """Draw a scene.

    Args:
        random: where it is drawn from.
        difficulty: how hard.
        cast: identity -> build and clothes; the people are drawn from it, nobody twice.
        start: time of its first picture: those who walk are at their places then.
        actions: classes that occur.
        span: seconds from its first picture to its last; 0: a single picture.
        free: share of the people who dance freely (`other`), where that class occurs.
    """
    width, height = SIZE
    focal = random.uniform(480, 900)
    count = int(random.integers(difficulty.people[0], difficulty.people[1] + 1))
    least, most = difficulty.tall
    if random.random() < CLOSE:  # few people, who fill the picture
        count, least, most = min(count, max(2, difficulty.people[0])), 0.6 * most, 1.15 * most
    tall = np.exp(random.uniform(np.log(least), np.log(most), count))
    near = focal * 1.7 / tall.max()
    eye = float(np.clip(random.normal(1.5, 0.4 + 0.4 * difficulty.hard), 0.5, 3.5))
    distances = focal * 1.7 / tall
    aim = float(np.median(distances))
    pitch = float(np.arctan2(eye - 0.85, near + 0.3 * (aim - near)) + random.normal(0, 0.02))
    roll = random.normal(0, 0.02 + 0.04 * difficulty.hard)
    camera = Camera(np.array([0.0, eye, 0.0]), pitch, focal, SIZE, roll)
    actors: list[Actor] = []
    identities = random.permutation(sorted(cast))[:count].tolist()
    wall = float(distances.max()) + random.uniform(BEHIND[1] if span else BEHIND[0], 4.0)
    for identity, distance in zip(identities, distances, strict=True):
        action = _action(random, actions, free)
        body, outfit = cast[identity]
        turned = random.normal(0, 0.6) if random.random() < 0.75 else random.uniform(-np.pi, np.pi)
        motion = draw_motion(action, random, body, difficulty.acrobatic, span)
        found = None
        for _ in range(PLACES):
            place = _place(random, camera, float(distance), difficulty, [a.place for a in actors])
            if place is None:
                break
            actor = Actor(body, outfit, action, motion, place, turned, start)
            found = find_way(random, actor, actors, camera, wall, max(span, AHEAD))
            if found is not None:
                break
        if found is not None:
            actors.append(found)
        elif not actors and place is not None:  # a picture of nobody is of no use
            actors.append(actor)
    backdrop = draw_backdrop(random, camera, wall, difficulty.hard)
    floor = horizon_row(camera, wall)
    mirror = None
    image = backdrop.image
    walled = backdrop.kind in WALLED  # nothing hangs in a street
    if random.random() < difficulty.figures and floor > 120 and walled:
        w, h = random.integers(120, 320), random.integers(90, floor - 20)
        x = int(random.integers(0, width - w))
        mirror = np.array([x, max(0, floor - h - 10), x + w, floor - 10])
    if random.random() < difficulty.figures and floor > 100 and walled:
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
    effects = Effects.draw(random, difficulty.hard, backdrop)
    return Scene(camera, backdrop, actors, (things, stuff), effects, mirror)


def _action(random: np.random.Generator, actions: tuple[str, ...], free: float) -> str:
    named = [action for action in actions if action != "other"]
    if not named or ("other" in actions and random.random() < free):
        return "other"
    return str(random.choice(named))


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
