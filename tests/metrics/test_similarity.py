import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.metrics.similarity import extent_areas, keypoint_similarity

SIGMAS = np.array([0.026, 0.079, 0.072, 0.107])


def people(seed, count):
    random = np.random.default_rng(seed)
    keypoints = random.uniform(0, 100, (count, 4, 3))
    keypoints[..., 2] = random.integers(0, 3, (count, 4))
    return keypoints


def plain(person, other):
    """The definition, keypoint by keypoint."""

    def area(keypoints):
        shown = keypoints[keypoints[:, 2] > 0]
        if not len(shown):
            return 1.0
        width, height = np.ptp(shown[:, 0]), np.ptp(shown[:, 1])
        longer = max(width, height)
        return max(0.53 * max(width, longer / 4) * max(height, longer / 4), 1.0)

    total, common = 0.0, 0
    for (x, y, v), (a, b, w), sigma in zip(person, other, SIGMAS, strict=True):
        if v > 0 and w > 0:
            common += 1
            spread = 2 * (area(person) + area(other)) / 2 * (2 * sigma) ** 2
            total += np.exp(-((x - a) ** 2 + (y - b) ** 2) / spread)
    return total / max(common, 3)


@given(seed=st.integers(0, 10_000), p=st.integers(0, 4), q=st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_all_pairs_at_once_equal_the_definition(seed, p, q):
    a, b = people(seed, p), people(seed + 1, q)
    expected = np.array([[plain(x, y) for y in b] for x in a]).reshape(p, q)
    assert np.allclose(keypoint_similarity(a, b, SIGMAS), expected, atol=1e-12)
    assert np.allclose(keypoint_similarity(b, a, SIGMAS), expected.T, atol=1e-12)


def test_a_person_is_most_like_itself_and_widening_forgives():
    a = people(0, 3)
    a[..., 2] = 2
    same = keypoint_similarity(a, a, SIGMAS)
    assert np.allclose(np.diag(same), 1) and (same <= 1).all()
    wide = keypoint_similarity(a, a, SIGMAS, np.array([1.0, 4.0, 1.0]))
    assert (wide[1, [0, 2]] > same[1, [0, 2]]).all() and np.allclose(wide[[0, 2]], same[[0, 2]])


@pytest.mark.parametrize("missing", [np.nan, np.inf, 1e9])
def test_what_is_missing_is_not_read(missing):
    a, b = people(1, 2), people(2, 2)
    before = keypoint_similarity(a, b, SIGMAS)
    a[..., :2] = np.where(a[..., 2:] > 0, a[..., :2], missing)
    assert np.array_equal(keypoint_similarity(a, b, SIGMAS), before)


def test_nobody_is_smaller_than_a_pixel():
    assert (extent_areas(np.zeros((2, 4, 3))) == 1).all()
    point = np.zeros((1, 4, 3))
    point[0, 0] = (50, 50, 2)
    assert extent_areas(point) == 1
