"""Bodies and motions: anatomy that holds in every pose, and classes that are what their names say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.synthetic import body as anatomy
from dancepose.data.synthetic.body import Body, two_bones
from dancepose.data.synthetic.classes import ACTIONS, satisfied
from dancepose.data.synthetic.flesh import lowest
from dancepose.data.synthetic.motion import draw_motion
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.pose import SIDES, Pose
from dancepose.data.synthetic.scene import Actor

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, action: str, time: float = 0.7) -> tuple[Body, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    return body, body.joints(draw_motion(action, random, body).pose(time))


def length(joints: dict[str, np.ndarray], a: str, b: str) -> float:
    return float(np.linalg.norm(joints[a] - joints[b]))


@given(SEEDS, st.sampled_from(ACTIONS), st.floats(0, 10))
def test_bones_keep_their_lengths_and_joints_their_limits(seed, action, time):
    body, joints = drawn(seed, action, time)
    for side in SIDES:
        upper, fore = (
            length(joints, f"{side}_shoulder", f"{side}_elbow"),
            length(joints, f"{side}_elbow", f"{side}_wrist"),
        )
        assert upper == pytest.approx(anatomy.UPPER_ARM * body.height)
        assert fore == pytest.approx(anatomy.FOREARM * body.height)
        thigh, shank = (
            length(joints, f"{side}_hip", f"{side}_knee"),
            length(joints, f"{side}_knee", f"{side}_ankle"),
        )
        assert thigh == pytest.approx(anatomy.THIGH * body.height * body.legs)
        assert shank == pytest.approx(anatomy.SHANK * body.height * body.legs)
        for (a, b, c), (least, most) in (
            (("shoulder", "elbow", "wrist"), anatomy.ELBOW),
            (("hip", "knee", "ankle"), anatomy.KNEE),
        ):
            one, other = (joints[f"{side}_{end}"] - joints[f"{side}_{b}"] for end in (a, c))
            cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
            assert least - 1e-6 <= np.arccos(np.clip(cosine, -1, 1)) <= most + 1e-6
    assert length(joints, "left_hip", "right_hip") == pytest.approx(2 * anatomy.HIP * body.height * body.hips)
    assert all(np.isfinite(value).all() for value in joints.values())


@given(SEEDS, st.sampled_from(ACTIONS))
def test_left_is_left_and_the_head_is_on_top(seed, action):
    _, joints = drawn(seed, action)
    across = joints["frame_pelvis"][:, 0]
    assert (joints["left_hip"] - joints["right_hip"]) @ across > 0
    chest = joints["frame_chest"][:, 0]
    assert (joints["left_shoulder"] - joints["right_shoulder"]) @ chest > 0
    head = joints["frame_head"]
    assert (joints["left_eye"] - joints["right_eye"]) @ head[:, 0] > 0
    assert (joints["nose"] - joints["head_centre"]) @ head[:, 2] > 0
    assert (joints["head_top"] - joints["upper_neck"]) @ head[:, 1] > 0


@pytest.mark.parametrize("action", [a for a in ACTIONS if a != "other"])
def test_a_class_shows_its_own_sign_nearly_always(action):
    """At any moment; classes touch a little, so not quite always."""
    shown = [action in satisfied(drawn(seed, action, seed / 7)[1]) for seed in range(150)]
    least = 0.5 if action == "walk" else 0.85  # between two steps the feet pass each other
    assert np.mean(shown) > least


def test_named_actions_touch_a_little():
    """Some show another sign too, or miss their own; not so many that the names would mean nothing."""
    names = [a for a in ACTIONS if a not in ("other", "walk")]
    odd = [satisfied(drawn(seed, a, seed / 7)[1]) != [a] for a in names for seed in range(120)]
    assert 0.02 < np.mean(odd) < 0.15
    legs = {a: [bends_or_jumps(a, seed) for seed in range(80)] for a in (*names, "other")}
    assert all(0.08 < np.mean(some) < 0.4 for a, some in legs.items() if a != "other")
    assert np.mean(legs["other"]) < 0.9  # legs alone do not give away who dances freely


def bends_or_jumps(action: str, seed: int) -> bool:
    random = np.random.default_rng(seed)
    pose = draw_motion(action, random, Body.draw(random)).pose(0.0)
    return pose.crouch < 0.9 or pose.jump > 0 or any(leg.foot[1] > 0.05 for leg in pose.legs.values())


def test_who_is_tilted_as_a_whole_stays_on_the_floor_and_keeps_left_and_right():
    body = Body.draw(np.random.default_rng(1))
    for tilt, roll in ((0.7, 0.0), (0.0, -0.9), (-0.5, 1.2), (np.pi, 0.0)):
        tilted = body.joints(Pose(tilt=tilt, roll=roll))
        assert lowest(body, tilted) == pytest.approx(0)
        assert lowest(body, body.joints(Pose(tilt=tilt, roll=roll, jump=0.4))) == pytest.approx(0.4)
        assert tilted["pelvis"][[0, 2]] == pytest.approx(0)  # where the person is, the pelvis is
        across = tilted["left_hip"] - tilted["right_hip"]
        assert across @ tilted["frame_pelvis"][:, 0] > 0
    ahead, aside = body.joints(Pose(tilt=0.7)), body.joints(Pose(roll=0.7))
    assert ahead["nose"][2] > 0.4 and aside["nose"][0] < -0.3  # to the right is where x is negative


def test_free_dance_shows_none_of_the_five_at_any_moment_of_its_beat():
    found = []
    for seed in range(120):
        random = np.random.default_rng(seed)
        body = Body.draw(random)
        motion = draw_motion("other", random, body)
        times = np.linspace(0, motion.beat, 25)
        found += [
            (seed, time, signs) for time in times if (signs := satisfied(body.joints(motion.pose(time))))
        ]
    assert found == []


@given(SEEDS, st.sampled_from(ACTIONS))
def test_slack_finds_more_actions_never_fewer(seed, action):
    _, joints = drawn(seed, action)
    assert set(satisfied(joints)) <= set(satisfied(joints, 0.05)) <= set(satisfied(joints, 0.1))


@pytest.mark.parametrize("action", ACTIONS)
def test_motion_is_smooth_and_both_sides_occur(action):
    random = np.random.default_rng(5)
    body = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
    higher = set()
    for _ in range(25):
        motion = draw_motion(action, random, body)
        joints = [body.joints(motion.pose(t)) for t in np.arange(0, 1, 1 / 60)]
        for name, most in (("wrist", 0.25), ("ankle", 0.12), ("toe", 0.12)):  # metres in 1/60 s
            places = np.array([[at[f"{side}_{name}"] for side in SIDES] for at in joints])
            assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() < most
        higher.add(bool(joints[0]["left_wrist"][1] > joints[0]["right_wrist"][1]))
    assert higher == {True, False}


@pytest.mark.parametrize("seed", range(8))
def test_a_wave_oscillates(seed):
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    wave = draw_motion("wave", random, body)
    times = np.linspace(0, 4 * wave.beat, 161)[:-1]
    wrists = np.array([[body.joints(wave.pose(t))[f"{side}_wrist"] for side in SIDES] for t in times])
    extent = np.ptp(wrists[..., 0], axis=0) / body.height
    assert extent.max() > 0.04 and extent.max() > 1.5 * extent.min()  # one hand waves
    x = wrists[:, extent.argmax(), 0]
    x = x - (x.max() + x.min()) / 2
    assert 7 <= (np.diff(np.sign(x)) != 0).sum() <= 9  # there and back in each beat


@given(SEEDS)
def test_a_walk_is_a_cycle_in_which_the_feet_take_turns(seed):
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    walk = draw_motion("walk", random, body)
    times = np.linspace(0, walk.beat, 41)
    first, second = (
        [body.joints(walk.pose(time + shift)) for time in times] for shift in (0.0, walk.beat / 2)
    )
    ahead = np.array([at["left_ankle"][2] - at["right_ankle"][2] for at in first])
    assert ahead.max() > 0.2 * body.height and ahead.min() < -0.2 * body.height
    assert (np.diff(np.sign(ahead[:-1])) != 0).sum() in (1, 2)
    for name in ("ankle", "knee", "wrist"):  # half a cycle on, the other side does the same
        left, right = (
            np.array([at[f"{side}_{name}"] for at in some])
            for side, some in (("left", first), ("right", second))
        )
        assert left[:, 1:] == pytest.approx(right[:, 1:], abs=1e-6)
        assert left[0] == pytest.approx(left[-1], abs=1e-6)
    arms = [at["left_wrist"][2] - at["right_wrist"][2] for at in first]
    assert np.corrcoef(ahead, arms)[0, 1] < -0.8  # against the legs


@given(SEEDS)
def test_a_planted_foot_stays_where_it_is(seed):
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    walk = draw_motion("walk", random, body)
    actor = Actor(body, Outfit.draw(random), "walk", walk, random.uniform(-3, 3, 2), random.uniform(-4, 4))
    times = np.linspace(0, walk.beat, 100, endpoint=False)
    stride = walk.speed * body.height * walk.beat  # from a footprint to the next of the same foot
    joints = [actor.joints(time) for time in times]
    way = joints[-1]["pelvis"] - joints[0]["pelvis"]
    assert np.linalg.norm(way) == pytest.approx(stride, rel=0.05) and 0.36 < walk.speed < 0.88
    heading = np.array([np.sin(actor.yaw), 0, np.cos(actor.yaw)])
    assert way @ heading == pytest.approx(np.linalg.norm(way), rel=0.01)  # to where it faces
    for side in SIDES:
        ankles, toes = (np.array([at[f"{side}_{name}"] for at in joints]) for name in ("ankle", "toe"))
        planted = ankles[:, 1] < ankles[:, 1].min() + 0.002 * body.height
        assert 0.45 < planted.mean() < 0.65
        started = np.flatnonzero(planted & ~np.roll(planted, 1))
        assert len(started) == 1
        for places in (ankles, toes):
            # of a stance that the times cut in two, the later footprint is one stride on
            prints = places[planted] - heading * stride * (np.flatnonzero(planted) >= started[0])[:, None]
            if not planted[0] or not planted[-1]:
                prints = places[planted]
            assert np.linalg.norm(np.ptp(prints, axis=0)) < 0.03 * stride


@given(
    st.floats(0.05, 2),
    st.floats(-1.5, 1.5),
    st.floats(-3, 3),
)
def test_a_target_within_reach_is_reached(distance, up, aside):
    target = distance * 0.5 * np.array([np.cos(up) * np.sin(aside), np.sin(up), np.cos(up) * np.cos(aside)])
    middle, end = two_bones(np.zeros(3), target, 0.3, 0.25, np.array([0, 0, -1.0]), (0.35, 3.08))
    assert np.linalg.norm(middle) == pytest.approx(0.3) and np.linalg.norm(end - middle) == pytest.approx(
        0.25
    )
    least, most = (np.sqrt(0.3**2 + 0.25**2 - 0.15 * np.cos(angle)) for angle in (0.35, 3.08))
    if least <= np.linalg.norm(target) <= most:
        assert end == pytest.approx(target, abs=1e-9)


def test_an_unknown_action_is_an_error():
    with pytest.raises(KeyError):
        draw_motion("moonwalk", np.random.default_rng(0), Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0))
