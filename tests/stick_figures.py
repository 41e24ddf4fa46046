"""Stick figures in a few poses, for tests of whatever reads one person's keypoints."""

import numpy as np

from dancepose.skeleton import Skeleton

# x to the image's right, y down, the middle of the hips at 0, one torso length is 1; seen from the front
STANDING = {
    "nose": (0.0, -1.3), "neck": (0.0, -1.0), "left_shoulder": (0.3, -1.0), "right_shoulder": (-0.3, -1.0),
    "left_elbow": (0.4, -0.5), "right_elbow": (-0.4, -0.5), "left_wrist": (0.42, 0.0),
    "right_wrist": (-0.42, 0.0), "left_hip": (0.2, 0.0), "right_hip": (-0.2, 0.0), "left_knee": (0.22, 0.8),
    "right_knee": (-0.22, 0.8), "left_ankle": (0.24, 1.6), "right_ankle": (-0.24, 1.6),
}  # fmt: skip
POSES = {
    "stand": {},
    "akimbo": {
        "left_elbow": (0.75, -0.6), "right_elbow": (-0.75, -0.6), "left_wrist": (0.3, -0.1),
        "right_wrist": (-0.3, -0.1),
    },
    "hold_high": {
        "left_elbow": (0.4, -1.5), "right_elbow": (-0.4, -1.5), "left_wrist": (0.3, -2.0),
        "right_wrist": (-0.3, -2.0),
    },
    "arm_open": {"left_elbow": (0.85, -1.0), "left_wrist": (1.35, -1.0)},
}  # fmt: skip
CLASSES = len(POSES)


def figure(skeleton: Skeleton, pose: str = "stand") -> np.ndarray:
    """Return (K, 3) keypoints in torso lengths; those that a pose does not know are missing."""
    places = STANDING | POSES[pose]
    keypoints = np.zeros((len(skeleton), 3))
    for i, name in enumerate(skeleton.keypoints):
        if name in places:
            keypoints[i] = (*places[name], 2)
    return keypoints


def figures(
    skeleton: Skeleton, count: int, seed: int, missing: float = 0.01
) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, K, 3) people of all sizes, turned a little, with noise, and (N,) indices of their poses."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    keypoints = np.stack([figure(skeleton, list(POSES)[label]) for label in labels])
    keypoints[..., :2] += generator.normal(0, 0.04, keypoints[..., :2].shape)
    angle = generator.uniform(-0.25, 0.25, count)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    size, place = generator.uniform(20, 200, (count, 1, 1)), generator.uniform(0, 800, (count, 1, 2))
    keypoints[..., :2] = size * (keypoints[..., :2] @ turn) + place
    keypoints[generator.random(keypoints.shape[:2]) < missing] = 0
    return keypoints, labels
