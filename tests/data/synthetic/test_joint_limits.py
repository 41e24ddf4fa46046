"""Joint limits: no class, at no time, asks more of a body than joints give, or puts a hand into the trunk."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.synthetic import limits
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.flesh import Solid, pushed_out, trunk
from dancepose.data.synthetic.kinematics import rotation, swing
from dancepose.data.synthetic.limits import held_angle, held_arm, held_thigh
from dancepose.data.synthetic.motion import draw_motion
from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose

SEEDS = st.integers(0, 2**32 - 1)
NEARLY = 0.02


def direction(joints, side, parent, start, end) -> np.ndarray:
    """Of a bone, outward, up and forward in the axes of what it hangs on."""
    bone = (joints[f"{side}_{end}"] - joints[f"{side}_{start}"]) @ joints[f"frame_{parent}"]
    return bone / np.linalg.norm(bone) * np.array([1.0 if side == "left" else -1.0, 1, 1])


def angles(frame: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a rotation, see `kinematics.rotation`."""
    return np.arctan2(frame[0, 2], frame[2, 2]), np.arcsin(-frame[1, 2]), np.arctan2(frame[1, 0], frame[1, 1])


def depth_inside(solids: tuple[Solid, ...], points: np.ndarray) -> np.ndarray:
    """How far points (n, 3) are from a solid's middle, (n,) in its radii: below 1 they are inside of one."""
    found = [np.linalg.norm((points - centre) @ frame / radii, axis=1) for centre, frame, radii in solids]
    return np.min(found, axis=0)


@given(SEEDS, st.sampled_from(ACTIONS), st.floats(0, 10), st.sampled_from([0.0, 3.0]))
def test_joints_stay_within_what_they_do(seed, action, time, span):
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    joints = body.joints(draw_motion(action, random, body, 0.5, span).pose(time))
    chest, pelvis, head = (joints[f"frame_{part}"] for part in ("chest", "pelvis", "head"))
    found = (*angles(pelvis.T @ chest), *angles(chest.T @ head))
    for angle, name in zip(found, limits.SPINE, strict=True):
        least, most = limits.SPINE[name]
        if abs(found[1]) < 1.5:
            assert least - 1e-6 <= angle <= most + 1e-6, name
    for side in SIDES:
        arm = direction(joints, side, "chest", "shoulder", "elbow")
        assert arm[2] > -(limits.BACK - limits.RAISED * arm[1]) - NEARLY
        assert arm[0] > -limits.ACROSS - NEARLY
        thigh = direction(joints, side, "pelvis", "hip", "knee")
        assert thigh[2] > -limits.EXTENDED - NEARLY and thigh[1] < limits.FLEXED + NEARLY
        assert thigh[0] > -0.7


@given(SEEDS, st.sampled_from(ACTIONS), st.floats(0, 10))
def test_no_hand_is_within_the_trunk(seed, action, time):
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    joints = body.joints(draw_motion(action, random, body).pose(time))
    for side in SIDES:
        elbow, wrist, hand = (joints[f"{side}_{name}"] for name in ("elbow", "wrist", "hand"))
        points = np.array([elbow, (elbow + wrist) / 2, wrist, hand])
        assert depth_inside(trunk(body, joints), points).min() > 0.93


@pytest.mark.parametrize("girth", [0.75, 1.0, 1.5])
def test_hands_on_the_hips_lie_on_them_whatever_the_girth(girth):
    for seed in range(60):
        random = np.random.default_rng(seed)
        body = Body(1.7, 0.22, girth, 1.0, random.uniform(0.9, 1.15), 1.0)
        joints = body.joints(draw_motion("akimbo", random, body).pose(0.3))
        solids = trunk(body, joints)
        for side in SIDES:
            deep = depth_inside(solids, np.array([joints[f"{side}_wrist"], joints[f"{side}_hand"]]))
            assert deep.min() > 1.0
        near = min(depth_inside(solids, joints[f"{side}_wrist"][None])[0] for side in SIDES)
        assert near < 1.75, "a hand on a hip, not beside it"


def test_a_point_in_a_solid_comes_out_where_it_is_nearest_to_leaving_it():
    solid = (np.zeros(3), np.eye(3), np.array([0.2, 0.1, 0.1]))
    for inside in ([0.1, 0.02, 0.0], [0.0, 0.0, -0.05]):
        out = pushed_out((solid,), np.array(inside), 0.01)
        assert depth_inside((solid,), out[None])[0] > 1 and out @ np.array(inside) > 0
    outside = np.array([0.3, 0.0, 0.0])
    assert pushed_out((solid,), outside, 0.01) is outside


def test_a_pose_that_asks_too_much_is_held_at_the_limits():
    body = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
    behind = Arm(np.array([0.1, 0.0, -1.0]) / np.hypot(0.1, 1), 0.99)
    legs = {side: Leg(direction=swing(-1.5), reach=0.99) for side in SIDES}
    joints = body.joints(Pose(arms={side: behind for side in SIDES}, legs=legs, lean=3.0, head_yaw=-2.0))
    assert direction(joints, "left", "chest", "shoulder", "elbow")[2] > -limits.BACK - NEARLY
    assert direction(joints, "right", "pelvis", "hip", "knee")[2] > -limits.EXTENDED - NEARLY
    chest = joints["frame_pelvis"].T @ joints["frame_chest"]
    assert chest == pytest.approx(rotation(0, limits.SPINE["lean"][1], 0))
    assert held_angle(-2.0, "head_yaw") == limits.SPINE["head_yaw"][0] and held_angle(0.1, "lean") == 0.1


@given(st.floats(-3, 3), st.floats(-1.5, 1.5))
def test_directions_within_the_limits_are_left_alone_and_others_are_unit_vectors(flexion, aside):
    wanted = swing(flexion, aside)
    arm, thigh = held_arm(wanted), held_thigh(wanted)
    assert np.linalg.norm(arm) == pytest.approx(1) and np.linalg.norm(thigh) == pytest.approx(1)
    if 0 <= flexion <= 2.0 and aside >= 0:
        assert arm is wanted and thigh is wanted
