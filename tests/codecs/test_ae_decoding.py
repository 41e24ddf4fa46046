"""Filling in, passes merged and flipped, peaks, and maps that no trained network gives."""

import math
import time

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
from hypothesis import strategies as st

from dancepose.codecs.associative_embedding import AssociativeEmbedding

K = len(SKELETON)
seeds = st.integers(0, 10_000)


# filling in


def hidden_joint(codec, heat_at_joint, tag_shift=0.0):
    """One person, one joint of which is too weak to be a candidate."""
    keypoints = np.column_stack([np.linspace(40, 150, K), np.linspace(40, 150, K), np.full(K, 2.0)])
    outputs = predicted(codec, make_frame([keypoints]), tags=np.array([3.0]))
    for output in outputs:
        output[:, 5] *= heat_at_joint
    outputs[0][:, K + 5] += tag_shift
    return codec.decode(outputs)[0][0], keypoints


@pytest.mark.parametrize("exact", [False, True])
def test_missing_joints_are_filled_in_by_tag(exact):
    person, keypoints = hidden_joint(AssociativeEmbedding(SKELETON, exact=exact), 0.08)
    assert np.abs(person.keypoints[5, :2] - keypoints[5, :2]).max() < 2
    assert 0.05 < person.scores[5] < 0.1
    person, _ = hidden_joint(AssociativeEmbedding(SKELETON, exact=exact, refine=False), 0.08)
    assert not person.present[5]


def test_joints_without_heat_or_of_another_tag_are_left_out():
    for heat, shift in ((0.01, 0.0), (0.08, 0.7), (0.08, math.nan)):
        assert not hidden_joint(AssociativeEmbedding(SKELETON), heat, shift)[0].present[5]


def test_filling_in_looks_at_all_tags_of_merged_passes():
    codec = AssociativeEmbedding(SKELETON)
    keypoints = np.column_stack([np.linspace(40, 150, K), np.linspace(40, 150, K), np.full(K, 2.0)])
    passes = [predicted(codec, make_frame([keypoints]), tags=np.array([t])) for t in (3.0, -1.0)]
    for outputs in passes:
        for output in outputs:
            output[:, 5] *= 0.08
    assert codec.decode(codec.merge(passes))[0][0].present[5]
    passes[1][0][:, K + 5] += 0.7
    assert not codec.decode(codec.merge(passes))[0][0].present[5]


# merge, flip, peaks


def test_flipping_twice_changes_nothing():
    codec = AssociativeEmbedding(SKELETON)
    outputs = [torch.randn(2, s.channels, 8, 12) for s in codec.outputs]
    outputs[0] = torch.cat([outputs[0], torch.randn(2, K, 8, 12)], dim=1)  # tags of two passes
    for a, b in zip(outputs, codec.flip(codec.flip(outputs)), strict=True):
        assert torch.equal(a, b)
    turned = codec.flip(outputs)[0]
    left, right = SKELETON.index("left_wrist"), SKELETON.index("right_wrist")
    for block in range(3):
        assert torch.equal(turned[:, block * K + left], outputs[0][:, block * K + right].flip(-1))


def test_merge_averages_heat_and_stacks_tags():
    codec = AssociativeEmbedding(SKELETON)
    passes = [
        [torch.randn(2, s.channels, 24 // s.stride, 32 // s.stride) for s in codec.outputs] for _ in range(3)
    ]
    merged = codec.merge(passes)
    assert [m.shape[1] for m in merged] == [4 * K, K]
    torch.testing.assert_close(merged[0][:, :K], torch.stack([p[0][:, :K] for p in passes]).mean(0))
    torch.testing.assert_close(merged[1], torch.stack([p[1] for p in passes]).mean(0))
    for i, outputs in enumerate(passes):
        assert torch.equal(merged[0][:, K * (i + 1) : K * (i + 2)], outputs[0][:, K:])
    for a, b in zip(codec.merge(passes[:1]), passes[0], strict=True):
        assert torch.equal(a, b)


def test_passes_at_two_scales_agree():
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON)
    people = separated_people(rng)
    larger = [np.column_stack([(k[:, :2] + 0.5) * 1.5 - 0.5, k[:, 2]]) * (k[:, 2:] > 0) for k in people]
    size = (SIZE[0] * 3 // 2, SIZE[1] * 3 // 2)
    passes = [predicted(codec, make_frame(people)), predicted(codec, make_frame(larger, size))]
    share, invented = pck(codec.decode(codec.merge(passes))[0], people, 1)
    assert share >= 0.99 and invented == 0


def test_peaks_are_the_highest_points():
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON)
    frames = [make_frame(overlapping_people(rng, 1)) for _ in range(2)]
    outputs = [torch.cat(maps) for maps in zip(*(predicted(codec, f) for f in frames), strict=True)]
    peaks = codec.peaks(outputs)
    assert peaks.shape == (2, K, 3)
    for frame, found in zip(frames, peaks, strict=True):
        keypoints = frame.people[0].keypoints
        inner = (keypoints[:, 2] > 0) & (np.abs(keypoints[:, :2] / SIZE - 0.5) < 0.45).all(axis=1)
        np.testing.assert_allclose(found[inner, :2], keypoints[inner, :2], atol=0.1)
        assert (found[inner, 2] > 0.9).all() and (found[keypoints[:, 2] == 0, 2] == 0).all()


@pytest.mark.parametrize("exact", [False, True])
def test_all_that_is_read_off_the_maps_is_what_is_read_one_by_one(exact, monkeypatch):
    codec = AssociativeEmbedding(SKELETON, exact=exact)
    outputs = predicted(codec, make_frame(overlapping_people(np.random.default_rng(0), 3)))
    wanted, peaks, heat = codec.decode(outputs), codec.peaks(outputs), codec.heatmaps(outputs)
    merged = []
    merge = AssociativeEmbedding.heatmaps
    monkeypatch.setattr(AssociativeEmbedding, "heatmaps", lambda *given: merged.append(1) or merge(*given))
    read = codec.read(outputs)
    assert len(merged) == 1, "merging waits for the device"
    assert len(read.people[0]) == len(wanted[0]) > 0
    for found, person in zip(read.people[0], wanted[0], strict=True):
        np.testing.assert_array_equal(found.keypoints, person.keypoints)
        np.testing.assert_array_equal(found.scores, person.scores)
    np.testing.assert_array_equal(read.peaks, peaks)
    torch.testing.assert_close(read.heatmaps, heat, rtol=0, atol=0)


def test_the_memory_format_of_the_maps_does_not_matter():
    codec = AssociativeEmbedding(SKELETON, strides=(4,))
    people = separated_people(np.random.default_rng(0))
    outputs = predicted(codec, make_frame(people))
    wanted = codec.decode(outputs)[0]
    found = codec.decode([o.contiguous(memory_format=torch.channels_last) for o in outputs])[0]
    assert len(found) == len(people)
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(a.keypoints, b.keypoints)


# maps that no trained network gives


def strange_maps(kind, generator):
    codec = AssociativeEmbedding(SKELETON)
    shapes = [(1, s.channels, 256 // s.stride, 256 // s.stride) for s in codec.outputs]
    if kind == "noise":
        return [torch.randn(s, generator=generator) * 0.3 for s in shapes]
    if kind == "constant":
        return [torch.full(s, 0.5) for s in shapes]
    if kind == "negative":
        return [torch.full(s, -0.5) for s in shapes]
    if kind == "nan":
        return [torch.full(s, math.nan) for s in shapes]
    if kind == "infinite":
        return [torch.full(s, math.inf) for s in shapes]
    outputs = [torch.randn(s, generator=generator) * 0.3 for s in shapes]
    outputs[0][0, :, 10:20] = math.nan
    outputs[1][0, :, 3] = math.inf
    return outputs


@pytest.mark.parametrize("kind", ["noise", "constant", "negative", "nan", "infinite", "partly nan"])
def test_maps_of_no_sense_decode_in_bounded_time(kind):
    codec = AssociativeEmbedding(SKELETON)
    outputs = strange_maps(kind, torch.Generator().manual_seed(0))
    start = time.perf_counter()
    people = codec.decode(outputs)[0]
    assert time.perf_counter() - start < 5  # ordinary is .1 s
    assert len(people) <= codec.max_people
    assert all(np.isfinite(p.keypoints).all() and np.isfinite(p.scores).all() for p in people)
    assert np.isfinite(codec.peaks(outputs)).all()
    if kind in ("negative", "nan", "infinite"):
        assert people == []


def test_exact_mode_bears_nonsense_too():
    codec = AssociativeEmbedding(SKELETON, exact=True)
    outputs = [o[..., :24, :24] for o in strange_maps("partly nan", torch.Generator().manual_seed(0))]
    outputs = [outputs[0], outputs[1].repeat(1, 1, 2, 2)]
    assert all(np.isfinite(p.keypoints).all() for p in codec.decode(outputs)[0])
