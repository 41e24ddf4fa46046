"""Maps reduced to peaks and cells: the people are those of the whole maps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from codec_maps import SKELETON, make_frame, overlapping_people, predicted

from dancepose.codecs.ae_condensing import condense_maps, decode_condensed
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.base import Found

K = len(SKELETON)


def noisy_maps(codec, batch=2, seed=0, noise=0.02):
    """Three people in each image, a joint of them weakened so that it is filled in, under noise."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(batch):
        maps = predicted(codec, make_frame(overlapping_people(rng, 3)))
        weak = rng.integers(K)
        for output in maps:
            drawn = torch.from_numpy(rng.normal(0, noise, output[:, :K].shape)).float()
            output[:, weak] *= 0.08
            output[:, :K] += drawn
        images.append(maps)
    return [torch.cat(parts) for parts in zip(*images, strict=True)]


def same(found, wanted):
    assert [(len(f.people), f.beyond) for f in found] == [(len(w.people), w.beyond) for w in wanted]
    for a, b in zip(*(sum((one.people for one in way), []) for way in (found, wanted)), strict=True):
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=1e-5)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-6)
        assert a.score == pytest.approx(b.score)


@pytest.mark.parametrize("keys", [{}, {"refine": False}, {"adjust": False}, {"subcell": "quarter"}], ids=str)
@pytest.mark.parametrize("strides", [(4,), (4, 2)])
def test_the_people_are_those_of_the_whole_maps(keys, strides):
    codec = AssociativeEmbedding(SKELETON, strides=strides, **keys)
    outputs = noisy_maps(codec)
    condensed = {name: value.numpy() for name, value in codec.condense(outputs).items()}
    assert ("cell_map" in condensed) == keys.get("refine", True)
    found, wanted = codec.find_condensed(condensed), codec.find(outputs)
    assert len(wanted[0].people) and len(wanted[1].people)
    same(found, wanted)


def test_what_is_left_is_a_small_part_of_the_maps():
    codec = AssociativeEmbedding(SKELETON)
    outputs = noisy_maps(codec, noise=0.0)
    left = sum(value.numel() * value.element_size() for value in codec.condense(outputs).values())
    # three people all over a small picture: in larger ones it is a smaller part
    assert left < 0.3 * sum(4 * output.numel() for output in outputs)


def test_what_is_filled_in_is_the_same():
    codec, without = AssociativeEmbedding(SKELETON), AssociativeEmbedding(SKELETON, refine=False)
    outputs = noisy_maps(codec, batch=1)
    condensed = {name: value.numpy() for name, value in codec.condense(outputs).items()}
    (found,), (bare,) = codec.find_condensed(condensed), without.decode(outputs)
    assert sum(p.present.sum() for p in found.people) > sum(p.present.sum() for p in bare)


def test_merged_passes_keep_a_tag_for_each():
    codec = AssociativeEmbedding(SKELETON)
    merged = codec.merge([noisy_maps(codec), noisy_maps(codec, seed=1)])
    condensed = {name: value.numpy() for name, value in codec.condense(merged).items()}
    assert condensed["peak_tag"].shape[-1] == condensed["cell_tag"].shape[-1] == 2
    same(codec.find_condensed(condensed), codec.find(merged))


def test_whom_there_is_no_room_for_is_counted():
    codec = AssociativeEmbedding(SKELETON)
    outputs = noisy_maps(codec, noise=0.0)
    everybody = codec.find(outputs)
    assert all(len(one.people) > 1 and one.beyond == 0 for one in everybody)
    codec.decoder.group = replace(codec.decoder.group, max_people=1)
    condensed = {name: value.numpy() for name, value in codec.condense(outputs).items()}
    for way in (codec.find(outputs), codec.find_condensed(condensed)):
        assert [(len(one.people), one.beyond) for one in way] == [(1, len(e.people) - 1) for e in everybody]
    assert [len(people) for people in codec.decode(outputs)] == [1, 1]


@pytest.mark.parametrize("refine", [True, False])
def test_the_published_rule_fills_in_from_the_whole_maps(refine):
    codec = AssociativeEmbedding(SKELETON, exact=True, refine=refine)
    outputs = noisy_maps(codec)
    condensed = {name: value.numpy() for name, value in codec.condense(outputs).items()}
    assert ("maps_0" in condensed) == refine
    same(codec.find_condensed(condensed), codec.find(outputs))


def test_a_map_smaller_than_the_number_of_candidates():
    codec = AssociativeEmbedding(SKELETON, strides=(4,))
    outputs = [torch.rand(1, 2 * K, 4, 5)]
    condensed = {name: value.numpy() for name, value in codec.condense(outputs).items()}
    assert condensed["peak_heat"].shape == (1, K, 30) and condensed["peak_cell"].max() < 5
    same(codec.find_condensed(condensed), codec.find(outputs))
    empty = {n: v.numpy() for n, v in codec.condense([torch.zeros(1, 2 * K, 8, 8)]).items()}
    assert codec.find_condensed(empty) == [Found([])]


def test_the_cells_that_are_left_are_peaks_and_what_may_fill_in():
    """Of one map: its peaks by height, each with place and tag; of the cells all above the threshold."""
    codec = AssociativeEmbedding(SKELETON, strides=(4,), adjust=False)
    heat, tags = torch.zeros(1, K, 8, 10), torch.rand(1, 1, K, 8, 10)
    decoder = codec.decoder
    heat[0, 2, 3, 4], heat[0, 2, 6, 8], heat[0, 2, 3, 5] = 0.9, 0.95, 0.5
    heat[0, 5, 0, 0] = (decoder.refine_threshold + decoder.detection_threshold) / 2
    condensed = condense_maps(decoder, heat, tags)
    assert condensed["peak_cell"][0, 2, :2].tolist() == [[8, 6], [4, 3]]
    assert condensed["peak_heat"][0, 2, :3].tolist() == pytest.approx([0.95, 0.9, 0])
    assert condensed["peak_tag"][0, 2, :2, 0].tolist() == [tags[0, 0, 2, 6, 8], tags[0, 0, 2, 3, 4]]
    assert condensed["cell_map"].tolist() == [2, 2, 2, 5] and not condensed["peak_heat"][0, 5].any()
    (found,) = decode_condensed(decoder, {name: value.numpy() for name, value in condensed.items()})
    (wanted,) = decoder(heat, tags)
    np.testing.assert_allclose(found.keypoints, wanted.keypoints, atol=1e-6)
