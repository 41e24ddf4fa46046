"""`Motion`: how a body is held over time; and poses that sway to a beat."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dancepose.data.synthetic.pose import Pose


@dataclass(frozen=True)
class Motion:
    """How a body is held over time.

    Attributes:
        pose: of a time in seconds.
        beat: seconds after which it comes again; of a wave, the hand.
        speed: at which the body goes forward, in its heights a second.
    """

    pose: Callable[[float], Pose]
    beat: float
    speed: float = 0.0


def to_a_beat(random: np.random.Generator, pose: Pose, extent: float = 1.0) -> Motion:
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

    return Motion(at, 1 / tempo)
