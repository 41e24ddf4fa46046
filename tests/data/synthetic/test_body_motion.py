"""Bodies and motions: anatomy that holds in every pose, and classes that are what their names say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.synthetic import body as anatomy
from dancepose.data.synthetic.body import Body, two_bones
from dancepose.data.synthetic.motion import ACTIONS, draw_motion, satisfied
from dancepose.data.synthetic.pose import SIDES

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, action: str, time: float = 0.7) -> tuple[Body, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    return body, body.joints(draw_motion(action, random)(time))


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


def test_free_dance_shows_none_of_the_five():
    found = [satisfied(drawn(seed, "other")[1]) for seed in range(150)]
    assert np.mean([bool(signs) for signs in found]) < 0.1


@pytest.mark.parametrize("action", ACTIONS)
def test_motion_is_smooth_and_both_sides_occur(action):
    random = np.random.default_rng(5)
    body = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
    higher = set()
    for _ in range(25):
        motion = draw_motion(action, random)
        wrists = np.array(
            [[body.joints(motion(t))[f"{side}_wrist"] for side in SIDES] for t in np.arange(0, 1, 1 / 60)]
        )
        assert np.linalg.norm(np.diff(wrists, axis=0), axis=-1).max() < 0.25  # metres in 1/60 s
        higher.add(bool(wrists[0, 0, 1] > wrists[0, 1, 1]))
    assert higher == {True, False}


def test_a_wave_oscillates_and_a_walk_changes_its_feet():
    body, random = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0), np.random.default_rng(3)
    times = np.arange(0, 3, 0.02)
    wave = draw_motion("wave", random)
    wrists = np.array([[body.joints(wave(t))[f"{side}_wrist"] for side in SIDES] for t in times])
    x = wrists[:, np.ptp(wrists[..., 0], axis=0).argmax(), 0]
    assert 4 <= (np.diff(np.sign(x - x.mean())) != 0).sum() <= 20
    walk = draw_motion("walk", random)
    ahead = np.array(
        [body.joints(walk(t))["left_ankle"][2] - body.joints(walk(t))["right_ankle"][2] for t in times]
    )
    assert ahead.max() > 0.25 and ahead.min() < -0.25


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
        draw_motion("moonwalk", np.random.default_rng(0))
