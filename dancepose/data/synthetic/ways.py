"""`find_way`: where someone walks for as long as a scene is seen, clear of wall, camera and others."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.scene import Actor

WALL, LENS = 0.5, 1.2  # metres that a way stays before the back wall, and before the camera
BORDER = 0.4  # metres by which it may leave what the camera sees, to a side
APART = 0.35  # least distance of two ways, metres
RADII = (0.5, 2.5)  # metres of the circle that one walks where there is no room for a straight way
TRIES = 40
STEP = 0.25  # seconds


def find_way(
    random: np.random.Generator,
    actor: Actor,
    others: Sequence[Actor],
    camera: Camera,
    wall: float,
    span: float,
) -> Actor | None:
    """Turn someone so that the way ahead is free; straight on, or in a circle.

    Args:
        random: where the way is drawn from.
        actor: at its place.
        others: whose ways are known.
        camera: of the picture.
        wall: distance of the back wall, metres.
        span: seconds for which the ways have to be free.

    Returns:
        The actor, itself where its way is free; None where none is found.
    """
    times = actor.start + np.linspace(0, span, 2 + int(span / STEP))[:, None]
    taken = [other.ground(times) for other in others if actor.motion.speed or other.motion.speed]
    ahead, turning = actor, 0.0
    for attempt in range(TRIES):
        way = ahead.ground(times)
        near = min((np.linalg.norm(way - other, axis=1).min() for other in taken), default=np.inf)
        if near > APART and (not actor.motion.speed or _inside(way, camera, wall)):
            return ahead
        if not actor.motion.speed:
            return None  # one who stands: another place has to be found
        yaw = random.uniform(-np.pi, np.pi)
        if attempt > TRIES // 4:
            radius = random.uniform(RADII[0], max(RADII[0], RADII[1] * (1 - attempt / TRIES)))
            turning = actor.motion.speed * actor.body.height / radius * random.choice([-1, 1])
        ahead = replace(actor, yaw=yaw, turning=turning)
    return None


def _inside(way: np.ndarray, camera: Camera, wall: float) -> bool:
    """Whether all points (n, 2), x and z, of a way lie in the room and about in the picture."""
    depth = camera.position[2] - way[:, 1]
    if depth.min() < LENS or way[:, 1].min() < WALL - wall:
        return False
    across = np.abs(way[:, 0] - camera.position[0]) - BORDER
    return bool((across < depth * camera.size[0] / 2 / camera.focal).all())
