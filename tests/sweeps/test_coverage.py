"""Intervals hold the truth as often as they say: many made-up studies of each kind."""

import numpy as np
from made_up_scores import clustered

from dancepose.sweeps.statistics import accuracy_interval, paired_cluster_bootstrap, wilson_interval


def test_intervals_of_clips_hold_the_truth_as_often_as_they_say():
    """300 studies of 40 clips: of 95 % at least 90 %, where counting each frame for itself holds far less."""
    studies = [clustered(seed) for seed in range(300)]
    clips = [accuracy_interval(*study, resamples=500) for study in studies]
    frames = [wilson_interval(int(hits.sum()), len(hits)) for hits, _ in studies]
    held, naive = (np.mean([i.low <= 0.8 <= i.high for i in found]) for found in (clips, frames))
    assert 0.90 <= held <= 0.985 and naive < 0.75


def test_wilson_holds_the_truth_of_independent_samples():
    hits = np.random.default_rng(0).binomial(60, 0.9, 2000)
    found = [wilson_interval(count, 60) for count in range(61)]
    held = np.mean([found[count].low <= 0.9 <= found[count].high for count in hits])
    assert 0.93 <= held <= 0.98


def test_paired_intervals_find_no_difference_where_there_is_none():
    """Two systems that are equally good, on the same clips: 0 lies in about 95 % of the intervals."""
    held = []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        skill = np.repeat(generator.beta(4, 1, 40), 10)
        first, second = generator.random((2, 400)) < skill
        found = paired_cluster_bootstrap(first, second, np.repeat(np.arange(40), 10), resamples=400)
        held.append(found.low <= 0 <= found.high)
    assert 0.90 <= np.mean(held) <= 0.985
