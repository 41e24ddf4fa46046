"""Bodies bent over the legs they stand on: arabesques, high kicks, deep bends forward and backward."""

import numpy as np

from dancepose.data.synthetic.airborne import free_arms
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.inverted import free_leg
from dancepose.data.synthetic.kinematics import swing, unit
from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose


def hanging(pitch: float, forward: float, out: float, reach: float) -> Arm:
    """Return an arm of someone whose chest is bent forward.

    Args:
        pitch: of the chest against the upright, radians.
        forward: of the arm against the plumb line, radians.
        out: outward, radians.
        reach: see `Arm`.
    """
    return Arm(swing(pitch + forward, out), reach, np.array([0.8, 0.2, -0.5]))


def _support(random: np.random.Generator, ahead: float) -> Leg:
    return Leg(np.array([random.uniform(-0.02, 0.03), 0.0, ahead]), random.uniform(0.0, 0.6))


def arabesque(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on one leg, the other far up behind and the trunk forward (a penché, where it hangs)."""
    stands, free = random.permutation(SIDES).tolist()
    pitch = random.uniform(0.6, 1.75)
    lean = random.uniform(-0.6, 0.15)
    leg = free_leg(random.uniform(-0.68, -0.45), random.uniform(0.0, 0.3), random.uniform(0.93, 0.995), 0.5)
    arms = free_arms(random)
    if random.random() < 0.4:
        chest = pitch + lean
        arms = {side: hanging(chest, random.uniform(-0.3, 0.5), 0.2, 0.95) for side in SIDES}
    return Pose(
        arms=arms,
        legs={stands: _support(random, 0.04 * np.sin(pitch)), free: leg},
        crouch=random.uniform(0.92, 0.97),
        hip_pitch=pitch,
        hip_roll=random.uniform(0, 0.2) * (1 if stands == "right" else -1),
        lean=lean,
        twist=random.normal(0, 0.2),
        bend=random.normal(0, 0.1),
        head_pitch=random.uniform(-0.8, 0.2),
        head_yaw=random.normal(0, 0.2),
    )


def high_kick(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on one leg, the other above the hip, ahead or aside."""
    stands, free = random.permutation(SIDES).tolist()
    sign = 1 if stands == "right" else -1  # of a roll away from the leg that is up
    flexion, aside = random.uniform(1.5, 2.3), random.uniform(0.0, 0.4)
    if random.random() < 0.5:
        flexion, aside = random.uniform(0.3, 1.2), random.uniform(1.1, 1.45)
    tipped = random.uniform(0.0, 0.7) * aside / 1.45
    return Pose(
        arms=free_arms(random),
        legs={
            stands: _support(random, 0.0),
            free: free_leg(flexion, aside, random.choice([0.99, random.uniform(0.6, 0.95)]), 0.4),
        },
        crouch=random.uniform(0.9, 0.96),
        hip_pitch=random.uniform(-0.35, 0.1),
        hip_roll=tipped * sign,
        lean=random.uniform(-0.2, 0.3),
        bend=random.normal(0, 0.2),
        twist=random.normal(0, 0.25),
        head_pitch=random.normal(0.0, 0.2),
        head_yaw=random.normal(0, 0.3),
    )


def bend_forward(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on both feet and bent far forward; the hands hang, touch the floor or are flung."""
    pitch, lean = random.uniform(0.7, 1.7), random.uniform(0.1, 0.9)
    ahead = 0.07 * np.sin(min(pitch, np.pi / 2))
    spread = random.uniform(0.04, 0.28)
    arms = free_arms(random)
    if random.random() < 0.7:
        forward, out = random.uniform(-0.3, 0.6), random.uniform(0, 0.3)
        arms = {
            side: hanging(pitch + lean, forward + random.normal(0, 0.1), out, random.uniform(0.85, 1.0))
            for side in SIDES
        }
    return Pose(
        arms=arms,
        legs={
            side: Leg(np.array([spread, 0.0, ahead + random.uniform(-0.03, 0.03)]), random.uniform(0.0, 0.5))
            for side in SIDES
        },
        crouch=random.uniform(0.72, 0.96) - 0.6 * spread**2,
        hip_pitch=pitch,
        lean=lean,
        twist=random.normal(0, 0.25),
        bend=random.normal(0, 0.15),
        head_pitch=random.uniform(-0.8, 0.4),
        head_yaw=random.normal(0, 0.25),
    )


def bend_back(random: np.random.Generator, body: Body) -> Pose:
    """Draw someone on both feet and bent far backward."""
    up = unit(np.array([random.uniform(0.0, 0.4), 1.0, random.uniform(-0.15, 0.3)]))
    arms = {side: Arm(up, random.uniform(0.85, 1.0), np.array([1.0, 0, 0.4])) for side in SIDES}
    return Pose(
        arms=arms if random.random() < 0.6 else free_arms(random),
        legs={
            side: Leg(
                np.array([random.uniform(0.06, 0.14), 0.0, random.uniform(-0.16, -0.06)]),
                random.uniform(0.0, 0.4),
            )
            for side in SIDES
        },
        crouch=random.uniform(0.8, 0.93),
        hip_pitch=random.uniform(-0.6, -0.2),
        lean=random.uniform(-1.05, -0.5),
        bend=random.normal(0, 0.12),
        twist=random.normal(0, 0.15),
        head_pitch=random.uniform(-0.8, 0.0),
    )
