"""Quick products, sums and noise over whole pictures equal their plain statement."""

import numpy as np
import pytest

from dancepose.data.synthetic.paint import (
    add_channels,
    add_pixels,
    grain,
    noise,
    scale_channels,
    scale_pixels,
)

SIZE = (40, 24)  # width, height


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((24, 40, 3), np.float32)


@pytest.mark.parametrize(
    ("quick", "plain", "shape"),
    [
        (scale_channels, lambda image, value: image * value, (3,)),
        (add_channels, lambda image, value: image + value, (3,)),
        (scale_pixels, lambda image, value: image * value[..., None], (24, 40)),
        (add_pixels, lambda image, value: image + value[..., None], (24, 40)),
    ],
)
def test_in_place_as_the_plain_statement(quick, plain, shape, picture):
    value = np.random.default_rng(1).random(shape, np.float32)
    expected = plain(picture.copy(), value)
    assert quick(picture, value) is None
    np.testing.assert_allclose(picture, expected, rtol=1e-6)


@pytest.mark.parametrize("quick", [scale_pixels, add_pixels])
def test_some_rows_and_none(quick, picture):
    before = picture.copy()
    quick(picture[:0], np.zeros((0, 40), np.float32))
    np.testing.assert_array_equal(picture, before)
    quick(picture[5:9], np.full((4, 40), 2, np.float32))
    changed = (picture != before).any(axis=(1, 2))
    assert changed[5:9].all() and not changed[:5].any() and not changed[9:].any()


def test_noise_has_the_moments_that_are_asked_for():
    drawn = noise(np.random.default_rng(2), (400, 300), deviation=3.0, mean=7.0)
    assert drawn.shape == (300, 400) and drawn.dtype == np.float32
    assert drawn.mean() == pytest.approx(7, abs=0.05) and drawn.std() == pytest.approx(3, rel=0.02)
    share = [(abs(drawn - 7) < 3 * k).mean() for k in (1, 2)]
    assert share == pytest.approx([0.683, 0.954], abs=0.01), "a normal distribution"


def test_noise_may_be_of_whole_numbers():
    drawn = noise(np.random.default_rng(2), (400, 300), 3.0, -7.0, np.dtype(np.int16))
    assert drawn.dtype == np.int16
    assert drawn.mean() == pytest.approx(-7, abs=0.05) and drawn.std() == pytest.approx(3, rel=0.03)


def test_noise_and_grain_follow_the_generator():
    for draw in (noise, lambda random, size: grain(random, size, [4, 16])):
        first, again, other = (draw(np.random.default_rng(seed), SIZE) for seed in (3, 3, 4))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


def test_grain_is_smoother_the_larger_its_scale():
    steps = []
    for scale in (2, 8, 32):
        drawn = grain(np.random.default_rng(5), (320, 240), [scale])
        assert drawn.shape == (240, 320)
        steps.append(float(np.abs(np.diff(drawn, axis=1)).mean()))
    assert steps[0] > 2 * steps[1] > 4 * steps[2]
