"""`SinglePictures`: which joints a pose run found in each test picture of one person, for `per_image.npz`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.joint_hits import mean_share
from dancepose.metrics.table import ResultRow
from dancepose.records import Frame

LABELS = ("PCK@0.2", "PCKh@0.5")  # as in metrics.json
KINDS = {"single_image": "U", "single_clip": "U"} | {  # array of the file -> kind of its type
    f"{label}_{what}": "b" for label in LABELS for what in ("counted", "found")
}


@dataclass(frozen=True, eq=False)
class SinglePictures:
    """All that PCK@0.2 and PCKh@0.5 are made of, picture by picture.

    They are the pictures of exactly one person, among them those without a group, which the mAP passes over.

    Attributes:
        names: (N,) of the pictures; none twice.
        clips: (N,) the video that each is from, None of no video.
        counted: each of `LABELS` -> (N, J) bool, which joints count.
        found: each of `LABELS` -> (N, J) bool, which of these were found.

    Raises:
        DataError: lengths differ, a name comes twice, or a joint is found that does not count.
    """

    names: list[str]
    clips: list[str | None]
    counted: Mapping[str, np.ndarray]
    found: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        shapes = [of[label].shape for of in (self.counted, self.found) for label in LABELS]
        rows = {len(self.names), len(self.clips), *(shape[0] for shape in shapes)}
        if len(rows) > 1 or len(set(shapes)) > 1 or len(shapes[0]) != 2:
            raise DataError(
                f"{len(self.names)} pictures of one person, {len(self.clips)} clips of these, joints of "
                f"shapes {', '.join(map(str, shapes))}: they must fit"
            )
        if len(set(self.names)) < len(self.names):
            twice = next(name for i, name in enumerate(self.names) if name in self.names[:i])
            raise DataError(f"image '{twice}' comes twice: images of a run must be told apart")
        for label in LABELS:
            if (self.found[label] & ~self.counted[label]).any():
                raise DataError(f"joints are found that do not count in {label}")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def joints(self) -> int:
        """How many are scored."""
        return self.counted[LABELS[0]].shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(of[label].nbytes for of in (self.counted, self.found) for label in LABELS)

    def value(self, label: str) -> float:
        """Return the figure of `PCK`, in percent; NaN where no joint counts."""
        found, counted = (of[label].sum(axis=0) for of in (self.found, self.counted))
        return float(mean_share(found, counted))

    def same_test(self, other: "SinglePictures") -> bool:
        """Return whether another run was tested on the same pictures and labels, in the same order."""
        named = (self.names, self.clips) == (other.names, other.clips)
        return named and all(np.array_equal(self.counted[label], other.counted[label]) for label in LABELS)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return plain arrays for a file, under the names of `KINDS`."""
        arrays = {
            "single_image": np.array(self.names, np.str_),
            "single_clip": np.array([clip or "" for clip in self.clips], np.str_),
        }
        for label in LABELS:
            arrays[f"{label}_counted"] = self.counted[label]
            arrays[f"{label}_found"] = self.found[label]
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "SinglePictures":
        """Return what `to_arrays` made arrays of.

        Raises:
            DataError: see the class.
        """
        return cls(
            arrays["single_image"].tolist(),
            [clip or None for clip in arrays["single_clip"].tolist()],
            {label: arrays[f"{label}_counted"] for label in LABELS},
            {label: arrays[f"{label}_found"] for label in LABELS},
        )


def name_pictures(rows: Mapping[str, ResultRow], frames: Sequence[Frame]) -> SinglePictures | None:
    """Name the pictures of the rows of `PCK`.

    Args:
        rows: of `PoseEvaluation.compute`.
        frames: the data set, in whose order the rows count the places of pictures.

    Returns:
        None where a row is missing: no picture is of exactly one person whose joints could be scored.

    Raises:
        ValueError: a place is beyond the data set.
        DataError: two pictures have one name.
    """
    hits = {label: rows[label].hits for label in LABELS if label in rows}
    there = {label: of for label, of in hits.items() if of is not None}
    if len(there) < len(LABELS):
        return None
    places = there[LABELS[0]].places.tolist()
    if places and max(places) >= len(frames):
        raise ValueError(f"a picture is the {max(places) + 1}th of a data set of {len(frames)}")
    return SinglePictures(
        [frames[i].name for i in places],
        [frames[i].clip for i in places],
        {label: of.counted for label, of in there.items()},
        {label: of.found for label, of in there.items()},
    )
