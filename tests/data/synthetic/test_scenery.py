"""What stands against the wall, what lies about, and the light that falls unevenly on all of it."""

import numpy as np
import pytest

from dancepose.data.synthetic.scenery import clutter, furniture, uneven_light

SEEDS = range(60)
GREY = np.full((480, 640, 3), 0.5, np.float32)


def changed(draw, seed: int, *args, **named) -> np.ndarray:
    """Return (H, W), where a thing is drawn on a grey picture."""
    image = GREY.copy()
    draw(np.random.default_rng(seed), image, *args, **named)
    assert image.min() >= 0 and image.max() <= 1.5 and np.isfinite(image).all()
    return (image != GREY).any(axis=2)


def feet(draw, *args, **named) -> np.ndarray:
    """Return the lowest row of each single thing that is drawn, of many seeds."""
    masks = [changed(draw, seed, *args, **named) for seed in SEEDS]
    return np.array([np.flatnonzero(mask.any(axis=1))[-1] for mask in masks if mask.any()])


@pytest.mark.parametrize("draw", [clutter, furniture])
def test_of_none_nothing_is_drawn_and_of_more_more(draw):
    shares = [np.mean([changed(draw, seed, 300, count).mean() for seed in SEEDS]) for count in (0, 1, 4, 8)]
    assert shares[0] == 0 and (np.diff(shares) > 0).all()


def test_furniture_stands_on_the_floor_or_hangs_on_the_wall():
    rows = feet(furniture, 300, 1)
    stands, hangs = (rows >= 299) & (rows <= 313), (rows >= 98) & (rows <= 242)
    assert (stands | hangs).all(), "nothing floats just above the floor"
    assert 0.4 < stands.mean() < 0.8


@pytest.mark.parametrize("row", [300, 470])
def test_clutter_without_a_wall_stands_on_the_ground(row):
    rows = feet(clutter, row, 1, hangs=False)
    assert rows.min() >= row + 1 and rows.max() > row + 1 and len(rows) > 15


def test_clutter_hangs_on_a_wall_too():
    rows = feet(clutter, 300, 1)
    assert (rows < 290).mean() > 0.3 and (rows > 300).mean() > 0.2 and rows.max() <= 345


@pytest.mark.parametrize("size", [(640, 480), (648, 484)])
def test_uneven_light_keeps_its_colour_and_mean(size):
    colour = np.array([0.9, 0.6, 0.3])
    drawn = [uneven_light(np.random.default_rng(seed), size, colour, 0.2) for seed in range(40)]
    for light in drawn:
        assert light.shape == (size[1], size[0], 3) and light.dtype == np.float32
        assert np.allclose(light / light[..., :1], colour / colour[0], atol=1e-5), "no hue changes"
        strength = light[..., 0] / 0.9
        assert strength.std() > 0.02 and strength.min() > 0.3
        steps = np.abs(np.diff(strength, axis=0)).max(), np.abs(np.diff(strength, axis=1)).max()
        assert max(steps) < 0.02, "it falls off softly"
    assert np.mean(drawn) / colour.mean() == pytest.approx(1, abs=0.05)


def test_even_light_is_even():
    light = uneven_light(np.random.default_rng(0), (640, 480), np.ones(3), 0.0)
    assert np.allclose(light, light[0, 0], atol=1e-6)
