"""Keypoints that are taken away from people, as if nobody had labelled or found them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dancepose.errors import ConfigError, did_you_mean
from dancepose.records import Frame
from dancepose.skeleton import Skeleton


def check_keypoints(names: Sequence[str], skeleton: Skeleton, key: str) -> None:
    """Refuse names that are no keypoints, and all of them together.

    Args:
        names: or aliases.
        skeleton: of the run.
        key: of the configuration, for messages.

    Raises:
        ConfigError: names the key and the nearest keypoint.
    """
    for name in names:
        if skeleton.find(name) is None:
            raise ConfigError(
                f"{key}: skeleton {skeleton.name} has no keypoint '{name}'."
                f"{did_you_mean(name, skeleton.keypoints)} It has {', '.join(skeleton.keypoints)}"
            )
    if len({skeleton.find(name) for name in names}) == len(skeleton):
        raise ConfigError(f"{key} takes all keypoints of skeleton {skeleton.name} away: leave some")


def without_keypoints(frames: Sequence[Frame], names: Sequence[str], skeleton: Skeleton) -> list[Frame]:
    """Return frames whose people lack some keypoints; those given stay as they are.

    Args:
        frames: of people in the keypoints of `skeleton`.
        names: of the keypoints.
        skeleton: of the run.
    """
    if not names:
        return list(frames)
    index = skeleton.indices(list(names))
    kept = np.ones((len(skeleton), 1), bool)
    kept[index] = False
    return [
        replace(frame, people=[replace(p, keypoints=np.where(kept, p.keypoints, 0)) for p in frame.people])
        for frame in frames
    ]
