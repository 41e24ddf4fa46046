"""Where missing keypoints are looked for: the same cells on every device, and a batch at a time."""

import numpy as np
import pytest
import torch
from codec_maps import SKELETON
from torch.utils._python_dispatch import TorchDispatchMode

from dancepose.codecs import ae_filling
from dancepose.codecs.ae_filling import Filler, cells_of_all, cells_of_each
from dancepose.codecs.associative_embedding import AssociativeEmbedding

K = len(SKELETON)


def maps(batch: int, tags: int = 1, size: int = 24, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    heat = torch.rand(batch, K, size, size, generator=generator) * 0.1
    heat[0, 0] = 0.0  # a map without any heat
    return heat, torch.randn(batch, tags, K, size, size, generator=generator)


def people(counts: list[int], tags: int = 1, seed: int = 0) -> list[np.ndarray]:
    """People with half of their keypoints, the first one's first always missing."""
    rng = np.random.default_rng(seed)
    made = []
    for count in counts:
        keypoints = rng.normal(0, 1, (count, K, 3 + tags)).astype(np.float32)
        keypoints[..., 2] = rng.random((count, K)) < 0.5
        keypoints[:1, 0, 2], keypoints[:, 1, 2] = 0, 1
        made.append(np.where(keypoints[..., 2:3] > 0, keypoints, 0))
    return made


@pytest.mark.parametrize("tags", [1, 2])
def test_all_maps_at_once_give_the_cells_of_one_after_the_other(tags):
    heat, embedding = maps(3, tags)
    images, joints = np.array([0, 0, 1, 2, 2]), np.array([0, 3, 1, 0, 14])
    ways = [way(heat, embedding, images, joints, 0.07) for way in (cells_of_each, cells_of_all)]
    counts = []
    for one, other in zip(*ways, strict=True):
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)
        counts.append(len(one[0]))
    assert counts[0] == 0 and min(counts[1:]) > 10


@pytest.mark.parametrize("exact", [False, True])
def test_each_image_is_filled_in_as_if_it_were_alone(exact):
    heat, embedding = maps(4)
    crowd = people([2, 0, 5, 1])
    filler = Filler(tag_threshold=1.0, refine_threshold=0.07, exact=exact)
    chosen = filler.choose(crowd, heat, embedding)
    assert chosen.shape == (4, K, 5)
    for index, one in enumerate(crowd):
        alone = filler.choose([one], heat[index : index + 1], embedding[index : index + 1])
        if alone is None:
            assert (chosen[index] == -1).all()
        else:
            torch.testing.assert_close(chosen[index, :, : len(one)], alone[0])
            assert (chosen[index, :, len(one) :] == -1).all()
    assert (chosen >= 0).sum() > 20


def test_a_batch_waits_for_the_device_as_often_as_an_image(monkeypatch):
    """What a GPU does, here on the CPU: its waits are the operations whose size or value comes back."""
    monkeypatch.setattr(ae_filling, "cells_of_each", cells_of_all)

    class Waits(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.count = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.count += str(func) in ("aten.nonzero.default", "aten._local_scalar_dense.default")
            return func(*args, **(kwargs or {}))

    counts = []
    for batch in (1, 4):
        heat, embedding = maps(batch)
        with Waits() as waits:
            Filler(1.0, 0.07, exact=False).choose(people([3] * batch), heat, embedding)
        counts.append(waits.count)
    assert counts == [1, 1]


def test_nobody_lacks_anything():
    heat, embedding = maps(2)
    whole = [np.ones((1, K, 4), dtype=np.float32), np.zeros((0, K, 4), dtype=np.float32)]
    assert Filler(1.0, 0.02, exact=False).choose(whole, heat, embedding) is None
    assert AssociativeEmbedding(SKELETON).decoder.filler.refine_threshold == 0.02
