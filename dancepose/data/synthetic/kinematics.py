"""Rotations, and two bones that reach for a target."""

import math

import numpy as np


def unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector (3,) of length 1."""
    return vector / max(length(vector), 1e-9)


def length(vector: np.ndarray) -> float:
    """Return the length of a vector (3,)."""
    return math.sqrt(vector @ vector)  # a fifth of the time of numpy's norm


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
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


def swing(flexion: float, aside: float = 0.0) -> np.ndarray:
    """Return the direction (3,) of a limb that hung, and was raised.

    Args:
        flexion: forward, radians: pi / 2 is level, pi straight up; negative: backward.
        aside: outward from there, radians.
    """
    out = math.cos(aside)
    return np.array([math.sin(aside), -out * math.cos(flexion), out * math.sin(flexion)])


def carried(direction: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return where a vector (3,) goes when what hung down turns the shortest way to `direction` (3,)."""
    both = direction + np.array([0.0, -1.0, 0.0])
    share = (both @ vector) / max(1.0 - direction[1], 1e-6)
    return vector - share * both - 2 * vector[1] * direction


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
    wanted = length(along)
    along = along / wanted if wanted > 1e-9 else np.array([0.0, -1.0, 0.0])
    least, most = (math.sqrt(upper**2 + lower**2 - 2 * upper * lower * math.cos(angle)) for angle in limits)
    reach = min(max(wanted, least), most)
    aside = pole - (pole @ along) * along
    if length(aside) < 1e-6:  # the pole along the bone: any direction across will do
        aside = np.cross(along, np.array([1.0, 0, 0]) if abs(along[0]) < 0.9 else np.array([0, 1.0, 0]))
    foot = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = math.sqrt(max(upper**2 - foot**2, 0.0))
    middle = start + foot * along + out * unit(aside)
    return middle, start + reach * along
