"""Scenes: truth that agrees with the pixels."""

from dataclasses import replace

import numpy as np
import pytest

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import NEAR, Camera
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.figure import Figure
from dancepose.data.synthetic.motion import Motion
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.pose import SIDES, Arm, Pose
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.scene import SIZE, Actor
from dancepose.data.synthetic.shapes import Cone
from dancepose.data.synthetic.staging import DIFFICULTIES, draw_scene
from dancepose.data.synthetic.truth import Truth, find_truth
from dancepose.records import NOT_ANNOTATED, OCCLUDED, VISIBLE
from dancepose.skeleton import load_skeleton


def cast(count: int = 12) -> dict[int, tuple[Body, Outfit]]:
    drawn = {}
    for number in range(count):
        random = np.random.default_rng((9, number))
        drawn[number] = Body.draw(random), Outfit.draw(random)
    return drawn


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_scene_is_a_picture_with_people(difficulty):
    people, labelled = 0, 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        scene = draw_scene(random, DIFFICULTIES[difficulty], cast())
        picture, truths = scene.render(0.5, random)
        assert picture.shape == (SIZE[1], SIZE[0], 3) and picture.dtype == np.uint8
        assert 5 < picture.mean() < 250 and picture.std() > 5
        assert len(truths) == len(scene.actors) <= DIFFICULTIES[difficulty].people[1]
        assert {actor.action for actor in scene.actors} <= set(ACTIONS)
        people += len(truths)
        labelled += sum(truth.labelled for truth in truths)
        for truth in truths:
            for x, y, seen in truth.points.values():
                assert seen in (NOT_ANNOTATED, OCCLUDED, VISIBLE)
                if seen != NOT_ANNOTATED:
                    assert -0.5 <= x <= SIZE[0] - 0.5 and -0.5 <= y <= SIZE[1] - 0.5
    assert people >= 6 and labelled > 0.7 * people


def test_a_seed_gives_the_same_picture_and_another_another():
    pictures = []
    for seed in (4, 4, 5):
        random = np.random.default_rng(seed)
        pictures.append(draw_scene(random, DIFFICULTIES["hard"], cast()).render(0.3, random)[0])
    assert np.array_equal(pictures[0], pictures[1]) and not np.array_equal(pictures[0], pictures[2])


def test_people_move_over_a_clip_and_the_backdrop_stays():
    random = np.random.default_rng(2)
    scene = draw_scene(random, DIFFICULTIES["easy"], cast(), actions=("wave",))
    scene = replace(scene, effects=replace(scene.effects, noise=0.0))
    first, second = (scene.render(time, np.random.default_rng(0)) for time in (0.0, 0.1))
    changed = (np.abs(first[0].astype(int) - second[0]).max(-1) > 12).mean()
    assert 0.0005 < changed < 0.2
    moved = [
        np.abs(a.points[k][:2] - b.points[k][:2]).max()
        for a, b in zip(first[1], second[1], strict=True)
        for k in ("left_wrist", "right_wrist")
        if a.points[k][2] and b.points[k][2]
    ]
    assert max(moved) > 2


BODY = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
OUTFIT = Outfit.draw(np.random.default_rng(0))


def standing(
    yaw: float, body: Body = BODY, seed: int = 0, pose: Pose | None = None
) -> tuple[Raster, dict[str, np.ndarray]]:
    """A body with its arms at its sides, or in another pose, 4 m in front of a camera."""
    outfit = replace(Outfit.draw(np.random.default_rng(seed)), legs="trousers", style="short")
    actor = Actor(body, outfit, "other", Motion(lambda time: pose or Pose(), 1.0), np.array([0.0, -4.0]), yaw)
    raster = Raster(Camera(np.array([0, 0.9, 0]), 0.0, 450, SIZE))
    joints = actor.joints(0)
    raster.add({0: Figure(body, outfit).shapes(joints)})
    return raster, joints


def truth_of(raster: Raster, joints: dict[str, np.ndarray], body: Body = BODY, owner: int = 0) -> Truth:
    """The truth of someone before whom nothing stands."""
    return find_truth(raster, int(raster.shown(owner)[1].sum()), owner, joints, body)


def test_occlusion_comes_from_depth():
    raster, joints = standing(0.0)
    truth = truth_of(raster, joints)
    front = {name: point[2] for name, point in truth.points.items()}
    assert front["nose"] == front["left_eye"] == front["left_wrist"] == front["right_knee"] == VISIBLE
    assert truth.points["left_shoulder"][0] > truth.points["right_shoulder"][0]  # it faces the camera
    raster, joints = standing(np.pi)
    back = truth_of(raster, joints).points
    assert back["nose"][2] == back["left_eye"][2] == OCCLUDED and back["left_elbow"][2] == VISIBLE
    assert back["left_shoulder"][0] < back["right_shoulder"][0]
    raster, joints = standing(np.pi / 2)  # its left side is away from the camera
    side = truth_of(raster, joints).points
    assert side["right_shoulder"][2] == side["right_elbow"][2] == VISIBLE
    assert side["left_shoulder"][2] == OCCLUDED


@pytest.mark.parametrize("yaw", [0.0, np.pi])
def test_left_is_on_the_picture_s_right_of_those_who_face_the_camera(yaw):
    """By the pixels: of crossed arms the elbows too, and the flesh of both legs is their own."""
    arm = Arm(np.array([-0.6, -0.5, 0.62]), 0.7, np.array([0.8, -0.6, 0.0]))
    raster, joints = standing(yaw, pose=Pose(arms={side: arm for side in SIDES}))
    truth = truth_of(raster, joints).points
    sign = np.cos(yaw)
    for name in ("hip", "ankle", "elbow", "shoulder", "knee"):
        assert sign * (truth[f"left_{name}"][0] - truth[f"right_{name}"][0]) > 4, name
    assert sign * (truth["left_wrist"][0] - truth["right_wrist"][0]) < 0  # the arms cross
    assert truth["right_hip"][0] != truth["pelvis"][0] != truth["left_hip"][0]
    for name in ("pelvis", "left_hip", "right_hip", "left_ankle", "right_ankle"):
        assert truth[name][2] == VISIBLE, name
    for name in ("left_wrist", "right_wrist"):  # before the chest
        assert truth[name][2] == (VISIBLE if sign > 0 else OCCLUDED), name


@pytest.mark.parametrize("name", ["neck", "upper_neck", "pelvis", "left_hip", "right_knee", "left_shoulder"])
def test_what_lies_under_ones_own_flesh_alone_is_visible(name):
    seen = []
    for seed in range(40):
        body = Body.draw(np.random.default_rng(seed))
        raster, joints = standing(0.0, body, seed)
        seen.append(truth_of(raster, joints, body).points[name][2] == VISIBLE)
    assert np.mean(seen) > 0.95


def test_a_thing_in_front_hides_what_is_behind_it():
    raster, joints = standing(0.0)
    whole = int(raster.shown(0)[1].sum())
    knee = joints["left_knee"]
    pole = Cone(np.array([knee[0], 0, -3]), np.array([knee[0], 0.8, -3]), (0.08, 0.08), 0)
    raster.add({1000: [pole]})
    truth = find_truth(raster, whole, 0, joints, BODY)
    assert truth.points["left_knee"][2] == OCCLUDED and truth.points["right_knee"][2] == VISIBLE
    assert truth.labelled and truth.seen < 1


def test_the_head_rectangle_is_like_mpii_s_and_the_box_holds_the_person():
    raster, joints = standing(0.3)
    truth = truth_of(raster, joints)
    x1, y1, x2, y2 = truth.head_box
    neck, top = truth.points["upper_neck"][:2], truth.points["head_top"][:2]
    assert 0.6 * np.hypot(x2 - x1, y2 - y1) == pytest.approx(0.75 * np.linalg.norm(top - neck))
    x, y, w, h = truth.box
    for name in ("left_wrist", "right_ankle", "nose"):
        px, py = truth.points[name][:2]
        assert x <= px <= x + w and y <= py <= y + h


@pytest.mark.parametrize("name", ["mpii15", "openpose18", "coco17"])
def test_every_keypoint_of_the_skeletons_is_known(name):
    raster, joints = standing(0.2)
    skeleton = load_skeleton(name)
    person = truth_of(raster, joints).person(skeleton, "wave", 3)
    assert person.present.all() and person.action == "wave" and person.id == 3
    assert len(person.keypoints) == len(skeleton)


def test_someone_outside_the_picture_is_not_labelled():
    raster, joints = standing(0.0)
    away = {k: v if k.startswith("frame_") else v + np.array([9.0, 0, 0]) for k, v in joints.items()}
    truth = truth_of(raster, away, owner=5)
    assert not truth.labelled and truth.box is None and truth.head_box is None


def test_of_someone_who_passes_the_camera_what_lies_in_front_of_it_is_drawn_and_labelled():
    raster, joints = standing(0.0)
    camera = Camera(np.array([0, 0.9, 0]), 0.0, 450, SIZE)
    shown = []
    for way in (0.0, 3.4, 3.8, 4.2, 4.6):  # from 4 m before the camera to behind it, at arm's length
        shift = np.array([-0.35, 0, way])
        passing = {k: v if k.startswith("frame_") else v + shift for k, v in joints.items()}
        passing["left_wrist"] = passing["left_wrist"] + np.array([0, 0.3, -0.6])
        passing["left_hand"] = passing["left_wrist"] + np.array([0, 0, -0.1])
        raster = Raster(camera)
        raster.add({0: Figure(BODY, OUTFIT).shapes(passing)})
        shown.append(int(raster.shown(0)[1].sum()))
        truth = truth_of(raster, passing)
        for name, point in truth.points.items():
            if name in passing and camera.view(passing[name])[2] < NEAR:
                assert point[2] == NOT_ANNOTATED
    assert shown[0] < shown[1] and min(shown[:4]) > 1000  # at 4.2 m the arm alone reaches into the picture
    assert shown[4] < shown[3]
