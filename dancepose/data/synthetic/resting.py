"""How bodies come to rest: they roll until they lie on two points of their own, or balance on their hands."""

import math
from dataclasses import replace

import numpy as np

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.flesh import centre_of_mass, outline
from dancepose.data.synthetic.pose import SIDES, Pose

STEPS = 100  # of a roll from one point of a round outline to the next
TOUCH = 1e-3  # metres: what is no higher touches the floor


def settled(body: Body, pose: Pose, aside: bool = False) -> Pose:
    """Let a body roll, as it is held, until its weight lies between two points that touch the floor.

    Args:
        body: whose.
        pose: with free legs, or it would not roll.
        aside: it rolls to its side; untilted ones only. Else forward or backward.
    """
    joints = body.joints(pose)
    axis = 2 if aside else 0
    points, weight = outline(body, joints, axis), centre_of_mass(joints)[[2 - axis, 1]]
    turned = 0.0
    for _ in range(STEPS):
        seen, middle = _rolled(points, turned), _rolled(weight[None], turned)[0, 0]
        touching = seen[seen[:, 1] < seen[:, 1].min() + TOUCH, 0]
        if touching.min() <= middle <= touching.max():
            break
        ahead = 1.0 if middle > touching.max() else -1.0
        pivot = max(touching * ahead)
        away = (seen[:, 0] * ahead - pivot, seen[:, 1] - seen[:, 1].min())
        before = away[0] > TOUCH
        turned += ahead * max(float(np.arctan2(away[1][before], away[0][before]).min()), 1e-4)
    return replace(pose, roll=pose.roll - turned) if aside else replace(pose, tilt=pose.tilt + turned)


def _rolled(points: np.ndarray, angle: float) -> np.ndarray:
    """Turn points (n, 2), across and up, so that what is ahead sinks."""
    c, s = math.cos(angle), math.sin(angle)
    return points @ np.array([[c, -s], [s, c]])


def balanced(body: Body, pose: Pose, hands: tuple[str, ...] = SIDES) -> Pose:
    """Tilt and roll a body upside down until its weight is over its hands.

    Args:
        body: whose.
        pose: about upside down.
        hands: sides of those it stands on.
    """
    for _ in range(2):
        joints = body.joints(pose)
        support = np.mean([joints[f"{side}_hand"] for side in hands], axis=0)
        x, y, z = centre_of_mass(joints) - support
        tilt = pose.tilt - math.atan2(z, y)
        pose = replace(
            pose, tilt=tilt, roll=pose.roll + math.atan2(x, y) * math.copysign(1.0, math.cos(tilt))
        )
    return pose
