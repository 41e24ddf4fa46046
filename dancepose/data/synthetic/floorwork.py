"""Bodies on the floor: lying, propped on the arms, in a bridge, in splits, seated."""

import math

import numpy as np

from dancepose.data.synthetic.airborne import free_arms
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.inverted import free_leg, legs_apart
from dancepose.data.synthetic.kinematics import swing, unit
from dancepose.data.synthetic.pose import SIDES, Arm, Pose
from dancepose.data.synthetic.resting import settled


def lying(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on the back, the belly or a side, anyhow."""
    kind = random.random()
    pose = Pose(
        arms=free_arms(random),
        lean=random.normal(0.0, 0.3),
        twist=random.normal(0, 0.3),
        bend=random.normal(0, 0.15),
        head_pitch=random.normal(0.0, 0.3),
        head_yaw=random.normal(0, 0.4),
    )
    raised = 0.25 if random.random() < 0.6 else 1.2
    for side in SIDES:
        reach = 0.99 if random.random() < 0.4 else random.uniform(0.5, 0.95)
        flexion = random.uniform(0.0, raised) if kind < 0.4 else random.uniform(-0.3, 0.3 * raised)
        if 0.4 <= kind < 0.7:  # on the belly the thighs lie, and bent knees raise the feet
            flexion = random.uniform(-0.1, 0.05) - math.acos(reach)
        pose.legs[side] = free_leg(flexion, random.uniform(0.0, 0.5), reach, 0.2, random.uniform(0.3, 1.2))
        if kind < 0.7:  # arms lie too, or are raised: they do not lift the body
            arm = pose.arms[side]
            x, y, z = arm.direction
            arm.direction = unit(
                np.array([x, y, max(z, 0.0) if kind < 0.4 else float(np.clip(z, -0.3, 0.1))])
            )
            arm.pole = np.array([1.0, 0.0, 0.0])
    if kind < 0.7:
        pose.tilt = -np.pi / 2 if kind < 0.4 else np.pi / 2
        return settled(body, pose)
    below = SIDES[int(random.integers(2))]
    pose.roll = -np.pi / 2 if below == "left" else np.pi / 2
    leg, arm = pose.legs[below], pose.arms[below]
    pose.legs[below] = free_leg(random.uniform(-0.2, 0.8), random.uniform(-0.1, 0.05), leg.reach, 0.0)
    _, y, z = arm.direction
    arm.direction = unit(np.array([random.uniform(-0.1, 0.15), y, z]))
    return settled(body, pose, aside=True)


def propped(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on hands and feet: a push-up, on all fours, the hips pushed up."""
    kind = random.random()
    flexion, lean = random.normal(0.05, 0.1), random.normal(0.0, 0.15)
    reach = random.uniform(0.96, 0.995)
    if kind < 0.35:  # hips up
        flexion, lean = random.uniform(0.6, 1.4), random.uniform(0.0, 0.5)
    elif kind < 0.6:  # on all fours
        flexion, reach = random.uniform(0.7, 1.3), random.uniform(0.5, 0.75)
    arm_up = random.uniform(1.3, 1.8) + (random.uniform(0.3, 0.9) if kind < 0.35 else 0.0)
    arm = Arm(swing(arm_up, random.uniform(0.0, 0.35)), random.uniform(0.7, 1.0))
    arm.pole, arm.hand = np.array([1.0, -0.6, -0.2]), np.array([0.0, 3.0, 0.0])
    pose = Pose(
        arms={side: Arm(arm.direction, arm.reach, arm.pole, arm.hand) for side in SIDES},
        legs={side: free_leg(flexion, random.uniform(0.0, 0.2), reach, 0.0, 0.0) for side in SIDES},
        tilt=1.3,
        lean=lean,
        head_pitch=random.uniform(-0.8, 0.3),
        head_yaw=random.normal(0, 0.3),
        twist=random.normal(0, 0.1),
    )
    if random.random() < 0.3:  # a leg in the air
        side = SIDES[int(random.integers(2))]
        pose.legs[side] = free_leg(random.uniform(-0.6, 1.2), 0.1, random.uniform(0.6, 0.99), 0.1)
    return settled(body, pose)


def bridge(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone arched backward on hands and feet, or on shoulders and feet."""
    high = random.random() < 0.7
    up = unit(np.array([random.uniform(0.0, 0.3), 1.0, random.uniform(-0.15, 0.1)]))
    arm = Arm(up, random.uniform(0.9, 1.0), np.array([1.0, 0, 0.3]), np.array([0.0, 0, -4.0]))
    if not high:
        arm = Arm(swing(random.uniform(-0.3, 0.1), random.uniform(0.1, 0.5)), 0.95)
    flexion = random.uniform(-0.35, -0.05) if high else random.uniform(0.1, 0.4)
    reach = random.uniform(0.75, 0.95) if high else random.uniform(0.6, 0.8)
    pose = Pose(
        arms={side: Arm(arm.direction, arm.reach, arm.pole, arm.hand) for side in SIDES},
        legs={side: free_leg(flexion, random.uniform(0.0, 0.25), reach, 0.2, 0.1) for side in SIDES},
        tilt=-np.pi / 2,
        lean=random.uniform(-1.1, -0.8) if high else random.uniform(-0.3, 0.1),
        head_pitch=random.uniform(-0.9, -0.3) if high else 0.3,
    )
    if random.random() < 0.25:  # a leg in the air
        side = SIDES[int(random.integers(2))]
        pose.legs[side] = free_leg(random.uniform(0.5, 1.6), 0.0, 0.99)
    return settled(body, pose)


def splits(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone in splits on the floor, to the front or to both sides."""
    pitch = random.uniform(0.75, 1.0)
    if random.random() < 0.6:
        front, back = random.permutation(SIDES).tolist()
        legs = {
            front: free_leg(np.pi / 2 + pitch - 0.1, random.uniform(0, 0.15), 0.995),
            back: free_leg(-0.65, random.uniform(0, 0.25), random.choice([0.995, 0.7]), 0.5),
        }
        lean = random.uniform(-0.1, 0.6) - pitch
    else:
        pitch = random.uniform(0.2, 0.6)
        aside = random.uniform(1.1, 1.5)
        legs = {side: free_leg(np.pi / 2 + pitch, aside, 0.995, 0.8) for side in SIDES}
        lean = random.uniform(0.0, 1.0) - pitch
    pose = Pose(
        arms=free_arms(random),
        legs=legs,
        hip_pitch=pitch,
        lean=lean,
        twist=random.normal(0, 0.3),
        bend=random.normal(0, 0.25),
        head_pitch=random.normal(0, 0.2),
        head_yaw=random.normal(0, 0.3),
    )
    return settled(body, pose)


def seated(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone who sits: legs ahead, apart, drawn up or crossed; the hands free, or behind."""
    kind = random.random()
    lean = random.uniform(-0.1, 0.6)
    if kind < 0.3:  # ahead
        legs = {side: free_leg(1.5, random.uniform(0, 0.2), random.uniform(0.9, 0.99), 0.2) for side in SIDES}
    elif kind < 0.5:  # apart
        legs = {side: free_leg(1.5, random.uniform(0.4, 1.0), 0.99, 0.5) for side in SIDES}
    elif kind < 0.75:  # drawn up
        legs = {
            side: free_leg(
                random.uniform(1.2, 1.5), random.uniform(0, 0.3), random.uniform(0.45, 0.8), 0.1, 0.2
            )
            for side in SIDES
        }
    elif kind < 0.9:  # crossed
        legs = {
            side: free_leg(1.45, random.uniform(-0.25, 0.1), random.uniform(0.36, 0.5), 1.2) for side in SIDES
        }
    else:
        legs = legs_apart(random, 1.0)
        for leg in legs.values():
            leg.direction = swing(random.uniform(1.1, 1.7), random.uniform(0.0, 0.8))
    arms = free_arms(random)
    if random.random() < 0.4:  # hands behind
        lean = random.uniform(-0.3, 0.0)
        for side in SIDES:
            arms[side] = Arm(swing(random.uniform(-0.8, -0.3), random.uniform(0.1, 0.4)), 0.95)
            arms[side].hand = np.array([0.0, 0, -3.0])
    pose = Pose(
        arms=arms,
        legs=legs,
        tilt=random.normal(-0.1, 0.15),
        lean=lean,
        twist=random.normal(0, 0.25),
        bend=random.normal(0, 0.15),
        head_pitch=random.normal(0, 0.2),
        head_yaw=random.normal(0, 0.35),
    )
    return settled(body, pose)
