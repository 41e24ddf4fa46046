"""Staged scenes: framing, light and ways, over many scenes."""

import numpy as np

from dancepose.data.synthetic.backdrop import frontal
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.effects import EXPOSED
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.scene import Scene
from dancepose.data.synthetic.staging import AHEAD, CLOSE, DIFFICULTIES, draw_scene

CAST = {
    number: (Body.draw(np.random.default_rng((3, number))), Outfit.draw(np.random.default_rng((4, number))))
    for number in range(12)
}


def scenes(count: int, difficulty: str = "medium", **more) -> list[Scene]:
    randoms = [np.random.default_rng((1, seed)) for seed in range(count)]
    return [draw_scene(random, DIFFICULTIES[difficulty], CAST, **more) for random in randoms]


def test_people_are_exposed_so_that_they_can_be_seen():
    for scene in scenes(40):
        least, most = EXPOSED
        assert least - 1e-6 <= frontal(scene.backdrop.light) * scene.effects.exposure <= most + 1e-6


def test_pictures_have_the_brightness_and_contrast_of_photographs():
    """Of `people_coco` the medians are 112 and 56."""
    found = []
    for number, scene in enumerate(scenes(16)):
        picture, _ = scene.render(0.0, np.random.default_rng(number))
        found.append((picture.mean(), picture.mean(-1).std()))
    brightness, contrast = np.median(found, axis=0)
    assert 85 < brightness < 140 and contrast > 38


def test_who_walks_stays_clear_of_others_for_a_while():
    nearest = []
    for scene in scenes(40, start=1.0, actions=("walk", "akimbo")):
        times = 1.0 + np.linspace(0, AHEAD, 20)[:, None]
        ways = [actor.ground(times) for actor in scene.actors]
        pairs = [(a, b) for number, a in enumerate(ways) for b in ways[:number]]
        nearest += [np.linalg.norm(a - b, axis=1).min() for a, b in pairs]
    assert len(nearest) > 60 and np.mean(np.array(nearest) < 0.25) < 0.01


def test_a_share_of_the_scenes_has_few_people_who_fill_the_picture():
    close = []
    for scene in scenes(60):
        joints = [actor.joints(0.0) for actor in scene.actors]
        high = [
            np.ptp(
                [scene.camera.project(scene.camera.view(at[name]))[1] for name in ("head_top", "left_toe")]
            )
            for at in joints
        ]
        close.append(len(high) <= 2 and min(high) > 180)
    assert CLOSE - 0.2 < np.mean(close) < CLOSE + 0.2
