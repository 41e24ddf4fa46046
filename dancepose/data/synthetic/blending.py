"""`blended`: from one pose into another, by steps where both stand, else joint by joint."""

import math
from dataclasses import fields, replace

import numpy as np

from dancepose.data.synthetic.body import FOOT, SHANK, THIGH, Body
from dancepose.data.synthetic.flesh import lowest
from dancepose.data.synthetic.kinematics import carried, length, unit
from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose

STEP = 0.08  # how far a foot is lifted on its way, shares of the height
FIRST = 0.6  # of a passage, in which the first foot goes its way; the second in as long a time at its end
ANGLES = [field.name for field in fields(Pose) if field.name not in ("arms", "legs")]


def released(body: Body, pose: Pose) -> Pose:
    """Return a pose with the legs given by direction, so that it goes on from one that stands nowhere.

    Args:
        body: whose.
        pose: any; of one that jumps the height stays.
    """
    if all(leg.direction is not None for leg in pose.legs.values()):
        return pose
    joints = body.joints(replace(pose, jump=0.0, tilt=0.0, roll=0.0))
    bones = (THIGH + SHANK) * body.height * body.legs
    legs = {}
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        frame, mirrored = joints["frame_pelvis"], np.array([sign, 1, 1])
        hip, knee, ankle, toe = (joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "toe"))
        along = (ankle - hip) @ frame * mirrored
        direction, reach = unit(along), length(along) / bones
        bent = (knee - hip) @ frame * mirrored
        turn = math.atan2(
            bent @ carried(direction, np.array([1.0, 0, 0])), bent @ carried(direction, np.array([0, 0, 1.0]))
        )
        foot, shank = toe - ankle, unit(ankle - knee)
        level = length(foot - (foot @ shank) * shank)
        point = math.atan(float(foot @ shank) / max(level, 1e-6) - 0.03 / FOOT)  # as `Body` sets the toes
        legs[side] = Leg(turn=turn, direction=direction, reach=reach, point=point)
    if pose.planted and not pose.jump:  # what is lowest may be a little above the floor, or below
        return replace(pose, legs=legs, jump=lowest(body, joints))
    return replace(pose, legs=legs)


def blended(first: Pose, second: Pose, share: float, left_first: bool = True) -> Pose:
    """Return a pose between two: both stand, or both are released.

    Args:
        first: at `share` 0.
        second: at 1.
        share: 0 to 1.
        left_first: which foot steps first.
    """
    angles = {name: _mixed(getattr(first, name), getattr(second, name), share) for name in ANGLES}
    arms = {side: _arm(first.arms[side], second.arms[side], share) for side in SIDES}
    legs = {}
    for side in SIDES:
        one, other = first.legs[side], second.legs[side]
        if one.direction is None or other.direction is None:
            legs[side] = _step(one, other, share, (side == "left") == left_first)
            continue
        legs[side] = Leg(
            turn=_mixed(one.turn, other.turn, share),
            direction=_turned(one.direction, other.direction, share),
            reach=_mixed(one.reach, other.reach, share),
            point=_mixed(one.point, other.point, share),
        )
    return Pose(arms=arms, legs=legs, **angles)


def eased(share: float) -> float:
    """Return a share of a way that starts and ends at rest, from one of its time; both 0 to 1."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def _mixed(first: float, second: float, share: float) -> float:
    return first + share * (second - first)


def _step(first: Leg, second: Leg, share: float, early: bool) -> Leg:
    """Return a leg whose foot is lifted to its new place, first or second of the two."""
    way = second.foot - first.foot
    own = eased(share / FIRST if early else (share - 1 + FIRST) / FIRST)
    foot = first.foot + own * way
    foot[1] += STEP * min(1.0, 6 * length(way)) * math.sin(math.pi * own)
    return Leg(foot, _mixed(first.turn, second.turn, own))


def _arm(first: Arm, second: Arm, share: float) -> Arm:
    return Arm(
        _turned(first.direction, second.direction, share),
        _mixed(first.reach, second.reach, share),
        first.pole + share * (second.pole - first.pole),
        first.hand + share * (second.hand - first.hand),
    )


def _turned(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return a direction (3,) on the shortest way from one to another."""
    angle = math.acos(min(max(float(first @ second), -1.0), 1.0))
    if angle < 1e-3:
        return second
    if angle > 3.0:  # nearly opposite: forward around, where limbs have room
        ahead = unit(np.array([0.3, 0.0, 1.0]))
        return _turned(first, ahead, 2 * share) if share < 0.5 else _turned(ahead, second, 2 * share - 1)
    return (math.sin((1 - share) * angle) * first + math.sin(share * angle) * second) / math.sin(angle)
