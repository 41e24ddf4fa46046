"""Intervals: published values, what they always satisfy, words at the edges."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_scores import clustered
from scipy.stats import bootstrap

from dancepose.errors import ConfigError
from dancepose.metrics.confusion import count_confusion, macro_f1
from dancepose.sweeps.statistics import (
    Interval,
    accuracy_interval,
    cluster_bootstrap,
    macro_f1_interval,
    paired_cluster_bootstrap,
    wilson_interval,
)


def sound(interval: Interval) -> None:
    """No NaN; both ends or words for want of them; the estimate inside."""
    numbers = [v for v in (interval.estimate, interval.low, interval.high) if v is not None]
    assert all(math.isfinite(value) for value in numbers)
    assert (interval.low is None) == (interval.high is None)
    if interval.low is None:
        assert interval.note.startswith("no interval: ")
    else:
        assert interval.low <= interval.estimate <= interval.high
    assert f"{100 * interval.level:g} %" in interval.words and interval.population in interval.words


@pytest.mark.parametrize(
    "hits, count, low, high",
    [  # computed by hand from (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), z = 1.959964
        (81, 263, 0.25529, 0.36621),
        (0, 20, 0.0, 0.16113),
        (20, 20, 0.83887, 1.0),
    ],
)
def test_wilson(hits, count, low, high):
    found = wilson_interval(hits, count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-6)
    assert found.words == "95 %, Wilson, for other samples like these"


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.01, 0.98))
def test_wilson_holds_its_estimate_and_grows_with_the_level(hits, wrong, level):
    narrow, wide = (wilson_interval(hits, hits + wrong, value) for value in (level, level + 0.01))
    sound(narrow)
    if hits + wrong:
        assert 0 <= wide.low <= narrow.low and narrow.high <= wide.high <= 1


CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=30)


@given(CASES, st.floats(0.05, 0.9), st.integers(0, 3))
def test_a_bootstrap_holds_its_estimate_and_grows_with_the_level(case, level, seed):
    hits, clips = [hit for hit, _ in case], [clip for _, clip in case]
    narrow, wide = (
        cluster_bootstrap(hits, clips, level=value, resamples=200, seed=seed)
        for value in (level, level + 0.09)
    )
    sound(narrow)
    if narrow.low is not None:
        assert wide.low <= narrow.low and narrow.high <= wide.high
        assert narrow.estimate == pytest.approx(np.mean(hits))
    sound(accuracy_interval(hits, clips, level, resamples=200))


@given(CASES, st.permutations(range(5)))
def test_what_clips_are_called_changes_nothing(case, names):
    hits, clips = [hit for hit, _ in case], [clip for _, clip in case]
    first = accuracy_interval(hits, clips, resamples=100)
    assert accuracy_interval(hits, [f"clip {names[c]}" for c in clips], resamples=100) == first


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), max_size=30), st.permutations(range(3)), st.booleans())
def test_the_order_of_the_classes_changes_no_macro_f1(case, order, in_clips):
    labels, predicted, clips = (np.array([row[i] for row in case], int) for i in range(3))
    groups = clips if in_clips else None
    first = macro_f1_interval(labels, predicted, 3, groups, resamples=100)
    second = macro_f1_interval(np.array(order)[labels], np.array(order)[predicted], 3, groups, resamples=100)
    sound(first)
    for name in ("estimate", "low", "high"):
        one, other = getattr(first, name), getattr(second, name)
        assert one == other if one is None else one == pytest.approx(other)
    if len(case):
        assert first.estimate == pytest.approx(macro_f1(count_confusion(labels, predicted, 3)))


def test_bca_is_that_of_scipy():
    """Of clusters of one sample each: Scipy draws samples, and other ones."""
    values = np.random.default_rng(0).exponential(size=40)
    own = cluster_bootstrap(values, np.arange(40), resamples=100_000, seed=1)
    options = {"n_resamples": 100_000, "rng": 2, "batch": 10_000}
    published = bootstrap((values,), np.mean, method="BCa", **options).confidence_interval
    assert (own.low, own.high) == pytest.approx((published.low, published.high), abs=0.015)
    plain = bootstrap((values,), np.mean, method="percentile", **options).confidence_interval
    assert own.high - plain.high > 0.05, "the case tells BCa from percentiles"


def test_whole_clips_are_drawn():
    """Clips whose samples are all alike are as many observations as there are clips."""
    hits = np.repeat([1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1], 50)
    whole = cluster_bootstrap(hits, np.repeat(np.arange(12), 50), seed=3)
    singles = cluster_bootstrap(hits[::50], np.arange(12), seed=3)
    assert (whole.low, whole.high) == pytest.approx((singles.low, singles.high))
    assert whole.high - whole.low > 5 * (lambda w: w.high - w.low)(wilson_interval(hits.sum(), len(hits)))


def test_any_vectorised_statistic():
    values, clips = np.arange(60.0), np.repeat(np.arange(15), 4)

    def largest(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.where(weights > 0, values, -np.inf).max(axis=1)

    found = cluster_bootstrap(values, clips, largest)
    assert found.estimate == 59 and found.low < 56 and found.high == 59
    assert found.method == "BCa bootstrap over 15 clips"


def test_the_same_seed_gives_the_same_interval():
    hits, clips = clustered(0)
    assert accuracy_interval(hits, clips, seed=4) == accuracy_interval(hits, clips, seed=4)
    assert accuracy_interval(hits, clips, seed=4) != accuracy_interval(hits, clips, seed=5)


def test_many_clusters_are_looked_at_in_portions(monkeypatch):
    hits, clips = clustered(1)
    whole = cluster_bootstrap(hits, clips, resamples=300)
    monkeypatch.setattr("dancepose.sweeps.bootstrap.AT_ONCE", 170)
    assert cluster_bootstrap(hits, clips, resamples=300).low == pytest.approx(whole.low, abs=0.03)


@pytest.mark.parametrize(
    "correct, clips, note, method",
    [
        ([], None, "no samples", "Wilson"),
        ([], [], "no samples", "Wilson"),
        ([1, 0, 1], None, "", "Wilson"),
        ([1, 0, 1], [None] * 3, "", "Wilson"),
        ([1, 0, 1], "abc", "", "Wilson"),  # no clip holds two
        ([1, 0, 1], "aaa", "all is of one of the clips", "BCa bootstrap over 1 clips"),
        ([1, 1, 1], "aaa", "all is of one of the clips", "BCa bootstrap over 1 clips"),
        ([1, 1, 1], "aab", "all samples are right: the interval counts each of the 2 clips once", "Wilson"),
        ([0, 0, 0], "aab", "all samples are wrong: the interval counts each of the 2 clips once", "Wilson"),
        ([1, 0, 1, 0], "aabb", "the clips do not differ", "BCa bootstrap over 2 clips"),
        (
            [1, 0, 1, 1],
            "aabb",
            "only 2 clips: the interval is likely too narrow",
            "BCa bootstrap over 2 clips",
        ),
        ([1, 0, 0, 1], ["a", "a", None, None], "only 3 clips", "BCa bootstrap over 3 clips"),
    ],
)
def test_edges_have_words(correct, clips, note, method):
    found = accuracy_interval(correct, None if clips is None else list(clips))
    sound(found)
    assert note in found.note and found.method == method and bool(note) == bool(found.note)
    named = clips is not None and any(clips)
    assert found.population == f"other {'clips' if named else 'samples'} like these"


@pytest.mark.parametrize("kind", ["one", "pair", "macro-F1"])
def test_clips_of_unequal_size_count_as_fewer(kind):
    """Ten of equal size are enough; one that holds half of the samples leaves less than they are."""
    for sizes, told in (([8] * 10, False), ([72, *[8] * 9], True)):
        hits, clips = (np.arange(sum(sizes)) * 7 % 5 > 1).astype(int), np.repeat(np.arange(10), sizes)
        if kind == "one":
            found = cluster_bootstrap(hits, clips, resamples=200)
        elif kind == "pair":
            found = paired_cluster_bootstrap(hits, np.arange(len(hits)) % 2, clips, resamples=200)
        else:
            found = macro_f1_interval(np.arange(len(hits)) % 2, hits, 2, clips, resamples=200)
        assert ("only 10 clips, of such unequal size" in found.note) == told, found.note
        assert told or not found.note


def test_all_right_is_not_certain():
    found = accuracy_interval(np.ones(200), np.repeat(np.arange(20), 10))
    assert (found.estimate, found.high) == (1, 1)
    assert found.low == pytest.approx(0.83887, abs=1e-5)  # of 20, not of 200
    nothing = accuracy_interval(np.zeros(200), np.repeat(np.arange(20), 10))
    assert (nothing.low, nothing.estimate, nothing.high) == (0, 0, pytest.approx(0.16113, abs=1e-5))


def test_a_difference_of_pairs():
    hits, clips = clustered(3)
    worse = hits & (np.random.default_rng(0).random(len(hits)) < 0.9)
    found = paired_cluster_bootstrap(hits, worse, clips)
    sound(found)
    assert found.estimate == pytest.approx(hits.mean() - worse.mean()) and found.low > 0
    back = paired_cluster_bootstrap(worse, hits, clips)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low), abs=0.005)
    alone = accuracy_interval(hits, clips)
    assert found.high - found.low < 0.5 * (alone.high - alone.low), "what both share falls out"
    same = paired_cluster_bootstrap(hits, hits, clips)
    assert same.estimate == 0 and same.low is None and "do not differ" in same.note
    assert paired_cluster_bootstrap(hits, worse).method == "BCa bootstrap over 400 samples"


def test_a_difference_of_macro_f1():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 300)
    good = np.where(generator.random(300) < 0.9, labels, 0)
    bad = np.where(generator.random(300) < 0.6, labels, 1)
    clips = np.repeat(np.arange(30), 10)
    found = macro_f1_interval(labels, good, 3, clips, against=bad)
    wanted = [macro_f1(count_confusion(labels, answers, 3)) for answers in (good, bad)]
    assert found.estimate == pytest.approx(wanted[0] - wanted[1]) and found.low > 0
    assert macro_f1_interval(labels, good, 3, clips, against=good).low is None


def test_macro_f1_of_a_resample_is_that_of_its_samples():
    """By the matrices of the clips, against the drawn samples themselves."""
    generator = np.random.default_rng(1)
    labels, predicted = generator.integers(0, 4, (2, 60))
    clips = np.repeat(np.arange(12), 5)

    def slow(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        drawn = [np.repeat(np.arange(60), row.astype(int)) for row in weights]
        return np.array([macro_f1(count_confusion(labels[i], predicted[i], 4)) for i in drawn])

    fast = macro_f1_interval(labels, predicted, 4, clips, resamples=200)
    assert fast == cluster_bootstrap(np.zeros(60), clips, slow, resamples=200)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ConfigError, match="level=1"):
        wilson_interval(1, 2, level=1)
    with pytest.raises(ConfigError, match="level=95"):
        cluster_bootstrap([1, 0], [0, 1], level=95)
    with pytest.raises(ConfigError, match="resamples=0"):
        cluster_bootstrap([1, 0], [0, 1], resamples=0)
    with pytest.raises(ValueError, match="3 hits of 2"):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match="1 clusters for 2 samples"):
        accuracy_interval([1, 0], ["a"])
    with pytest.raises(ValueError, match="pairs"):
        paired_cluster_bootstrap([1, 0], [1])
