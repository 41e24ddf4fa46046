import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stick_figures import POSES, figure, figures

from dancepose.body import BodyPoints
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
    with pytest.raises(ValueError, match="2 frames"):
        ENCODER.batch(np.zeros((5, 2, 18, 3)), np.zeros((5, 2)))


def plainly(keypoints: np.ndarray, scale: float) -> list[float]:
    """Say with one number after the other what `torso_frame` holds; (K, 3) of openpose18 and torso length."""
    at = {
        name: (x, y)
        for name, (x, y, v) in zip(OPENPOSE.keypoints, keypoints.tolist(), strict=True)
        if v > 0 and np.isfinite([x, y]).all()
    }

    def vector(start: list[str], end: list[str]) -> tuple[float, float]:
        if not all(name in at for name in [*start, *end]):
            return 0.0, 0.0
        (x, y), (u, v) = (
            [sum(at[name][axis] for name in names) / len(names) for axis in (0, 1)] for names in (start, end)
        )
        return u - x, v - y

    def unit(x: float, y: float) -> tuple[float, float]:
        length = math.hypot(x, y)
        return (x / length, y / length) if length else (0.0, 0.0)

    shoulders, hips = ([f"{side}_{part}" for side in ("left", "right")] for part in ("shoulder", "hip"))
    turned = [vector(shoulders[1:], shoulders[:1]), vector(hips[1:], hips[:1]), vector(hips, shoulders)]
    lengths = [math.hypot(*one) for one in turned]
    numbers = [number for one in turned for number in unit(*one)]
    numbers += [length / sum(lengths) if sum(lengths) else 0.0 for length in lengths]
    up = unit(*turned[2]) if lengths[2] else (0.0, -1.0)
    names, limbs, there = ENCODER.body.names, [], []
    for a, b in ENCODER.body.limbs.tolist():
        x, y = vector([names[a]], [names[b]])
        limb = (y * up[0] - x * up[1]) / (scale or 1), (x * up[0] + y * up[1]) / (scale or 1)
        short = LONGEST / max(math.hypot(*limb), LONGEST)
        limbs.append((limb[0] * short, limb[1] * short))
        there.append(names[a] in at and names[b] in at)
    for one, other in ENCODER.bends.tolist():
        (x, y), (u, v) = unit(*limbs[one]), unit(*limbs[other])
        both = there[one] and there[other]
        limbs.append((x * u + y * v, x * v - y * u) if both else (0.0, 0.0))
        there.append(both)
    return [*numbers, *(n for limb in limbs for n in limb), *(float(t) for t in there for _ in (0, 1))]


class TestBatch:
    def test_everybody_is_encoded_at_once(self, monkeypatch):
        calls = []
        select = BodyPoints.select
        monkeypatch.setattr(BodyPoints, "select", lambda *given: calls.append(1) or select(*given))
        made = ENCODER.batch(figures(OPENPOSE, 40, seed=0)[0][:, None], np.zeros((40, 1)))["torso_frame"]
        assert made.shape == (40, ORIENTATION + 2 * ENCODER.width) and made.dtype == np.float32
        assert len(calls) == 1, "not person by person"

    def test_each_row_is_what_a_plain_statement_says(self):
        keypoints = figures(OPENPOSE, 60, seed=3, missing=0.2)[0]
        keypoints[0] = 0  # nobody
        keypoints[1, :, :2] = 7  # all in one point
        keypoints[2, OPENPOSE.index("left_hip")] = np.nan
        heights = np.where(np.arange(60) % 2, 250.0, 0.0)
        made = ENCODER.batch(keypoints[:, None], heights[:, None])["torso_frame"]
        for row, person, height in zip(made, keypoints, heights, strict=True):
            scale = ENCODER.body.scale(*ENCODER.body.select(person[None]), np.array([height]))[0]
            np.testing.assert_allclose(row, plainly(person, scale), rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(row, ENCODER(person[None], np.array([height]))["torso_frame"])
