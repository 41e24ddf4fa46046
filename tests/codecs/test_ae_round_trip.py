"""The AE codec's way from targets back to people."""

import numpy as np
import pytest
import torch
from codec_maps import (
    SIZE,
    SKELETON,
    make_frame,
    overlapping_people,
    pck,
    predicted,
    separated_people,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.codecs.associative_embedding import AssociativeEmbedding

K = len(SKELETON)
seeds = st.integers(0, 10_000)
STRIDES = [(4, 2), (4,), (2,), (8, 4)]


def mirrored(keypoints, width=SIZE[0]):
    turned = keypoints[SKELETON.flip_index].copy()
    turned[:, 0] = np.where(turned[:, 2] > 0, width - 1 - turned[:, 0], 0)
    return turned


# round trips


@settings(max_examples=15)
@given(seeds, st.sampled_from(STRIDES), st.booleans())
def test_separated_people_come_back(seed, strides, normalized):
    rng = np.random.default_rng(seed)
    people = separated_people(rng, cell=128 if strides[0] == 8 else 64)
    codec = AssociativeEmbedding(SKELETON, strides=strides, normalized=normalized)
    share, invented = pck(codec.decode(predicted(codec, make_frame(people)))[0], people, min(strides))
    assert share >= 0.99 and invented == 0


def test_overlapping_people_come_back():
    shares, strangers = [], 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        people = overlapping_people(rng, 5)
        codec = AssociativeEmbedding(SKELETON)
        share, invented = pck(codec.decode(predicted(codec, make_frame(people)))[0], people, 2)
        shares.append(share)
        strangers += invented
    assert np.mean(shares) >= 0.9
    assert (
        strangers <= 2
    )  # of a hundred people: where two touch, a tag in between can look like a third person's


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("strides", STRIDES)
def test_nobody_comes_from_empty_maps(strides, exact):
    codec = AssociativeEmbedding(SKELETON, strides=strides, exact=exact)
    assert codec.decode(predicted(codec, make_frame([]))) == [[]]


@pytest.mark.parametrize("subcell", ["parabola", "quarter"])
@pytest.mark.parametrize("strides", [(1,), (2,), (4,), (8,), (4, 2)])
def test_there_is_no_bias(strides, subcell):
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON, strides=strides, subcell=subcell)
    errors = []
    for _ in range(20):
        keypoints = np.column_stack([rng.uniform(48, 144, (K, 2)), np.full(K, 2.0)])
        errors.append(codec.peaks(predicted(codec, make_frame([keypoints])))[0, :, :2] - keypoints[:, :2])
    error = np.concatenate(errors)
    finest = min(strides)
    spread = {"parabola": 0.01, "quarter": 0.17}[subcell] * finest
    assert np.sqrt((error**2).mean()) < spread
    assert (np.abs(error.mean(axis=0)) < 3 * spread / np.sqrt(len(error))).all()


def test_exact_mode_returns_the_published_coordinates():
    """Half a pixel from ours: there the corner of the first pixel is at 0, not its centre."""
    keypoints = np.column_stack([np.tile([97.5, 61.5], (K, 1)), np.full(K, 2.0)])  # the centre of a cell
    codec = AssociativeEmbedding(SKELETON, strides=(4,), exact=True)
    (person,) = codec.decode(predicted(codec, make_frame([keypoints])))[0]
    # both neighbours are equal, so the quarter step is towards the lower index
    np.testing.assert_allclose(person.keypoints[:, :2], np.tile([4 * (24 + 0.25), 4 * (15 + 0.25)], (K, 1)))


@settings(max_examples=15)
@given(seeds, st.booleans())
def test_flipped_pictures_give_flipped_targets_and_people(seed, incomplete):
    rng = np.random.default_rng(seed)
    people = separated_people(rng)
    codec = AssociativeEmbedding(SKELETON)
    frame = make_frame(people, complete=not incomplete)
    other = make_frame([mirrored(k) for k in people], complete=not incomplete)
    for name, array in codec.encode(other, SIZE)[1].items():
        turned = codec.encode(frame, SIZE)[1][name]
        np.testing.assert_array_equal(array, turned if name == "labelled" else turned[:, ::-1])
    upright, turned = predicted(codec, frame), codec.flip(predicted(codec, other))
    for a, b in zip(upright, turned, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    once, both = codec.decode(upright)[0], codec.decode(codec.merge([upright, turned]))[0]
    assert len(once) == len(both) == len(people)
    for a, b in zip(once, both, strict=True):
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=1e-2)
        assert a.score == pytest.approx(b.score, abs=1e-4)


@settings(max_examples=15)
@given(seeds)
def test_the_order_of_people_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    people = separated_people(rng)
    order = rng.permutation(len(people))
    codec = AssociativeEmbedding(SKELETON)
    tags = 2.0 * np.arange(len(people))
    a = codec.decode(predicted(codec, make_frame(people), tags))[0]
    b = codec.decode(predicted(codec, make_frame([people[i] for i in order]), tags[order]))[0]
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)


@pytest.mark.parametrize("exact", [False, True])
def test_normalised_targets_decode_like_plain_ones(exact):
    rng = np.random.default_rng(0)
    frame = make_frame(separated_people(rng))
    plain, normal = (AssociativeEmbedding(SKELETON, normalized=n, exact=exact) for n in (False, True))
    low = predicted(normal, frame)
    assert max(o[:, :K].max() for o in low) < 0.05
    wanted, found = plain.decode(predicted(plain, frame))[0], normal.decode(low)[0]
    assert len(wanted) == len(found) == len(frame.people)
    for a, b in zip(wanted, found, strict=True):
        # exact targets have equal neighbours in which rounding chooses: a cell of difference at most
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=2.0 if exact else 1e-3)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)
    torch.testing.assert_close(normal.heatmaps(low), plain.heatmaps(predicted(plain, frame)))


def test_people_are_complete_records_best_first():
    rng = np.random.default_rng(1)
    people = separated_people(rng)
    codec = AssociativeEmbedding(SKELETON)
    found = codec.decode(predicted(codec, make_frame(people)))[0]
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    for person in found:
        assert person.keypoints.shape == (K, 3) and person.keypoints.dtype == np.float64
        assert set(person.keypoints[:, 2]) <= {0, 2}
        absent = ~person.present
        assert not person.keypoints[absent].any() and not person.scores[absent].any()
        assert (person.scores[person.present] > 0.1).all()
        assert person.score == pytest.approx(person.scores.mean())


def test_a_batch_decodes_like_its_images():
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON)
    single = [predicted(codec, make_frame(separated_people(rng))) for _ in range(3)]
    batch = codec.decode([torch.cat(maps) for maps in zip(*single, strict=True)])
    for outputs, people in zip(single, batch, strict=True):
        for a, b in zip(codec.decode(outputs)[0], people, strict=True):
            np.testing.assert_array_equal(a.keypoints, b.keypoints)


def test_bfloat16_maps_with_gradients_decode_in_float32():
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON)
    people = separated_people(rng)
    outputs = [o.bfloat16().requires_grad_() for o in predicted(codec, make_frame(people))]
    share, invented = pck(codec.decode(outputs)[0], people, 2)
    assert share >= 0.99 and invented == 0
    assert codec.heatmaps(outputs).dtype == torch.float32


def test_a_peak_between_cells_is_one_peak():
    keypoints = np.column_stack([np.tile([95.5, 63.5], (K, 1)), np.full(K, 2.0)])  # a corner of four cells
    codec = AssociativeEmbedding(SKELETON, strides=(2,))
    outputs = predicted(codec, make_frame([keypoints]))
    heat = outputs[0][0, 0]
    assert (heat == heat.max()).nonzero().tolist() == [[31, 47], [31, 48], [32, 47], [32, 48]]
    (person,) = codec.decode(outputs)[0]
    np.testing.assert_allclose(person.keypoints, keypoints, atol=1e-3)
