"""Paired comparisons of runs: what may be claimed of a difference, and of which population.

Two arms are compared by the seeds that both have. A difference is claimed only if three agree: the sign-flip
test of the seeds, corrected by Holm for the family of comparisons; the interval over other seeds on these
very test samples; and the interval over other seeds and other clips. Where one of them cannot be had, nothing
is claimed. Nothing here is ever NaN: where there is no number, words say why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dancepose.sweeps.bootstrap import LEVEL, RESAMPLES, Interval, check_level, check_resamples
from dancepose.sweeps.pair import FEWEST, Pair
from dancepose.sweeps.sample_scores import Scores
from dancepose.sweeps.sign_flip import holm, seeds_needed, smallest_p
from dancepose.sweeps.verdict import BESIDE, Findings, judge, tell, tell_beside, verdict

Claim = Literal["better", "worse"]


@dataclass(frozen=True)
class Difference:
    """One arm against another, by paired seeds.

    Attributes:
        name: the arm.
        against: the arm that it is compared with.
        seeds: those that count: both arms have a number of each.
        unit: what the test samples are drawn by: clips; images or samples, where there are no clips.
        estimate: mean of the paired differences, None without any.
        over_seeds: BCa interval over other seeds, on these very test samples.
        over_both: interval over other seeds and other clips, images or samples, wide enough for all
            comparisons of the family at once.
        p: two-sided, of the sign-flip permutation test; None below three seeds.
        p_holm: p after Holm's correction for the family.
        detectable: the smallest true difference that would be claimed with 80 % power, by the normal model of
            what was seen; None where there is none, `words` says why.
        claim: `better` or `worse` than `against`; None: no difference is detected.
        verdict: it in a few words.
        words: it in a sentence or a few.
        short_of: where the seeds alone are too few to decide: how many are needed, for how many comparisons.
        unpaired: seeds of which one of the two has no number.

    Of a metric that decides nothing only the difference and its intervals are told, with p as it is: there is
    no corrected p, no detectable difference and no claim.
    """

    name: str
    against: str
    seeds: tuple[int, ...]
    unit: str
    estimate: float | None
    over_seeds: Interval
    over_both: Interval
    p: float | None
    p_holm: float | None
    detectable: float | None
    claim: Claim | None
    verdict: str
    words: str
    short_of: tuple[int, int] | None = None
    unpaired: tuple[int, ...] = ()


def compare(
    arms: Mapping[str, Scores],
    against: str,
    higher_is_better: bool = True,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
    others: int = 0,
    decides: bool = True,
    metric: str = "value",
    decimals: int | None = None,
) -> dict[str, Difference]:
    """Compare each arm with one of them; the family is all comparisons made here, and some made elsewhere.

    Args:
        arms: name -> scores of its runs. All must be of the same metric and of the same test samples in the
            same order.
        against: the arm that the others are compared with.
        higher_is_better: whether a larger value of the metric is the better one.
        level: confidence of the intervals; 1 - level is what the family may err by.
        resamples: of the bootstraps.
        seed: of their draws.
        others: comparisons of the same family that are made elsewhere: of other tables.
        decides: whether anything may be claimed by this metric.
        metric: what it is called in metrics.json, for the words.
        decimals: with which its values are told; None: three digits.

    Returns:
        Arm -> its difference, for all arms but `against`; with words alone where there is no such arm.

    Raises:
        ConfigError: level or resamples are out of range.
    """
    check_level(level)
    check_resamples(resamples)
    pairs = [Pair(arms, name, against, level, resamples, seed) for name in arms if name != against]
    p = [pair.p() for pair in pairs]
    corrected = holm(p, others)
    told = {"metric": metric, "decimals": decimals}
    return {
        pair.name: _difference(pair, raw, p_holm, len(pairs) + others, higher_is_better, decides, told)
        for pair, raw, p_holm in zip(pairs, p, corrected, strict=True)
    }


def _difference(
    pair: Pair,
    p: float | None,
    p_holm: float | None,
    comparisons: int,
    higher_is_better: bool,
    decides: bool,
    told: Mapping[str, Any],
) -> Difference:
    """Return what a pair shows, as one of so many comparisons."""
    over_seeds, crossed = pair.over_seeds(), pair.cross(comparisons)
    detectable = None if p is None or not decides else pair.detectable(crossed, comparisons)
    needed = seeds_needed(comparisons, 1 - pair.level)
    found = Findings(
        name=pair.name,
        against=pair.against,
        seeds=len(pair.seeds),
        unit=pair.unit,
        unpaired=pair.unpaired,
        absent=pair.absent,
        alike=pair.alike,
        other_samples=pair.apart,
        comparisons=comparisons,
        needed=None if needed is None else max(FEWEST, needed),
        possible=min(1.0, comparisons * smallest_p(len(pair.seeds))),
        estimate=pair.estimate,
        over_seeds=over_seeds,
        over_both=crossed.interval,
        p_holm=p_holm,
        detectable=detectable,
        higher_is_better=higher_is_better,
        level=pair.level,
        **told,
    )
    claim = judge(found) if decides else None
    comparable = decides and claim is None and bool(pair.seeds) and not pair.apart
    short = comparable and found.needed is not None and len(pair.seeds) < found.needed
    return Difference(
        name=pair.name,
        against=pair.against,
        seeds=pair.seeds,
        unit=pair.unit,
        estimate=pair.estimate,
        over_seeds=over_seeds,
        over_both=crossed.interval,
        p=p,
        p_holm=p_holm if decides else None,
        detectable=detectable,
        claim=claim,
        verdict=verdict(found, claim) if decides else BESIDE,
        words=tell(found, claim) if decides else tell_beside(found),
        short_of=(found.needed or 0, comparisons) if short else None,
        unpaired=pair.unpaired,
    )
