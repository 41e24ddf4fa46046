"""Free dance in clips: it moves, on the beat, without a named action, and falls as things fall."""

from functools import cache

import numpy as np
import pytest

from dancepose.data.synthetic.beat import Motion, to_a_beat
from dancepose.data.synthetic.blending import blended, eased, released
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.classes import satisfied
from dancepose.data.synthetic.dancing import GRAVITY, draw_dance
from dancepose.data.synthetic.flesh import centre_of_mass, lowest
from dancepose.data.synthetic.motion import draw_motion
from dancepose.data.synthetic.pose import SIDES
from dancepose.data.synthetic.stances import free_pose

ENDS = [f"{side}_{name}" for side in SIDES for name in ("wrist", "ankle")]
SEEDS = range(8)


@cache
def dance(seed: int, acrobatic: float = 0.5, span: float = 3.0) -> tuple[Body, Motion]:
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    return body, draw_motion("other", random, body, acrobatic, span)


def places(body: Body, motion: Motion, times: np.ndarray) -> np.ndarray:
    joints = [body.joints(motion.pose(time)) for time in times]
    return np.array([[at[name] for name in ENDS] for at in joints])


def test_no_moment_of_a_dance_shows_a_named_action():
    for seed in SEEDS:
        body, motion = dance(seed)
        times = np.linspace(0, motion.beat / 2, 70)  # the other half is the same, backward
        found = [
            (seed, time, signs) for time in times if (signs := satisfied(body.joints(motion.pose(time))))
        ]
        assert found == []


def test_hands_and_feet_travel_far_and_on_smooth_ways():
    travelled = []
    for seed in SEEDS:
        body, motion = dance(seed)
        steps = np.linalg.norm(np.diff(places(body, motion, np.arange(0, 3, 1 / 30)), axis=0), axis=-1)
        travelled.append(steps.sum(0) / 3)
        assert steps.max() < 0.5  # metres in 1/30 s
    for seed in (116, 129, 148, 221):  # once the body was put from one place to another at a beat
        body, motion = dance(seed)
        for time in np.linspace(0, motion.beat / 2, 50):
            steps = np.linalg.norm(np.diff(places(body, motion, time + np.arange(4) / 1000), axis=0), axis=-1)
            assert steps.max() < 0.1
    held = [
        np.linalg.norm(np.diff(places(*dance(seed, 0.5, 0.0), np.arange(0, 3, 1 / 10)), axis=0), axis=-1).sum(
            0
        )
        for seed in SEEDS
    ]
    assert np.median(travelled) > 0.6 and np.median(travelled) > 5 * np.median(held) / 3  # metres a second


def test_a_dance_is_the_same_whenever_it_is_asked_and_comes_again():
    body, motion = dance(3)
    times = np.array([0.3, 2.1, 0.3, motion.beat + 0.3, motion.beat - 0.3])
    at = places(body, motion, times)
    for other in at[2:]:
        assert other == pytest.approx(at[0], abs=1e-9)
    assert np.abs(at[1] - at[0]).max() > 0.05


def test_who_leaves_the_floor_is_pulled_back_by_gravity_alone():
    flown, step = 0.0, 1 / 60
    pulled = []
    for seed in range(10):
        body, motion = dance(seed, 0.9)
        joints = [body.joints(motion.pose(time)) for time in np.arange(0, motion.beat / 2, step)]
        above = np.array([lowest(body, at) for at in joints])
        high = np.array([centre_of_mass(at)[1] for at in joints])
        assert above.min() > -0.1 and high.max() < 2.6
        air = above > 0.03
        flown += air.sum() * step
        # between two moments in the air that follow each other
        inner = air[:-2] & air[1:-1] & air[2:]
        pulled += ((high[:-2] - 2 * high[1:-1] + high[2:]) / step**2)[inner].tolist()
        ends = np.flatnonzero(np.diff(np.concatenate([[0], air, [0]])))
        assert all(
            last - first < 0.9 / step for first, last in ends.reshape(-1, 2)
        )  # nobody stands in the air
    assert flown > 1.5 and np.mean(np.abs(np.array(pulled) + GRAVITY) < 0.1) > 0.85


def test_a_single_picture_holds_a_pose_that_sways():
    random = np.random.default_rng(4)
    body = Body.draw(random)
    motion = draw_dance(random, body, 0.5, 0.0)
    assert np.abs(np.diff(places(body, motion, np.linspace(0, 2, 20)), axis=0)).max() < 0.2
    pose = free_pose(random)
    swaying = to_a_beat(random, pose).pose
    assert 0 < abs(swaying(0.3).twist - pose.twist) + abs(swaying(0.5).twist - pose.twist) < 0.2


def test_a_released_body_is_where_it_stood():
    for seed in range(60):
        random = np.random.default_rng(seed)
        body = Body.draw(random)
        pose = free_pose(random, upright=True)
        pose.jump = 0.0
        stood, hangs = body.joints(pose), body.joints(released(body, pose))
        for name in ("knee", "ankle"):
            for side in SIDES:
                moved = np.linalg.norm(stood[f"{side}_{name}"] - hangs[f"{side}_{name}"])
                assert moved < 0.03 * body.height


def test_a_way_between_two_poses_begins_and_ends_at_them_and_one_foot_steps_at_a_time():
    lifted = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        body = Body.draw(random)
        first, second = (free_pose(random, upright=True) for _ in range(2))
        for share, end in ((0.0, first), (1.0, second)):
            at, there = body.joints(blended(first, second, share)), body.joints(end)
            assert np.array([at[name] for name in ENDS]) == pytest.approx(
                np.array([there[name] for name in ENDS]), abs=1e-6
            )
        early = blended(first, second, 0.2, left_first=True)
        lifted.append(early.legs["right"].foot == pytest.approx(first.legs["right"].foot))
    assert all(lifted) and eased(0.0) == 0 and eased(1.0) == 1 and eased(0.5) == 0.5


@pytest.mark.parametrize("seed", [(8, 27), (8, 34), (8, 40), (11, 14)])
def test_a_body_does_not_jump_at_once_when_it_leaves_the_floor_or_meets_it(seed):
    """Also out of poses that stood nowhere, a leap's say, and into such that fold fast."""
    random = np.random.default_rng(seed)
    body = Body.draw(random)
    motion = draw_motion("other", random, body, 0.55, 3.1)
    times = np.arange(0.0, motion.beat / 2, 0.004)
    heights = np.array([centre_of_mass(body.joints(motion.pose(time)))[1] for time in times])
    assert np.abs(np.diff(heights)).max() < 0.03 * body.height, "some ten metres a second"
