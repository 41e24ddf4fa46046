"""`Body`: the build of a drawn person, and where its joints are in a pose (forward kinematics)."""

import math
from dataclasses import dataclass

import numpy as np

from dancepose.data.synthetic.pose import Arm, Pose

# shares of the height (Drillis and Contini 1966, as tabulated by Winter 2009), joint centre to joint centre
UPPER_ARM, FOREARM, HAND = 0.186, 0.146, 0.06
THIGH, SHANK, ANKLE = 0.245, 0.246, 0.039
SHOULDER, HIP = 0.107, 0.057  # half the distance between the joints
TRUNK, NECK = 0.288, 0.075  # mid-hip to mid-shoulder, mid-shoulder to the base of the head
ADULT_HEAD, CHILD_HEAD = 0.13, 0.17
FOOT = 0.11
ELBOW = (0.35, 3.08)  # least and greatest angle between upper arm and forearm, in radians
KNEE = (0.7, 3.1)


@dataclass(frozen=True)
class Body:
    """A build, in metres.

    Attributes:
        height: standing, to the top of the head.
        head: height of the head, from the chin's level to the top.
        girth: of limbs and trunk, 1 is average.
        shoulders: breadth of the shoulders, 1 is average.
        hips: breadth of the hips, 1 is average.
        legs: length of the legs, 1 is average.
    """

    height: float
    head: float
    girth: float
    shoulders: float
    hips: float
    legs: float

    @classmethod
    def draw(cls, random: np.random.Generator) -> "Body":
        """Draw a build: from a child of 1.1 m to a tall adult."""
        child = random.random() < 0.15
        height = random.uniform(1.1, 1.45) if child else float(np.clip(random.normal(1.69, 0.09), 1.48, 1.98))
        grown = np.clip((height - 1.1) / 0.5, 0, 1)
        return cls(
            height=height,
            head=height * float(CHILD_HEAD + (ADULT_HEAD - CHILD_HEAD) * grown),
            girth=float(np.clip(random.lognormal(0, 0.14), 0.75, 1.5)),
            shoulders=random.uniform(0.88, 1.14),
            hips=random.uniform(0.9, 1.15),
            legs=random.uniform(0.95, 1.05),
        )

    def joints(self, pose: Pose) -> dict[str, np.ndarray]:
        """Return where the joints are, in metres.

        The person's own axes: x to its left, y up from the floor, z to where it faces.

        Returns:
            Name -> (3,): the keypoints of all shipped skeletons that such a body has, and `hand`, `toe`,
            `thorax`, `chest` beside them; `frame_pelvis`, `frame_chest`, `frame_head` -> (3, 3), whose
            columns are the axes of these parts.
        """
        height = self.height
        thigh, shank = THIGH * height * self.legs, SHANK * height * self.legs
        legs = thigh + shank + ANKLE * height
        pelvis_frame = _rotation(pose.hip_yaw, 0.0, pose.hip_roll)
        pelvis = np.array([pose.sway, legs * pose.crouch + pose.jump, 0.0])
        hip = HIP * height * self.hips
        found: dict[str, np.ndarray] = {"pelvis": pelvis, "frame_pelvis": pelvis_frame}
        chest_frame = pelvis_frame @ _rotation(pose.twist, pose.lean, pose.bend)
        half_frame = pelvis_frame @ _rotation(pose.twist / 2, pose.lean / 2, pose.bend / 2)
        found["chest"] = pelvis + half_frame @ np.array([0, 0.45 * TRUNK * height, 0])
        thorax = found["chest"] + chest_frame @ np.array([0, 0.55 * TRUNK * height, 0])
        found |= {"thorax": thorax, "frame_chest": chest_frame}
        head_frame = chest_frame @ _rotation(pose.head_yaw, pose.head_pitch, pose.head_roll)
        neck_frame = chest_frame @ _rotation(pose.head_yaw / 2, pose.head_pitch / 2, pose.head_roll / 2)
        base = thorax + neck_frame @ np.array([0, NECK * height, 0.01 * height])
        size = self.head
        found |= {"upper_neck": base, "frame_head": head_frame}
        points = base + np.array(list(HEAD_POINTS.values())) * size @ head_frame.T
        found |= dict(zip(HEAD_POINTS, points, strict=True))
        for side, sign in (("left", 1.0), ("right", -1.0)):
            found |= self._arm(side, sign, pose.arms[side], found)
            found |= self._leg(side, sign, pose, hip, thigh, shank, found)
        return self._tilted(found, pose) if pose.tilt or pose.roll else found

    def _tilted(self, found: dict[str, np.ndarray], pose: Pose) -> dict[str, np.ndarray]:
        """Turn the whole body, and set what is lowest as high above the floor as it was."""
        turn = _rotation(0.0, pose.tilt, pose.roll)
        lowest = min(value[1] for value in found.values() if value.ndim == 1)
        turned = {name: turn @ value for name, value in found.items()}
        up = np.array([0, lowest - min(value[1] for value in turned.values() if value.ndim == 1), 0])
        return {name: value + up if value.ndim == 1 else value for name, value in turned.items()}

    def _arm(self, side: str, sign: float, arm: Arm, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        height, frame = self.height, found["frame_chest"]
        raised = max(0.0, arm.direction[1]) * 0.025  # the shoulder goes up with the arm
        shoulder = found["thorax"] + frame @ (
            np.array([sign * SHOULDER * self.shoulders, -0.012 + raised, 0]) * height
        )
        upper, fore = UPPER_ARM * height, FOREARM * height
        mirrored = np.array([sign, 1, 1])
        if arm.on_hip:
            hip = HIP * self.hips + 0.035 * self.girth
            target = found["pelvis"] + found["frame_pelvis"] @ (
                np.array([sign * hip * arm.reach, 0.06, 0.02]) * height
            )
        else:
            target = shoulder + frame @ (mirrored * arm.direction) * arm.reach * (upper + fore)
        pole = frame @ (mirrored * arm.pole)
        elbow, wrist = two_bones(shoulder, target, upper, fore, pole, ELBOW)
        fingers = _unit(wrist - elbow) + 0.4 * (frame @ (mirrored * arm.hand))
        return {
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": elbow,
            f"{side}_wrist": wrist,
            f"{side}_hand": wrist + _unit(fingers) * HAND * height,
        }

    def _leg(
        self,
        side: str,
        sign: float,
        pose: Pose,
        half: float,
        thigh: float,
        shank: float,
        found: dict[str, np.ndarray],
    ) -> dict[str, np.ndarray]:
        height, leg = self.height, pose.legs[side]
        hip = found["pelvis"] + found["frame_pelvis"] @ np.array([sign * half, 0, 0])
        floor = ANKLE * height + pose.jump
        x, lift, z = leg.foot
        target = np.array([sign * x * height, floor + lift * height, z * height])
        pole = _rotation(sign * leg.turn, 0, 0) @ np.array([0, 0, 1.0])
        knee, ankle = two_bones(hip, target, thigh, shank, pole, KNEE)
        down = -(0.03 + 0.03 * min(1.0, lift / 0.04)) * height  # toes hang from a foot in the air
        toe = ankle + pole * FOOT * height + np.array([0, down, 0])
        return {f"{side}_hip": hip, f"{side}_knee": knee, f"{side}_ankle": ankle, f"{side}_toe": toe}


# in heights of the head, from its base between the jaws, on the axes left, up, forward
HEAD_POINTS = {
    "head_top": (0, 0.98, -0.02),
    "head_centre": (0, 0.5, 0.0),
    "nose": (0, 0.34, 0.46),
    "left_eye": (0.15, 0.50, 0.38),
    "right_eye": (-0.15, 0.50, 0.38),
    "left_ear": (0.36, 0.42, -0.02),
    "right_ear": (-0.36, 0.42, -0.02),
}


def two_bones(
    start: np.ndarray,
    target: np.ndarray,
    upper: float,
    lower: float,
    pole: np.ndarray,
    limits: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Return middle and end joint of two bones that reach for a target (inverse kinematics).

    The middle joint bends towards `pole`. A target beyond the limits of its angle is approached as far as
    they let.

    Args:
        start: (3,) first joint.
        target: (3,) where the end should be.
        upper: length of the first bone.
        lower: length of the second.
        pole: (3,) direction.
        limits: least and greatest angle at the middle joint, radians.
    """
    along = target - start
    wanted = _length(along)
    along = along / wanted if wanted > 1e-9 else np.array([0.0, -1.0, 0.0])
    least, most = (math.sqrt(upper**2 + lower**2 - 2 * upper * lower * math.cos(angle)) for angle in limits)
    reach = min(max(wanted, least), most)
    aside = pole - (pole @ along) * along
    if _length(aside) < 1e-6:  # the pole along the bone: any direction across will do
        aside = np.cross(along, np.array([1.0, 0, 0]) if abs(along[0]) < 0.9 else np.array([0, 1.0, 0]))
    foot = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = math.sqrt(max(upper**2 - foot**2, 0.0))
    middle = start + foot * along + out * _unit(aside)
    return middle, start + reach * along


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(_length(vector), 1e-9)


def _length(vector: np.ndarray) -> float:
    return math.sqrt(vector @ vector)  # a fifth of the time of numpy's norm


def _rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return (3, 3): roll about z (to the person's right), then pitch about x (forward), then yaw about y."""
    cy, cp, cr = math.cos(yaw), math.cos(pitch), math.cos(roll)
    sy, sp, sr = math.sin(yaw), math.sin(pitch), math.sin(roll)
    return np.array(
        [
            [cy * cr + sy * sp * sr, sy * sp * cr - cy * sr, sy * cp],
            [cp * sr, cp * cr, -sp],
            [cy * sp * sr - sy * cr, sy * sr + cy * sp * cr, cy * cp],
        ]
    )
