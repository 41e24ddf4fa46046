"""From keypoints to the arrays that a motion network takes."""

import numpy as np
import pytest

from dancepose.encoders import FrameEncoder, ImageOnly, SequenceEncoder
from dancepose.features import KeypointFeatures
from dancepose.skeleton import load_skeleton
from dancepose.skeleton_image import StrEncoder
from dancepose.torso_frame import TorsoFrameEncoder

SKELETON = load_skeleton("openpose18")
FEATURES = KeypointFeatures(SKELETON)


def clip(frames: int) -> np.ndarray:
    keypoints = np.random.default_rng(0).uniform(0, 200, (frames, len(SKELETON), 3))
    keypoints[..., 2] = 2
    return keypoints


def test_one_frame():
    encoder, keypoints = FrameEncoder(FEATURES), clip(1)
    made = encoder(keypoints, np.array([90.0]))
    assert encoder.inputs == ("features",) and encoder.frames is None and made.keys() == {"features"}
    assert made["features"].shape == (FEATURES.dimension,) and made["features"].dtype == np.float32
    np.testing.assert_array_equal(made["features"], FEATURES(keypoints[0], np.array(90.0)))


def test_the_height_of_the_box_is_handed_on():
    keypoints = clip(3)
    keypoints[:, np.arange(len(SKELETON)) != 4] = 0  # one wrist: nothing else tells its size
    for encoder, frames in ((FrameEncoder(FEATURES), 1), (SequenceEncoder(FEATURES, 3), 3)):
        ((a,), (b,)) = (
            encoder(keypoints[:frames], height and np.full(frames, height)).values()
            for height in (None, 50.0)
        )
        assert not np.array_equal(a, b)


def test_a_sequence():
    encoder, keypoints = SequenceEncoder(FEATURES, 5), clip(5)
    made = encoder(keypoints)
    assert encoder.inputs == ("sequence",) and encoder.frames == 5
    assert made["sequence"].shape == (5, FEATURES.dimension) and made["sequence"].dtype == np.float32
    for row, frame in zip(made["sequence"], keypoints, strict=True):
        np.testing.assert_array_equal(row, FEATURES(frame))


def test_the_picture_alone():
    encoder = ImageOnly()
    assert encoder.inputs == () and encoder.frames is None and encoder(clip(1)) == {}


@pytest.mark.parametrize(
    ("encoder", "keypoints"),
    [
        (FrameEncoder(FEATURES), clip(2)),
        (FrameEncoder(FEATURES), clip(1)[0]),
        (SequenceEncoder(FEATURES, 5), clip(4)),
    ],
)
def test_another_number_of_frames_is_told(encoder, keypoints):
    with pytest.raises(ValueError, match="K, 3\\) is needed"):
        encoder(keypoints)


@pytest.mark.parametrize(
    "encoder",
    [
        FrameEncoder(FEATURES),
        SequenceEncoder(FEATURES, 4),
        ImageOnly(),
        StrEncoder(SKELETON),
        StrEncoder(SKELETON, frames=4),
        TorsoFrameEncoder(SKELETON),
    ],
    ids=lambda encoder: f"{type(encoder).__name__}-{encoder.frames}",
)
def test_a_batch_is_its_samples(encoder):
    frames = encoder.frames or 1
    keypoints = clip(3 * frames).reshape(3, frames, len(SKELETON), 3)
    keypoints[1, :, 4] = 0
    heights = np.array([0.0, 80.0, 120.0]).repeat(frames).reshape(3, frames)
    together = encoder.batch(keypoints, heights)
    assert together.keys() == set(encoder.inputs)
    for number in range(3):
        alone = encoder(keypoints[number], heights[number])
        for name, array in together.items():
            np.testing.assert_array_equal(array[number], alone[name])
