"""What clips of unequal size say of others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.sweeps.cluster_sizes import correct_variance, effective_count, told_few

UNEQUAL = [120, 60, 30, 20, 10, 10, 5, 5]


@pytest.mark.parametrize("count", [2, 5, 40, 1000])
def test_equal_ones_are_as_many_as_they_are(count):
    sizes = np.full(count, 9)
    assert effective_count(sizes) == pytest.approx(count)
    assert correct_variance(sizes) == pytest.approx((count / (count - 1), count - 1))


@pytest.mark.parametrize("sizes", [UNEQUAL, [150] + [10] * 9, [3, 1], [50, 20, 20, 10]])
def test_factor_and_degrees_of_freedom_are_those_of_what_is_drawn(sizes):
    """Of whole clusters that scatter alike: right on average, and its spread that of chi-square."""
    shares = np.array(sizes) / np.sum(sizes)
    means = np.random.default_rng(0).normal(size=(100_000, len(sizes)))
    found = np.square(means - (means @ shares)[:, None]) @ shares**2  # the bootstrap's variance
    factor, freedom = correct_variance(np.array(sizes))
    assert factor * found.mean() == pytest.approx(np.sum(shares**2), rel=0.02)
    assert freedom == pytest.approx(2 * found.mean() ** 2 / found.var(), rel=0.05)


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=60))
def test_unequal_ones_say_less_and_never_nothing(sizes):
    count, effective = len(sizes), effective_count(np.array(sizes))
    factor, freedom = correct_variance(np.array(sizes))
    assert 1 - 1e-9 <= effective <= count * (1 + 1e-9)
    assert factor >= count / (count - 1) * (1 - 1e-6) and np.isfinite(factor)
    assert 1 - 1e-6 <= freedom <= (count - 1) * (1 + 1e-6)


def test_of_few_it_is_said():
    assert told_few(np.full(5, 20), "clips") == "only 5 clips"
    assert "only 8 clips, of such unequal size that they weigh no more than 3.5" in told_few(
        np.array(UNEQUAL), "clips"
    )
    assert told_few(np.full(10, 3), "clips") == "" == told_few(np.arange(1, 41), "clips")
    assert told_few(np.array([500, *[1] * 40]), "clips").startswith("only 41 clips, of such unequal size")
