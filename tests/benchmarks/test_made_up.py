import numpy as np
import torch

from dancepose.benchmarks.made_up import made_up_frame, made_up_maps
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")


def test_a_seed_is_a_frame():
    one, two, other = (made_up_frame(SKELETON, (300, 200), 4, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.keypoint_array(), two.keypoint_array())
    assert len(one.people) == 4 and (one.keypoint_array() != other.keypoint_array()).any()
    xy = one.keypoint_array()[..., :2]
    assert (xy >= 0).all() and (xy <= np.array([299, 199])).all()


def test_maps_hold_the_people_apart():
    codec = AssociativeEmbedding(SKELETON)
    frame = made_up_frame(SKELETON, (256, 256), 3, seed=3)
    maps = made_up_maps(codec, frame, seed=3)
    assert [tuple(m.shape) for m in maps] == [(1, 30, 64, 64), (1, 15, 128, 128)]
    assert all(torch.equal(a, b) for a, b in zip(maps, made_up_maps(codec, frame, seed=3), strict=True))
    assert len(codec.decode(maps)[0]) == 3
