"""The maps of associative embedding before decoding: `ae_maps`."""

import numpy as np
import pytest
import torch

from dancepose.codecs.ae_maps import merge_passes, mirror, without_nan

SWAP = np.array([0, 2, 1])


def test_a_mirror_moves_columns_and_partners_in_heatmaps_and_tags():
    maps = torch.arange(2 * 6 * 2 * 4.0).reshape(2, 6, 2, 4)
    turned = mirror(maps, SWAP)
    assert torch.equal(turned[:, 4], maps[:, 5].flip(-1)) and torch.equal(turned[:, 3], maps[:, 3].flip(-1))
    assert torch.equal(mirror(turned, SWAP), maps)


def test_passes_are_averaged_in_heat_and_stacked_in_tags():
    first, second = torch.full((1, 4, 2, 2), 1.0), torch.full((1, 4, 4, 4), 3.0)
    merged = merge_passes([first, second], 3)
    assert merged.shape == (1, 3 + 2, 2, 2)
    assert merged[0, :, 0, 0].tolist() == pytest.approx([2, 2, 2, 1, 3])


def test_what_is_no_number_is_replaced():
    maps = torch.tensor([1.0, float("nan"), float("inf")])
    assert without_nan(maps, 5.0).tolist() == [1, 5, 5]
    assert without_nan(maps[:1], 5.0) is not None and without_nan(maps[:1], 5.0).tolist() == [1]
