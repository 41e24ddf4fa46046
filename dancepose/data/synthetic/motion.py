"""Motions of the six action classes: for each a distribution of poses, and how they go on over time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dancepose.data.synthetic.beat import Motion, to_a_beat
from dancepose.data.synthetic.body import ANKLE, HIP, SHANK, THIGH, Body
from dancepose.data.synthetic.dancing import draw_dance
from dancepose.data.synthetic.pose import SIDES, Arm, Leg, Pose
from dancepose.data.synthetic.stances import free_pose, pointing_arm, stance

FREE = 0.3  # share of the named actions, but the walk, that someone does in the middle of a dance
EDGE = 0.15  # of those whose arms go to the edge of what the action's name means, or beyond it


def draw_motion(
    action: str, random: np.random.Generator, body: Body, acrobatic: float = 0.5, span: float = 0.0
) -> Motion:
    """Draw a motion of a class; its sides, tempo, extent and all else vary.

    Args:
        action: one of `classes.ACTIONS`.
        random: where it is drawn from.
        body: whose motion it is.
        acrobatic: share of the free poses that `acrobatics` draws.
        span: seconds for which it will be seen; 0: a single picture, for which a free pose is held.

    Returns:
        A motion, smooth, and of the class at nearly every moment: classes touch a little, as real ones do,
        and a walker's feet pass each other.

    Raises:
        KeyError: an unknown action.
    """
    if action == "other":
        return draw_dance(random, body, acrobatic, span)
    return MOTIONS[action](random, body)


def _stand(random: np.random.Generator, lively: float = 1.0) -> Pose:
    """Draw legs, trunk and head of a named action: at ease, or as in free dance; the arms hang."""
    pose = stance(random, lively)
    if random.random() >= FREE:
        return pose
    return replace(free_pose(random, upright=True), arms=pose.arms)


def _akimbo(random: np.random.Generator, body: Body) -> Motion:
    pose = _stand(random)
    loose = SIDES[int(random.integers(2))] if random.random() < EDGE else None
    for side in SIDES:
        pole = np.array([1.0, random.uniform(-0.1, 0.25), random.uniform(-0.7, 0.15)])
        reach = random.uniform(1.2, 2.4) if side == loose else random.uniform(0.95, 1.2)
        pose.arms[side] = Arm(reach=reach, pole=pole, on_hip=True)
    return to_a_beat(random, pose)


def _hold_high(random: np.random.Generator, body: Body) -> Motion:
    pose = _stand(random)
    out, reach = random.uniform(-0.12, 0.45), random.uniform(0.86, 1.0)
    if random.random() < EDGE:
        out, reach = random.uniform(0.1, 0.8), random.uniform(0.6, 0.95)
    for side in SIDES:
        up = np.array([out + random.normal(0, 0.07), 1.0, random.uniform(-0.1, 0.35)])
        pole = np.array([1.0, 0, random.uniform(-0.4, 0.6)])
        pose.arms[side] = Arm(
            up / np.linalg.norm(up), float(np.clip(reach + random.normal(0, 0.03), 0.5, 1.0)), pole
        )
    pose.head_pitch -= random.uniform(0, 0.35)
    return to_a_beat(random, pose)


def _single_arm_open(random: np.random.Generator, body: Body) -> Motion:
    pose = _stand(random)
    side, other = random.permutation(SIDES).tolist()
    up, aside, reach = random.uniform(-0.2, 0.45), random.uniform(1.1, 1.9), random.uniform(0.95, 1.0)
    if random.random() < EDGE:
        up, aside, reach = random.uniform(-0.55, 0.85), random.uniform(0.6, 1.9), random.uniform(0.88, 1.0)
    pose.arms[side] = replace(
        pointing_arm(aside, up, reach), hand=np.array([0, random.uniform(-0.4, 0.8), 0])
    )
    if random.random() < 0.25:
        pose.arms[other] = Arm(reach=1.05, pole=np.array([1.0, 0, -0.4]), on_hip=True)
    pose.bend += (0.1 if side == "left" else -0.1) * random.uniform(-1, 0.6)
    pose.head_yaw += (0.5 if side == "left" else -0.5) * random.uniform(0, 1)
    return to_a_beat(random, pose)


def _wave(random: np.random.Generator, body: Body) -> Motion:
    pose = _stand(random, 0.5)
    side = SIDES[int(random.integers(2))]
    centre, high = random.uniform(0.1, 0.5), random.uniform(0.35, 0.95)
    forward, reach = random.uniform(0.05, 0.5), random.uniform(0.62, 0.86)
    if random.random() < EDGE:
        high, reach = random.uniform(0.0, 0.5), random.uniform(0.75, 1.0)
    extent, tempo, phase = random.uniform(0.25, 0.55), random.uniform(1.2, 2.6), random.uniform(0, 2 * np.pi)
    pole = np.array([1.0, random.uniform(-1.1, -0.3), -0.3])
    still = to_a_beat(random, pose, 0.4)

    def at(time: float) -> Pose:
        moved = still.pose(time)
        swing = extent * np.sin(2 * np.pi * tempo * time + phase)
        direction = np.array([np.sin(centre + swing), high, forward])
        arm = Arm(
            direction / np.linalg.norm(direction),
            reach,
            pole,
            np.array([np.sin(centre + 1.4 * swing), 0.6, 0]),
        )
        return replace(moved, arms={**moved.arms, side: arm})

    return Motion(at, 1 / tempo)


def _walk(random: np.random.Generator, body: Body) -> Motion:
    # a planted foot goes from `stride` before the pelvis to as far behind it, in heights of the body
    stride, tempo, phase = random.uniform(0.13, 0.19), random.uniform(0.7, 1.15), random.random()
    swing, width = random.uniform(0.25, 0.6), random.uniform(0.02, 0.06)
    bend, lean = random.uniform(0.0, 0.35), random.uniform(0.0, 0.12)
    lift = random.uniform(0.05, 0.09)
    head_yaw, head_pitch = random.normal(0, 0.2), random.normal(0.05, 0.1)
    turn = random.uniform(0.0, 0.25)
    leg = (THIGH + SHANK) * body.legs
    reach = (
        0.99 * leg**2 - (HIP * body.hips - width) ** 2
    )  # squared, as high as the pelvis may be over a foot

    def at(time: float) -> Pose:
        cycle = tempo * time + phase
        pose = Pose(lean=lean, head_yaw=head_yaw, head_pitch=head_pitch)
        for side, shift in (("left", 0.0), ("right", 0.5)):
            ahead, up = _step((cycle + shift) % 1)
            pose.legs[side] = Leg(np.array([width, lift * up, stride * ahead]), turn)
            back = -swing * np.cos(2 * np.pi * (cycle + shift))  # the arm goes against its leg
            direction = np.array([0.12, -1.0, back])
            straight = 0.97 - 0.12 * bend - 0.08 * max(0.0, back)
            pose.arms[side] = Arm(direction / np.linalg.norm(direction), straight, np.array([0.25, 0, -1.0]))
        across = np.cos(2 * np.pi * cycle)
        # lowest where both feet are far from it; never so high that a planted foot would be pulled along
        pose.crouch = (np.sqrt(reach - (stride * across) ** 2) + ANKLE) / (leg + ANKLE)
        pose.hip_yaw, pose.twist = -0.12 * across, 0.3 * swing * across
        return pose

    return Motion(at, 1 / tempo, speed=4 * stride * tempo)


def _step(share: float) -> tuple[float, float]:
    """Return how far a foot is ahead of the pelvis (-1 to 1, a little more in the air), and lifted (0 to 1).

    On the floor for the first half of the cycle, where it falls back as fast as the body goes on; in the air
    it leaves and meets the floor with that same speed.
    """
    if share < 0.5:
        return 1 - 4 * share, 0.0
    u = 2 * share - 1
    return -8 * u**3 + 12 * u**2 - 2 * u - 1, float(np.sin(np.pi * u) ** 2)


MOTIONS: dict[str, Callable[[np.random.Generator, Body], Motion]] = {
    "akimbo": _akimbo,
    "hold_high": _hold_high,
    "single_arm_open": _single_arm_open,
    "wave": _wave,
    "walk": _walk,
}
