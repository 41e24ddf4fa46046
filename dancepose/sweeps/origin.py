"""What a comparison rests on: when and how it was made, and on which test part its runs were scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dancepose.data.describing import describe
from dancepose.sweeps.jobs import Job

UNNAMED = "not named by the runs"


@dataclass(frozen=True)
class Made:
    """When and by what a comparison was made.

    Attributes:
        date: in UTC: `2026-03-01 12:30 UTC`.
        version: of the program that compared, with its commit where that is known.
        options: key of `dancepose-compare` -> its value, as it can be given again.
    """

    date: str
    version: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What the runs of a table have in common: their code, their data, and the test part.

    Attributes:
        versions: of the code that trained them, with commits; one, unless it was allowed to differ.
        data: names of the data.
        data_hashes: of pictures' names and labels.
        splits: hashes of the division into parts.
        samples: of the test part.
        what: they are: `samples` (a person in a picture, or a clip) or `images`.
        groups: that the bootstrap draws, each with all its samples.
        unit: what these are: clips, images, samples.
    """

    versions: tuple[str, ...]
    data: tuple[str, ...]
    data_hashes: tuple[str, ...]
    splits: tuple[str, ...]
    samples: int
    what: str
    groups: int
    unit: str

    @property
    def words(self) -> str:
        """The test part in a line: `878 samples of 32 clips`."""
        told = f"{self.samples:,} {self.what}"
        return told if self.unit == self.what else f"{told} of {self.groups:,} {self.unit}"


def origin_of(jobs: Sequence[Job], samples: int, what: str, groups: int, unit: str) -> Origin:
    """Return what jobs have in common; each value once, in their order."""

    def once(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(job.identity[name] for job in jobs))

    data = tuple(dict.fromkeys(_name(job) for job in jobs))
    return Origin(once("version"), data, once("data_hash"), once("split"), samples, what, groups, unit)


def _name(job: Job) -> str:
    data = job.config.get("data")
    known = isinstance(data, Mapping) and any(data.get(key) for key in ("parts", "scenes", "kind"))
    return describe(data) if known and isinstance(data, Mapping) else UNNAMED
