"""Plain scenes for tests: a grey wall, even white light, no effect of lens, air or sensor, people who stand.

`from plain_scenes import plain_scene, stander` works in every test, for `tests/` is on the path.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from dancepose.data.synthetic.backdrop import Backdrop
from dancepose.data.synthetic.beat import Motion
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.effects import Effects
from dancepose.data.synthetic.material import Light, Material
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.pose import Pose
from dancepose.data.synthetic.scene import SIZE, Actor, Scene

BODY = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
CAMERA = Camera(np.array([0, 0.9, 0]), 0.0, 450, SIZE)
GREY = 0.4  # of the wall: the brightness that contrast leaves as it is
WALL = 6.0  # metres behind the camera's place
WHITE = Light(np.ones(3), [])


def plain_effects(**changed: Any) -> Effects:
    """Effects that leave a picture as it is, but for the changed ones."""
    none: dict[str, Any] = {"spots": (), "blur": 0.0, "motion": (0, 0.0), "noise": 0.0, "vignette": 0.0}
    return Effects(**none | {"exposure": 1.0, "contrast": 1.0, "quality": 95} | changed)


def plain_backdrop(**changed: Any) -> Backdrop:
    """A grey wall without haze."""
    image = np.full((SIZE[1], SIZE[0], 3), GREY, np.float32)
    return replace(Backdrop("room", image, WHITE, WALL, np.zeros(3), 0.0), **changed)


def plain_outfit(top: tuple[float, float, float] = (0.7, 0.7, 0.7)) -> Outfit:
    """Clothes without pattern or folds, with long sleeves; fair skin, black short hair."""
    skin, cloth = Material(np.array([0.9, 0.7, 0.6])), Material(np.array(top))
    face = replace(skin, pattern="face")
    hair = Material(np.full(3, 0.05))
    return Outfit(skin, face, hair, "short", cloth, 1.95, cloth, "trousers", 1.0, cloth)


def stander(x: float, z: float, yaw: float = 0.0, outfit: Outfit | None = None, **pose: Any) -> Actor:
    """Someone who stands still at a place, in metres; `yaw` 0 faces the camera."""
    motion = Motion(lambda time: Pose(**pose), 1.0)
    return Actor(BODY, outfit or plain_outfit(), "other", motion, np.array([x, z]), yaw)


def plain_scene(*actors: Actor, **changed: Any) -> Scene:
    """These people before the wall."""
    return replace(Scene(CAMERA, plain_backdrop(), list(actors), ([], []), plain_effects()), **changed)


def rendered(scene: Scene) -> np.ndarray:
    """The picture (H, W, 3) of a scene, 0 to 255, as floating numbers."""
    return scene.render(0.0, np.random.default_rng(0))[0].astype(float)
