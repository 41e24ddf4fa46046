"""What each branch of the motion classifier is worth over several seeds: after the blocks of single ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dancepose.sweeps.bootstrap import LEVEL, RESAMPLES, Interval
from dancepose.sweeps.branches import ORDER, BranchBlock, RefusedBlock, told
from dancepose.sweeps.pair import Pair
from dancepose.sweeps.scores import AccuracyScores
from dancepose.sweeps.spread import Spread, describe
from dancepose.text_table import aligned

FUSION = "learned fusion"


@dataclass(frozen=True)
class Lead:
    """Accuracy of the learned fusion minus a system's, paired by seed.

    Attributes:
        over_seeds: with its interval over other seeds, on these very test samples.
        over_both: with that over other seeds and other clips (samples, where there are no clips).
    """

    over_seeds: Interval
    over_both: Interval


@dataclass(frozen=True)
class SeedRow:
    """One system over seeds; `behind` is None of the fusion itself, or where there is none."""

    system: str
    accuracy: Spread
    behind: Lead | None


@dataclass(frozen=True)
class SeedTable:
    """The systems of equal settings over all seeds, as text and as plain values.

    Attributes:
        title: the settings.
        seeds: of which any system tells.
        samples: of the test part, the same for all.
        rows: in the order of `ORDER`.
    """

    title: str
    seeds: tuple[int, ...]
    samples: int
    rows: tuple[SeedRow, ...]

    def table(self) -> str:
        """Return the table as text, with what each interval is over."""
        lines = [["", "accuracy", "std", "fusion is better by", "over seeds and test"]]
        notes: set[str] = set()
        for row in self.rows:
            spread, lead, cells = row.accuracy, row.behind, ["", ""]
            columns = {"accuracy": spread.interval}
            if lead is not None:
                cells = [told(lead.over_seeds, signed=True), told(lead.over_both, signed=True)]
                columns |= {lines[0][3]: lead.over_seeds, lines[0][4]: lead.over_both}
            accuracy = "" if spread.interval is None else told(spread.interval)
            std = "" if spread.std is None else f"{100 * spread.std:.1f}"
            lines.append([row.system, accuracy, std, *cells])
            for name, interval in columns.items():
                if interval is not None and interval.low is not None:
                    notes.add(f"{name}: {interval.words}")
                if interval is not None and interval.note:
                    notes.add(f"note: {name}: {interval.note}")
        fewer = [row for row in self.rows if row.accuracy.seeds != self.seeds]
        if told_of := ", ".join(f"{row.system} ({_listed(row.accuracy.seeds)})" for row in fewer):
            notes.add(f"not of all seeds: {told_of}")
        head = f"seeds {_listed(self.seeds)}, {self.samples} test samples"
        return "\n".join([" ".join(filter(None, [self.title, head])), *aligned(lines), *sorted(notes)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        rows = []
        for row in self.rows:
            spread, lead = row.accuracy, row.behind
            accuracy: dict[str, Any] = {"seeds": list(spread.seeds), "mean": spread.mean, "std": spread.std}
            accuracy["interval"] = None if spread.interval is None else vars(spread.interval)
            behind = None if lead is None else {key: vars(value) for key, value in vars(lead).items()}
            rows.append({"system": row.system, "accuracy": accuracy, "behind": behind})
        return {"title": self.title, "seeds": list(self.seeds), "samples": self.samples, "rows": rows}


def over_seeds(blocks: Sequence[BranchBlock | RefusedBlock]) -> list[SeedTable]:
    """Return a table for each set of settings of which several seeds were tested on the same samples.

    Seeds of other versions, data or splits are not pooled.
    """
    groups: list[list[BranchBlock]] = []
    for block in blocks:
        if isinstance(block, RefusedBlock):
            continue
        for group in groups:
            alike = group[0].settings == block.settings and group[0].identity == block.identity
            if alike and group[0].test.same_test(block.test):
                group.append(block)
                break
        else:
            groups.append([block])
    return [_table(group) for group in groups if len(group) > 1]


def _table(blocks: Sequence[BranchBlock]) -> SeedTable:
    blocks = sorted(blocks, key=lambda block: block.seed)
    test, arms = blocks[0].test, {}
    for name in ORDER:
        runs = {block.seed: block.right[name] for block in blocks if name in block.right}
        if runs:
            arms[name] = AccuracyScores(list(runs), np.stack(list(runs.values())), test.clustered)
    rows = []
    for name, scores in arms.items():
        behind = None
        if name != FUSION and FUSION in arms:
            pair = Pair(arms, FUSION, name, LEVEL, RESAMPLES, seed=0)
            behind = Lead(pair.over_seeds(), pair.cross(len(arms) - 1).interval)
        rows.append(SeedRow(name, describe(scores), behind))
    seeds = tuple(block.seed for block in blocks)
    return SeedTable(blocks[0].settings, seeds, len(test), tuple(rows))


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
