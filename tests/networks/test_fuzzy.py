import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dancepose.networks.fuzzy import fuzzy_c_means, memberships, spread_seeds, squared_distances

NUMBERS = st.floats(-10, 10, width=32)
POINTS = arrays(np.float64, (6, 3), elements=NUMBERS)
CENTRES = arrays(np.float64, (4, 3), elements=NUMBERS)
KNOWN = arrays(bool, (6, 3))


def slow_memberships(points, centres, known, b):
    """The formula, word by word."""
    result = np.zeros((len(points), len(centres)))
    for i, point in enumerate(points):
        squares = []
        for centre in centres:
            parts = [(p - c) ** 2 for p, c, k in zip(point, centre, known[i], strict=True) if k]
            squares.append(len(point) / len(parts) * sum(parts) if parts else 0.0)
        for c, square in enumerate(squares):
            if 0 in squares:
                result[i, c] = (square == 0) / squares.count(0)
            else:
                ratios = (math.sqrt(square) / math.sqrt(other) for other in squares)
                result[i, c] = 1 / sum(ratio ** (2 / (b - 1)) for ratio in ratios)
    return result


def blobs(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    middles = torch.tensor([[0.0, 0, 0], [9, 0, 0], [0, 9, 9]], dtype=torch.float64)
    noise = torch.randn(3, 40, 3, generator=generator, dtype=torch.float64)
    return (middles[:, None] + 0.3 * noise).reshape(-1, 3), middles


class TestMemberships:
    @given(POINTS, CENTRES, KNOWN, st.sampled_from([1.2, 2.0, 3.0]))
    def test_agree_with_the_formula(self, points, centres, known, b):
        far = np.abs(points[:, None] - centres)
        assume(((far == 0) | (far > 1e-3)).all())  # where rounding does not decide what is a hit
        tensors = [torch.from_numpy(a) for a in (points, centres, known)]
        made = memberships(squared_distances(*tensors), b)
        np.testing.assert_allclose(made.numpy(), slow_memberships(points, centres, known, b), atol=1e-6)

    @given(POINTS, CENTRES, KNOWN, st.floats(1.01, 10))
    def test_sum_to_one_and_are_no_less_than_0(self, points, centres, known, b):
        tensors = [torch.from_numpy(a).float() if a.dtype != bool else torch.from_numpy(a)
                   for a in (points, centres, known)]  # fmt: skip
        made = memberships(squared_distances(*tensors), b)
        assert (made >= 0).all()
        torch.testing.assert_close(made.sum(1), torch.ones(6))

    def test_a_hit_belongs_to_its_centre_alone(self):
        centres = torch.tensor([[1.0, 2], [1, 2], [5, 5]])
        made = memberships(squared_distances(torch.tensor([[5.0, 5], [1, 2]]), centres))
        assert made.tolist() == [[0, 0, 1], [0.5, 0.5, 0]]

    def test_an_absent_centre_has_no_member_even_by_a_hit(self):
        squares = squared_distances(torch.tensor([[0.0, 0]]), torch.tensor([[0.0, 0], [1, 0], [2, 0]]))
        made = memberships(squares, present=torch.tensor([False, True, True]))
        torch.testing.assert_close(made, torch.tensor([[0, 0.8, 0.2]]))

    def test_of_nothing_known_all_are_alike(self):
        squares = squared_distances(torch.ones(1, 2), torch.zeros(4, 2), torch.zeros(1, 2))
        assert memberships(squares).tolist() == [[0.25] * 4]

    def test_axes_broadcast(self):
        squares = squared_distances(torch.randn(5, 1, 3), torch.randn(2, 4, 3), torch.ones(5, 1, 3))
        assert squares.shape == (5, 2, 4)
        assert memberships(squares, present=torch.ones(2, 4, dtype=torch.bool)).shape == (5, 2, 4)


class TestFuzzyCMeans:
    def test_finds_separated_blobs(self):
        points, middles = blobs()
        centres, shares = fuzzy_c_means(points, spread_seeds(points, 3))
        order = torch.cdist(middles, centres).argmin(1)
        assert sorted(order.tolist()) == [0, 1, 2]
        torch.testing.assert_close(centres[order], middles, atol=0.2, rtol=0)
        assert (shares.argmax(1) == order.repeat_interleave(40)).all()
        assert shares.amax(1).min() > 0.9

    def test_comes_to_a_fixed_point_of_the_two_formulas(self):
        points, _ = blobs(1)
        centres, shares = fuzzy_c_means(points, points[::40], tolerance=1e-12, iterations=500)
        powers = shares**2
        torch.testing.assert_close(centres, (powers.T @ points) / powers.sum(0)[:, None])

    def test_never_raises_its_cost(self):
        points = torch.randn(50, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        costs = []
        for iterations in range(8):
            centres, shares = fuzzy_c_means(points, points[:3], iterations=iterations)
            costs.append(float((shares**2 * squared_distances(points, centres)).sum()))
        assert costs == sorted(costs, reverse=True) and costs[0] > costs[-1]

    def test_is_not_led_astray_by_what_is_missing(self):
        points, middles = blobs()
        known = torch.rand(points.shape, generator=torch.Generator().manual_seed(0)) > 0.2
        known[:, 0] |= ~known.any(1)
        hidden = torch.where(known, points, 1000.0)
        centres, _ = fuzzy_c_means(hidden, middles + 1, known)
        torch.testing.assert_close(centres, middles, atol=0.4, rtol=0)

    def test_one_centre_is_the_mean(self):
        points, _ = blobs()
        torch.testing.assert_close(fuzzy_c_means(points, points[:1])[0], points.mean(0, keepdim=True))

    def test_a_coordinate_that_nobody_has_stays(self):
        known = torch.tensor([[True, False]]).expand(3, 2)
        centres, _ = fuzzy_c_means(torch.tensor([[1.0, 0], [2, 0], [3, 0]]), torch.tensor([[0.0, 7]]), known)
        assert centres.tolist() == [[2, 7]]

    @pytest.mark.parametrize(("points", "centres", "b"), [(0, 1, 2), (1, 0, 2), (1, 1, 1)])
    def test_refuses_nothing(self, points, centres, b):
        with pytest.raises(ValueError, match="fuzziness"):
            fuzzy_c_means(torch.zeros(points, 2), torch.zeros(centres, 2), fuzziness=b)


class TestSeeds:
    def test_lie_in_different_blobs(self):
        points, middles = blobs()
        nearest = torch.cdist(spread_seeds(points, 3), middles).argmin(1)
        assert sorted(nearest.tolist()) == [0, 1, 2]

    def test_may_outnumber_the_points(self):
        assert spread_seeds(torch.tensor([[1.0], [2.0]]), 4).shape == (4, 1)

    def test_missing_coordinates_do_not_make_a_point_far(self):
        points = torch.tensor([[5.0, 5], [5, 5.1], [5, 0], [8, 5]])
        known = torch.tensor([[True, True], [True, True], [True, False], [True, True]])
        assert spread_seeds(points, 2, known)[1].tolist() == [8, 5]
        assert spread_seeds(points, 2)[1].tolist() == [5, 0]
