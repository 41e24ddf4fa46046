"""Motions of the six action classes: for each a distribution of poses, and how they go on over time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose

ACTIONS = ("akimbo", "hold_high", "single_arm_open", "wave", "walk", "other")
Motion = Callable[[float], Pose]  # seconds -> pose
TRIES = 40  # draws of a free pose until it is none of the other classes


def draw_motion(action: str, random: np.random.Generator) -> Motion:
    """Draw a motion of a class; its sides, tempo, extent and all else vary.

    Args:
        action: one of `ACTIONS`.
        random: where it is drawn from.

    Returns:
        A function of time, smooth, and of the class at every moment.

    Raises:
        KeyError: an unknown action.
    """
    return MOTIONS[action](random)


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


def _arm(side: float, up: float, reach: float, pole: tuple[float, float, float] = (0.4, -0.6, -0.6)) -> Arm:
    """Return an arm that points `side` radians outward from straight ahead, `up` radians above level."""
    direction = np.array([np.sin(side) * np.cos(up), np.sin(up), np.cos(side) * np.cos(up)])
    return Arm(direction, reach, np.array(pole), np.zeros(3))


def _stance(random: np.random.Generator, lively: float = 1.0) -> Pose:
    """Draw how a standing person holds legs, trunk and head."""
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


def _beat(random: np.random.Generator, pose: Pose, extent: float = 1.0) -> Motion:
    """Let a pose sway and bounce to a beat."""
    tempo, phase = random.uniform(0.6, 1.6), random.uniform(0, 2 * np.pi)
    bounce, swing = random.uniform(0, 0.02) * extent, random.uniform(0.0, 0.08) * extent

    def at(time: float) -> Pose:
        angle = 2 * np.pi * tempo * time + phase
        return replace(
            pose,
            crouch=pose.crouch - bounce * (1 + np.sin(2 * angle)) / 2,
            twist=pose.twist + swing * np.sin(angle),
            bend=pose.bend + 0.6 * swing * np.cos(angle),
            head_yaw=pose.head_yaw - 0.7 * swing * np.sin(angle),
        )

    return at


def _akimbo(random: np.random.Generator) -> Motion:
    pose = _stance(random)
    for side in SIDES:
        pole = np.array([1.0, random.uniform(-0.1, 0.25), random.uniform(-0.7, 0.15)])
        pose.arms[side] = Arm(reach=random.uniform(0.95, 1.2), pole=pole, on_hip=True)
    return _beat(random, pose)


def _hold_high(random: np.random.Generator) -> Motion:
    pose = _stance(random)
    out, reach = random.uniform(-0.12, 0.45), random.uniform(0.86, 1.0)
    for side in SIDES:
        up = np.array([out + random.normal(0, 0.07), 1.0, random.uniform(-0.1, 0.35)])
        pole = np.array([1.0, 0, random.uniform(-0.4, 0.6)])
        pose.arms[side] = Arm(
            up / np.linalg.norm(up), float(np.clip(reach + random.normal(0, 0.03), 0.84, 1.0)), pole
        )
    pose.head_pitch -= random.uniform(0, 0.35)
    return _beat(random, pose)


def _single_arm_open(random: np.random.Generator) -> Motion:
    pose = _stance(random)
    side, other = random.permutation(SIDES).tolist()
    up, aside, reach = random.uniform(-0.2, 0.45), random.uniform(1.1, 1.9), random.uniform(0.95, 1.0)
    pose.arms[side] = replace(_arm(aside, up, reach), hand=np.array([0, random.uniform(-0.4, 0.8), 0]))
    if random.random() < 0.25:
        pose.arms[other] = Arm(reach=1.05, pole=np.array([1.0, 0, -0.4]), on_hip=True)
    pose.bend += (0.1 if side == "left" else -0.1) * random.uniform(-1, 0.6)
    pose.head_yaw += (0.5 if side == "left" else -0.5) * random.uniform(0, 1)
    return _beat(random, pose)


def _wave(random: np.random.Generator) -> Motion:
    pose = _stance(random, 0.5)
    side = SIDES[int(random.integers(2))]
    centre, high = random.uniform(0.1, 0.5), random.uniform(0.35, 0.95)
    forward, reach = random.uniform(0.05, 0.5), random.uniform(0.62, 0.86)
    extent, tempo, phase = random.uniform(0.25, 0.55), random.uniform(1.2, 2.6), random.uniform(0, 2 * np.pi)
    pole = np.array([1.0, random.uniform(-1.1, -0.3), -0.3])
    still = _beat(random, pose, 0.4)

    def at(time: float) -> Pose:
        moved = still(time)
        swing = extent * np.sin(2 * np.pi * tempo * time + phase)
        direction = np.array([np.sin(centre + swing), high, forward])
        arm = Arm(
            direction / np.linalg.norm(direction),
            reach,
            pole,
            np.array([np.sin(centre + 1.4 * swing), 0.6, 0]),
        )
        return replace(moved, arms={**moved.arms, side: arm})

    return at


def _walk(random: np.random.Generator) -> Motion:
    stride, tempo, phase = random.uniform(0.13, 0.21), random.uniform(0.7, 1.15), random.uniform(0, 2 * np.pi)
    swing, width = random.uniform(0.25, 0.6), random.uniform(0.02, 0.06)
    bend, lean = random.uniform(0.0, 0.35), random.uniform(0.0, 0.12)
    lift = random.uniform(0.05, 0.09)
    head_yaw, head_pitch = random.normal(0, 0.2), random.normal(0.05, 0.1)
    turn = random.uniform(0.0, 0.25)

    def at(time: float) -> Pose:
        angle = 2 * np.pi * tempo * time + phase
        pose = Pose(lean=lean, head_yaw=head_yaw, head_pitch=head_pitch)
        for side, shift in (("left", 0.0), ("right", np.pi)):
            step = angle + shift
            ahead, up = stride * np.cos(step), lift * max(0.0, -np.sin(step))  # forward while in the air
            pose.legs[side] = Leg(np.array([width, up, ahead]), turn)
            back = -swing * np.cos(step)  # the arm goes against its leg
            direction = np.array([0.12, -1.0, back])
            reach = 0.97 - 0.12 * bend - 0.08 * max(0.0, back)
            pose.arms[side] = Arm(direction / np.linalg.norm(direction), reach, np.array([0.25, 0, -1.0]))
        pose.crouch = 0.985 - 0.045 * np.cos(angle) ** 2 * stride / 0.2
        pose.hip_yaw, pose.twist = 0.12 * np.cos(angle + np.pi), 0.3 * swing * np.cos(angle)
        return pose

    return at


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
    return _arm(aside, up, random.uniform(0.45, 1.0), pole)


def _free_pose(random: np.random.Generator) -> Pose:
    """Draw a dance pose within the limits of the joints."""
    pose = _stance(random, 2.0)
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
    return pose


def _other(random: np.random.Generator) -> Motion:
    body = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
    pose = _free_pose(random)
    for _ in range(TRIES):
        if not satisfied(body.joints(pose)):
            break
        pose = _free_pose(random)
    return _beat(random, pose, 0.5)


MOTIONS: dict[str, Callable[[np.random.Generator], Motion]] = {
    "akimbo": _akimbo,
    "hold_high": _hold_high,
    "single_arm_open": _single_arm_open,
    "wave": _wave,
    "walk": _walk,
    "other": _other,
}


def satisfied(joints: dict[str, np.ndarray]) -> list[str]:
    """Return which of the five named actions a body's joints show, judged by geometry in its own axes.

    The rules are what the classes mean; a person may stand at the edge of two.
    """
    trunk = float(np.linalg.norm(joints["thorax"] - joints["pelvis"]))
    reach = {side: joints[f"{side}_wrist"] - joints[f"{side}_shoulder"] for side in SIDES}
    straight = {side: _angle(joints, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") for side in SIDES}
    at_hip = {
        side: np.linalg.norm(joints[f"{side}_wrist"] - joints[f"{side}_hip"]) < 0.5 * trunk
        and straight[side] < 2.2
        for side in SIDES
    }
    high = {side: joints[f"{side}_wrist"][1] > joints["head_top"][1] for side in SIDES}
    level = {side: float(np.arcsin(np.clip(_unit(reach[side])[1], -1, 1))) for side in SIDES}
    aside = {side: abs(_unit(reach[side])[0]) for side in SIDES}
    opened = {
        side: straight[side] > 2.45 and -0.5 < level[side] < 0.75 and aside[side] > 0.55 for side in SIDES
    }
    raised = {
        side: joints[f"{side}_wrist"][1] > joints[f"{side}_shoulder"][1] + 0.1 * trunk
        and joints[f"{side}_elbow"][1] < joints[f"{side}_wrist"][1]
        and straight[side] < 2.5
        for side in SIDES
    }
    low = {side: joints[f"{side}_wrist"][1] < joints["chest"][1] for side in SIDES}
    found = []
    if all(at_hip.values()):
        found.append("akimbo")
    if all(high.values()):
        found.append("hold_high")
    for side, other in (SIDES, SIDES[::-1]):
        if opened[side] and not opened[other] and low[other]:
            found.append("single_arm_open")
        if raised[side] and low[other]:
            found.append("wave")
    step = joints["left_ankle"] - joints["right_ankle"]
    feet_low = max(joints["left_ankle"][1], joints["right_ankle"][1]) < 0.2 * joints["head_top"][1]
    if abs(step[2]) > 0.3 * trunk and abs(step[0]) < 0.35 * trunk and all(low.values()) and feet_low:
        found.append("walk")
    return found


def _angle(joints: dict[str, np.ndarray], a: str, b: str, c: str) -> float:
    """Return the angle at joint `b`, radians."""
    cosine = np.dot(_unit(joints[a] - joints[b]), _unit(joints[c] - joints[b]))
    return float(np.arccos(np.clip(cosine, -1, 1)))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
