"""What a paired comparison says: the claim, if there is one, and the sentences that go with it."""

from dataclasses import dataclass
from typing import Literal

from dancepose.sweeps.bootstrap import Interval

BESIDE = "told beside"  # of a metric by which nothing is decided


@dataclass(frozen=True)
class Findings:
    """All that the verdict of a comparison rests on.

    Attributes:
        name: the arm.
        against: the arm that it is compared with.
        seeds: how many are paired.
        unit: what the test samples are drawn by: clips, images, samples.
        unpaired: seeds of which one of the two has no number.
        absent: which of the two has no number at all.
        alike: whether every seed has the same difference.
        other_samples: whether the two are known to have been tested on other samples.
        comparisons: of the family.
        needed: seeds with which the test can reach its level in such a family; None: no number is enough.
        possible: smallest p, after Holm's correction, that so many seeds can reach.
        estimate: mean paired difference.
        over_seeds: interval over other seeds.
        over_both: interval over other seeds and other clips.
        p_holm: of the seeds' test; None below three seeds.
        detectable: the smallest difference found with 80 % power.
        higher_is_better: of the metric.
        level: confidence.
        metric: what it is called in metrics.json: `test/accuracy`.
        decimals: of the metric in the tables, so that words and tables give the same number; None: three
            digits.
    """

    name: str
    against: str
    seeds: int
    unit: str
    unpaired: tuple[int, ...]
    absent: tuple[str, ...]
    alike: bool
    other_samples: bool
    comparisons: int
    needed: int | None
    possible: float
    estimate: float | None
    over_seeds: Interval
    over_both: Interval
    p_holm: float | None
    detectable: float | None
    higher_is_better: bool
    level: float
    metric: str = "value"
    decimals: int | None = None

    def told(self, value: float | None, signed: bool = True, digits: int = 3) -> str:
        """Return a number of the metric; one that would be told as 0, and is none, by its first digit."""
        value, sign = value or 0.0, "+" if signed else ""
        if self.decimals is None:
            return f"{value:{sign}.{digits}g}"
        text = f"{value:{sign}.{self.decimals}f}"
        return f"{value:{sign}.1g}" if float(text) == 0 and value else text


def judge(found: Findings) -> Literal["better", "worse"] | None:
    """Return what may be claimed: the seeds' test and both intervals must agree, and be there."""
    sides = {_side(found.over_seeds), _side(found.over_both)}
    if not _within(found) or found.other_samples or 0 in sides or len(sides) > 1:
        return None
    return "better" if (1 in sides) == found.higher_is_better else "worse"


def verdict(found: Findings, claim: str | None) -> str:
    """Return the verdict in a few words, for a cell of a table."""
    if claim is not None:
        return claim
    if found.other_samples:
        return "not comparable: other samples"
    if not found.seeds:
        return "no pairs"
    if found.needed is None:
        return "undecided: too many comparisons"
    if found.seeds < found.needed:
        return f"undecided: {found.seeds} of {found.needed} seeds"
    if found.alike:
        return "undecided: the same in all seeds" if found.estimate else "no difference in any seed"
    if found.over_both.low is None:
        return f"undecided: nothing is known of other {found.unit}"
    return "no detectable difference"


def tell(found: Findings, claim: str | None) -> str:
    """Return the verdict in words."""
    sentences = [_verdict(found, claim)]
    if found.unpaired and not found.absent:
        numbers = ", ".join(map(str, found.unpaired))
        seeds = f"seed {numbers} has" if len(found.unpaired) == 1 else f"seeds {numbers} have"
        so = "do" if len(found.unpaired) > 1 else "does"
        sentences.append(f"{seeds} no number of one of the two, and so {so} not count.")
    return " ".join(sentences)


def tell_beside(found: Findings) -> str:
    """Return the difference by a metric that decides nothing, in words that claim nothing."""
    if found.absent or not found.seeds or found.other_samples:
        return tell(found, None)
    if found.alike and not found.estimate:
        return f"{_agree(found)}."
    ends = (
        [f"{_ends(found, found.over_seeds)} over {_these(found)}"] if found.over_seeds.low is not None else []
    )
    ends += [_both_ends(found)] if found.over_both.low is not None else []
    told = f" ({100 * found.level:g} %: {', '.join(ends)})" if ends else ""
    runs = f"{found.seeds} paired seed{'s' * (found.seeds > 1)}"
    return f"{found.name} against {found.against}: {found.told(found.estimate)} with {runs}{told}."


def _verdict(found: Findings, claim: str | None) -> str:
    name, against, n = found.name, found.against, found.seeds
    if found.absent:
        return f"{name} and {against} cannot be compared: there is no finished run of {_both(found.absent)}."
    if n == 0:
        return f"{name} and {against} cannot be compared: they have no seed in common."
    if found.other_samples:
        return f"{name} and {against} cannot be compared: they were tested on other samples."
    seen = found.told(found.estimate)
    if found.alike and not found.estimate:
        agree = _agree(found)
        if found.needed is None:
            return f"{agree}, which decides nothing: {_too_many(found)}."
        if n < found.needed:
            return f"{agree}, which decides nothing: at least {found.needed} seeds are needed."
        return f"{agree}: by it there is no difference to be seen."
    if claim is None and found.needed is None:
        return f"{name} differs from {against} by {seen} with {n} paired seeds, but {_too_many(found)}."
    needed = found.needed or 0
    if found.alike and n >= needed:
        return (
            f"{name} differs from {against} by {seen} in every one of {n} paired seeds: nothing tells how "
            "far others would scatter, and so no difference is claimed."
        )
    if claim is None and n < needed:
        runs = "1 paired seed decides" if n == 1 else f"{n} paired seeds decide"
        family = "" if found.comparisons == 1 else f" with {found.comparisons} comparisons"
        reach = "" if found.p_holm is None else f" (the smallest possible p is {found.possible:.2g})"
        return (
            f"{runs} nothing: {name} differs from {against} by {seen}, but{family} at least {needed} "
            f"seeds are needed to show any difference{reach}."
        )
    if claim is None and found.over_both.low is None:
        seeds = (
            "" if found.over_seeds.low is None else f"{_ends(found, found.over_seeds)} over {_these(found)}; "
        )
        return (
            f"Undecided: {name} differs from {against} by {seen} with {n} paired seeds ({seeds}{_p(found)}), "
            f"but nothing is known of other {found.unit} ({found.over_both.note}), and without that no "
            "difference is claimed."
        )
    if claim is None:
        power = ""
        if found.detectable is not None:
            shown = found.told(found.detectable, signed=False, digits=2)
            power = f" A difference of {shown} would be found with 80 % power."
        return (
            f"No detectable difference between {name} and {against}: {seen} with {n} paired seeds"
            f"{_why(found)}.{power}"
        )
    return (
        f"{name} is {claim} than {against} by {found.told(abs(found.estimate or 0), signed=False)} "
        f"({100 * found.level:g} %: {_ends(found, found.over_seeds)} over {_these(found)}, "
        f"{_both_ends(found)}; {_p(found)} with {n} paired seeds)."
    )


def _agree(found: Findings) -> str:
    """Say that the metric is the same; of what else the runs say it tells nothing."""
    pairs = f"all {found.seeds} pairs" if found.seeds > 1 else "their only pair"
    return f"{found.name} and {found.against} have the same {found.metric} in {pairs}"


def _too_many(found: Findings) -> str:
    return (
        f"of {found.comparisons} comparisons at once no number of seeds can show any difference: compare "
        "fewer arms (only={factor: [levels]})"
    )


def _why(found: Findings) -> str:
    """Return which of the three does not show the difference."""
    reasons = []
    if not _within(found):
        reasons.append(_p(found))
    if found.over_seeds.low is not None and not _side(found.over_seeds):
        reasons.append(f"{_ends(found, found.over_seeds)} over other seeds")
    if found.over_both.low is not None and not _side(found.over_both):
        reasons.append(_both_ends(found))
    return f" ({'; '.join(reasons)})" if reasons else ""


def _within(found: Findings) -> bool:
    """Return whether the seeds' test reaches its level."""
    return found.p_holm is not None and found.p_holm <= 1 - found.level + 1e-12


def _p(found: Findings) -> str:
    if found.p_holm is None:
        return "no p"
    corrected = "p" if found.comparisons == 1 else "Holm-corrected p"
    return f"{corrected} = {found.p_holm:.2g}"


def _side(interval: Interval) -> int:
    """Return on which side of 0 an interval lies: 1, -1, or 0 where it holds 0 or is none."""
    if interval.low is None or interval.high is None:
        return 0
    return int(interval.low > 0) - int(interval.high < 0)


def _ends(found: Findings, interval: Interval) -> str:
    return f"{found.told(interval.low)} to {found.told(interval.high)}"


def _both_ends(found: Findings) -> str:
    """Return the interval over seeds and samples, which holds for the whole family, with its population."""
    together = "" if found.comparisons == 1 else f", for {found.comparisons} comparisons at once"
    return f"{_ends(found, found.over_both)} over {found.over_both.population}{together}"


def _these(found: Findings) -> str:
    return f"other seeds on these very {found.unit}"


def _both(names: tuple[str, ...]) -> str:
    return " and of ".join(names)
