"""`Pose`: how a body is held, independent of its build; in the person's own axes (left, up, forward)."""

from dataclasses import dataclass, field

import numpy as np

SIDES = ("left", "right")


def _vector(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


@dataclass
class Arm:
    """An arm, as if it were the left one (x points away from the body).

    Attributes:
        direction: (3,) unit vector from the shoulder to the wrist, in the axes of the chest.
        reach: distance from shoulder to wrist in lengths of the arm; with `on_hip` how far out of the hip.
        pole: (3,) where the elbow points.
        hand: (3,) where the hand bends to.
        on_hip: the hand rests on the hip, wherever that is.
    """

    direction: np.ndarray = field(default_factory=lambda: _vector(0.2, -0.97, 0.1))
    reach: float = 0.97
    pole: np.ndarray = field(default_factory=lambda: _vector(0.5, 0, -1))
    hand: np.ndarray = field(default_factory=lambda: _vector(0, 0, 0))
    on_hip: bool = False


@dataclass
class Leg:
    """A leg, as if it were the left one.

    Attributes:
        foot: (3,) the ankle: to the side, above where it stands, and forward of the pelvis, in body heights.
        turn: outward turn of knee and foot in radians.
        direction: (3,) unit vector from hip to ankle in the axes of the pelvis, instead of `foot`; or None.
        reach: with `direction`, distance from hip to ankle in lengths of the leg.
        point: with `direction`, how far the foot is pointed, radians; 0: square to the shank.
    """

    foot: np.ndarray = field(default_factory=lambda: _vector(0.06, 0, 0))
    turn: float = 0.15
    direction: np.ndarray | None = None
    reach: float = 0.99
    point: float = 0.3


@dataclass
class Pose:
    """How a body is held; angles in radians.

    Attributes:
        arms: side -> arm.
        legs: side -> leg.
        crouch: height of the pelvis as a share of the legs' length.
        sway: of the pelvis to the left, in metres.
        jump: of the whole body above the floor, in metres.
        tilt: of the whole body, forward: pi is upside down.
        roll: of the whole body, to the right, before it tilts.
        hip_yaw: of the pelvis to the left.
        hip_pitch: of the pelvis forward.
        hip_roll: of the pelvis to the right.
        twist: of the chest against the pelvis, to the left.
        lean: of the chest, forward.
        bend: of the chest, to the right.
        head_yaw: of the head against the chest, to the left.
        head_pitch: down.
        head_roll: to the right.
    """

    arms: dict[str, Arm] = field(default_factory=lambda: {side: Arm() for side in SIDES})
    legs: dict[str, Leg] = field(default_factory=lambda: {side: Leg() for side in SIDES})
    crouch: float = 0.985
    sway: float = 0.0
    jump: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    hip_yaw: float = 0.0
    hip_pitch: float = 0.0
    hip_roll: float = 0.0
    twist: float = 0.0
    lean: float = 0.03
    bend: float = 0.0
    head_yaw: float = 0.0
    head_pitch: float = 0.0
    head_roll: float = 0.0

    @property
    def planted(self) -> bool:
        """Whether a foot stands on the floor, or would but for the jump; else what is lowest touches it."""
        free = all(leg.direction is not None for leg in self.legs.values())
        return not (free or self.tilt or self.roll)

    @property
    def trunk(self) -> dict[str, float]:
        """Angles of the chest against the pelvis."""
        return {"twist": self.twist, "lean": self.lean, "bend": self.bend}

    @property
    def head(self) -> dict[str, float]:
        """Angles of the head against the chest."""
        return {"head_yaw": self.head_yaw, "head_pitch": self.head_pitch, "head_roll": self.head_roll}
