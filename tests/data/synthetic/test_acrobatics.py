"""Bodies upside down, in the air, bent and on the floor: on what they rest, and that all kinds are drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.synthetic.acrobatics import KINDS, acrobatic_pose
from dancepose.data.synthetic.balances import arabesque, bend_back, bend_forward, high_kick
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.classes import satisfied
from dancepose.data.synthetic.flesh import centre_of_mass, lowest
from dancepose.data.synthetic.floorwork import bridge, lying, propped, seated, splits
from dancepose.data.synthetic.inverted import cartwheel, freeze, handstand, headstand
from dancepose.data.synthetic.kinematics import carried, length, swing, unit
from dancepose.data.synthetic.limits import reach_on
from dancepose.data.synthetic.pose import SIDES, Leg, Pose
from dancepose.data.synthetic.resting import settled

COUNT = 40
IN_THE_AIR = ("flip", "split_leap", "tucked_jump")


def drawn(draw, count: int = COUNT) -> list[tuple[Body, Pose, dict[str, np.ndarray]]]:
    found = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        body = Body.draw(random)
        pose = draw(random, body)
        found.append((body, pose, body.joints(pose)))
    return found


def upright(joints: dict[str, np.ndarray]) -> float:
    """Cosine of the trunk's angle to the plumb line."""
    spine = joints["thorax"] - joints["pelvis"]
    return float(spine[1] / np.linalg.norm(spine))


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_not_in_the_air_touches_the_floor_and_nobody_sinks_into_it(kind):
    for body, pose, joints in drawn(KINDS[kind][0]):
        low = lowest(body, joints) / body.height
        assert (low > 0.05) if kind in IN_THE_AIR else (-0.025 < low < 0.02)
        assert (pose.jump > 0) == (kind in IN_THE_AIR)


@pytest.mark.parametrize("draw", [handstand, headstand, freeze])
def test_who_is_upside_down_stands_on_hands_or_head_and_holds_nothing_high(draw):
    for body, pose, joints in drawn(draw):
        hips = joints["pelvis"][1]
        assert upright(joints) < 0 and hips > joints["head_centre"][1]
        hands = [joints[f"{side}_hand"][1] for side in SIDES]
        top = joints["head_top"][1] if draw is headstand else np.inf
        assert min(*hands, top) < 0.03 * body.height
        assert draw is not handstand or max(hands) < 0.12 * body.height
        assert satisfied(joints) == []
        # the same body on its feet does hold them high: it is the weight's direction that tells
        if draw is handstand and pose.lean > -0.3:
            standing = replace(pose, tilt=0.0, roll=0.0, head_pitch=0.0, legs={side: Leg() for side in SIDES})
            assert "hold_high" in satisfied(body.joints(standing))


def test_of_a_cartwheel_all_phases_to_both_sides_are_drawn():
    turned = [np.degrees(pose.roll) for _, pose, _ in drawn(cartwheel, 120)]
    assert min(np.histogram(turned, [-180, -110, -28, 28, 110, 180])[0][[0, 1, 3, 4]]) > 12


def test_a_leg_is_far_up_behind_or_above_the_hip():
    for body, _, joints in drawn(arabesque):
        high = max(joints[f"{side}_ankle"][1] for side in SIDES)
        back = min(joints[f"{side}_ankle"][2] for side in SIDES) - joints["pelvis"][2]
        assert back < -0.1 and high > 0.2 * body.height and joints["thorax"][2] > joints["pelvis"][2]
    for _, pose, joints in drawn(high_kick):
        kicks = next(side for side in SIDES if pose.legs[side].direction is not None)
        assert joints[f"{kicks}_knee"][1] > 0.75 * joints["pelvis"][1]
    above = [max(j[f"{s}_ankle"][1] for s in SIDES) > j["pelvis"][1] for _, _, j in drawn(high_kick)]
    assert np.mean(above) > 0.5


def test_who_bends_has_the_trunk_far_from_upright():
    assert max(upright(joints) for _, _, joints in drawn(bend_forward)) < np.cos(0.6)
    assert all(joints["head_centre"][2] > joints["pelvis"][2] for _, _, joints in drawn(bend_forward))
    assert all(joints["head_centre"][2] < joints["pelvis"][2] for _, _, joints in drawn(bend_back))
    assert np.median([upright(joints) for _, _, joints in drawn(bend_back)]) < np.cos(0.6)


@pytest.mark.parametrize(("draw", "high"), [(lying, 0.25), (seated, 0.2), (splits, 0.2), (bridge, 0.45)])
def test_who_is_on_the_floor_is_low(draw, high):
    hips = [joints["pelvis"][1] / body.height for body, _, joints in drawn(draw)]
    assert np.quantile(hips, 0.9) < high


def test_who_props_up_has_hands_and_feet_on_the_floor():
    both = []
    for body, _, joints in drawn(propped):
        hand, foot = (
            min(joints[f"{side}_{name}"][1] for side in SIDES for name in names)
            for names in (("hand", "wrist"), ("toe", "heel", "knee"))
        )
        both.append(max(hand, foot) < 0.06 * body.height)
    assert np.mean(both) > 0.8


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3))
def test_a_body_rolls_until_its_weight_is_over_what_touches_the_floor(seed, tilt):
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    pose = replace(lying(random, body), roll=0.0, tilt=tilt)
    joints = body.joints(settled(body, pose))
    middle = centre_of_mass(joints)[2]
    names = [name for name, value in joints.items() if value.ndim == 1 and value[1] < 0.16 * body.height]
    reach = [joints[name][2] for name in names]  # of what is near the floor; flesh is around it
    assert min(reach) - 0.1 * body.height < middle < max(reach) + 0.1 * body.height
    assert lowest(body, joints) == pytest.approx(0, abs=1e-9)


def test_a_body_that_leans_does_not_rest():
    body = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
    legs = {side: Leg(direction=swing(0.0), reach=0.99) for side in SIDES}
    leaning = Pose(legs=legs, tilt=0.5)
    fallen = body.joints(settled(body, leaning))
    assert body.joints(leaning)["head_top"][1] > 1.3 and fallen["head_top"][1] < 0.5


def test_drawn_poses_are_as_far_from_upright_as_those_of_athletes():
    random = np.random.default_rng(0)
    body = Body.draw(random)
    joints = [body.joints(acrobatic_pose(random, body)) for _ in range(400)]
    tipped = np.degrees(np.arccos([upright(each) for each in joints]))
    assert np.mean(tipped > 30) > 0.6 and 0.25 < np.mean(tipped > 90) < 0.5
    assert sum(share for _, share in KINDS.values()) == pytest.approx(1)


@given(st.floats(-1.5, 2.5), st.floats(-1.2, 1.2), st.floats(-3, 3))
def test_what_is_carried_along_with_a_limb_stays_square_to_it(flexion, aside, turn):
    direction, ahead = swing(flexion, aside), np.array([np.sin(turn), 0, np.cos(turn)])
    assert length(direction) == pytest.approx(1)
    moved = carried(direction, ahead)
    assert length(moved) == pytest.approx(1) and moved @ direction == pytest.approx(0, abs=1e-9)
    assert carried(direction, np.array([0, -1.0, 0])) == pytest.approx(direction)


@given(st.floats(-3, 3), st.floats(-1.5, 1.5), st.floats(0.05, 2))
def test_the_second_bone_goes_towards_the_target_within_the_joint_s_limits(yaw, up, far):
    target = far * np.array([np.cos(up) * np.sin(yaw), np.sin(up), np.cos(up) * np.cos(yaw)])
    along = unit(np.array([0.3, -1.0, 0.2]))
    middle, end = reach_on(np.zeros(3), target, along, (0.3, 0.25), (0.35, 3.08))
    assert middle == pytest.approx(0.3 * along) and length(end - middle) == pytest.approx(0.25)
    angle = np.arccos(np.clip(-along @ (end - middle) / 0.25, -1, 1))
    assert 0.35 - 1e-6 <= angle <= 3.08 + 1e-6
