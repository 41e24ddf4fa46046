"""Samplers: the order depends on seed and epoch alone, and the processes share it without loss or doubles."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.sampler import EvaluationSampler, SampleKey, TrainSampler, draw_seed


def epoch(sampler: TrainSampler, number: int) -> list[SampleKey]:
    sampler.set_epoch(number)
    return list(sampler)


@given(size=st.integers(1, 80), world=st.sampled_from([1, 2, 4]), batch=st.sampled_from([4, 8, 12]))
def test_processes_make_up_the_same_batches(size: int, world: int, batch: int):
    whole = epoch(TrainSampler([size], [1.0], batch, seed=0), 3)
    shares = [epoch(TrainSampler([size], [1.0], batch, 0, rank, world), 3) for rank in range(world)]
    assert len(whole) == size // batch * batch
    assert {len(share) for share in shares} == {len(whole) // world}
    local = batch // world
    for step in range(len(whole) // batch):
        together = {key for share in shares for key in share[step * local : (step + 1) * local]}
        assert together == set(whole[step * batch : (step + 1) * batch])


@given(size=st.integers(0, 50), seed=st.integers(0, 5))
def test_every_frame_once_an_epoch(size: int, seed: int):
    sampler = TrainSampler([size], [1.0], 1, seed)
    keys = epoch(sampler, 2)
    assert len(sampler) == size
    assert sorted(keys) == [SampleKey(2, index) for index in range(size)]


def test_order_depends_on_seed_and_epoch():
    orders = [
        [key.index for key in epoch(TrainSampler([40], [1.0], 4, seed), number)]
        for seed, number in ((0, 0), (0, 1), (1, 0), (0, 0))
    ]
    assert orders[0] == orders[3] and orders[0] != orders[1] and orders[0] != orders[2]
    assert orders[0] != sorted(orders[0])


def test_a_fresh_sampler_goes_on_like_an_old_one():
    old = TrainSampler([40], [1.0], 4, 0)
    for number in range(3):
        epoch(old, number)
    assert epoch(old, 3) == epoch(TrainSampler([40], [1.0], 4, 0), 3)


def test_weights_are_how_often_a_frame_comes_up():
    sampler = TrainSampler([900, 60], [1.0, 5.0], 1, seed=0)
    keys = epoch(sampler, 0)
    counts = Counter(key.index for key in keys)
    small = sum(count for index, count in counts.items() if index >= 900)
    assert len(keys) == 960 and small == 960 * 300 // 1200
    assert {counts[index] for index in range(900, 960)} == {4}
    assert set(counts[index] for index in range(900)) == {0, 1}
    assert len(set(keys)) == len(keys)  # repeats differ by their occurrence, so their augmentation differs
    assert {key.occurrence for key in keys if key.index >= 900} == {0, 1, 2, 3}


@given(
    parts=st.lists(st.tuples(st.integers(1, 30), st.floats(0.1, 10)), min_size=1, max_size=4),
    number=st.integers(0, 3),
)
def test_a_mix_has_its_length_and_its_shares(parts: list, number: int):
    sizes, weights = zip(*parts, strict=True)
    keys = epoch(TrainSampler(sizes, weights, 1, seed=0), number)
    assert len(keys) == sum(sizes) and len(set(keys)) == len(keys)
    mass = sum(s * w for s, w in parts)
    start = 0
    for size, weight in parts:
        counts = Counter(key.index for key in keys if start <= key.index < start + size)
        assert abs(sum(counts.values()) - sum(sizes) * size * weight / mass) < 1
        assert max(counts.values(), default=0) - min((counts[start + i] for i in range(size)), default=0) <= 1
        start += size


def test_equal_weights_are_plain_joining():
    joined = epoch(TrainSampler([7, 5], [0.3, 0.3], 1, 0), 1)
    assert sorted(key.index for key in joined) == list(range(12))


def test_an_indivisible_batch_is_refused():
    with pytest.raises(ValueError, match="3"):
        TrainSampler([10], [1.0], 3, 0, 0, 2)


@given(
    sizes=st.lists(st.sampled_from([(64, 64), (128, 64), (64, 128)]), max_size=30),
    batch=st.integers(1, 5),
    world=st.integers(1, 4),
)
def test_evaluation_takes_each_frame_once_in_batches_of_one_size(sizes: list, batch: int, world: int):
    seen, lengths = [], set()
    for rank in range(world):
        sampler = EvaluationSampler(sizes, batch, rank, world)
        batches = list(sampler)
        assert len(sampler) == len(batches)
        lengths.add(len(batches))
        for keys in batches:
            assert len(keys) <= batch and len({sizes[key.index] for key in keys}) <= 1
            seen += [key.index for key in keys]
        filled = [bool(keys) for keys in batches]
        assert filled == sorted(filled, reverse=True), "empty batches come last"
    assert sorted(seen) == list(range(len(sizes)))
    assert len(lengths) == 1, "processes that talk in every forward pass need equal numbers of batches"


def test_seeds_are_of_all_their_parts():
    seeds = [draw_seed(*parts) for parts in ((0, 1, "a"), (0, 1, "b"), (0, 2, "a"), (1, 1, "a"), (0, "1a"))]
    assert len(set(seeds)) == 5
    assert draw_seed(0, 1, "a") == seeds[0] == 12228131273275268822  # the same on any machine and version
