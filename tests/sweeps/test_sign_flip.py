import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from dancepose.sweeps.sign_flip import EXACT, holm, needed_shift, seeds_needed, sign_flip_p, smallest_p

SMALL = st.lists(st.integers(-5, 5).map(lambda i: i / 4), min_size=1, max_size=9)


@given(SMALL.filter(lambda values: len(values) > 1))
def test_it_is_the_permutation_test_of_scipy(values):
    wanted = permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert sign_flip_p(np.array(values)) == pytest.approx(min(1, wanted.pvalue))


@given(SMALL, st.floats(1e-6, 1e6))
def test_neither_sign_nor_scale_nor_order_matter(values, scale):
    p = sign_flip_p(np.array(values))
    assert smallest_p(len(values)) <= p <= 1
    for other in (np.array(values) * scale, -np.array(values), np.array(values)[::-1]):
        assert sign_flip_p(other) == p


def test_all_of_one_sign_reaches_the_smallest_p():
    for seeds in range(1, EXACT + 1):
        assert sign_flip_p(np.linspace(0.1, 1, seeds)) == smallest_p(seeds) == 2 / 2**seeds


def test_many_seeds_are_looked_at_by_random_signs():
    draw = np.random.default_rng(0)
    assert sign_flip_p(draw.normal(3, 1, 40)) == smallest_p(40) == 1 / 40_000
    values = draw.normal(0.1, 1, 40)
    wanted = permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=20_000, vectorized=True, rng=1
    )
    assert sign_flip_p(values) == pytest.approx(wanted.pvalue, abs=0.01)
    assert 0.02 < wanted.pvalue < 0.9, "the case tells something"
    assert sign_flip_p(values) == sign_flip_p(values)


def test_seeds_that_a_family_needs():
    assert [seeds_needed(m) for m in (1, 3, 6)] == [6, 7, 8]
    for comparisons in range(1, 40):
        needed = seeds_needed(comparisons)
        assert comparisons * smallest_p(needed) <= 0.05 < comparisons * smallest_p(needed - 1)


@pytest.mark.parametrize("seeds", [6, 8, 11])
def test_the_needed_shift_is_where_the_test_begins_to_find_it(seeds):
    alpha = 0.05
    means, shifts = needed_shift(seeds, alpha)
    noise = np.random.default_rng([seeds, 2000]).normal(size=(2000, seeds))
    np.testing.assert_allclose(means, noise.mean(axis=1))
    for outcome, shift in list(zip(noise, shifts, strict=True))[:60]:
        assert sign_flip_p(outcome + shift + 1e-6) <= alpha < sign_flip_p(outcome + shift - 1e-6)


def test_the_needed_shift_of_many_seeds_goes_on_smoothly():
    """Above 12 seeds it is that of a t-test."""
    twelve, thirteen = (np.quantile(needed_shift(seeds, 0.01)[1], 0.8) for seeds in (12, 13))
    assert 0.9 < thirteen / twelve < 1
    assert needed_shift(5, 0.05) is None and needed_shift(7, 0.05 / 6) is None


def test_where_no_number_of_seeds_is_enough_there_is_none():
    """Above 16 seeds p is from drawn signs: it does not fall further, however many seeds there are."""
    assert seeds_needed(1638) == 16 and seeds_needed(10_000) is None and seeds_needed(3) == 7
    for comparisons in (1, 3, 1000, 1638, 1700, 2000):
        needed = seeds_needed(comparisons)
        for seeds in (needed, needed + 1, needed + 20):
            assert comparisons * smallest_p(seeds) <= 0.05 * (1 + 1e-9)


def test_comparisons_of_other_tables_make_p_no_smaller_than_all_together():
    p = [0.001, 0.02, None, 0.004]
    others = [0.01, 0.03]
    together = holm([*p, *others])
    for alone, known in zip(holm(p, len(others)), together[:4], strict=True):
        assert (alone is None and known is None) or alone >= known
    assert holm([0.01], 2) == [pytest.approx(0.03)] and holm(p, 0) == holm(p)
