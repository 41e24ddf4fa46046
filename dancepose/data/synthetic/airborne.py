"""Bodies in the air: flips and layouts at any tilt, split leaps, tucked jumps."""

from dataclasses import replace

import numpy as np

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.inverted import free_leg, legs_apart
from dancepose.data.synthetic.kinematics import swing
from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose


def free_arms(random: np.random.Generator) -> dict[str, Arm]:
    """Draw arms as they are flung: alike in half of the cases."""
    arms = {}
    for side in SIDES:
        direction = swing(random.uniform(-0.5, 2.8), random.uniform(0.0, 1.5))
        pole = np.array([random.uniform(0.2, 1), random.uniform(-0.8, 0.2), random.uniform(-1, 0.1)])
        arms[side] = Arm(direction, random.uniform(0.55, 1.0), pole)
    if random.random() < 0.5:
        first = arms["left"]
        arms["right"] = Arm(first.direction.copy(), first.reach, first.pole.copy())
    return arms


def flip(random: np.random.Generator, body: Body) -> Pose:
    """Draw a moment of a somersault or a layout: tucked, piked, straight or with the legs apart."""
    kind = random.random()
    turn, point = random.uniform(0, 0.4), random.uniform(0.3, 1.2)
    lean = random.normal(0.1, 0.25)
    if kind < 0.3:  # tucked
        flexion, aside = random.uniform(1.3, 1.9), random.uniform(0.0, 0.35)
        legs = {
            side: free_leg(flexion + random.normal(0, 0.1), aside, random.uniform(0.4, 0.65), turn, point)
            for side in SIDES
        }
        lean = random.uniform(0.2, 0.8)
    elif kind < 0.45:  # piked
        flexion = random.uniform(0.8, 2.0)
        legs = {side: free_leg(flexion, random.uniform(0, 0.15), 0.99, turn, point) for side in SIDES}
        lean = random.uniform(0.1, 0.8)
    elif kind < 0.7:  # a layout
        flexion = random.uniform(-0.5, 0.2)
        legs = {
            side: free_leg(flexion, random.uniform(0, 0.12), random.uniform(0.9, 0.995), turn, point)
            for side in SIDES
        }
        lean = random.uniform(-0.7, 0.15)
    else:
        legs = legs_apart(random, 0.5)
    return Pose(
        arms=free_arms(random),
        legs=legs,
        jump=random.uniform(0.2, 0.9),
        tilt=random.uniform(-np.pi, np.pi),
        roll=random.normal(0, 0.4),
        lean=lean,
        twist=random.normal(0, 0.25),
        bend=random.normal(0, 0.15),
        head_pitch=random.normal(0, 0.3),
        head_yaw=random.normal(0, 0.25),
    )


def split_leap(random: np.random.Generator, body: Body) -> Pose:
    """Draw a leap with one leg ahead and one behind, or both aside."""
    front, back = random.permutation(SIDES).tolist()
    pitch, turn, point = random.uniform(0.1, 0.7), random.uniform(0, 0.6), random.uniform(0.4, 1.2)
    if random.random() < 0.7:
        legs = {
            front: free_leg(random.uniform(1.0, 1.6) + pitch, random.uniform(0, 0.25), 0.99, turn, point),
            back: free_leg(random.uniform(-0.65, -0.35), random.uniform(0, 0.3), 0.99, turn, point),
        }
        for side in SIDES:
            if random.random() < 0.3:  # a stag's
                legs[side].reach = random.uniform(0.5, 0.9)
    else:
        aside, flexion = random.uniform(0.8, 1.4), random.uniform(0.2, 1.2)
        legs = {side: free_leg(flexion, aside, 0.99, turn, point) for side in SIDES}
    return Pose(
        arms=free_arms(random),
        legs=legs,
        jump=random.uniform(0.15, 0.6),
        hip_pitch=pitch,
        lean=random.uniform(0.0, 0.3) - pitch,
        tilt=random.normal(0, 0.25),
        roll=random.normal(0, 0.15),
        twist=random.normal(0, 0.3),
        head_pitch=random.normal(-0.1, 0.2),
        head_yaw=random.normal(0, 0.3),
    )


def tucked_jump(random: np.random.Generator, body: Body) -> Pose:
    """Draw a jump about upright with drawn-up or kicked legs."""
    legs: dict[str, Leg] = {}
    for side in SIDES:
        legs[side] = free_leg(
            random.uniform(-0.6, 1.4), random.uniform(0.0, 0.7), random.uniform(0.42, 0.95), 0.3, 0.7
        )
    if random.random() < 0.5:
        legs["right"] = replace(legs["left"])
    return Pose(
        arms=free_arms(random),
        legs=legs,
        jump=random.uniform(0.15, 0.7),
        tilt=random.normal(0.1, 0.4),
        roll=random.normal(0, 0.35),
        lean=random.normal(0.15, 0.3),
        twist=random.normal(0, 0.3),
        bend=random.normal(0, 0.15),
        head_pitch=random.normal(0.05, 0.25),
        head_yaw=random.normal(0, 0.3),
    )
