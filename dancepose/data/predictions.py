"""The people found in pictures, as `predictions.json` and other files hold them."""

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from dancepose.errors import DataError, did_you_mean
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

Known = frozenset[str | int]  # names and numbers of images
VIDEO_FRAME = re.compile(r".+/\d{6,}")  # what `dancepose-predict` calls a frame of a video
LABELS = "2:"  # what `label_hash` begins with: another number for each rule of what it stands for


@dataclass
class ImagePredictions:
    """The people found in one image, or in one group of an image.

    Attributes:
        image: name of the frame, or in a COCO result file its number.
        people: in original pixels.
        group: number of the group within the image, or None.
        size: width and height of the image in pixels, None where the file does not say.
        labels: `label_hash` of the truth at hand when it was predicted, None where there was none.
    """

    image: str | int
    people: list[Person]
    group: int | None = None
    size: tuple[int, int] | None = None
    labels: str | None = None


@dataclass
class Predictions:
    """A file of predictions.

    Attributes:
        path: of the file.
        skeleton: of the people.
        split: hash of the split whose part it is of, or None where the file does not say.
        images: in the order of the file.
        notes: what must be said beside the figures.
    """

    path: Path
    skeleton: Skeleton
    split: str | None
    images: list[ImagePredictions]
    notes: list[str] = field(default_factory=list)

    def with_endings(self, names: Collection[str | int]) -> "Predictions":
        """Return the predictions with frames of videos, `clip/000012`, under the names of their pictures.

        Such a name is that of the one picture which has it but for its ending, `clip/000012.jpg`.

        Args:
            names: of the truth's pictures.
        """
        whole: dict[str, list[str]] = {}
        for name in names:
            if isinstance(name, str):
                whole.setdefault(PurePosixPath(name).with_suffix("").as_posix(), []).append(name)
        images = []
        for entry in self.images:
            framed = isinstance(entry.image, str) and VIDEO_FRAME.fullmatch(entry.image)
            found = whole.get(str(entry.image), []) if framed and entry.image not in names else []
            images.append(replace(entry, image=found[0]) if len(found) == 1 else entry)
        return replace(self, images=images)

    def people(
        self, frames: Sequence[Frame], known: Known = frozenset(), others: bool = False
    ) -> dict[str, list[Person]]:
        """Return name of frame -> its people, those of several groups together; empty where nobody was found.

        People of an entry for one group carry its number, so that they are scored in that group alone.

        Args:
            frames: of the truth.
            known: names and numbers of images besides, which are passed over.
            others: whether images with any other name are passed over, too, if only some are of frames.

        Raises:
            DataError: the file speaks of an image that is none of the frames and not known.
        """
        by_key: dict[str | int, str] = {frame.name: frame.name for frame in frames}
        by_key |= {frame.id: frame.name for frame in frames if frame.id is not None}
        found: dict[str, list[Person]] = {frame.name: [] for frame in frames}
        grouped = {frame.name for frame in frames if frame.groups}
        others = others and not self.named.isdisjoint(by_key)
        for i, entry in enumerate(self.images):
            name = by_key.get(entry.image)
            if name is None and (entry.image in known or (others and isinstance(entry.image, str))):
                continue
            if name is None and isinstance(entry.image, int) and all(frame.id is None for frame in frames):
                raise DataError(
                    f"{self.path} names pictures by number ({entry.image}), as COCO results do, and this "
                    "truth has no numbers: give gt=<their COCO JSON>, or pred=predictions.json"
                )
            if name is None:
                names = {own for own in known or found if isinstance(own, str)}
                hint = _other_spelling(entry.image, names) if isinstance(entry.image, str) else ""
                raise DataError(
                    f"{self.path}: images[{i}] is {entry.image!r}, which is none of the truth's "
                    f"{len(names)} pictures.{hint}"
                )
            group = entry.group if name in grouped else None
            found[name] += [replace(person, group=group) for person in entry.people]
        return found

    def covered(self, frames: Sequence[Frame], known: Known = frozenset()) -> list[Frame]:
        """Return the frames to score.

        A file that carries the hash of a split is of one part of it, and names every picture of this part:
        the others were not predicted. Any other file is of all frames: a picture that it leaves out, as COCO
        results do where nobody was found, is one without people.

        Args:
            frames: of the truth.
            known: names and numbers of all images of a whole data set, of which any file is taken to be a
                part; empty: the truth is no such.

        Raises:
            DataError: a file of one part speaks of no frame.
        """
        if self.split is None and not known:
            return list(frames)
        named = self.named
        found = [frame for frame in frames if frame.name in named or frame.id in named]
        if not found:
            others = len(named & known)
            told = f"; {others} that it speaks of have no labels to score them by" if others else ""
            raise DataError(f"{self.path} speaks of none of the truth's {len(frames)} pictures{told}")
        return found

    @property
    def named(self) -> set[str | int]:
        """The images that the file speaks of."""
        return {entry.image for entry in self.images}


def _other_spelling(name: str, known: set[str]) -> str:
    """Return the hint of `did_you_mean`, of names that end in the same number: another is another picture."""

    def last(text: str) -> int | None:
        numbers = re.findall(r"\d+", text.rpartition(".")[0] or text)
        return int(numbers[-1]) if numbers else None

    return did_you_mean(name, [own for own in sorted(known) if last(own) == last(name)])


def label_hash(frame: Frame) -> str:
    """Return `LABELS` and 8 hexadecimal digits that stand for the labelled people of a frame.

    That is where their keypoints are, in whatever order the people stand. Whether a keypoint is visible or
    occluded is left out, and so are people without any: some files of the same labels have neither.
    """
    rows = [np.column_stack([p.keypoints[:, :2], p.present]) for p in frame.people if p.present.any()]
    people = sorted((np.where(row[:, 2:] > 0, row, 0).round(2) + 0.0).tolist() for row in rows)
    return LABELS + hashlib.sha256(json.dumps(people).encode()).hexdigest()[:8]
