"""Verdicts: what they rest on, and words wherever there is no number."""

import json
import math
import warnings
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_scores import CLIPS, arm
from statsmodels.stats.multitest import multipletests

from dancepose.errors import ConfigError
from dancepose.sweeps.paired import compare
from dancepose.sweeps.scores import AccuracyScores, CalibrationScores, PlainScores


def sound(found) -> None:
    """Plain finite numbers or None, words, ends in order."""
    json.dumps(asdict(found), allow_nan=False)
    assert found.words.endswith(".") and "nan" not in found.words and "None" not in found.words
    for interval in (found.over_seeds, found.over_both):
        assert (interval.low is None) == bool(interval.note.startswith("no interval"))
        if interval.low is not None:
            assert interval.low <= interval.estimate <= interval.high
    if found.claim is not None:
        assert found.p_holm <= 0.05 and found.over_seeds.low * found.over_seeds.high > 0


def test_a_large_difference_is_claimed_and_each_interval_names_its_population():
    found = compare({"none": arm(0), "good": arm(0.7, key=1), "bad": arm(-0.7, key=2)}, "none")
    assert list(found) == ["good", "bad"]
    good, bad = found["good"], found["bad"]
    for difference in (good, bad):
        sound(difference)
        assert difference.p == 2 / 2**8 and difference.p_holm == 2 * difference.p
        assert difference.over_seeds.population == "other seeds on these very clips"
        assert difference.over_both.population == "other seeds and other clips like these"
        assert (
            difference.over_both.method
            == "crossed bootstrap over 8 seeds and 40 clips, 2 comparisons at once"
        )
        assert difference.seeds == tuple(range(8)) and difference.against == "none"
    assert (good.claim, bad.claim) == ("better", "worse")
    assert good.words.startswith(f"good is better than none by {good.estimate:.3g} (95 %: ")
    assert "Holm-corrected p = 0.016 with 8 paired seeds" in good.words
    assert good.estimate == pytest.approx(arm(0.7, key=1).values.mean() - arm(0).values.mean())
    low = {name: d.claim for name, d in compare({"none": arm(0), "good": arm(0.7)}, "none", False).items()}
    assert low == {"good": "worse"}, "of an error the larger is the worse"


def test_no_difference_is_told_with_what_would_be_found():
    found = compare({"none": arm(0), "same": arm(0, key=1)}, "none")["same"]
    sound(found)
    assert found.claim is None and found.words.startswith("No detectable difference between same and none: ")
    assert f"A difference of {found.detectable:.2g} would be found with 80 % power." in found.words
    assert 0 < found.detectable < 0.2


@pytest.mark.parametrize(
    ("seeds", "pairs", "needed", "possible"),
    [(5, 1, 6, "0.062"), (6, 3, 7, "0.094"), (7, 6, 8, "0.094"), (3, 1, 6, "0.25")],
)
def test_too_few_seeds_are_told_with_the_number_that_is_needed(seeds, pairs, needed, possible):
    arms = {f"arm {i}": arm(0.9 * i, seeds, key=i) for i in range(pairs + 1)}
    found = compare(arms, "arm 0")["arm 1"]
    sound(found)
    assert found.claim is None and found.detectable is None and found.p == 2 / 2**seeds
    assert f"{seeds} paired seeds decide nothing" in found.words
    assert f"at least {needed} seeds" in found.words and f"smallest possible p is {possible}" in found.words
    more = {name: arm(0.9 * i, needed, key=i) for i, name in enumerate(arms)}
    assert compare(more, "arm 0")["arm 1"].claim == "better"


def test_an_arm_with_few_seeds_may_still_come_last_in_the_family():
    """Holm's last step asks for 0.05 alone, which 6 seeds reach."""
    arms = {"none": arm(0, 10), "a": arm(0.8, 10, 1), "b": arm(0.8, 10, 2), "c": arm(0.8, 6, 3)}
    found = compare(arms, "none")["c"]
    assert found.p_holm == found.p == 2 / 2**6 and found.claim == "better"
    assert (
        "c is better than none" in found.words
        and "seeds 6, 7, 8, 9 have no number of one of the two" in found.words
    )


def test_one_and_two_seeds_have_words():
    for seeds, start in ((1, "1 paired seed decides nothing: b"), (2, "2 paired seeds decide nothing: b")):
        found = compare({"a": arm(0, seeds), "b": arm(0.5, seeds, 1)}, "a")["b"]
        sound(found)
        assert found.words.startswith(start) and (found.p, found.p_holm, found.claim) == (None,) * 3
        assert found.estimate > 0 and "at least 3 are needed" in found.over_seeds.note


def test_only_seeds_of_both_count():
    found = compare({"a": arm(0, [1, 2, 3, 9]), "b": arm(0, [2, 3, 4, 1], 1)}, "a")["b"]
    assert found.seeds == (1, 2, 3) and "seeds 4, 9 have no number of one of the two" in found.words
    one = compare({"a": arm(0, 4), "b": arm(0, 3, 1)}, "a")["b"]
    assert "seed 3 has no number of one of the two, and so does not count." in one.words
    nothing = compare({"a": arm(0, [1]), "b": arm(0, [2])}, "a")["b"]
    sound(nothing)
    assert nothing.estimate is None and "no seed in common" in nothing.words


def test_pairs_are_made_by_seed_not_by_place():
    forward, back = arm(0, [0, 1, 2, 3]), arm(0, [3, 2, 1, 0])
    turned = AccuracyScores([3, 2, 1, 0], forward.correct[::-1], CLIPS)
    found = compare({"a": forward, "b": turned}, "a")["b"]
    assert found.estimate == 0 and found.p == 1
    assert compare({"a": forward, "b": back}, "a")["b"].over_seeds.low is not None, "these differ by seed"


def test_runs_without_a_number_do_not_count():
    values = [0.5, None, math.nan, 0.6, 0.7]
    found = compare({"a": PlainScores(range(5), values), "b": PlainScores(range(5), [0.9] * 5)}, "a")["b"]
    sound(found)
    assert found.seeds == (0, 3, 4) and "seeds 1, 2 have no number of one of the two" in found.words
    empty = compare({"a": PlainScores([0], [None]), "b": PlainScores([0], [1.0])}, "a")["b"]
    assert (
        empty.words == "b and a cannot be compared: there is no finished run of a." and empty.estimate is None
    )


def test_a_missing_arm_has_words():
    found = compare({"b": arm(0), "c": PlainScores([], [])}, "none")
    for difference in found.values():
        sound(difference)
    assert found["b"].words == "b and none cannot be compared: there is no finished run of none."
    assert found["c"].words == "c and none cannot be compared: there is no finished run of c and of none."
    assert compare({"none": arm(0)}, "none") == {} == compare({}, "none")


def test_equal_differences_have_words():
    same = compare({"a": arm(0), "b": arm(0)}, "a")["b"]
    sound(same)
    assert (
        same.words == "b and a have the same value in all 8 pairs: by it there is no difference to be seen."
    )
    assert same.p == 1 and same.claim is None and same.detectable is None
    values = arm(0).values
    shifted = compare({"a": PlainScores(range(8), values), "b": PlainScores(range(8), values + 0.1)}, "a")[
        "b"
    ]
    sound(shifted)
    assert shifted.claim is None and shifted.detectable is None
    assert (
        "+0.1 in every one of 8 paired seeds" in shifted.words and "no difference is claimed" in shifted.words
    )


def test_plain_numbers_claim_nothing():
    """However far they lie apart: nothing tells what other images would have shown."""
    values = arm(0).values
    better = values + np.linspace(0.1, 0.2, 8)
    arms = {"a": PlainScores(range(8), values, "images"), "b": PlainScores(range(8), better, "images")}
    found = compare(arms, "a")["b"]
    sound(found)
    assert found.p < 0.01 and found.over_seeds.low > 0, "the seeds alone would claim it"
    assert found.claim is None and found.over_both.low is None and found.detectable is None
    assert found.verdict == "undecided: nothing is known of other images"
    assert "images" in found.over_both.population and "clips" not in found.over_both.method


def test_a_test_part_of_one_clip_says_nothing_of_others():
    one = ["x"] * 400
    found = compare({"a": arm(0, clips=one), "b": arm(0.7, key=1, clips=one)}, "a")["b"]
    assert "all is of one of the clips" in found.over_both.note
    assert found.claim is None and found.verdict == "undecided: nothing is known of other clips"


def test_two_seeds_are_too_few_at_any_level():
    """Half of all true differences would do: the sign-flip test needs 2 seeds, what is said of them 3."""
    found = compare({"a": arm(0, 2), "b": arm(0.7, 2, key=1)}, "a", level=0.5)["b"]
    sound(found)
    assert found.verdict == "undecided: 2 of 3 seeds"


def test_other_test_samples_cannot_be_compared():
    other = [name.replace("clip", "film") for name in CLIPS]
    found = compare({"a": arm(0), "b": arm(2, key=1, clips=other)}, "a")["b"]
    sound(found)
    assert (
        found.claim is None
        and found.words == "b and a cannot be compared: they were tested on other samples."
    )


def test_a_difference_of_few_clips_is_not_claimed():
    """All seeds agree, but one clip alone makes the difference: other clips may not show it."""
    base = arm(0)
    correct = base.correct.copy()
    correct[:, :10] = False
    lucky = base.correct.copy()
    lucky[:, :10] = True
    lucky[:, 10:14] ^= np.random.default_rng(0).random((8, 4)) < 0.5  # seeds differ a little
    found = compare(
        {"a": AccuracyScores(range(8), correct, CLIPS), "b": AccuracyScores(range(8), lucky, CLIPS)}, "a"
    )
    assert found["b"].p < 0.01 and found["b"].over_seeds.low > 0, "the seeds alone would claim it"
    assert found["b"].claim is None and "over other seeds and other clips" in found["b"].words
    assert found["b"].over_both.low < 0 < found["b"].over_both.high


@given(st.lists(st.sampled_from([1, 2, 3, 4, 6, 7, 8]), min_size=1, max_size=4), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_whatever_the_runs_there_are_words_and_no_warning(counts, seed):
    draw = np.random.default_rng(seed)
    arms = {}
    for number, count in enumerate(counts):
        values = draw.choice([0.25, 0.5, np.nan, 1], count)
        right = draw.random((count, 12)) < draw.choice([0, 0.5, 1])
        clips = [None, "a", "b"]
        arms[f"arm {number}"] = draw.choice(
            [
                PlainScores(range(count), values),
                AccuracyScores(range(count), right, [clips[i % 3] for i in range(12)]),
                CalibrationScores(range(count), draw.random((count, 12)), right),
            ]
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in compare(arms, "arm 0", resamples=100).values():
            sound(found)


@settings(max_examples=5, deadline=None)  # each call of statsmodels' collects garbage
@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8, unique=True))
def test_holm_is_that_of_statsmodels(shifts):
    draw = np.random.default_rng(0)
    base = draw.normal(size=8)
    noise = {f"a{i}": base + shift + draw.normal(0, 0.5, 8) for i, shift in enumerate(shifts)}
    arms = {"none": PlainScores(range(8), base)} | {n: PlainScores(range(8), v) for n, v in noise.items()}
    found = compare(arms, "none", resamples=10).values()
    wanted = multipletests([d.p for d in found], method="holm")[1]
    assert [d.p_holm for d in found] == pytest.approx(list(wanted))


def test_the_same_seed_gives_the_same_verdict():
    first, again, other = (compare({"a": arm(0), "b": arm(0.2, key=1)}, "a", seed=s)["b"] for s in (0, 0, 1))
    assert first == again and first.over_both != other.over_both and first.p == other.p


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ConfigError, match="level=95"):
        compare({"a": arm(0), "b": arm(0)}, "a", level=95)
    with pytest.raises(ConfigError, match="resamples=0"):
        compare({"a": arm(0), "b": arm(0)}, "a", resamples=0)
