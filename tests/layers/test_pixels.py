"""Bytes are normalised, floats pass."""

import torch

from dancepose.layers.pixels import IMAGENET_MEAN, IMAGENET_STD, PixelNorm


def test_bytes_and_floats():
    norm, generator = PixelNorm(), torch.Generator().manual_seed(0)
    raw = torch.randint(0, 256, (2, 3, 5, 4), generator=generator, dtype=torch.uint8)
    wanted = raw.double() / 255
    for channel in range(3):
        wanted[:, channel] = (wanted[:, channel] - IMAGENET_MEAN[channel]) / IMAGENET_STD[channel]
    torch.testing.assert_close(norm(raw), wanted.float(), rtol=1e-4, atol=1e-5)
    assert norm(wanted) is wanted
    assert not norm.state_dict()
