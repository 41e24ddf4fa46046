"""Verdicts of several arms in as few words as they need: what holds for all is said once."""

from collections.abc import Sequence

from dancepose.sweeps.measures import Metric
from dancepose.sweeps.paired import Difference
from dancepose.sweeps.sign_flip import smallest_p


def told_together(metric: Metric, differences: Sequence[Difference]) -> list[str]:
    """Return the verdicts in words; of arms that want for seeds alike, in one sentence, which comes first.

    Args:
        metric: of the differences.
        differences: of one table.
    """
    alike: dict[tuple[int, int, int], list[Difference]] = {}
    for found in differences:
        if found.short_of is not None and not found.unpaired:
            alike.setdefault((len(found.seeds), *found.short_of), []).append(found)
    together = {key: group for key, group in alike.items() if len(group) > 1}
    told = [_told(metric, *key, group) for key, group in together.items()]
    said = {found.name for group in together.values() for found in group}
    return told + [found.words for found in differences if found.name not in said]


def _told(metric: Metric, seeds: int, needed: int, comparisons: int, group: Sequence[Difference]) -> str:
    runs = "1 paired seed decides" if seeds == 1 else f"{seeds} paired seeds decide"
    comma = "; " if any(", " in found.name for found in group) else ", "  # of arms of several factors
    seen = comma.join(f"{found.name} {metric.told(found.estimate, signed=True)}" for found in group)
    possible = min(1.0, comparisons * smallest_p(seeds))
    reach = "" if group[0].p is None else f" (the smallest possible p is {possible:.2g})"
    return (
        f"{runs} nothing: with {comparisons} comparisons at least {needed} seeds are needed to show any "
        f"difference{reach}. Seen were, against {group[0].against}: {seen} ({metric.title})."
    )
