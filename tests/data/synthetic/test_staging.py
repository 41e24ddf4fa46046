"""Staged scenes: framing, light and ways, over many scenes."""

from dataclasses import replace

import numpy as np
import pytest

from dancepose.data.synthetic import dataset, staging
from dancepose.data.synthetic.backdrop import WALLED, frontal
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.effects import EXPOSED
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.scene import Scene
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.data.synthetic.staging import AHEAD, CLOSE, DIFFICULTIES, draw_scene
from dancepose.data.synthetic.ways import APART, BORDER, LENS, WALL, find_way

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


def test_who_walks_stays_in_the_room_and_clear_of_others_for_a_whole_clip():
    span, circles, straight = 20.0, 0, 0
    times = 1.0 + np.linspace(0, span, 161)[:, None]
    for scene in scenes(30, start=1.0, actions=("walk", "akimbo"), span=span):
        ways = [actor.ground(times) for actor in scene.actors]
        for number, (actor, way) in enumerate(zip(scene.actors, ways, strict=True)):
            if not actor.motion.speed:
                continue
            circles, straight = circles + bool(actor.turning), straight + (not actor.turning)
            depth = scene.camera.position[2] - way[:, 1]
            assert depth.min() > LENS - 0.02 and way[:, 1].min() > WALL - scene.backdrop.wall - 0.02
            half = depth * scene.camera.size[0] / 2 / scene.camera.focal
            assert (np.abs(way[:, 0]) < half + BORDER + 0.02).all()
            others = ways[:number] + ways[number + 1 :]
            assert all(np.linalg.norm(way - other, axis=1).min() > APART - 0.1 for other in others)
    assert circles > 20


def test_in_a_circle_one_faces_where_one_goes():
    scene = next(s for s in scenes(20, actions=("walk",), span=20.0) if s.actors[0].turning)
    actor = scene.actors[0]
    for time in (0.0, 3.0, 11.0):
        way = (actor.ground(time + 0.01) - actor.ground(time - 0.01)) / 0.02
        assert np.linalg.norm(way) == pytest.approx(actor.motion.speed * actor.body.height, rel=1e-3)
        ahead = actor.joints(time)["frame_pelvis"][:, 2][[0, 2]]
        swayed = 0.2  # radians that the hips turn at each step
        assert ahead @ way / np.linalg.norm(way) / np.linalg.norm(ahead) > np.cos(swayed)


def test_who_stands_in_a_way_has_to_find_another_place():
    scene = next(s for s in scenes(20, actions=("walk",), span=4.0) if not s.actors[0].turning)
    walker, camera, wall = scene.actors[0], scene.camera, scene.backdrop.wall
    random = np.random.default_rng(0)
    stands = scenes(1, actions=("akimbo",))[0].actors[0]
    blocked = replace(stands, place=walker.ground(2.0), start=walker.start)
    assert find_way(random, blocked, [walker], camera, wall, 4.0) is None
    free = replace(stands, place=walker.ground(2.0) + 9.0, start=walker.start)
    assert find_way(random, free, [walker], camera, wall, 4.0) is free


def test_mirrors_and_posters_hang_on_walls_alone(monkeypatch):
    hung, kinds = [], []
    monkeypatch.setattr(staging, "poster", lambda *a: hung.append(1))
    everywhere = replace(DIFFICULTIES["easy"], figures=1.0)
    for seed in range(60):
        hung.clear()
        scene = draw_scene(np.random.default_rng(seed), everywhere, CAST)
        walled = scene.backdrop.kind in WALLED
        assert walled or not (hung or scene.mirror is not None)
        kinds.append((walled, bool(hung)))
    assert {(True, True), (False, False)} <= set(kinds)


def test_of_those_whose_poses_are_learnt_more_dance_freely(monkeypatch, tmp_path):
    even = 1 / len(ACTIONS)

    def share(actions=ACTIONS, free=even):
        random = np.random.default_rng(0)
        return np.mean([staging._action(random, actions, free) == "other" for _ in range(600)])

    assert 0.13 < share() < 0.21 and 0.35 < share(free=0.4) < 0.45
    assert share(("walk", "wave"), 0.4) == 0 and share(("other",)) == 1
    asked = []
    monkeypatch.setattr(dataset, "draw_scene", lambda *a: asked.append(a[-2:]) or draw_scene(*a))
    sets = SceneSet(1, 0, 0, "easy"), SceneSet(1, 0, 0, "easy", "actions", frames=3, rate=4.0)
    for number, scene_set in enumerate(sets):
        dataset.write_scenes(scene_set, tmp_path / f"{number}", workers=1)
    assert asked == [(0.0, dataset.FREE), (0.5, even)]


def test_easy_scenes_have_the_fewest_acrobats():
    easy, medium, hard = (DIFFICULTIES[name].acrobatic for name in ("easy", "medium", "hard"))
    assert 0 < easy < medium <= hard
