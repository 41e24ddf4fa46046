"""How far the joints of spine, neck, shoulders and hips go (rounded from Norkin and White 2016)."""

import math

import numpy as np

from dancepose.data.synthetic.kinematics import length, unit

# least and greatest of the angles of `Pose`, radians; those of the trunk are of all its joints together
SPINE = {
    "twist": (-0.85, 0.85),
    "lean": (-1.1, 1.25),
    "bend": (-0.65, 0.65),
    "head_yaw": (-1.35, 1.35),
    "head_pitch": (-1.0, 0.85),
    "head_roll": (-0.7, 0.7),
}
# of unit vectors along upper arm and thigh, in the axes of chest and pelvis: outward, up, forward
BACK, RAISED = 0.6, 0.25  # an arm goes back by 0.85 where it hangs, 0.6 where it is level, 0.35 overhead
ACROSS = 0.65  # an upper arm goes across the midline
EXTENDED = 0.66  # a thigh goes back: 41 degrees
FLEXED = 0.85  # a thigh comes up: 148 degrees, of which the lowest back gives some


def held_angle(angle: float, name: str) -> float:
    """Return an angle of trunk or head as far as joints let it go.

    Args:
        angle: radians.
        name: of an entry of `SPINE`.
    """
    least, most = SPINE[name]
    return min(max(angle, least), most)


def held_arm(direction: np.ndarray) -> np.ndarray:
    """Return the direction (3,) of an upper arm as far as a shoulder lets it go; itself where it does."""
    if direction[2] < -(BACK - RAISED * direction[1]):
        for _ in range(3):  # the limit depends on the height, which changes a little
            direction = with_part(direction, 2, -(BACK - RAISED * float(direction[1])))
    return with_part(direction, 0, -ACROSS) if direction[0] < -ACROSS else direction


def held_thigh(direction: np.ndarray) -> np.ndarray:
    """Return the direction (3,) of a thigh as far as a hip lets it go; itself where it does."""
    if direction[2] < -EXTENDED:
        direction = with_part(direction, 2, -EXTENDED)
    return with_part(direction, 1, FLEXED) if direction[1] > FLEXED else direction


def with_part(direction: np.ndarray, axis: int, value: float) -> np.ndarray:
    """Return the nearest unit vector (3,) with a given component."""
    rest = direction.copy()
    rest[axis] = 0.0
    if length(rest) < 1e-6:
        rest[2 if axis < 2 else 0] = 1.0
    rest = unit(rest) * math.sqrt(1 - value**2)
    rest[axis] = value
    return rest


def reach_on(
    start: np.ndarray,
    target: np.ndarray,
    along: np.ndarray,
    bones: tuple[float, float],
    limits: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Return middle and end joint of two bones, the first along a direction, the second towards a target.

    Args:
        start: (3,) first joint.
        target: (3,) where the end should be.
        along: (3,) direction of the first bone.
        bones: their lengths.
        limits: least and greatest angle at the middle joint, radians.
    """
    middle = start + along * bones[0]
    onward = unit(target - middle)
    angle = math.acos(min(max(float(-along @ onward), -1.0), 1.0))
    if not limits[0] <= angle <= limits[1]:
        held = min(max(angle, limits[0]), limits[1])
        across = onward - (onward @ along) * along
        if length(across) < 1e-6:
            across = np.cross(along, np.array([1.0, 0, 0]) if abs(along[0]) < 0.9 else np.array([0, 1.0, 0]))
        onward = -math.cos(held) * along + math.sin(held) * unit(across)
    return middle, middle + onward * bones[1]
