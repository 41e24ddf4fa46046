"""A claim needs all that speaks of it; each of them alone can stop it."""

from dataclasses import replace

import pytest

from dancepose.sweeps.bootstrap import Interval
from dancepose.sweeps.verdict import Findings, judge, tell, tell_beside, verdict


def interval(low: float | None, high: float | None, who: str = "other seeds") -> Interval:
    return Interval(0.03, low, high, 0.95, "made up", who, "" if low is not None else "no interval: made up")


FOUND = Findings(
    name="cbam1",
    against="none",
    seeds=8,
    unit="clips",
    unpaired=(),
    absent=(),
    alike=False,
    other_samples=False,
    comparisons=3,
    needed=7,
    possible=0.023,
    estimate=0.03,
    over_seeds=interval(0.02, 0.04),
    over_both=interval(0.01, 0.05, "other seeds and other clips like these"),
    p_holm=0.0234,
    detectable=0.02,
    higher_is_better=True,
    level=0.95,
)


def test_all_agree():
    assert judge(FOUND) == "better" and judge(replace(FOUND, higher_is_better=False)) == "worse"
    assert tell(FOUND, "better") == (
        "cbam1 is better than none by 0.03 (95 %: +0.02 to +0.04 over other seeds on these very clips, "
        "+0.01 to +0.05 over other seeds and other clips like these, for 3 comparisons at once; "
        "Holm-corrected p = 0.023 with 8 paired seeds)."
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"p_holm": 0.07}, "(Holm-corrected p = 0.07)"),
        ({"over_seeds": interval(-0.01, 0.04)}, "(-0.01 to +0.04 over other seeds)"),
        ({"over_both": interval(-0.01, 0.05, "all")}, "(-0.01 to +0.05 over all, for 3 comparisons at once)"),
        ({"over_both": interval(-0.05, -0.01, "all")}, "No detectable difference"),
        ({"over_seeds": interval(None, None)}, "No detectable difference"),
        ({"other_samples": True}, "tested on other samples"),
    ],
)
def test_each_alone_stops_the_claim(fields, words):
    found = replace(FOUND, **fields)
    assert judge(found) is None and words in tell(found, None)
    assert ("A difference of 0.02 would be found" in tell(found, None)) == ("other_samples" not in fields)


@pytest.mark.parametrize("field", ["over_seeds", "over_both"])
def test_without_one_of_the_intervals_nothing_is_claimed(field):
    assert judge(replace(FOUND, **{field: interval(None, None)})) is None


def test_where_nothing_is_known_of_other_images_it_is_undecided():
    found = replace(FOUND, over_both=interval(None, None), comparisons=1, unit="images", detectable=None)
    assert verdict(found, None) == "undecided: nothing is known of other images"
    assert tell(found, None) == (
        "Undecided: cbam1 differs from none by +0.03 with 8 paired seeds (+0.02 to +0.04 over other seeds on "
        "these very images; p = 0.023), but nothing is known of other images (no interval: made up), and "
        "without that no difference is claimed."
    )


def test_differences_that_are_all_equal_have_a_word_of_their_own():
    same = replace(FOUND, alike=True, over_seeds=interval(None, None))
    assert judge(same) is None and verdict(same, None) == "undecided: the same in all seeds"
    none = replace(same, estimate=0.0)
    assert verdict(none, None) == "no difference in any seed"
    assert verdict(replace(same, seeds=2), None) == "undecided: 2 of 7 seeds"


def test_verdicts_in_a_few_words():
    assert verdict(FOUND, "better") == "better"
    assert verdict(FOUND, None) == "no detectable difference"
    assert verdict(replace(FOUND, seeds=0), None) == "no pairs"
    assert verdict(replace(FOUND, other_samples=True), None) == "not comparable: other samples"


def test_where_no_number_of_seeds_is_enough_none_is_told():
    found = replace(FOUND, needed=None, comparisons=3000, p_holm=1.0)
    assert verdict(found, None) == "undecided: too many comparisons"
    assert "of 3000 comparisons at once no number of seeds" in tell(found, None)
    alike = tell(replace(found, alike=True, estimate=0.0), None)
    assert "have the same value in all 8 pairs, which decides nothing: of 3000 comparisons" in alike


def test_equal_numbers_of_one_metric_are_told_as_such():
    """Runs with the same accuracy may differ in every sample: they do not agree."""
    equal = replace(FOUND, alike=True, estimate=0.0, metric="test/accuracy", comparisons=1, needed=6)
    assert tell(equal, None) == (
        "cbam1 and none have the same test/accuracy in all 8 pairs: by it there is no difference to be seen."
    )
    assert tell(replace(equal, seeds=1), None) == (
        "cbam1 and none have the same test/accuracy in their only pair, which decides nothing: at least 6 "
        "seeds are needed."
    )
    assert tell_beside(equal) == "cbam1 and none have the same test/accuracy in all 8 pairs."


def test_words_have_the_decimals_of_the_tables():
    found = replace(FOUND, estimate=-0.399, over_seeds=interval(-1.26, 0.041), p_holm=0.07, decimals=1)
    told = tell(found, None)
    assert ": -0.4 with 8 paired seeds (" in told and "-1.3 to +0.04 over other seeds" in told
    assert "-0.4 with 8 paired seeds" in tell_beside(found)


def test_beside_what_decides_difference_and_intervals_are_told_and_no_claim():
    assert tell_beside(FOUND) == (
        "cbam1 against none: +0.03 with 8 paired seeds (95 %: +0.02 to +0.04 over other seeds on "
        "these very clips, +0.01 to +0.05 over other seeds and other clips like these, for 3 comparisons "
        "at once)."
    )
    few = replace(FOUND, seeds=1, over_seeds=interval(None, None), over_both=interval(None, None))
    assert tell_beside(few) == "cbam1 against none: +0.03 with 1 paired seed."
    assert "other samples" in tell_beside(replace(FOUND, other_samples=True))
