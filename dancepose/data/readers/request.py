"""What a reader is asked for and what it gives back, the same for all kinds of data."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dancepose.data.problems import Problems
from dancepose.data.readers.sources import NeverLabelled
from dancepose.records import Frame
from dancepose.skeleton import Skeleton


@dataclass(frozen=True)
class Request:
    """Which data to read, and how.

    Attributes:
        root: the folder of the data.
        skeleton: the run's; keypoints are mapped to it by name and alias.
        annotations: the file, of a kind that has one.
        key: prefix of the config keys, for messages.
        classes: the names of the labels in their order; None where the data say them themselves.
        source_skeleton: name of the skeleton of the data's keypoints, where they do not say it.
        never_labelled: see `Sources.settle`; None: the data say it.
    """

    root: Path
    skeleton: Skeleton
    annotations: Path | None = None
    key: str = "data"
    classes: tuple[str, ...] | None = None
    source_skeleton: str | None = None
    never_labelled: NeverLabelled | None = None

    @property
    def file(self) -> Path:
        """The annotations, of a kind that always has them (`PartConfig` sees to it)."""
        assert self.annotations is not None
        return self.annotations


class Reading(NamedTuple):
    """What a reader found.

    Attributes:
        frames: in the order of the data, in a clip that of time.
        problems: what was wrong.
        splits: divisions that the data bring along: name -> clips.
        without_keypoints: number of images left out since nobody in them has keypoints.
        test: names of the frames that the data set apart for the test (those that are evaluated make it, none
            of them trains); empty where they do not.
        notes: what else the reader's summary says, a line each.
        test_note: where the test part is from, if neither a split file nor keys say so.
        never_labelled: what sources that should label it never do, and is masked.
    """

    frames: list[Frame]
    problems: Problems
    splits: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - a tuple's default, never changed
    without_keypoints: int = 0
    test: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    test_note: str = ""
    never_labelled: NeverLabelled = {}  # noqa: RUF012 - as above
