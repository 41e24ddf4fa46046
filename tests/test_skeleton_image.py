import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stick_figures import POSES, figure, figures

from dancepose.body import BodyPoints
from dancepose.skeleton import load_skeleton
from dancepose.skeleton_image import REACH, StrEncoder, _resized

OPENPOSE = load_skeleton("openpose18")
SINGLE, WINDOW = StrEncoder(OPENPOSE), StrEncoder(OPENPOSE, frames=4)
GRID = st.integers(0, 400).map(float)  # so that a shift and a doubling are exact


def image(encoder: StrEncoder, keypoints: np.ndarray) -> np.ndarray:
    return encoder(keypoints)["skeleton_image"]


def square(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(1, P, 2), (1, P) -> (P, P, 3): the colours before the enhancement, distances in torso lengths."""
    return SINGLE._square(points[None], known[None], np.array([REACH]))[0]


def window(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T, P, 2), (T, P) -> (P (P + 1), 2 T - 1, 3): the same of a window, of torsos of 100 px."""
    return WINDOW._window(points[None], known[None], np.array([100 * REACH]))[0]


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
        columns = window(points, known)
        assert columns.shape == (13 * 14, 7, 3)
        assert (columns == columns[:, :1]).all()

    def test_the_ankle_that_moves_shows_in_the_motion_columns(self):
        points, known = WINDOW.body.select(walk(4))
        columns = window(points, known).astype(int)
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
        colours = square(points, known)
        a, b = (SINGLE.body.names.index(n) for n in ("right_hip", "left_hip"))
        a, b = min(a, b), max(a, b)
        to_the_right = points[0, b, 0] > points[0, a, 0]
        np.testing.assert_array_equal(colours[b, a], (255 if to_the_right else 0, 128, 128))
        np.testing.assert_array_equal(colours[a, b], SINGLE.jet[round(0.4 / REACH * 255)])

    def test_no_colour_is_black(self):
        assert SINGLE.jet.any(1).all()


def plainly(encoder: StrEncoder, keypoints: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Colour one pair of keypoints after the other, as the class says; (T, K, 3) -> an image."""
    points, known = encoder.body.select(keypoints)
    scale = encoder.body.scale(points, known, heights)
    reach = REACH * (np.median(scale[scale > 0]) if (scale > 0).any() else 1.0)

    def colours(a: tuple[int, int], b: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Distance and direction from a point of one frame to one of another."""
        if not (known[a] and known[b]):
            return np.zeros(3, np.uint8), np.zeros(3, np.uint8)
        x, y = points[b] - points[a]
        length = np.sqrt(x * x + y * y)
        red, green = (round(((v / length if length else 0) + 1) * 127.5) for v in (x, y))
        return encoder.jet[round(min(length / reach, 1) * 255)], np.array([red, green, 128], np.uint8)

    pairs = [(j, k) for j in range(points.shape[1]) for k in range(j, points.shape[1])]
    if encoder.frames is None:
        image = np.zeros((points.shape[1], points.shape[1], 3), np.uint8)
        for j, k in pairs:
            distance, direction = colours((0, j), (0, k))
            image[k, j] = direction
            image[j, k] = distance
    else:
        steps = [(t // 2, (t + 1) // 2) for t in range(2 * len(points) - 1)]
        columns = [[colours((t, j), (u, k)) for j, k in pairs] for t, u in steps]
        rows = [np.concatenate([[pair[part] for pair in column] for part in (0, 1)]) for column in columns]
        image = np.ascontiguousarray(np.stack(rows, axis=1))
    return _resized(encoder._enhanced(image)).transpose(2, 0, 1)


class TestBatch:
    @pytest.mark.parametrize(
        ("encoder", "frames"), [(SINGLE, 1), (WINDOW, 4), (StrEncoder(OPENPOSE, "all"), 1)]
    )
    def test_each_image_is_what_a_plain_statement_says(self, encoder, frames, monkeypatch):
        keypoints = figures(OPENPOSE, 12 * frames, seed=4, missing=0.2)[0].reshape(12, frames, 18, 3)
        keypoints[0] = 0  # nobody
        keypoints[1, ..., :2] = 7  # all in one point
        keypoints[2, 0, :, 2] = 0  # a window with a frame without anybody
        keypoints[3, 0, OPENPOSE.index("left_hip")] = np.nan
        heights = np.where(np.arange(12 * frames) % 2, 250.0, 0.0).reshape(12, frames)
        samples = list(zip(keypoints, heights, strict=True))
        wanted = np.stack([plainly(encoder, *sample) for sample in samples])
        alone = np.stack([encoder(*sample)["skeleton_image"] for sample in samples])
        calls = []
        select = BodyPoints.select
        monkeypatch.setattr(BodyPoints, "select", lambda *given: calls.append(1) or select(*given))
        made = encoder.batch(keypoints, heights)["skeleton_image"]
        assert made.dtype == np.uint8 and made.flags.c_contiguous
        np.testing.assert_array_equal(made, wanted)
        np.testing.assert_array_equal(alone, wanted)
        assert len(calls) == 1, "not person by person"


class TestMissing:
    @given(arrays(np.float64, (4, 18, 3), elements=st.sampled_from([0.0, 1.0, 2.0, 300.0, np.nan, np.inf])))
    def test_any_keypoints_give_a_picture(self, keypoints):
        assert image(WINDOW, keypoints).shape == image(SINGLE, keypoints[:1]).shape == (3, 32, 32)

    def test_nobody_is_black(self):
        assert not image(SINGLE, np.zeros((1, 18, 3))).any()
        assert not image(WINDOW, np.zeros((4, 18, 3))).any()

    def test_a_missing_wrist_blackens_its_row_and_column_and_changes_no_other_colour(self):
        points, known = SINGLE.body.select(figure(OPENPOSE)[None])
        whole = square(points, known)
        wrist = SINGLE.body.names.index("left_wrist")
        known[0, wrist] = False
        colours = square(points, known)
        others = np.delete(np.arange(13), wrist)
        assert not colours[wrist].any() and not colours[:, wrist].any()
        np.testing.assert_array_equal(colours[np.ix_(others, others)], whole[np.ix_(others, others)])
        assert not SINGLE._enhanced(colours)[wrist].any()
