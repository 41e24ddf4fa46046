"""How people stand and hold their arms: at ease, and in free dance poses."""

from dataclasses import replace

import numpy as np

from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose


def _relaxed(random: np.random.Generator) -> Arm:
    """Draw an arm that hangs, or nearly so."""
    out = random.uniform(0.05, 0.4)
    forward = random.uniform(-0.15, 0.35)
    direction = np.array([out, -1.0, forward])
    return Arm(
        direction / np.linalg.norm(direction),
        random.uniform(0.86, 0.99),
        np.array([0.6, 0, -1.0]),
        np.zeros(3),
    )


def pointing_arm(
    side: float, up: float, reach: float, pole: tuple[float, float, float] = (0.4, -0.6, -0.6)
) -> Arm:
    """Return an arm that points `side` radians outward from straight ahead, `up` radians above level."""
    direction = np.array([np.sin(side) * np.cos(up), np.sin(up), np.cos(side) * np.cos(up)])
    return Arm(direction, reach, np.array(pole), np.zeros(3))


def stance(random: np.random.Generator, lively: float = 1.0) -> Pose:
    """Draw how a standing person holds legs, trunk and head; the arms hang.

    Args:
        random: where it is drawn from.
        lively: how far from upright, 1 is someone at ease.
    """
    spread = random.uniform(0.05, 0.13)
    shift = random.uniform(-0.03, 0.03) * lively
    legs = {
        side: Leg(
            np.array([spread + random.uniform(-0.02, 0.02), 0.0, random.uniform(-0.05, 0.05)]),
            random.uniform(0.0, 0.5),
        )
        for side in SIDES
    }
    return Pose(
        arms={side: _relaxed(random) for side in SIDES},
        legs=legs,
        crouch=random.uniform(0.965, 1.0),
        sway=shift,
        hip_roll=2 * shift,
        twist=random.normal(0, 0.12) * lively,
        lean=random.normal(0.03, 0.06),
        bend=random.normal(0, 0.06) * lively - 2 * shift,
        head_yaw=random.normal(0, 0.3),
        head_pitch=random.normal(0.05, 0.12),
        head_roll=random.normal(0, 0.08),
    )


def _free_arm(random: np.random.Generator) -> Arm:
    kind = random.random()
    if kind < 0.2:
        return _relaxed(random)
    if kind < 0.3:  # a hand near the head
        direction = np.array([random.uniform(-0.3, 0.3), 0.9, random.uniform(0.0, 0.5)])
        return Arm(
            direction / np.linalg.norm(direction),
            random.uniform(0.4, 0.6),
            np.array([1, random.uniform(-0.3, 0.5), 0]),
        )
    up, aside = random.uniform(-1.3, 1.35), random.uniform(-0.5, 2.1)
    pole = (random.uniform(0.2, 1), random.uniform(-1, 0.2), random.uniform(-1, 0.1))
    return pointing_arm(aside, up, random.uniform(0.45, 1.0), pole)


def free_pose(random: np.random.Generator, upright: bool = False) -> Pose:
    """Draw a dance pose within the limits of the joints.

    Args:
        random: where it is drawn from.
        upright: on both feet, one, or jumping; not on the floor, and the body is not tilted as a whole.
    """
    pose = stance(random, 2.0)
    pose.arms = {side: _free_arm(random) for side in SIDES}
    if random.random() < 0.25:  # both arms alike
        pose.arms["right"] = replace(pose.arms["left"])
    pose.lean, pose.bend = random.normal(0.1, 0.22), random.normal(0, 0.18)
    pose.twist, pose.hip_yaw = random.normal(0, 0.35), random.normal(0, 0.2)
    kind = random.random()
    if kind < 0.3:  # wide and low
        pose.crouch = random.uniform(0.6, 0.9)
        for side in SIDES:
            pose.legs[side] = Leg(
                np.array([random.uniform(0.1, 0.24), 0, random.uniform(-0.1, 0.1)]), random.uniform(0.3, 0.9)
            )
    elif kind < 0.5:  # one knee or leg up
        side = SIDES[int(random.integers(2))]
        foot = np.array([random.uniform(0.0, 0.3), random.uniform(0.1, 0.42), random.uniform(-0.1, 0.35)])
        pose.legs[side] = Leg(foot, random.uniform(0.0, 0.9))
    elif kind < 0.65:  # a lunge
        front, back = random.permutation(SIDES).tolist()
        pose.crouch = random.uniform(0.65, 0.88)
        pose.legs[front] = Leg(np.array([random.uniform(0.03, 0.12), 0, random.uniform(0.1, 0.28)]), 0.2)
        pose.legs[back] = Leg(np.array([random.uniform(0.03, 0.12), 0.03, -random.uniform(0.1, 0.28)]), 0.3)
    elif kind < 0.73:  # a jump
        pose.jump = random.uniform(0.08, 0.35)
        for side in SIDES:
            foot = np.array([random.uniform(0.0, 0.25), random.uniform(0, 0.15), random.uniform(-0.15, 0.2)])
            pose.legs[side] = Leg(foot, random.uniform(0.1, 0.7))
    if not upright and random.random() < 0.25:
        _go_down(random, pose)
    return pose


def _go_down(random: np.random.Generator, pose: Pose) -> None:
    """Let someone squat, kneel, sit or leap, all with new legs, or fall to a side with those of before."""
    front, back = random.permutation(SIDES).tolist()
    aside = random.uniform(0.04, 0.16)
    kind = random.random()
    pose.jump = 0.0
    if kind < 0.3:  # a deep squat
        pose.crouch, pose.lean = random.uniform(0.42, 0.6), random.uniform(0.1, 0.7)
        for side in SIDES:
            foot = np.array([aside + random.uniform(0, 0.04), 0, random.uniform(-0.03, 0.06)])
            pose.legs[side] = Leg(foot, random.uniform(0.3, 1.0))
    elif kind < 0.5:  # on one knee
        pose.crouch, pose.lean = random.uniform(0.5, 0.54), random.uniform(-0.1, 0.3)
        pose.legs[front] = Leg(np.array([aside, 0, random.uniform(0.16, 0.26)]), random.uniform(0.0, 0.3))
        pose.legs[back] = Leg(np.array([aside, 0.01, random.uniform(-0.26, -0.22)]), 0.1)
    elif kind < 0.65:  # on the floor, leaning back
        pose.crouch, pose.lean = random.uniform(0.19, 0.23), random.uniform(-0.5, 0.3)
        for side in SIDES:
            foot = np.array([aside + random.uniform(0, 0.1), 0, random.uniform(0.24, 0.46)])
            pose.legs[side] = Leg(foot, random.uniform(0.0, 0.4))
    elif kind < 0.8:  # a leap
        pose.crouch, pose.jump = 0.97, random.uniform(0.1, 0.4)
        for side, sign in ((front, 1), (back, -1)):
            foot = np.array([aside, random.uniform(0.1, 0.3), sign * random.uniform(0.2, 0.4)])
            pose.legs[side] = Leg(foot, random.uniform(0.0, 0.5))
    else:
        pose.tilt, pose.roll = random.normal(0, 0.35), random.normal(0, 0.45)
