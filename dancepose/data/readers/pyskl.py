"""PYSKL's pickles: clips of people's keypoints over time with a label each, without pictures.

The layout of Duan et al. 2022, "PYSKL: Towards Good Practices for Skeleton Action Recognition".
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile
from dancepose.data.problems import Problems
from dancepose.data.readers import classes as class_file
from dancepose.data.readers.keypoint_columns import Columns, counted_columns
from dancepose.data.readers.request import Reading
from dancepose.data.readers.safe_pickle import load_pickle, plain
from dancepose.errors import DataError
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

USUAL = {17: "coco17"}  # what PYSKL's 2-D poses are


def read_pyskl(
    path: Path,
    skeleton: Skeleton,
    key: str = "data",
    classes: Sequence[str] | None = None,
    source_skeleton: str | None = None,
) -> Reading:
    """Read `{split: {name: [frame_dir, ...]}, annotations: [{frame_dir, label, keypoint, ...}, ...]}`.

    Of an annotation `frame_dir` is the clip, `label` the number of its class, `keypoint` (M, T, V, 2) x and y
    of M people over T pictures, `keypoint_score` (M, T, V), if there, their confidences, `img_shape`, if
    there, height and width. A person without any point in a picture is not in it, and a picture without
    people is left out. The files are of strangers: see `safe_pickle`. A broken annotation is recorded
    (`annotation broken`, with which nothing is trained or scored) and the others are read.

    Args:
        path: the pickle.
        skeleton: the run's; keypoints are mapped to it by name and alias, nothing is derived.
        key: prefix of the config keys, for messages.
        classes: the names of labels 0, 1, ...
        source_skeleton: the skeleton of the keypoints; None: coco17 for 17 of them, else the run's.

    Returns:
        Frames without pictures, clip by clip in the order of the file and of time; a person's `id` is its
        place among the M. The file's own `splits`.

    Raises:
        DataError: the file is missing, damaged, refused or of another kind; the labels have no names; no
            annotation can be read. Names file and remedy.
    """
    path, problems = Path(path), Problems()
    if not path.is_file():
        raise DataError(f"{key}.annotations={path} is no file: give the pickle")
    content = load_pickle(path, f"{key}.annotations")
    entries = plain(content.get("annotations") if isinstance(content, dict) else content)
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: 'annotations', a list of clips, is missing or empty: not a PYSKL file")
    if classes is None:
        raise DataError(
            f"{path}: its labels are numbers: name them in their order with {key}.classes=[...], or in a "
            f"file {class_file.FILE} in {key}.root, one a line"
        )
    reader = _ClipReader(path, skeleton, tuple(classes), source_skeleton, key, problems)
    frames: list[Frame] = []
    clips: set[str] = set()
    for i, entry in enumerate(entries):
        entries[i] = None  # its arrays go as soon as there are frames of them
        try:
            clip, found = reader.read(f"annotations[{i}]", entry)
            if clip in clips:
                raise BrokenFile(path, f"{clip!r} is there already", f"annotations[{i}].frame_dir")
        except BrokenFile as error:
            problems.add_broken(error)
            continue
        clips.add(clip)
        frames += found
    if not frames:
        found_wrong = f"\n{problems.report(3)}" if problems else ""
        raise DataError(f"{path}: none of its {len(entries)} annotations has people{found_wrong}")
    class_file.find_empty(frames, reader.classes, path, "label", problems)
    return Reading(frames, problems, _splits(path, content))


def _splits(path: Path, content: Any) -> dict[str, tuple[str, ...]]:
    """Return the file's own divisions.

    Raises:
        DataError: they are no lists of names.
    """
    found = content.get("split") if isinstance(content, dict) else None
    splits: dict[str, tuple[str, ...]] = {}
    for name, clips in (found if isinstance(found, dict) else {}).items():
        listed = plain(clips)
        listed = listed.tolist() if isinstance(listed, np.ndarray) else listed
        if not isinstance(listed, (list, tuple, set)) or not all(isinstance(clip, str) for clip in listed):
            raise DataError(f"{path}: split['{name}'] must be a list of frame_dir")
        splits[str(name)] = tuple(listed)
    return splits


class _ClipReader:
    """Makes the frames of one annotation after the other."""

    def __init__(
        self,
        path: Path,
        run: Skeleton,
        classes: tuple[str, ...],
        source_skeleton: str | None,
        key: str,
        problems: Problems,
    ):
        self.path, self.run, self.classes, self.problems = path, run, classes, problems
        self._source, self._key = source_skeleton, key
        self._columns: dict[int, Columns] = {}  # number of keypoints -> where they stand

    def read(self, where: str, entry: Any) -> tuple[str, list[Frame]]:
        """Return the clip's name and its frames.

        Raises:
            BrokenFile: a field is missing or holds something else than it should.
            DataError: the skeleton is another than this number of keypoints.
        """
        if not isinstance(entry, dict):
            raise BrokenFile(self.path, f"must be a mapping, not a {type(entry).__name__}", where)
        clip, label = plain(entry.get("frame_dir")), plain(entry.get("label"))
        if not isinstance(clip, str) or not clip:
            raise BrokenFile(self.path, "is missing or no text", f"{where}.frame_dir")
        if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < len(self.classes):
            what = (
                f"{label!r} must be a number from 0 to {len(self.classes) - 1}, for there are so many classes"
            )
            raise BrokenFile(self.path, what, f"{where}.label")
        xy, conf = self._points(where, entry)
        if (count := xy.shape[2]) not in self._columns:
            self._columns[count] = counted_columns(count, self.run, self._source, USUAL, self.path, self._key)
        columns = self._columns[count]
        keypoints, scores, lost = columns.apply(xy, conf)
        fields = f"{where}.keypoint", f"{where}.keypoint_score"
        columns.tell_lost(lost, xy, fields, self.path, self.problems)
        size, covered = self._size(where, entry), columns.covered
        there = np.any(keypoints[..., 2] > 0, axis=-1)  # (M, T)
        frames = []
        for t in np.flatnonzero(np.any(there, axis=0)).tolist():
            people = [
                Person(keypoints[m, t], scores=scores[m, t], id=m, action=self.classes[label])
                for m in np.flatnonzero(there[:, t]).tolist()
            ]
            frame = Frame(None, size, people, self.run.name, f"{clip}/{t:05d}", covered, False, clip=clip)
            frame.classes = self.classes
            frames.append(frame)
        return clip, frames

    def _points(self, where: str, entry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
        """Return `keypoint` (M, T, V, 2) and `keypoint_score` (M, T, V) or None."""
        xy, conf = plain(entry.get("keypoint")), plain(entry.get("keypoint_score"))
        if not _are_numbers(xy) or xy.ndim != 4 or not xy.shape[2]:
            raise BrokenFile(self.path, "must be an array (people, pictures, V, 2)", f"{where}.keypoint")
        if xy.shape[3] != 2:
            what = f"has {xy.shape[3]} numbers for a point: poses in the picture, x and y, are needed"
            raise BrokenFile(self.path, what, f"{where}.keypoint")
        if conf is not None and not (_are_numbers(conf) and conf.shape == xy.shape[:3]):
            raise BrokenFile(self.path, f"must be an array {xy.shape[:3]}", f"{where}.keypoint_score")
        total = plain(entry.get("total_frames"))
        if total is not None and (type(total) is not int or total != xy.shape[1]):
            what = f"is {total!r}, but keypoint has {xy.shape[1]} pictures"
            raise BrokenFile(self.path, what, f"{where}.total_frames")
        return xy, conf

    def _size(self, where: str, entry: dict[str, Any]) -> tuple[int, int]:
        """Return width and height; (0, 0) where the file does not say."""
        shape = plain(entry.get("img_shape"))
        if shape is None:
            return 0, 0
        sides = shape.tolist() if isinstance(shape, np.ndarray) else shape
        plain_sides = isinstance(sides, (list, tuple)) and len(sides) >= 2
        if not plain_sides or not all(type(side) is int and side > 0 for side in sides[:2]):
            raise BrokenFile(self.path, f"{shape!r} must be height and width in pixels", f"{where}.img_shape")
        return sides[1], sides[0]


def _are_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
