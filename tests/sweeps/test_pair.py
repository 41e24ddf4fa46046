"""Two arms by the seeds that both have."""

import math

import numpy as np
import pytest
from made_up_scores import CLIPS, arm

from dancepose.sweeps.pair import Pair
from dancepose.sweeps.scores import AccuracyScores, PlainScores, Scores


def pair_of(a: Scores, b: Scores | None) -> Pair:
    arms = {"a": a} if b is None else {"a": a, "b": b}
    return Pair(arms, "b", "a", level=0.95, resamples=200, seed=0)


def test_differences_are_of_equal_seeds_in_whatever_order():
    a = PlainScores([3, 1, 2, 7], [0.1, 0.2, 0.3, 0.4])
    b = PlainScores([1, 2, 3, 9], [0.5, math.nan, 0.9, 0.6])
    pair = pair_of(a, b)
    assert pair.seeds == (1, 3) and pair.unpaired == (2, 7, 9) and pair.absent == ()
    assert pair.differences == pytest.approx([0.3, 0.8]) and pair.estimate == pytest.approx(0.55)
    assert pair.p() is None and pair.over_seeds().low is None and not pair.alike


def test_an_arm_without_a_run_is_absent():
    pair = pair_of(PlainScores([0], [1.0]), None)
    assert pair.absent == ("b",) and pair.estimate is None and pair.seeds == ()
    assert "no paired seeds" in pair.cross(1).interval.note and not pair.alike


def test_the_unit_is_that_of_the_samples_wherever_it_is_told():
    values = np.linspace(0.5, 0.6, 8)
    pairs = {
        "clips": pair_of(arm(0), arm(0.3, key=1)),
        "samples": pair_of(
            AccuracyScores(range(8), arm(0).correct), AccuracyScores(range(8), arm(1).correct)
        ),
        "images": pair_of(
            PlainScores(range(8), values, "images"), PlainScores(range(8), values**2, "images")
        ),
    }
    for unit, pair in pairs.items():
        crossed = pair.cross(1).interval
        assert pair.unit == unit and pair.over_seeds().population == f"other seeds on these very {unit}"
        assert unit in crossed.method and crossed.population == f"other seeds and other {unit} like these"


def test_nothing_is_detectable_where_nothing_can_be_claimed():
    known = pair_of(arm(0), arm(0, key=1))
    assert 0 < known.detectable(known.cross(1), 1) < known.detectable(known.cross(3), 3)
    values = arm(0).values
    plain = pair_of(PlainScores(range(8), values), PlainScores(range(8), arm(0, key=1).values))
    assert plain.p() is not None and plain.detectable(plain.cross(1), 1) is None
    same = pair_of(arm(0), arm(0))
    assert same.alike and same.detectable(same.cross(1), 1) is None
    few = pair_of(arm(0, 5), arm(0, 5, key=1))
    assert few.detectable(few.cross(1), 1) is None


def test_other_clips_are_noticed():
    other = [name.replace("clip", "film") for name in CLIPS]
    pair = pair_of(arm(0), arm(0, clips=other))
    assert pair.apart and "other samples" in pair.cross(1).interval.note
