import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stick_figures import POSES, figure

from dancepose.skeleton import load_skeleton
from dancepose.torso_frame import LONGEST, ORIENTATION, TorsoFrameEncoder

OPENPOSE = load_skeleton("openpose18")
ENCODER = TorsoFrameEncoder(OPENPOSE)


def parts(keypoints: np.ndarray, encoder: TorsoFrameEncoder = ENCODER):
    encoded = encoder(keypoints[None])["torso_frame"]
    return np.split(encoded, [ORIENTATION, ORIENTATION + encoder.width])


def turned(keypoints: np.ndarray, angle: float, size: float = 1.0, shift: float = 0.0) -> np.ndarray:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = keypoints.copy()
    moved[:, :2] = size * keypoints[:, :2] @ turn + shift
    return moved


def without(keypoints: np.ndarray, *names: str) -> np.ndarray:
    left = keypoints.copy()
    left[OPENPOSE.indices(names)] = 0
    return left


def test_form():
    encoded = ENCODER(figure(OPENPOSE)[None])["torso_frame"]
    assert ENCODER.inputs == ("torso_frame",) and ENCODER.frames is None
    assert ENCODER.width == 2 * 8 + 2 * 4
    assert encoded.shape == (9 + 2 * ENCODER.width,) and encoded.dtype == np.float32
    assert TorsoFrameEncoder(load_skeleton("coco17")).width == ENCODER.width


def test_orientation_of_a_person_seen_from_the_front():
    orientation, _, _ = parts(figure(OPENPOSE))
    # the left side is at the image's right, shoulders 0.6 and hips 0.4 wide, spine 1 long
    np.testing.assert_allclose(orientation, [1, 0, 1, 0, 0, -1, 0.3, 0.2, 0.5], atol=1e-6)


def test_from_behind_the_shoulders_change_sign():
    mirrored = figure(OPENPOSE)[OPENPOSE.flip_index]
    np.testing.assert_allclose(parts(mirrored)[0][:6], [-1, 0, -1, 0, 0, -1], atol=1e-6)


def test_limbs_are_in_torso_lengths_right_and_up():
    _, posture, known = parts(figure(OPENPOSE, "arm_open"))
    names = ENCODER.body.names
    limbs = {
        (names[a], names[b]): v for (a, b), v in zip(ENCODER.body.limbs, posture.reshape(-1, 2), strict=False)
    }
    np.testing.assert_allclose(limbs["left_shoulder", "left_elbow"], (0.55, 0), atol=1e-6)
    np.testing.assert_allclose(limbs["left_hip", "left_knee"], (0.02, -0.8), atol=1e-6)
    assert (known == 1).all()


def test_bends_are_cosine_and_sine():
    _, posture, _ = parts(figure(OPENPOSE, "arm_open"))
    bends = posture[16:].reshape(-1, 2)
    np.testing.assert_allclose(np.linalg.norm(bends, axis=1), 1, rtol=1e-6)
    meeting = [set(ENCODER.body.limbs[pair].ravel().tolist()) for pair in ENCODER.bends]
    elbow = next(i for i, points in enumerate(meeting) if ENCODER.body.names.index("left_elbow") in points)
    np.testing.assert_allclose(bends[elbow], (1, 0), atol=1e-6)  # a straight arm


@given(st.sampled_from(list(POSES)), st.floats(-3.1, 3.1), st.floats(0.1, 100), st.floats(-1000, 1000))
def test_the_posture_is_invariant_and_the_orientation_turns_along(pose, angle, size, shift):
    orientation, posture, _ = parts(figure(OPENPOSE, pose))
    moved, same, _ = parts(turned(figure(OPENPOSE, pose), angle, size, shift))
    np.testing.assert_allclose(same, posture, atol=1e-3)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(moved[:6].reshape(3, 2), orientation[:6].reshape(3, 2) @ turn, atol=1e-3)
    np.testing.assert_allclose(moved[6:], orientation[6:], atol=1e-3)


class TestMissing:
    def test_a_missing_wrist_unmarks_its_limb_and_bend_alone(self):
        _, whole, _ = parts(figure(OPENPOSE))
        _, posture, known = parts(without(figure(OPENPOSE), "left_wrist"))
        assert (known == 0).sum() == 4 and not posture[known == 0].any()
        np.testing.assert_array_equal(posture[known == 1], whole[known == 1])

    def test_without_hips_the_images_axes_stand_in(self):
        keypoints = turned(without(figure(OPENPOSE), "left_hip"), 0.5)
        orientation, posture, known = parts(keypoints)
        assert not orientation[[2, 3, 4, 5, 7, 8]].any() and orientation[6] == 1
        limb = ENCODER.body.limbs.tolist().index(
            [ENCODER.body.names.index(f"left_{n}") for n in ("elbow", "wrist")]
        )
        a, b = keypoints[OPENPOSE.indices(["left_elbow", "left_wrist"]), :2]
        np.testing.assert_allclose(posture[2 * limb : 2 * limb + 2], (b - a) * (1, -1) / 0.9, rtol=1e-5)

    def test_nobody_is_zero(self):
        assert not ENCODER(np.zeros((1, 18, 3)))["torso_frame"].any()

    @given(arrays(np.float64, (18, 3), elements=st.sampled_from([0.0, 1e-9, 1.0, 2.0, 1e6, np.nan, np.inf])))
    def test_any_keypoints_give_finite_numbers(self, keypoints):
        orientation, posture, known = parts(keypoints)
        assert np.abs(orientation).max() <= 1 + 1e-6 and np.abs(posture).max() <= LONGEST + 1e-6
        assert set(known.tolist()) <= {0, 1}


def test_several_frames_are_refused():
    with pytest.raises(ValueError, match="2 frames"):
        ENCODER(np.zeros((2, 18, 3)))
