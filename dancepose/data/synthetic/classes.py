"""`satisfied`: which action classes a body's joints show, by what the classes mean."""

import numpy as np

from dancepose.data.synthetic.pose import SIDES

UPRIGHT = 1.05  # radians from the plumb line: of those whose trunk is tipped further none is shown
ACTIONS = ("akimbo", "hold_high", "single_arm_open", "wave", "walk", "other")


def satisfied(joints: dict[str, np.ndarray], slack: float = 0.0) -> list[str]:
    """Return which of the five named actions a body's joints show, judged by geometry in its own axes.

    The rules are what the classes mean; a person may stand at the edge of two. All five are done upright: up
    is against gravity, so that who stands on the hands does not hold them high, and who lies does not walk.

    Args:
        joints: see `Body.joints`.
        slack: by how much each limit may be missed, in lengths of the trunk and radians; with some, an action
            that a small movement would show is found too.
    """
    spine = joints["thorax"] - joints["pelvis"]
    trunk = float(np.linalg.norm(spine))
    if spine[1] < trunk * np.cos(UPRIGHT + slack):
        return []
    reach = {side: joints[f"{side}_wrist"] - joints[f"{side}_shoulder"] for side in SIDES}
    straight = {side: _angle(joints, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") for side in SIDES}
    at_hip = {
        side: np.linalg.norm(joints[f"{side}_wrist"] - joints[f"{side}_hip"]) < (0.5 + slack) * trunk
        and straight[side] < 2.2 + slack
        for side in SIDES
    }
    high = {side: joints[f"{side}_wrist"][1] > joints["head_top"][1] - slack * trunk for side in SIDES}
    level = {side: float(np.arcsin(np.clip(_unit(reach[side])[1], -1, 1))) for side in SIDES}
    aside = {side: abs(_unit(reach[side])[0]) for side in SIDES}

    def opened(side: str, slack: float) -> bool:
        along = -0.5 - slack < level[side] < 0.75 + slack and aside[side] > 0.55 - slack
        return bool(along and straight[side] > 2.45 - slack)

    raised = {
        side: joints[f"{side}_wrist"][1] > joints[f"{side}_shoulder"][1] + (0.1 - slack) * trunk
        and joints[f"{side}_elbow"][1] < joints[f"{side}_wrist"][1] + slack * trunk
        and straight[side] < 2.5 + slack
        for side in SIDES
    }
    low = {side: joints[f"{side}_wrist"][1] < joints["chest"][1] + slack * trunk for side in SIDES}
    found = []
    if all(at_hip.values()):
        found.append("akimbo")
    if all(high.values()):
        found.append("hold_high")
    for side, other in (SIDES, SIDES[::-1]):
        if opened(side, slack) and not opened(other, -slack) and low[other]:
            found.append("single_arm_open")
        if raised[side] and low[other]:
            found.append("wave")
    step = joints["left_ankle"] - joints["right_ankle"]
    feet = max(joints["left_ankle"][1], joints["right_ankle"][1])
    apart = abs(step[2]) > (0.3 - slack) * trunk and abs(step[0]) < (0.35 + slack) * trunk
    if apart and all(low.values()) and feet < 0.2 * joints["head_top"][1] + slack * trunk:
        found.append("walk")
    return found


def _angle(joints: dict[str, np.ndarray], a: str, b: str, c: str) -> float:
    """Return the angle at joint `b`, radians."""
    cosine = np.dot(_unit(joints[a] - joints[b]), _unit(joints[c] - joints[b]))
    return float(np.arccos(np.clip(cosine, -1, 1)))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
