"""`Body`: the build of a drawn person, and where its joints are in a pose (forward kinematics)."""

from dataclasses import dataclass

import numpy as np

from dancepose.data.synthetic.flesh import Solid, lowest, pushed_out, skull, trunk
from dancepose.data.synthetic.kinematics import carried, rotation, two_bones, unit
from dancepose.data.synthetic.limits import held_angle, held_arm, held_thigh, reach_on, with_part
from dancepose.data.synthetic.pose import Pose

# shares of the height (Drillis and Contini 1966, as tabulated by Winter 2009), joint centre to joint centre
UPPER_ARM, FOREARM, HAND = 0.186, 0.146, 0.06
THIGH, SHANK, ANKLE = 0.245, 0.246, 0.039
SHOULDER, HIP = 0.107, 0.057  # half the distance between the joints
TRUNK, NECK = 0.288, 0.075  # mid-hip to mid-shoulder, mid-shoulder to the base of the head
ADULT_HEAD, CHILD_HEAD = 0.13, 0.17
FOOT = 0.11
ELBOW = (0.35, 3.08)  # least and greatest angle between upper arm and forearm, in radians
KNEE = (0.7, 3.1)
WRIST_OFF, FLOOR_OFF = 0.018, 0.022  # how far hands stay from the trunk and the floor, shares of the height


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
            `heel`, `thorax`, `chest` beside them; `frame_pelvis`, `frame_chest`, `frame_head` -> (3, 3),
            whose columns are the axes of these parts.
        """
        height = self.height
        thigh, shank = THIGH * height * self.legs, SHANK * height * self.legs
        legs = thigh + shank + ANKLE * height
        pelvis_frame = rotation(pose.hip_yaw, pose.hip_pitch, pose.hip_roll)
        pelvis = np.array([pose.sway, legs * pose.crouch + pose.jump, 0.0])
        found: dict[str, np.ndarray] = {"pelvis": pelvis, "frame_pelvis": pelvis_frame}
        twist, lean, bend = (held_angle(value, name) for name, value in pose.trunk.items())
        chest_frame = pelvis_frame @ rotation(twist, lean, bend)
        half_frame = pelvis_frame @ rotation(twist / 2, lean / 2, bend / 2)
        found["chest"] = pelvis + half_frame[:, 1] * (0.45 * TRUNK * height)
        thorax = found["chest"] + chest_frame[:, 1] * (0.55 * TRUNK * height)
        found |= {"thorax": thorax, "frame_chest": chest_frame}
        yaw, pitch, roll = (held_angle(value, name) for name, value in pose.head.items())
        head_frame = chest_frame @ rotation(yaw, pitch, roll)
        neck_frame = chest_frame @ rotation(yaw / 2, pitch / 2, roll / 2)
        base = thorax + neck_frame @ np.array([0, NECK * height, 0.01 * height])
        found |= {"upper_neck": base, "frame_head": head_frame}
        points = base + HEAD_PLACES * self.head @ head_frame.T
        found |= dict(zip(HEAD_POINTS, points, strict=True))
        solids = (*trunk(self, found), skull(found, self.head))
        for side, sign in (("left", 1.0), ("right", -1.0)):
            found |= self._arm(side, sign, pose, found, solids)
            found |= self._leg(side, sign, pose, (thigh, shank), found)
        return found if pose.planted else self._laid(found, pose)

    def _laid(self, found: dict[str, np.ndarray], pose: Pose) -> dict[str, np.ndarray]:
        """Turn the whole body, and set what is lowest of it on the floor, or as high as it jumps."""
        if pose.tilt or pose.roll:
            turn = rotation(0.0, pose.tilt, pose.roll)
            found = {name: turn @ value for name, value in found.items()}
        # where the pelvis is there the person is: it does not swing around where feet would stand
        x, _, z = found["pelvis"]
        shift = np.array([pose.sway - x, pose.jump - lowest(self, found), -z])
        return {name: value + shift if value.ndim == 1 else value for name, value in found.items()}

    def _arm(
        self,
        side: str,
        sign: float,
        pose: Pose,
        found: dict[str, np.ndarray],
        solids: tuple[Solid, ...],
    ) -> dict[str, np.ndarray]:
        height, frame, arm = self.height, found["frame_chest"], pose.arms[side]
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
        # a hand slides over the trunk, and over the floor
        target = pushed_out(solids, target, WRIST_OFF * height)
        floor = FLOOR_OFF * height if pose.planted else -np.inf
        target[1] = max(target[1], floor)
        elbow, wrist = two_bones(shoulder, target, upper, fore, frame @ (mirrored * arm.pole), ELBOW)
        wanted = (elbow - shoulder) @ frame * mirrored / upper
        along = held_arm(wanted)
        if along is not wanted:
            along = frame @ (along * mirrored)
            elbow, wrist = reach_on(shoulder, target, along, (upper, fore), ELBOW)
        if arm.on_hip:  # the fingers go forward around the hip
            fingers = found["frame_pelvis"] @ np.array([0.0, -0.3, 1.0])
        else:
            fingers = unit(wrist - elbow) + 0.4 * (frame @ (mirrored * arm.hand))
        hand = pushed_out(solids, wrist + unit(fingers) * HAND * height, WRIST_OFF * height)
        fingers = unit(hand - wrist)
        if wrist[1] + fingers[1] * HAND * height < floor:  # they lie on it
            fingers = with_part(fingers, 1, max(-1.0, min(1.0, float(floor - wrist[1]) / (HAND * height))))
        hand = wrist + fingers * HAND * height
        return {
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": elbow,
            f"{side}_wrist": wrist,
            f"{side}_hand": hand,
        }

    def _leg(
        self, side: str, sign: float, pose: Pose, bones: tuple[float, float], found: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        height, leg, frame = self.height, pose.legs[side], found["frame_pelvis"]
        hip = found["pelvis"] + frame[:, 0] * (sign * HIP * height * self.hips)
        ahead = np.array([sign * np.sin(leg.turn), 0, np.cos(leg.turn)])
        mirrored = np.array([sign, 1, 1])
        if leg.direction is None:
            floor = ANKLE * height + pose.jump
            x, lift, z = leg.foot
            target = np.array([sign * x * height, floor + lift * height, z * height])
            knee, ankle = self._thigh(frame * mirrored, hip, target, bones, ahead)
            down = -(0.03 + 0.03 * min(1.0, lift / 0.04)) * height  # toes hang from a foot in the air
            toe = ankle + ahead * FOOT * height + np.array([0, down, 0])
            heel = ankle - 0.25 * FOOT * height * ahead - np.array([0, 0.022 * height, 0])
        else:
            direction = mirrored * leg.direction
            pole = frame @ carried(direction, ahead)
            target = hip + frame @ direction * (leg.reach * sum(bones))
            knee, ankle = self._thigh(frame * mirrored, hip, target, bones, pole)
            shank = unit(ankle - knee)
            instep = unit(pole - (pole @ shank) * shank)
            along, across = np.sin(leg.point), np.cos(leg.point)
            toe = ankle + (instep * across + shank * along) * FOOT * height + shank * 0.03 * height * across
            sole = shank * across - instep * along
            heel = ankle + sole * 0.022 * height - 0.25 * (toe - ankle - sole * ((toe - ankle) @ sole))
        return {
            f"{side}_hip": hip,
            f"{side}_knee": knee,
            f"{side}_ankle": ankle,
            f"{side}_toe": toe,
            f"{side}_heel": heel,
        }

    @staticmethod
    def _thigh(
        frame: np.ndarray, hip: np.ndarray, target: np.ndarray, bones: tuple[float, float], pole: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return knee and ankle, the thigh within the hip's limits; `frame`: outward, up, forward."""
        knee, ankle = two_bones(hip, target, *bones, pole, KNEE)
        wanted = (knee - hip) @ frame / bones[0]
        along = held_thigh(wanted)
        return (knee, ankle) if along is wanted else reach_on(hip, target, frame @ along, bones, KNEE)


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
HEAD_PLACES = np.array(list(HEAD_POINTS.values()))
