"""A claim needs all that speaks of it; each of them alone can stop it."""

from dataclasses import replace

import pytest

from dancepose.sweeps.bootstrap import Interval
from dancepose.sweeps.verdict import Findings, judge, tell


def interval(low: float | None, high: float | None, who: str = "other seeds") -> Interval:
    return Interval(0.03, low, high, 0.95, "made up", who, "" if low is not None else "no interval: made up")


FOUND = Findings(
    name="cbam1",
    against="none",
    seeds=8,
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
        "cbam1 is better than none by 0.03 (95 %: +0.02 to +0.04 over other seeds on these very samples, "
        "+0.01 to +0.05 over other seeds and other clips like these; Holm-corrected p = 0.023 with 8 paired "
        "seeds)."
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"p_holm": 0.07}, "(Holm-corrected p = 0.07)"),
        ({"over_seeds": interval(-0.01, 0.04)}, "(-0.01 to +0.04 over other seeds)"),
        ({"over_both": interval(-0.01, 0.05, "all")}, "(-0.01 to +0.05 over all)"),
        ({"over_both": interval(-0.05, -0.01, "all")}, "No detectable difference"),
        ({"over_seeds": interval(None, None)}, "No detectable difference"),
        ({"other_samples": True}, "tested on other samples"),
    ],
)
def test_each_alone_stops_the_claim(fields, words):
    found = replace(FOUND, **fields)
    assert judge(found) is None and words in tell(found, None)
    assert ("A difference of 0.02 would be found" in tell(found, None)) == ("other_samples" not in fields)


def test_without_other_clips_the_claim_is_of_these_samples():
    found = replace(FOUND, over_both=interval(None, None), comparisons=1)
    assert judge(found) == "better"
    assert tell(found, "better").endswith(
        "p = 0.023 with 8 paired seeds); this speaks of these very test samples only."
    )
