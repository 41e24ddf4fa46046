"""Heat and gates over pictures: faint heat is seen, and the picture through what is strong."""

import numpy as np
import pytest

from dancepose.inference.heat import draw_heatmap, draw_heatmap_grid, draw_heatmaps, draw_strength
from dancepose.skeleton import load_skeleton

GREY = 90


def grey(width=640, height=480, value=GREY):
    return np.full((height, width, 3), value, np.uint8)


def test_heatmap_lights_up_where_it_is_high():
    heat = np.zeros((30, 40), np.float32)
    heat[10, 25] = 1.0
    picture = draw_heatmap(grey(160, 120), heat)
    brightness = picture.sum(axis=2)
    y, x = np.unravel_index(brightness.argmax(), brightness.shape)
    assert abs(y - (4 * 10 + 1.5)) <= 1 and abs(x - (4 * 25 + 1.5)) <= 1
    far = picture[:20]
    assert (far == far[..., :1]).all(), "grey where there is nothing"
    scaled = draw_heatmap(grey(160, 120), heat * 0.04, peak=0.04)
    assert np.abs(scaled.astype(int) - picture).max() <= 2


def test_heatmaps_show_the_maximum():
    maps = np.zeros((3, 30, 40), np.float32)
    maps[0, 5, 5] = maps[2, 20, 30] = 1
    assert np.array_equal(draw_heatmaps(grey(), maps), draw_heatmap(grey(), maps.max(axis=0)))


def test_heatmap_grid_has_a_tile_for_each_keypoint():
    skeleton = load_skeleton("mpii15")
    grid = draw_heatmap_grid(grey(80, 60), np.zeros((15, 15, 20), np.float32), skeleton, tile=80)
    assert grid.shape[2] == 3
    dark = (grid == round(GREY * 0.6)).all(axis=2).sum()
    assert dark == 15 * 80 * 60
    with pytest.raises(ValueError):
        draw_heatmap_grid(grey(), np.zeros((14, 15, 20), np.float32), skeleton)


@pytest.mark.parametrize("ground", [0, 90, 255])
def test_faint_heat_is_seen_on_any_ground(ground):
    def colour(heat):
        return draw_heatmap(grey(40, 30, ground), np.full((30, 40), heat, np.float32))[15, 20].astype(int)

    seen = {heat: np.abs(colour(heat) - colour(0)).max() for heat in (0.03, 0.05, 0.1)}
    assert seen[0.03] > 25 and seen[0.05] > 30 and seen[0.1] > 45, seen
    assert (colour(0.01) == colour(0)).all(), "an empty background stays grey"
    more = [np.ptp(colour(heat)) for heat in (0.02, 0.05, 0.1, 0.3)]
    assert more == sorted(more), "more heat has more colour"


@pytest.mark.parametrize("draw", [draw_heatmap, draw_strength])
def test_a_picture_is_seen_through_the_strongest_colour(draw):
    stripes = grey(40, 30, 40)
    stripes[:, ::2] = 220
    before = stripes.copy()
    open_everywhere = draw(stripes, np.ones((30, 40)), 1.0).astype(int)
    contrast = np.abs(open_everywhere[:, ::2] - open_everywhere[:, 1::2]).max(axis=2)
    assert contrast.min() > (30 if draw is draw_heatmap else 50) and (stripes == before).all()


def test_strength_goes_in_proportion():
    values = np.linspace(0, 2, 41, dtype=np.float32)[None]
    row = draw_strength(grey(41, 1), values, peak=2.0)[0].astype(int)
    assert (row[0] == round(GREY * 0.6)).all(), "shut is grey"
    assert np.abs(row[32] - row[40]).max() > 30, "four fifths open is not wide open"
    assert np.array_equal(row, draw_strength(grey(41, 1), values / 2, peak=1.0)[0])
