"""`MotionSamples`: what a classifier said of each sample, and `per_sample.npz`, where a run keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.array_file import read_arrays, write_arrays

FILE = "per_sample.npz"
ARRAYS = ("id", "clip", "label", "probabilities", "classes")


@dataclass(frozen=True, eq=False)
class MotionSamples:
    """Samples of one part: a person in a picture each, or a clip.

    Attributes:
        ids: what reports call each sample; none twice, since comparisons of runs pair them by it.
        clips: the video that each is from, None of no video. Samples of a clip are no independent ones.
        labels: (N,) int64 class.
        probabilities: (N, C) floats, rows sum to 1.
        classes: C names.

    Raises:
        DataError: lengths differ, an id comes twice, or a label is no class; names it.
    """

    ids: list[str]
    clips: list[str | None]
    labels: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels, np.int64)
        probabilities = np.asarray(self.probabilities)
        if probabilities.dtype not in (np.float32, np.float64):
            probabilities = probabilities.astype(np.float32)
        fields = {"ids": list(self.ids), "clips": list(self.clips), "classes": tuple(self.classes)}
        for name, value in (fields | {"labels": labels, "probabilities": probabilities}).items():
            object.__setattr__(self, name, value)
        count, classes = len(self.ids), len(self.classes)
        if len(self.clips) != count or labels.shape != (count,) or probabilities.shape != (count, classes):
            raise DataError(
                f"{count} sample ids, {len(self.clips)} clips, labels of shape {labels.shape}, probabilities "
                f"of shape {probabilities.shape}, {classes} classes: they must fit"
            )
        if len(set(self.ids)) < count:
            twice = next(name for i, name in enumerate(self.ids) if name in self.ids[:i])
            raise DataError(f"sample id '{twice}' comes twice: samples of a run must be told apart")
        if wrong := [i for i in np.flatnonzero((labels < 0) | (labels >= classes))]:
            raise DataError(
                f"sample '{self.ids[wrong[0]]}' has label {labels[wrong[0]]}: there are {classes} classes"
            )
        if "" in self.clips:
            raise DataError(f"sample '{self.ids[self.clips.index('')]}': the name of its clip is empty")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> np.ndarray:
        """(N,) int64: the most probable class of each sample, the first of equals."""
        if not len(self):
            return np.zeros(0, np.int64)
        return self.probabilities.argmax(axis=1)

    @property
    def clustered(self) -> list[str | None] | None:
        """The clips, None where no sample is from one."""
        return self.clips if any(clip is not None for clip in self.clips) else None

    def same_test(self, other: "MotionSamples") -> bool:
        """Return whether another run was tested on the same samples with the same labels, in this order."""
        same = self.ids == other.ids and self.classes == other.classes
        return same and bool((self.labels == other.labels).all())

    def select(self, which: Sequence[int] | np.ndarray) -> "MotionSamples":
        """Return some of the samples, by their places."""
        places = np.asarray(which, np.int64)
        ids, clips = ([values[i] for i in places] for values in (self.ids, self.clips))
        return MotionSamples(ids, clips, self.labels[places], self.probabilities[places], self.classes)

    def save(self, path: Path) -> None:
        """Write the samples as plain arrays without pickles, whole or not at all.

        The arrays are id, clip ("" of no clip), label, probabilities and classes.

        Raises:
            DanceposeError: the file cannot be written.
        """
        arrays = {
            "id": np.array(self.ids, np.str_),
            "clip": np.array([clip or "" for clip in self.clips], np.str_),
            "label": self.labels,
            "probabilities": self.probabilities,
            "classes": np.array(self.classes, np.str_),
        }
        write_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path) -> "MotionSamples":
        """Read samples.

        Raises:
            DataError: the file is missing, cut off or holds something else; names file and array.
        """
        arrays = read_arrays(path, ARRAYS, "samples", "motion")
        for name, kind in zip(ARRAYS, ("U", "U", "i", "f", "U"), strict=True):
            if arrays[name].dtype.kind != kind:
                raise DataError(f"{path}: array '{name}' is of type {arrays[name].dtype}")
        try:
            return cls(
                arrays["id"].tolist(),
                [clip or None for clip in arrays["clip"].tolist()],
                arrays["label"],
                arrays["probabilities"],
                tuple(arrays["classes"].tolist()),
            )
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
