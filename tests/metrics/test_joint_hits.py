"""The mean of shares with joints missing in some pictures, and its standard error over pictures."""

import numpy as np
import pytest

from dancepose.metrics.joint_hits import clip_numbers, draws, mean_share, standard_error


def drawn(seed: int, pictures: int, joints: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of which some are easy and some hard; a third of the joints does not count."""
    draw = np.random.default_rng(seed)
    ease = draw.normal(0, 1, (pictures, 1))
    counted = draw.random((pictures, joints)) < np.linspace(0.4, 0.95, joints)
    return counted & (draw.normal(0, 1, (pictures, joints)) < ease), counted


def share(found: np.ndarray, counted: np.ndarray) -> float:
    return float(mean_share(found.sum(axis=0), counted.sum(axis=0)))


def test_a_mean_of_ratios_by_hand():
    found = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
    counted = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0]], bool)
    assert share(found, counted) == pytest.approx(100 * (1 / 3 + 2 / 2) / 2)  # of the third there is none
    assert np.isnan(share(found & False, counted & False))


def test_where_every_joint_counts_it_is_the_error_of_the_mean_of_pictures():
    found, _ = drawn(0, 50)
    everything = np.ones_like(found)
    wanted = 100 * found.mean(axis=1).std(ddof=1) / np.sqrt(50)
    assert standard_error(found, everything, np.arange(50)) == pytest.approx(wanted, rel=1e-12)


def test_of_missing_joints_it_agrees_with_the_jackknife():
    """Quenouille's and Tukey's, which takes the figure anew without each picture, to second order."""
    found, counted = drawn(1, 300)
    found[:, 2] = counted[:, 2] = False  # a joint that no picture has
    kept = [np.arange(300) != i for i in range(300)]
    without = np.array([share(found[rows], counted[rows]) for rows in kept])
    jackknife = np.sqrt(299 / 300 * np.sum((without - without.mean()) ** 2))
    assert standard_error(found, counted, np.arange(300)) == pytest.approx(jackknife, rel=0.01)


def test_it_is_what_the_figure_varies_by():
    made = [drawn(seed, 120) for seed in range(400)]
    spread = np.std([share(*one) for one in made], ddof=1)
    errors = [standard_error(*one, np.arange(120)) for one in made]
    assert np.mean(errors) == pytest.approx(spread, rel=0.08)


def test_pictures_of_a_clip_are_one_draw():
    found, counted = drawn(2, 60)
    alone = standard_error(found, counted, np.arange(60))
    twice = np.repeat(found, 2, axis=0), np.repeat(counted, 2, axis=0)
    assert standard_error(*twice, np.repeat(np.arange(60), 2)) == pytest.approx(alone, rel=1e-12)
    assert standard_error(*twice, np.arange(120)) < 0.8 * alone


def test_pictures_without_a_counted_joint_are_no_draws():
    found, counted = drawn(3, 40)
    alone = standard_error(found, counted, np.arange(40))
    none = np.zeros((25, 6), bool)
    more = np.concatenate([found, none]), np.concatenate([counted, none])
    assert standard_error(*more, np.arange(65)) == alone
    assert standard_error(none, none, np.arange(25)) is None
    assert standard_error(found, counted, np.zeros(40, int)) is None  # one clip says nothing of others


def test_clips_have_the_same_numbers_everywhere_and_pictures_without_one_stand_alone():
    numbers = clip_numbers(["a", None, "舞蹈", "a", None])
    assert numbers.tolist() == clip_numbers(["a", None, "舞蹈", "a", None]).tolist()
    assert numbers.astype(np.float64).astype(np.int64).tolist() == numbers.tolist()  # tables hold float64
    groups, unit = draws(numbers)
    assert unit == "clips" and groups[0] == groups[3] and len(set(groups.tolist())) == 4
    groups, unit = draws(clip_numbers([None, None]))
    assert unit == "images" and len(set(groups.tolist())) == 2
