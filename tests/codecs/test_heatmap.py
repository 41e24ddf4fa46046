"""Gaussian targets, masks, peaks."""

import cv2
import numpy as np
import pytest
import torch
from codec_maps import make_frame
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from dancepose.codecs.heatmap import (
    draw_cells,
    gaussian_cells,
    inside,
    local_maxima,
    loss_mask,
    nearest_cell,
    resize,
    subcell_offsets,
    to_cells,
    to_pixels,
)

SHAPE = (20, 30)  # height, width
seeds = st.integers(0, 10_000)


def random_points(rng, people=4, joints=3):
    points = rng.uniform(-6, 36, (people, joints, 2))
    return points, rng.random((people, joints)) < 0.8


def drawn(points, present, shape, sigma, peak=1.0) -> np.ndarray:
    cells, values = gaussian_cells(points, present, shape, sigma, peak)
    maps = draw_cells(torch.from_numpy(cells), torch.from_numpy(values), (1, present.shape[1], *shape))
    return maps[0].numpy()


@given(seeds, st.sampled_from([1.0, 1.5, 2.0, 3.0]), st.floats(0.01, 2))
def test_gaussians_equal_the_formula(seed, sigma, peak):
    rng = np.random.default_rng(seed)
    points, present = random_points(rng)
    maps = drawn(points, present, SHAPE, sigma, peak)
    wanted = np.zeros_like(maps)
    reach = int(3 * sigma + 1)
    for p, k in zip(*np.nonzero(present), strict=True):
        x, y = points[p, k]
        column, row = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
        if not (0 <= column < SHAPE[1] and 0 <= row < SHAPE[0]):
            continue
        for j in range(max(0, row - reach), min(SHAPE[0], row + reach + 1)):
            for i in range(max(0, column - reach), min(SHAPE[1], column + reach + 1)):
                value = peak * np.exp(-((i - x) ** 2 + (j - y) ** 2) / (2 * sigma**2))
                wanted[k, j, i] = max(wanted[k, j, i], value)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, wanted, rtol=1e-5, atol=1e-7)


def test_no_people_and_absent_keypoints_leave_nothing():
    assert not drawn(np.zeros((0, 3, 2)), np.zeros((0, 3), bool), SHAPE, 2.0).any()
    assert not drawn(np.full((2, 3, 2), 8.0), np.zeros((2, 3), bool), SHAPE, 2.0).any()


@given(st.integers(1, 16), st.integers(0, 100))
def test_cells_are_the_mean_of_their_pixels(stride, cell):
    assert to_pixels(np.array(cell), stride) == np.arange(stride * cell, stride * (cell + 1)).mean()
    assert to_cells(to_pixels(np.array(cell), stride), stride) == pytest.approx(cell)


def test_nearest_cell_rounds_halves_alike():
    np.testing.assert_array_equal(nearest_cell(np.array([-0.5, 0.5, 1.5, 2.5, 2.49])), [0, 1, 2, 3, 2])
    points = np.array([[-0.5, 0], [-0.51, 0], [29.49, 19.49], [29.5, 0], [0, 19.5]])
    np.testing.assert_array_equal(inside(points, SHAPE), [True, False, True, False, False])


def test_mask_leaves_ignore_regions_out_even_where_they_overlap():
    square = np.array([[16, 16], [48, 16], [48, 48], [16, 48]], float)
    mask = loss_mask(make_frame([], ignore=[[square], [square + 8]]), (32, 32), 4, 2.0)
    centres = to_pixels(np.arange(32), 4)
    x, y = np.meshgrid(centres, centres)
    for shift in (0, 8):
        within = (np.abs(x - 32 - shift) < 14) & (np.abs(y - 32 - shift) < 14)
        assert not mask[within].any()
    beyond = np.maximum(np.abs(x - 36), np.abs(y - 36)) > 24
    assert mask[beyond].all()


def test_mask_of_a_region_that_reaches_far_beyond_the_map():
    """Its corners would be no int32."""
    for far in (1e4, 1e9, 1e12):
        wedge = np.array([[-far, -far], [64, -far], [64, far], [-far, far]])  # all left of the middle
        mask = loss_mask(make_frame([], ignore=[[wedge]]), (32, 32), 4, 2.0)
        assert not mask[:, :16].any() and mask[:, 17:].all()
    outside = np.array([[1e9, 1e9], [2e9, 1e9], [1e9, 2e9]])
    assert loss_mask(make_frame([], ignore=[[outside]]), (32, 32), 4, 2.0).all()


@given(seeds, st.sampled_from([1, 2, 4]))
def test_incomplete_frames_count_near_people_only(seed, stride):
    rng = np.random.default_rng(seed)
    people = []
    for _ in range(rng.integers(0, 4)):
        keypoints = np.zeros((15, 3))
        chosen = rng.permutation(15)[: rng.integers(0, 5)]
        keypoints[chosen] = np.column_stack(
            [rng.uniform(-10, 60, len(chosen)), rng.uniform(-10, 50, len(chosen)), np.full(len(chosen), 2)]
        )
        people.append(keypoints)
    shape = (40 // stride, 56 // stride)
    mask = loss_mask(make_frame(people, (56, 40), complete=False), shape, stride, 2.0)
    x, y = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    wanted = np.zeros(shape, bool)
    for keypoints in people:
        points = to_cells(keypoints[keypoints[:, 2] > 0, :2], stride)
        if len(points):
            low, high = points.min(axis=0), points.max(axis=0)
            away = np.hypot(
                np.maximum(np.maximum(low[0] - x, x - high[0]), 0),
                np.maximum(np.maximum(low[1] - y, y - high[1]), 0),
            )
            wanted |= away <= max(np.hypot(*(high - low)), 6.0)
    np.testing.assert_array_equal(mask, wanted)


def test_complete_frames_count_everywhere():
    assert loss_mask(make_frame([]), SHAPE, 4, 2.0).all()


def test_resize_keeps_places():
    ramp = torch.arange(8.0).mul(2).add(0.5).expand(1, 1, 8, 8)  # x of each cell centre, in pixels, stride 2
    fine = resize(ramp, (16, 16))[0, 0, 5]
    torch.testing.assert_close(fine[1:-1], torch.arange(1.0, 15))


@given(seeds, st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 5, 40]))
def test_local_maxima_equal_a_maximum_filter(seed, kernel, count):
    rng = np.random.default_rng(seed)
    heat = rng.normal(0.2, 0.5, (2, 3, 17, 23)).astype(np.float32)
    values, cells = local_maxima(torch.from_numpy(heat), count, kernel)
    for b in range(2):
        for k in range(3):
            highest = heat[b, k] == maximum_filter(heat[b, k], kernel, mode="constant", cval=-np.inf)
            wanted = np.sort(heat[b, k][highest & (heat[b, k] > 0)])[::-1][:count]
            found = values[b, k].numpy()
            np.testing.assert_array_equal(found[found > 0], wanted)
            np.testing.assert_array_equal(heat[b, k].ravel()[cells[b, k].numpy()[found > 0]], wanted)


def test_local_maxima_reject_neighbours_that_differ_in_the_last_bit():
    heat = torch.full((1, 1, 9, 9), 1e-6)
    heat[0, 0, 4, 4] = torch.nextafter(torch.tensor(0.3), torch.tensor(1.0))
    heat[0, 0, 4, 5] = 0.3
    values, cells = local_maxima(heat, 10, 5)
    high = values[0, 0] > 0.1
    assert cells[0, 0][high].tolist() == [40]


@given(st.floats(-0.49, 0.49), st.floats(-0.49, 0.49), st.sampled_from([1.0, 2.0, 3.0]), st.floats(0.05, 1))
def test_parabola_is_exact_for_gaussians(dx, dy, sigma, peak):
    point = np.array([[[14 + dx, 9 + dy]]])
    heat = torch.from_numpy(drawn(point, np.ones((1, 1), bool), SHAPE, sigma, peak))
    cell = torch.tensor([[9 * SHAPE[1] + 14]])
    np.testing.assert_allclose(subcell_offsets(heat, cell, "parabola")[0, 0], [dx, dy], atol=1e-3)


def test_quarter_steps():
    heat = torch.zeros(1, 5, 5)
    heat[0, 2, 1], heat[0, 2, 2], heat[0, 2, 3] = 0.3, 1.0, 0.2
    cell = torch.tensor([[12]])
    assert subcell_offsets(heat, cell, "quarter")[0, 0].tolist() == [-0.25, 0.0]
    assert subcell_offsets(heat, cell, "published")[0, 0].tolist() == [-0.25, -0.25]
    heat[0, 3, 2] = 2.0  # no maximum: a quarter step towards the peak
    assert subcell_offsets(heat, cell, "parabola")[0, 0, 1] == 0.25


@pytest.mark.parametrize("method", ["quarter", "parabola"])
def test_peaks_on_the_border_stay_there(method):
    heat = torch.zeros(1, 5, 5)
    heat[0, 0, 0], heat[0, 0, 1] = 1.0, 0.5
    assert subcell_offsets(heat, torch.tensor([[0]]), method)[0, 0].tolist() == [0.0, 0.0]


def test_flat_maps_have_no_offset():
    heat = torch.full((1, 5, 5), 0.5)
    assert subcell_offsets(heat, torch.tensor([[12]]), "parabola")[0, 0].tolist() == [0.0, 0.0]


def test_polygons_are_drawn_to_a_fraction_of_a_cell():
    triangle = np.array([[3.2, 5.1], [100.7, 20.3], [40.4, 90.9]])
    mask = loss_mask(make_frame([], ignore=[[triangle]]), (96, 112), 1, 2.0)
    contour = triangle.astype(np.float32).reshape(-1, 1, 2)
    for y in range(0, 96, 3):
        for x in range(0, 112, 3):
            depth = cv2.pointPolygonTest(contour, (float(x), float(y)), True)
            if abs(depth) > 1:
                assert mask[y, x] == (depth < 0)
