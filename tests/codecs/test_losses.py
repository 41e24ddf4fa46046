"""Losses: against their definitions, and of the AE codec as a whole."""

import math

import numpy as np
import pytest
import torch
from codec_maps import (
    SIZE,
    SKELETON,
    make_frame,
    overlapping_people,
    predicted,
    separated_people,
)
from hypothesis import given
from hypothesis import strategies as st

from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.losses import heatmap_loss, tag_loss

K = len(SKELETON)
seeds = st.integers(0, 10_000)


def as_batch(arrays):
    return {k: torch.from_numpy(v)[None] for k, v in arrays.items()}


def test_heatmap_loss_by_hand():
    predicted, target = torch.zeros(2, 2, 2, 2), torch.zeros(2, 2, 2, 2)
    predicted[0, 0, 0, 0], predicted[0, 1, 1, 1], predicted[1, 0, 0, 1] = 2.0, 4.0, 3.0
    mask = torch.ones(2, 2, 2, dtype=torch.bool)
    labelled = torch.ones(2, 2, dtype=torch.bool)
    assert heatmap_loss(predicted, target, mask, labelled).tolist() == [20 / 8, 9 / 8]
    mask[0, 1, 1] = False
    labelled[1, 0] = False
    assert heatmap_loss(predicted, target, mask, labelled).tolist() == [4 / 8, 0]


def slow_tag_loss(tags, joints):
    """The definition, person by person."""
    means, pulls = [], []
    for person in joints:
        own = [tags.flatten()[i] for i in person if i >= 0]
        if own:
            mean = sum(own) / len(own)
            means.append(mean)
            pulls.append(sum((t - mean) ** 2 for t in own) / len(own))
    count = len(means)
    pull = sum(pulls) / count if count else 0.0
    if count < 2:
        return float(pull), 0.0
    total = sum(math.exp(-((a - b) ** 2)) for a in means for b in means)
    return float(pull), 0.5 * (total - count) / (count * (count - 1))


@given(seeds, st.integers(1, 6))
def test_tag_loss_is_its_definition(seed, people):
    rng = np.random.default_rng(seed)
    tags = torch.from_numpy(rng.normal(0, 1, (3, 4, 5, 6)))
    joints = np.where(rng.random((3, people, 4)) < 0.5, rng.integers(0, 120, (3, people, 4)), -1)
    pull, push = tag_loss(tags, torch.from_numpy(joints))
    for b in range(3):
        wanted = slow_tag_loss(tags[b].numpy(), joints[b])
        assert (pull[b].item(), push[b].item()) == pytest.approx(wanted, abs=1e-9)


def test_the_total_of_a_perfect_prediction_is_next_to_nothing():
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON)
    frame = make_frame(separated_people(rng))
    losses = codec.loss(
        predicted(codec, frame, tags=10.0 * np.arange(20)), *map(as_batch, codec.encode(frame, SIZE))
    )
    assert list(losses) == ["heatmap_0", "heatmap_1", "pull", "push"]
    assert all(loss.shape == () and abs(loss) < 1e-9 for loss in losses.values())


def test_frames_with_nobody_or_one_person_have_no_push_and_finite_gradients():
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON)
    for people in ([], overlapping_people(rng, 1)):
        outputs = [torch.randn(1, s.channels, 192 // s.stride, 256 // s.stride) for s in codec.outputs]
        outputs = [o.requires_grad_() for o in outputs]
        losses = codec.loss(outputs, *map(as_batch, codec.encode(make_frame(people), SIZE)))
        assert losses["push"] == 0
        assert people or losses["pull"] == 0
        sum(losses.values()).backward()
        assert all(o.grad.isfinite().all() for o in outputs)
        assert people or not outputs[0].grad[:, K:].any()


def test_what_is_masked_or_not_labelled_does_not_count():
    rng = np.random.default_rng(0)
    codec = AssociativeEmbedding(SKELETON)
    labelled = np.arange(K) != 4
    square = np.array([[0, 0], [64, 0], [64, 192], [0, 192]], float)
    frame = make_frame(overlapping_people(rng, 2), labelled=labelled, ignore=[[square]])
    batch = [as_batch(part) for part in codec.encode(frame, SIZE)]
    outputs = predicted(codec, frame)
    before = codec.loss(outputs, *batch)
    for output in outputs:
        output[:, 4] += 5
        output[:, :K, :, : output.shape[-1] // 4] += 5
    after = codec.loss(outputs, *batch)
    assert all(torch.equal(before[name], after[name]) for name in before)
    outputs[1][:, 3, 50, 100] += 5
    assert codec.loss(outputs, *batch)["heatmap_1"] > before["heatmap_1"]


def test_weights_scale_push_and_pull():
    frame = make_frame(overlapping_people(np.random.default_rng(0), 3))
    plain, heavy = (
        AssociativeEmbedding(SKELETON),
        AssociativeEmbedding(SKELETON, push_weight=0.5, pull_weight=2.0),
    )
    outputs = [torch.randn(1, s.channels, 192 // s.stride, 256 // s.stride) for s in plain.outputs]
    batch = [as_batch(part) for part in plain.encode(frame, SIZE)]
    a, b = plain.loss(outputs, *batch), heavy.loss(outputs, *batch)
    torch.testing.assert_close(b["push"], a["push"] * 500)
    torch.testing.assert_close(b["pull"], a["pull"] * 2000)


def test_losses_are_float32_under_autocast():
    frame = make_frame(overlapping_people(np.random.default_rng(0), 3))
    codec = AssociativeEmbedding(SKELETON)
    batch = [as_batch(part) for part in codec.encode(frame, SIZE)]
    outputs = [torch.randn(1, s.channels, 192 // s.stride, 256 // s.stride).bfloat16() for s in codec.outputs]
    wanted = codec.loss([o.float() for o in outputs], *batch)
    with torch.autocast("cpu", torch.bfloat16):
        losses = codec.loss(outputs, *batch)
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    assert all(torch.equal(losses[name], wanted[name]) for name in wanted)
