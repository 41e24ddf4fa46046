import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.class_weights import BOUNDS, SAMPLERS, ClassWeights

COUNTS = [795, 470, 470, 250, 647, 568]  # table 1 of the paper
counts = st.lists(st.integers(1, 2000), min_size=2, max_size=8)


def test_none_shows_every_sample_once():
    weights = ClassWeights("none", COUNTS)
    assert (weights.per_sample() == 1).all()
    assert weights.shares() == pytest.approx(np.array(COUNTS) / sum(COUNTS))


def test_balanced_gives_every_class_the_same_share():
    assert ClassWeights("balanced", COUNTS).shares() == pytest.approx([1 / 6] * 6)


def test_confusion_begins_balanced_and_then_prefers_what_is_mistaken():
    weights = ClassWeights("confusion", COUNTS)
    assert weights.shares() == pytest.approx([1 / 6] * 6)
    weights.update([0.9, 0.9, 0.9, 0.4, 0.9, None])
    shares = weights.shares()
    # (1 / n)(1.1 - recall): 0.2 each, wave 0.7, and the class that was not measured as the mean of the others
    assert shares == pytest.approx(np.array([0.2, 0.2, 0.2, 0.7, 0.2, 0.3]) / 1.8)


def test_the_recall_is_a_running_mean():
    weights = ClassWeights("confusion", [10, 10])
    weights.update([1.0, 0.0])
    weights.update([0.0, 0.0])
    assert weights.recall == [0.5, 0.0]


@pytest.mark.parametrize(
    ("counts", "recall", "weights"),
    [  # in means of all classes: nothing above 5, nothing below 0.2
        ([10, *[1000] * 9], [0.0] * 10, [0.0545, *[0.00218] * 9]),  # of 0.1 and 0.001: mean 0.0109
        ([100, 100], [1.0, 0.0], [0.12, 1.1]),  # of 0.1 and 1.1: mean 0.6
        ([100, 100], [0.9, 0.6], [0.2, 0.5]),  # within
    ],
)
def test_weights_of_confusion_are_clipped_to_a_fifth_and_five_times_their_mean(counts, recall, weights):
    made = ClassWeights("confusion", counts)
    made.update(recall)
    mass = np.array(weights) * counts
    assert made.shares() == pytest.approx(mass / mass.sum())


@pytest.mark.parametrize("sampler", SAMPLERS)
@given(counts=counts, recall=st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_weights_are_shares_within_bounds(sampler: str, counts: list, recall: list):
    weights = ClassWeights(sampler, counts)
    weights.update(recall[: len(counts)])
    per_sample = weights.per_sample()
    assert weights.shares().sum() == pytest.approx(1)
    assert (per_sample * counts).sum() == pytest.approx(sum(counts))  # mean 1 over all samples
    if sampler == "confusion":
        assert per_sample.max() / per_sample.min() <= BOUNDS[1] / BOUNDS[0] * (1 + 1e-9)


@given(recall=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_the_state_brings_everything_back(recall: list):
    first = ClassWeights("confusion", [5, 6, 7])
    first.update(recall)
    second = ClassWeights("confusion", [5, 6, 7])
    second.load_state_dict(first.state_dict())
    for weights in (first, second):
        weights.update([0.2, None, 0.9])
    assert (first.per_sample() == second.per_sample()).all()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_class_without_samples_gets_no_share(sampler: str):
    shares = ClassWeights(sampler, [4, 0, 4]).shares()
    assert shares[1] == 0 and np.isfinite(shares).all()
