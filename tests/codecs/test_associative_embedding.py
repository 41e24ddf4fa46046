"""The AE codec: its outputs, its settings, and what it encodes."""

import pickle

import numpy as np
import pytest
from codec_maps import (
    SIZE,
    SKELETON,
    annotate,
    make_frame,
    overlapping_people,
    predicted,
)
from hypothesis import given
from hypothesis import strategies as st

from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.base import OutputSpec
from dancepose.skeleton import load_skeleton

K = len(SKELETON)
seeds = st.integers(0, 10_000)
STRIDES = [(4, 2), (4,), (2,), (8, 4)]


@pytest.mark.parametrize("strides", STRIDES)
def test_outputs(strides):
    codec = AssociativeEmbedding(SKELETON, strides=strides)
    assert codec.outputs == [OutputSpec(s, K if i else 2 * K) for i, s in enumerate(strides)]


def test_codec_goes_to_workers_and_back():
    codec = pickle.loads(pickle.dumps(AssociativeEmbedding(SKELETON, sigma=3.0)))
    assert codec.sigma == 3.0 and codec.skeleton == SKELETON


@pytest.mark.parametrize(
    "settings_",
    [
        {"strides": ()},
        {"nms_kernel": 4},
        {"sigma": 0.0},
        {"tag_threshold": -1.0},
        {"max_people": 0},
        {"subcell": "cubic"},
        {"detection_threshold": -0.1},
    ],
)
def test_wrong_settings_are_refused_by_name(settings_):
    with pytest.raises(ValueError, match=next(iter(settings_))):
        AssociativeEmbedding(SKELETON, **settings_)


# encode


@pytest.mark.parametrize("people", [0, 1, 7])
def test_shapes_do_not_depend_on_the_people(people):
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON, max_people=5)
    targets, weights = codec.encode(make_frame(overlapping_people(rng, people)), SIZE)
    assert {k: (v.shape, v.dtype.name) for k, v in targets.items()} == {
        "heatmaps_0": ((K, 48, 64), "float32"),
        "heatmaps_1": ((K, 96, 128), "float32"),
        "joints": ((5, K), "int64"),
    }
    assert {k: (v.shape, v.dtype.name) for k, v in weights.items()} == {
        "labelled": ((K,), "bool"),
        "mask_0": ((48, 64), "bool"),
        "mask_1": ((96, 128), "bool"),
    }
    assert (targets["joints"] >= 0).any(axis=1).sum() == min(people, 5)


@given(seeds)
def test_joints_point_at_the_cells_of_the_keypoints(seed):
    rng = np.random.default_rng(seed)
    people = overlapping_people(rng, 4)
    targets, _ = AssociativeEmbedding(SKELETON).encode(make_frame(people), SIZE)
    for person, row in zip(people, targets["joints"], strict=False):
        np.testing.assert_array_equal(row >= 0, person[:, 2] > 0)
        for k in np.flatnonzero(row >= 0):
            joint, rest = divmod(row[k], 48 * 64)
            cell = np.array([rest % 64, rest // 64])
            assert joint == k
            assert np.abs(4 * cell + 1.5 - person[k, :2]).max() <= 2


def test_keypoints_outside_or_unlabelled_are_no_targets():
    keypoints = np.zeros((K, 3))
    keypoints[0] = (-3, 50, 2)
    keypoints[1] = (SIZE[0], 50, 2)
    keypoints[2] = (100, 100, 1)
    keypoints[3] = (120, 100, 2)
    labelled = np.ones(K, bool)
    labelled[3] = False
    targets, weights = AssociativeEmbedding(SKELETON).encode(make_frame([keypoints], labelled=labelled), SIZE)
    assert np.flatnonzero(targets["joints"][0] >= 0).tolist() == [2]
    assert np.flatnonzero(targets["heatmaps_0"].any(axis=(1, 2))).tolist() == [2]
    np.testing.assert_array_equal(weights["labelled"], labelled)


def test_the_largest_people_are_kept_in_their_order():
    rng = np.random.default_rng(0)
    people = [annotate(rng.uniform(0, s, (K, 2)) + 20, rng) for s in (10, 100, 20, 90)]
    every, _ = AssociativeEmbedding(SKELETON).encode(make_frame(people), SIZE)
    two, _ = AssociativeEmbedding(SKELETON, max_people=2).encode(make_frame(people), SIZE)
    np.testing.assert_array_equal(two["joints"], every["joints"][[1, 3]])
    np.testing.assert_array_equal(two["heatmaps_1"], every["heatmaps_1"])


def test_people_of_another_skeleton_are_refused():
    with pytest.raises(ValueError, match="mpii15"):
        AssociativeEmbedding(SKELETON).encode(make_frame([np.zeros((17, 3))]), SIZE)


def test_any_skeleton():
    skeleton = load_skeleton("coco17")
    rng = np.random.default_rng(0)
    keypoints = np.column_stack([rng.uniform(20, 150, (17, 2)), np.full(17, 2.0)])
    codec = AssociativeEmbedding(skeleton)
    frame = make_frame([keypoints])
    (person,) = codec.decode(predicted(codec, frame))[0]
    np.testing.assert_allclose(person.keypoints, keypoints, atol=0.1)
