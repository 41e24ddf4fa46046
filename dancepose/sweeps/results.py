"""What a comparison has found: figures of arms, tables of them, and all tables together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from dancepose.sweeps.arms import Group
from dancepose.sweeps.bootstrap import LEVEL, RESAMPLES, Interval
from dancepose.sweeps.chance import Chance
from dancepose.sweeps.costs import Cost
from dancepose.sweeps.left_out import LeftOut
from dancepose.sweeps.measures import Metric
from dancepose.sweeps.origin import Made, Origin
from dancepose.sweeps.paired import Difference
from dancepose.sweeps.parts import Parts


@dataclass(frozen=True)
class ArmResult:
    """What was measured of an arm, in the unit of the metric's title.

    Attributes:
        name: of the arm.
        seeds: of its runs.
        values: the metric of each seed, None where it has none.
        mean: of them.
        std: of them (n - 1); None of fewer than two.
        interval: of the mean, over other test samples; None where only one number a run is known.
        difference: to the reference, paired by seed; None of the reference itself.
    """

    name: str
    seeds: tuple[int, ...]
    values: tuple[float | None, ...]
    mean: float | None
    std: float | None
    interval: Interval | None
    difference: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "arm": self.name,
            "seeds": list(self.seeds),
            "values": list(self.values),
            "mean": self.mean,
            "std": self.std,
            "interval": None if self.interval is None else asdict(self.interval),
            "difference": None if self.difference is None else asdict(self.difference),
        }


@dataclass(frozen=True)
class MetricResult:
    """The arms by one metric, the reference first, and how they stand to answers that know nothing."""

    metric: Metric
    arms: tuple[ArmResult, ...]
    chance: Chance | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """What is compared together.

    Attributes:
        group: the jobs.
        metrics: the first is the one that decides.
        parts: by keypoint group or class; None where no job tells them.
        notes: what must stand beside the figures.
        confusion: of motions arm -> (C, C) counts of all its runs, labels by row.
        classes: of motions.
        costs: arm -> what its network costs; an arm of several networks, or one that was not measured, is
            missing.
        origin: what the runs have in common: code, data, test part.
    """

    group: Group
    metrics: tuple[MetricResult, ...]
    parts: Parts | None
    notes: tuple[str, ...]
    confusion: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    costs: Mapping[str, Cost] = field(default_factory=dict)
    origin: Origin | None = None

    def with_costs(self, costs: Mapping[str, Cost], notes: Sequence[str] = ()) -> "Table":
        """Return the table with costs of its arms, and notes on those that are not known."""
        return replace(self, costs=dict(costs), notes=(*self.notes, *notes))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "split": dict(self.group.split),
            "pooled": list(self.group.pooled),
            "jobs": {name: [str(job.path) for job in arm.jobs] for name, arm in self.group.arms.items()},
            "origin": None if self.origin is None else asdict(self.origin),
            "metrics": {m.metric.name: [arm.to_dict() for arm in m.arms] for m in self.metrics},
            "chance": {m.metric.name: m.chance and m.chance.to_dict() for m in self.metrics},
            "parts": None if self.parts is None else self.parts.to_dict(),
            "confusion": {name: matrix.tolist() for name, matrix in self.confusion.items()},
            "classes": list(self.classes),
            "costs": {name: cost.to_dict() for name, cost in self.costs.items()},
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """All tables of a comparison, and what does not stand in them.

    Attributes:
        sweeps: the folders that were read.
        by: the factors whose levels are compared.
        against: the reference.
        poses: whether the runs are of poses, and not of motions.
        tables: one, or one for each level of `split`.
        left_out: jobs that take no part.
        level: confidence of the intervals.
        resamples: of the bootstraps.
        made: when and how it was made.
    """

    sweeps: tuple[str, ...]
    by: tuple[str, ...]
    against: str
    poses: bool
    tables: tuple[Table, ...]
    left_out: tuple[LeftOut, ...]
    level: float = LEVEL
    resamples: int = RESAMPLES
    made: Made | None = None

    @property
    def title(self) -> str:
        """What is compared, in a line."""
        return f"{' and '.join(self.by)}, against {self.against}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "sweeps": list(self.sweeps),
            "by": list(self.by),
            "against": self.against,
            "level": self.level,
            "resamples": self.resamples,
            "made": None if self.made is None else asdict(self.made),
            "tables": [table.to_dict() for table in self.tables],
            "left_out": [{**vars(one), "path": str(one.path)} for one in self.left_out],
        }
