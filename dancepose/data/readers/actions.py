"""`actions.json`, read and written: who does what in which picture, and which pictures are one video."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.actions import class_names
from dancepose.data.images import image_size
from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.data.problems import Problems
from dancepose.data.readers.action_sample import Sample, SampleReader
from dancepose.data.readers.classes import find_empty
from dancepose.data.readers.points import find_outside
from dancepose.data.readers.sources import named_skeleton
from dancepose.errors import DataError, did_you_mean, in_brackets
from dancepose.files import write_json
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

FILE = "actions.json"  # the usual name, beside the pictures
FIELDS = ("classes", "skeleton", "samples")


def read_actions(
    annotations: Path, skeleton: Skeleton, root: Path, key: str = "data.annotations"
) -> tuple[list[Frame], Problems]:
    """Read an `actions.json`.

    A frame has the people that are samples; others may be in the picture too, so it is never complete. People
    without keypoints have none annotated. A broken sample is recorded (`annotation broken`, with which
    nothing is trained or scored) and the others are read.

    Args:
        annotations: the JSON file.
        skeleton: the run's; the file's keypoints are mapped to it by name and alias.
        root: the folder of the pictures.
        key: the config key that names the file, for messages.

    Returns:
        Frames in the order in which the file names their pictures, in a clip that of time, each with the
        file's `classes`; and what was wrong.

    Raises:
        DataError: the file is missing, no whole JSON, or not of this kind; its classes or skeleton are wrong;
            no sample can be read, or none of the pictures is there. Names file, field and remedy.
    """
    path, root = Path(annotations), Path(root)
    if not path.is_file():
        raise DataError(f"{key}={path} is no file: give the {FILE}")
    content = load_mapping(path, key)
    if not isinstance(content.get("samples"), list):
        raise DataError(f"{path}: field 'samples', a list, is missing: not an {FILE}")
    problems = Problems()
    for name in content:
        if name not in FIELDS:
            problems.add("unknown field", path, "", f"'{name}'{in_brackets(did_you_mean(name, FIELDS))}")
    classes, labelled = _classes(path, content), _skeleton(path, content, skeleton)
    reader = SampleReader(path, classes, labelled, skeleton, problems)
    pictures: dict[str, _Picture] = {}
    for i, entry in enumerate(content["samples"]):
        try:
            sample = reader.read(f"samples[{i}]", entry)
            pictures.setdefault(sample.image, _Picture()).add(sample, path)
        except BrokenFile as error:
            problems.add_broken(error)
    pictures = {name: picture for name, picture in pictures.items() if picture.samples}
    if pictures and not any((root / name).is_file() for name in pictures):
        first = next(iter(pictures))
        raise DataError(
            f"{path}: none of its {len(pictures)} pictures is in {root}, the first is {first}; "
            f"{key.rpartition('.')[0] or 'data'}.root=... says where they lie"
        )
    covered = np.zeros(len(skeleton), bool) if labelled is None else labelled.map_to(skeleton).covered
    frames = []
    for name, picture in pictures.items():
        if (frame := picture.frame(name, root, path, problems)) is not None:
            frames.append(replace(frame, skeleton=skeleton.name, labelled=covered, classes=classes))
    if not frames:
        found = f"\n{problems.report(3)}" if problems else ""
        raise DataError(f"{path}: none of its {len(content['samples'])} samples can be read{found}")
    find_empty(frames, classes, path, "classes", problems)
    return frames, problems


def _classes(path: Path, content: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the actions.

    Raises:
        DataError: there are none, or they are no different words.
    """
    names = content.get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise DataError(f"{path}: field 'classes' must be a list of the actions' names, not {names!r}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{path}: field 'classes' names '{twice[0]}' twice")
    if not names:
        raise DataError(f"{path}: field 'classes' is empty: name the actions")
    return tuple(names)


def _skeleton(path: Path, content: dict[str, Any], run: Skeleton) -> Skeleton | None:
    """Return the skeleton of the file's keypoints, None where it names none.

    Raises:
        DataError: there is no such skeleton, or it shares no keypoint with the run's.
    """
    name = content.get("skeleton")
    if name is None:
        return None
    if not isinstance(name, str):
        raise DataError(f"{path}: field 'skeleton' must be a skeleton's name or null, not {name!r}")
    skeleton = named_skeleton(name, path, "field 'skeleton'", run)
    if not skeleton.map_to(run).covered.any():
        raise DataError(
            f"{path}: its skeleton {skeleton.name} has nothing in common with the run's, {run.name}. Choose "
            "another with skeleton="
        )
    return skeleton


@dataclass
class _Picture:
    """The samples of one picture."""

    samples: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample, path: Path) -> None:
        """Take a sample up.

        Raises:
            BrokenFile: it names another clip than the others, or a person that is there already.
        """
        for other in self.samples:
            if sample.clip != other.clip:
                what = (
                    f"{_told(sample.clip)} is another than {_told(other.clip)} of {other.where}, which has "
                    f"the same image {sample.image}: name in 'clip' the video that the image is from, and "
                    "tell its people apart with 'person'"
                )
                raise BrokenFile(path, what, f"{sample.where}.clip")
            same = sample.person.id == other.person.id
            if same or not (sample.numbered and other.numbered):
                number = str(sample.person.id) if sample.numbered else "null"
                what = (
                    f"{number} does not tell it from {other.where} of the same image {sample.image}: give "
                    "the people of an image different numbers"
                )
                raise BrokenFile(path, what, f"{sample.where}.person")
        self.samples.append(sample)

    def frame(self, name: str, root: Path, path: Path, problems: Problems) -> Frame | None:
        """Return the frame, its size read from the image's header, for the file does not have it.

        A sample whose box lies outside of the picture is broken, for there is nothing of it to look at; None
        where no other is left.
        """
        image, known = root / name, True
        samples: list[Sample] = []
        if not image.is_file():
            problems.add("image missing", path, f"{self.samples[0].where}.image", detail=str(image))
        try:
            size = image_size(image)
        except DataError:  # found again, and told, by what looks at the images of the parts that are used
            size, known = self._extent(), False
        for sample in self.samples:
            if known and _is_outside(sample.person.box, size):
                what = (
                    f"lies outside of its picture, {name} of {size[0]} x {size[1]} pixels: give x, y, width "
                    "and height in these pixels, or null"
                )
                problems.add_broken(BrokenFile(path, what, f"{sample.where}.box"))
                continue
            find_outside(sample.person.keypoints, size, path, f"{sample.where}.keypoints", name, problems)
            samples.append(sample)
        if not samples:
            return None
        people, first = [sample.person for sample in samples], samples[0]
        return Frame(image, size, people, "", name, complete=False, clip=first.clip, source=first.source)

    def _extent(self) -> tuple[int, int]:
        """Return the size of the smallest picture that holds everything that is labelled in it."""
        corners = [np.ones(2)]
        for sample in self.samples:
            person = sample.person
            corners += list(person.keypoints[person.present, :2] + 1)
            corners += [] if person.box is None else [person.box[:2] + person.box[2:]]
        width, height = np.ceil(np.max(corners, axis=0)).astype(int).tolist()
        return width, height


def _is_outside(box: np.ndarray | None, size: tuple[int, int]) -> bool:
    return box is not None and bool((box[:2] >= size).any() or (box[:2] + box[2:] <= 0).any())


def _told(clip: str | None) -> str:
    return "null" if clip is None else f"'{clip}'"


def write_actions(frames: Sequence[Frame], skeleton: Skeleton, path: Path) -> None:
    """Write an `actions.json`, whole or not at all; `read_actions` gives the same back.

    Args:
        frames: in the order of time; their images must be files, and the paths to them are written relative
            to the JSON file.
        skeleton: that of the people.
        path: of the JSON file.

    Raises:
        DataError: a frame has no image file, or a person no action.
    """
    samples = []
    for frame in frames:
        if not isinstance(frame.image, Path):
            held = "has no picture" if frame.image is None else "holds an array"
            raise DataError(f"{path}: an {FILE} names image files, but a frame {held}")
        image = Path(os.path.relpath(frame.image, path.parent)).as_posix()
        for person in frame.people:
            if person.action is None:
                raise DataError(f"{path}: a person in {frame.name} has no action")
            samples.append(
                {
                    "image": image,
                    "label": person.action,
                    "clip": frame.clip,
                    "person": person.id,
                    "box": None if person.box is None else np.asarray(person.box, float).tolist(),
                    "keypoints": person.keypoints.tolist() if person.present.any() else None,
                    "source": frame.source or None,
                }
            )
    write_json(path, {"classes": list(class_names(frames)), "skeleton": skeleton.name, "samples": samples})
