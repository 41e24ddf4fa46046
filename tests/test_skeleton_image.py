import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stick_figures import POSES, figure, figures

from dancepose.skeleton import load_skeleton
from dancepose.skeleton_image import REACH, StrEncoder

OPENPOSE = load_skeleton("openpose18")
SINGLE, WINDOW = StrEncoder(OPENPOSE), StrEncoder(OPENPOSE, frames=4)
GRID = st.integers(0, 400).map(float)  # so that a shift and a doubling are exact


def image(encoder: StrEncoder, keypoints: np.ndarray) -> np.ndarray:
    return encoder(keypoints)["skeleton_image"]


def walk(frames: int) -> np.ndarray:
    keypoints = np.repeat(figure(OPENPOSE)[None] * (100, 100, 1), frames, 0)
    keypoints[:, OPENPOSE.index("left_ankle"), 0] += 30 * np.arange(frames)
    return keypoints


class TestImage:
    @pytest.mark.parametrize(
        ("encoder", "frames"), [(SINGLE, 1), (WINDOW, 4), (StrEncoder(OPENPOSE, "all"), 1)]
    )
    def test_form(self, encoder, frames):
        made = image(encoder, walk(frames))
        assert encoder.inputs == ("skeleton_image",)
        assert made.shape == (3, 32, 32) and made.dtype == np.uint8 and made.flags.c_contiguous
        assert made.std() > 20

    def test_differs_between_poses(self):
        made = [image(SINGLE, figure(OPENPOSE, pose)[None]).astype(int) for pose in POSES]
        for i, a in enumerate(made):
            assert all(np.abs(a - b).mean() > 3 for b in made[:i])

    @pytest.mark.parametrize(("encoder", "frames"), [(SINGLE, 2), (WINDOW, 1), (WINDOW, 5)])
    def test_another_number_of_frames_is_refused(self, encoder, frames):
        with pytest.raises(ValueError, match=f"{frames} frames"):
            encoder(walk(frames))

    def test_a_worker_can_be_sent_one(self):
        copy = pickle.loads(pickle.dumps(WINDOW))
        np.testing.assert_array_equal(image(copy, walk(4)), image(WINDOW, walk(4)))


class TestInvariance:
    @given(st.integers(0, 2**32), st.tuples(GRID, GRID), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
    def test_to_place_and_size_to_the_bit(self, seed, shift, size):
        generator = np.random.default_rng(seed)
        keypoints = generator.integers(0, 400, (4, 18, 3)).astype(float)
        keypoints[..., 2] = 2 * (generator.random((4, 18)) < generator.random((4, 1)))
        keypoints[generator.integers(4), :, :2] = 7  # all in one point: a frame without a length
        moved = keypoints.copy()
        moved[..., :2] = size * (keypoints[..., :2] + shift)
        np.testing.assert_array_equal(image(WINDOW, moved), image(WINDOW, keypoints))
        np.testing.assert_array_equal(image(SINGLE, moved[:1]), image(SINGLE, keypoints[:1]))

    def test_to_any_size_almost(self):
        keypoints, _ = figures(OPENPOSE, 4, seed=1)
        for one in keypoints:
            shrunk = image(SINGLE, one[None] * (0.317, 0.317, 1)).astype(int)
            assert np.abs(shrunk - image(SINGLE, one[None])).mean() < 0.5

    def test_the_box_counts_only_where_the_torso_is_not_known(self):
        keypoints = walk(1)
        boxed = SINGLE(keypoints, np.array([1000.0]))["skeleton_image"]
        np.testing.assert_array_equal(boxed, image(SINGLE, keypoints))
        keypoints[0, OPENPOSE.indices(["left_shoulder", "left_hip"]), 2] = 0
        boxed = SINGLE(keypoints, np.array([1000.0]))["skeleton_image"]
        assert (boxed != image(SINGLE, keypoints)).any()


class TestMotion:
    def test_a_still_person_has_equal_columns(self):
        still = np.repeat(walk(1), 4, 0)
        points, known = WINDOW.body.select(still)
        columns = WINDOW._window(points, known, 100 * REACH)
        assert columns.shape == (13 * 14, 7, 3)
        assert (columns == columns[:, :1]).all()

    def test_the_ankle_that_moves_shows_in_the_motion_columns(self):
        points, known = WINDOW.body.select(walk(4))
        columns = WINDOW._window(points, known, 100 * REACH).astype(int)
        pair = np.flatnonzero(
            (WINDOW.first == WINDOW.second) & (WINDOW.first == WINDOW.body.names.index("left_ankle"))
        )
        own = columns[pair[0]]
        np.testing.assert_array_equal(own[0::2], np.tile(WINDOW.jet[0], (4, 1)))  # a distance of 0
        np.testing.assert_array_equal(own[1::2], np.tile(WINDOW.jet[round(0.3 / REACH * 255)], (3, 1)))
        direction = columns[len(WINDOW.first) + pair[0], 1]
        np.testing.assert_array_equal(direction, (255, 128, 128))  # to the right

    def test_the_order_of_frames_matters(self):
        assert (image(WINDOW, walk(4)) != image(WINDOW, walk(4)[::-1])).any()


class TestColours:
    def test_red_and_green_are_the_direction_and_jet_the_distance(self):
        points, known = SINGLE.body.select(figure(OPENPOSE)[None])
        square = SINGLE._square(points, known, REACH)
        a, b = (SINGLE.body.names.index(n) for n in ("right_hip", "left_hip"))
        a, b = min(a, b), max(a, b)
        to_the_right = points[0, b, 0] > points[0, a, 0]
        np.testing.assert_array_equal(square[b, a], (255 if to_the_right else 0, 128, 128))
        np.testing.assert_array_equal(square[a, b], SINGLE.jet[round(0.4 / REACH * 255)])

    def test_no_colour_is_black(self):
        assert SINGLE.jet.any(1).all()


class TestMissing:
    @given(arrays(np.float64, (4, 18, 3), elements=st.sampled_from([0.0, 1.0, 2.0, 300.0, np.nan, np.inf])))
    def test_any_keypoints_give_a_picture(self, keypoints):
        assert image(WINDOW, keypoints).shape == image(SINGLE, keypoints[:1]).shape == (3, 32, 32)

    def test_nobody_is_black(self):
        assert not image(SINGLE, np.zeros((1, 18, 3))).any()
        assert not image(WINDOW, np.zeros((4, 18, 3))).any()

    def test_a_missing_wrist_blackens_its_row_and_column_and_changes_no_other_colour(self):
        points, known = SINGLE.body.select(figure(OPENPOSE)[None])
        whole = SINGLE._square(points, known, REACH)
        wrist = SINGLE.body.names.index("left_wrist")
        known[0, wrist] = False
        square = SINGLE._square(points, known, REACH)
        others = np.delete(np.arange(13), wrist)
        assert not square[wrist].any() and not square[:, wrist].any()
        np.testing.assert_array_equal(square[np.ix_(others, others)], whole[np.ix_(others, others)])
        assert not SINGLE._enhanced(square)[wrist].any()
