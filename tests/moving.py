"""A video of which an oracle in place of the network knows everybody: two people who move."""

from pathlib import Path

import numpy as np
from oracle import SKELETON, predictor_for, ramp, somebody
from videos import write_video

from dancepose.build import build
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.inference.actions import ActionPredictor
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.pipeline import Pipeline

SIZE, COUNT, RATE = (128, 96), 12, 10


def truth():
    """Number of the frame -> size of the picture, (K, 3) of each person: one goes right, one goes down."""
    left, right = (somebody(*SIZE, np.random.default_rng(n), 0.0, 0.4) for n in range(2))
    left[:, :2] += (4, 30)
    right[:, :2] += (68, 4)
    frames = {}
    for number in range(COUNT):
        a, b = left.copy(), right.copy()
        a[:, 0] += number
        b[:, 1] += 2 * number
        frames[number] = (SIZE, [a, b])
    return frames


def moving_video(path: Path) -> Path:
    """Write it without any loss, for the oracle reads from the colours what it sees."""
    return write_video(
        path,
        COUNT,
        *SIZE,
        rate=RATE,
        codec="ffv1",
        pixels="bgr0",
        key_frames=1,
        draw=lambda number, width, height: ramp(width, height, number),
    )


def moving_pipeline(over_time: bool = False, **more) -> Pipeline:
    pose = predictor_for(AssociativeEmbedding(SKELETON), truth(), TestGeometry(SIZE[1]))
    action = None
    if over_time:
        model = {"network": "motion_1d", "frames": 8, "width": 8, "channels": [8]}
        config = {"model": model, "skeleton": "common13", "classes": ["wave", "walk"]}
        action = ActionPredictor(build(config), SKELETON, "cpu")
    return Pipeline(pose, action, **more)
