"""Poses at ease and in free dance: within the body's means, of every kind, and a person's own."""

import numpy as np
import pytest

from dancepose.data.synthetic.pose import SIDES
from dancepose.data.synthetic.stances import free_pose, pointing_arm, stance

SEEDS = range(200)


@pytest.mark.parametrize("draw", [stance, free_pose])
def test_arms_and_legs_are_within_reach(draw):
    for seed in SEEDS:
        pose = draw(np.random.default_rng(seed))
        for side in SIDES:
            arm, leg = pose.arms[side], pose.legs[side]
            assert np.linalg.norm(arm.direction) == pytest.approx(1) and 0 < arm.reach <= 1
            assert np.isfinite(leg.foot).all() and 0 < pose.crouch <= 1


def test_someone_at_ease_lets_the_arms_hang_and_stands_on_both_feet():
    for seed in SEEDS:
        pose = stance(np.random.default_rng(seed))
        assert all(pose.arms[side].direction[1] < -0.8 and pose.arms[side].reach > 0.8 for side in SIDES)
        assert all(pose.legs[side].foot[1] == 0 for side in SIDES) and pose.crouch > 0.95 and not pose.jump


def test_dancers_do_all_that_there_is():
    poses = [free_pose(np.random.default_rng(seed)) for seed in SEEDS]
    feet = np.array([[pose.legs[side].foot[1] for side in SIDES] for pose in poses])
    low, jumping = (
        np.array([f(pose) for pose in poses]) for f in (lambda p: p.crouch < 0.9, lambda p: p.jump > 0)
    )
    one_up = (feet > 0.09).sum(axis=1) == 1
    raised = np.array([max(pose.arms[side].direction[1] for side in SIDES) > 0.5 for pose in poses])
    for share in (low.mean(), jumping.mean(), one_up.mean(), raised.mean()):
        assert 0.03 < share < 0.9


def test_some_go_down_to_the_floor_or_tilt_unless_they_have_to_be_upright():
    def down(pose):
        return (
            pose.crouch < 0.59 or pose.tilt != 0 or max(abs(leg.foot[2]) for leg in pose.legs.values()) > 0.36
        )

    assert 0.1 < np.mean([down(free_pose(np.random.default_rng(seed))) for seed in SEEDS]) < 0.3
    assert not any(down(free_pose(np.random.default_rng(seed), upright=True)) for seed in SEEDS)


def test_arms_alike_are_two_records():
    for seed in SEEDS:
        pose = free_pose(np.random.default_rng(seed))
        assert pose.arms["left"] is not pose.arms["right"]


@pytest.mark.parametrize(
    ("side", "up", "expected"), [(0, 0, (0, 0, 1)), (np.pi / 2, 0, (1, 0, 0)), (1.0, np.pi / 2, (0, 1, 0))]
)
def test_an_arm_points_where_it_is_told(side, up, expected):
    arm = pointing_arm(side, up, 0.9)
    np.testing.assert_allclose(arm.direction, expected, atol=1e-9)
    assert arm.reach == 0.9
