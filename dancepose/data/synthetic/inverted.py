"""Bodies on their hands or head: handstands, cartwheels, headstands and freezes on one hand."""

from dataclasses import replace

import numpy as np

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.kinematics import swing, unit
from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose
from dancepose.data.synthetic.resting import balanced
from dancepose.data.synthetic.stances import pointing_arm


def free_leg(flexion: float, aside: float, reach: float = 0.99, turn: float = 0.2, point: float = 0.9) -> Leg:
    """Return a leg that was raised from where it hung, see `swing` and `Leg`."""
    return Leg(turn=turn, direction=swing(flexion, aside), reach=reach, point=point)


def legs_apart(random: np.random.Generator, bent: float = 0.4) -> dict[str, Leg]:
    """Draw legs as acrobats hold them in the air.

    Args:
        random: where they are drawn from.
        bent: share of those with bent knees.
    """
    front, back = random.permutation(SIDES).tolist()
    turn, point = random.uniform(0.0, 0.6), random.uniform(0.2, 1.2)
    kind = random.random()
    if kind < 0.3:  # together
        flexion, aside = random.uniform(-0.25, 0.35), random.uniform(-0.02, 0.1)
        legs = {side: free_leg(flexion, aside, 0.995, turn, point) for side in SIDES}
    elif kind < 0.65:  # one ahead, one behind
        legs = {
            front: free_leg(random.uniform(0.4, 1.7), random.uniform(0.0, 0.3), 0.99, turn, point),
            back: free_leg(random.uniform(-0.65, -0.1), random.uniform(0.0, 0.3), 0.99, turn, point),
        }
    else:  # straddled
        aside, flexion = random.uniform(0.4, 1.25), random.uniform(-0.1, 0.7)
        legs = {side: free_leg(flexion, aside + random.normal(0, 0.08), 0.99, turn, point) for side in SIDES}
    for side in SIDES:
        if random.random() < bent:
            legs[side] = replace(legs[side], reach=random.uniform(0.45, 0.95))
    return legs


def standing_arm(random: np.random.Generator, out: float, forward: float) -> Arm:
    """Return an arm overhead that the body stands on: nearly straight, its palm on the floor."""
    direction = unit(np.array([out, 1.0, forward]))
    return Arm(direction, random.uniform(0.95, 1.0), np.array([1.0, 0, 0.3]), np.array([0.0, 0, -4.0]))


def handstand(random: np.random.Generator, body: Body) -> Pose:
    """Draw a handstand, mostly balanced; with straight, split, straddled or bent legs."""
    out, forward = random.uniform(-0.05, 0.3), random.uniform(-0.1, 0.25)
    pose = Pose(
        arms={side: standing_arm(random, out, forward) for side in SIDES},
        legs=legs_apart(random),
        tilt=np.pi,
        lean=random.normal(-0.15, 0.25),
        twist=random.normal(0, 0.1),
        hip_yaw=random.normal(0, 0.2),
        head_pitch=random.uniform(-0.9, 0.3),
        head_yaw=random.normal(0, 0.2),
    )
    if random.random() < 0.75:
        pose = balanced(body, pose)
    return replace(pose, tilt=pose.tilt + random.normal(0, 0.15), roll=pose.roll + random.normal(0, 0.06))


def cartwheel(random: np.random.Generator, body: Body) -> Pose:
    """Draw a moment of a cartwheel, to either side."""
    out = random.uniform(0.1, 0.7)
    return Pose(
        arms={side: standing_arm(random, out, random.uniform(-0.05, 0.2)) for side in SIDES},
        legs={
            side: free_leg(
                random.uniform(-0.2, 0.5), random.uniform(0.35, 1.2), random.uniform(0.93, 0.995), 0.4
            )
            for side in SIDES
        },
        roll=random.uniform(0.5, np.pi) * random.choice([-1, 1]),
        tilt=random.normal(0, 0.2),
        bend=random.normal(0, 0.2),
        twist=random.normal(0, 0.2),
        lean=random.normal(0.05, 0.2),
        head_pitch=random.uniform(-0.6, 0.3),
        head_yaw=random.normal(0, 0.4),
    )


def headstand(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on the head, whose hands hold the balance on the floor."""
    hands = Arm(unit(np.array([random.uniform(0.2, 0.5), 0.62, random.uniform(0.35, 0.7)])), 0.82)
    hands.pole, hands.hand = np.array([1.0, random.uniform(-0.5, 0.5), -0.3]), np.array([0.0, 0, 3.0])
    return Pose(
        arms={side: replace(hands, reach=hands.reach + random.uniform(-0.04, 0.04)) for side in SIDES},
        legs=legs_apart(random, 0.5),
        tilt=np.pi + random.normal(0, 0.2),
        roll=random.normal(0, 0.15),
        lean=random.normal(0.1, 0.25),
        twist=random.normal(0, 0.3),
        hip_yaw=random.normal(0, 0.3),
        bend=random.normal(0, 0.2),
        head_pitch=random.uniform(-0.3, 0.3),
    )


def freeze(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on one hand, the other arm free, the legs anyhow."""
    hand, free = random.permutation(SIDES).tolist()
    sign = 1.0 if hand == "left" else -1.0
    support = standing_arm(random, random.uniform(0.2, 1.2), random.uniform(-0.1, 0.5))
    up, aside = random.uniform(-1.2, 0.8), random.uniform(0.2, 1.9)
    other = pointing_arm(aside, up, random.uniform(0.5, 1.0), (0.6, -0.6, -0.6))
    pose = Pose(
        arms={hand: support, free: other},
        legs=legs_apart(random, 0.65),
        tilt=np.pi,
        roll=-sign * random.uniform(0.0, 0.5),
        lean=random.normal(0.1, 0.3),
        twist=random.normal(0, 0.4),
        hip_yaw=random.normal(0, 0.4),
        bend=random.normal(0, 0.3),
        head_pitch=random.uniform(-0.5, 0.4),
        head_yaw=random.normal(0, 0.4),
    )
    pose = balanced(body, pose, (hand,))
    return replace(pose, tilt=pose.tilt + random.normal(0, 0.12))
