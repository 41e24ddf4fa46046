"""Grouping of candidates by tags, without maps."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from dancepose.codecs.ae_grouping import Grouping, PublishedGrouping, published_cost

K, M = 15, 30
ORDER = np.arange(K)
STRAY, DUPLICATE = -1, -2
seeds = st.integers(0, 10_000)


def candidates(rows, length=1):
    """Arrays of [(joint, score, tag, owner), ...]: scores (K, M), tags (K, M, T), owners (K, M)."""
    scores, owners = np.zeros((K, M), np.float32), np.full((K, M), STRAY)
    tags = np.zeros((K, M, length), np.float32)
    for joint in range(K):
        own = sorted((r for r in rows if r[0] == joint), key=lambda r: -r[1])[:M]
        for i, (_, score, tag, owner) in enumerate(own):
            scores[joint, i], tags[joint, i], owners[joint, i] = score, tag, owner
    return scores, tags, owners


def scene(rng, people, gap, spread, seen, strays=0.0, duplicates=0.0, low=0.3, high=1.0):
    """Candidates as a network gives them: tags `gap` apart, with noise `spread`."""
    means = rng.permutation((np.arange(people) - people / 2) * gap + rng.normal(0, 0.1, people))
    rows = []
    for person, mean in enumerate(means):
        share = rng.uniform(seen, 1)
        for joint in range(K):
            if rng.random() < share:
                score = rng.uniform(low, high)
                rows.append((joint, score, rng.normal(mean, spread), person))
                if rng.random() < duplicates:
                    rows.append((joint, score * rng.uniform(0.3, 0.9), rng.normal(mean, spread), DUPLICATE))
    for _ in range(rng.poisson(strays)):
        stray = rng.uniform(0.1, 0.3) * high, rng.uniform(means.min() - 1.5, means.max() + 1.5)
        rows.append((rng.integers(K), *stray, STRAY))
    return candidates(rows)


def tally(people, owners):
    """True joints grouped with their person, true joints, and people that are nobody."""
    count = owners.max() + 1
    shared = np.zeros((len(people), count))
    for row, person in zip(shared, people, strict=True):
        own = owners[np.flatnonzero(person >= 0), person[person >= 0]]
        np.add.at(row, own[own >= 0], 1)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    matched = shared[rows, columns]
    return matched.sum(), (owners >= 0).sum(), len(people) - (matched > 0).sum()


@pytest.mark.parametrize("rule", [Grouping(ORDER), PublishedGrouping(ORDER)])
def test_no_candidates_no_people(rule):
    scores, tags, _ = candidates([])
    assert rule(scores, tags).shape == (0, K)


@given(seeds, st.integers(1, 20), st.integers(1, 3), st.booleans())
def test_clear_tags_give_the_people(seed, people, length, complete):
    rng = np.random.default_rng(seed)
    means = rng.permutation(people)[:, None] * np.full(length, 2.0)
    rows = [
        (k, rng.uniform(0.3, 1), means[p] + rng.uniform(-0.1, 0.1, length), p)
        for p in range(people)
        for k in range(K)
        if complete or k == 3 or rng.random() < 0.8
    ]
    scores, tags, owners = candidates(rows, length)
    for rule in (Grouping(ORDER), PublishedGrouping(ORDER)):
        if complete or isinstance(rule, Grouping):  # missing joints are enough to make the published rule err
            grouped, joints, invented = tally(rule(scores, tags), owners)
            assert grouped == joints and invented == 0


@given(seeds, st.floats(0.05, 1), st.floats(-50, 50))
def test_the_scale_of_heat_and_the_origin_of_tags_do_not_matter(seed, scale, shift):
    scores, tags, _ = scene(np.random.default_rng(seed), 5, 1.5, 0.2, 0.5, strays=4, duplicates=0.05)
    wanted = Grouping(ORDER)(scores.astype(float), tags.astype(float))
    found = Grouping(ORDER)(scores.astype(float) * scale, tags.astype(float) + shift)
    np.testing.assert_array_equal(found, wanted)


def person_rows(tag=0.0, score=0.6, owner=0, joints=range(K)):
    return [(k, score, tag, owner) for k in joints]


def test_one_weak_stray_is_nobody_but_one_strong_peak_is_somebody():
    for score, people in ((0.2, 1), (0.5, 2)):
        scores, tags, _ = candidates([*person_rows(), (4, score, 5.0, 1)])
        assert len(Grouping(ORDER)(scores, tags)) == people


def test_a_weak_person_of_many_joints_is_somebody():
    scores, tags, _ = candidates(person_rows() + person_rows(3.0, score=0.12, owner=1))
    assert len(Grouping(ORDER)(scores, tags)) == 2


def test_second_peaks_of_a_person_are_nobody():
    second = [(k, 0.5, 0.1, DUPLICATE) for k in (0, 3, 7, 9, 12)]
    scores, tags, _ = candidates(person_rows() + second)
    assert len(Grouping(ORDER)(scores, tags)) == 1
    assert len(PublishedGrouping(ORDER)(scores, tags)) == 2


def test_two_people_of_equal_tags_are_still_two():
    """A network that has not learnt its tags yet: wrong people are better than none."""
    scores, tags, _ = candidates(person_rows() + person_rows(score=0.5, owner=1))
    people = Grouping(ORDER)(scores, tags)
    assert len(people) == 2 and (people >= 0).all()


def test_a_joint_beyond_the_threshold_is_not_taken():
    for distance, taken in ((0.9, True), (1.1, False)):
        rows = [*person_rows(joints=range(14)), (14, 0.3, distance, 0)]
        scores, tags, _ = candidates(rows)
        for rule in (Grouping(ORDER), PublishedGrouping(ORDER)):
            assert (rule(scores, tags)[0, 14] >= 0) == taken


def test_late_people_get_back_what_neighbours_took_early():
    """Person 1 is unknown when its first keypoint is taken by person 0, whose own is hidden."""
    rows = (
        person_rows(joints=range(1, K)) + [(0, 0.6, 0.8, 1)] + person_rows(0.8, owner=1, joints=range(2, K))
    )
    scores, tags, owners = candidates(rows)
    order = np.array([1, 0, *range(2, K)])
    grouped, joints, invented = tally(Grouping(order)(scores, tags), owners)
    assert grouped == joints and invented == 0
    assert tally(PublishedGrouping(order)(scores, tags), owners)[0] < joints


def test_the_best_people_are_kept():
    rows = [row for p in range(8) for row in person_rows(3.0 * p, score=0.3 + 0.05 * p, owner=p)]
    scores, tags, owners = candidates(rows)
    people = Grouping(ORDER, max_people=3)(scores, tags)
    assert [owners[0, person[0]] for person in people] == [7, 6, 5]


# scenes with all that goes wrong: (people, gap, spread, seen, strays, duplicates, low, high)
HARD = {
    "crowd": (28, 1.0, 0.1, 0.6, 6, 0.02, 0.2, 1.0),
    "wide": (10, 2.0, 0.2, 0.4, 4, 0.05, 0.2, 1.0),
    "sparse": (5, 1.5, 0.15, 0.1, 3, 0.02, 0.2, 1.0),
    "tight": (10, 0.6, 0.1, 0.5, 3, 0.02, 0.2, 1.0),
    "second peaks": (8, 1.5, 0.15, 0.5, 2, 0.2, 0.3, 1.0),
    "noisy tags": (8, 1.2, 0.35, 0.4, 5, 0.05, 0.15, 0.9),
    "low peaks": (6, 1.0, 0.25, 0.4, 5, 0.1, 0.11, 0.3),
    "tags not learnt": (6, 0.05, 0.1, 0.4, 3, 0.05, 0.12, 0.6),
}


@pytest.mark.parametrize("name", HARD)
def test_the_default_groups_more_and_invents_less_than_the_published_rule(name):
    rng = np.random.default_rng(0)
    totals = np.zeros((2, 3))
    for _ in range(15):
        scores, tags, owners = scene(rng, *HARD[name])
        for total, rule in zip(totals, (Grouping(ORDER), PublishedGrouping(ORDER)), strict=True):
            total += tally(rule(scores, tags), owners)
    (grouped, _, invented), (published, _, more) = totals
    assert grouped >= published
    assert invented <= more / 2


@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_the_published_cost_is_least(seed, rows, columns):
    rng = np.random.default_rng(seed)
    distance, score = rng.uniform(0, 3, (rows, columns)), rng.uniform(0.1, 1, rows)
    cost = published_cost(distance, score)
    chosen = cost[linear_sum_assignment(cost)].sum()
    plain = np.full((rows, max(rows, columns)), 1e10)  # as published: columns for those left over
    plain[:, :columns] = np.round(distance) * 100 - score[:, None]
    best = min(plain[np.arange(rows), list(p)].sum() for p in permutations(range(plain.shape[1]), rows))
    left_over = max(0, rows - columns)
    assert chosen == pytest.approx(best - 1e10 * left_over, abs=1e-4 * (1 + left_over))


def test_published_people_are_known_by_their_first_tag():
    scores, tags, _ = candidates([(0, 0.9, 1.0, 0), (1, 0.9, 3.0, 1), (2, 0.9, 1.2, 0), (2, 0.8, 1.0, 0)])
    people = PublishedGrouping(ORDER)(scores, tags)
    assert len(people) == 2  # the fourth candidate takes the place of the third in person 0
    assert people[0, :3].tolist() == [0, -1, 1]


def test_published_people_beyond_the_most_are_not_offered():
    rows = [
        row for p in range(4) for row in person_rows(3.0 * p, score=0.9 - 0.1 * p, owner=p, joints=(0, 1))
    ]
    scores, tags, _ = candidates(rows)
    assert len(PublishedGrouping(ORDER, max_people=4)(scores, tags)) == 4
    people = PublishedGrouping(ORDER, max_people=2)(scores, tags)
    assert (people[:, 0] >= 0).sum() == 4 and (people[:2, 1] >= 0).all()
