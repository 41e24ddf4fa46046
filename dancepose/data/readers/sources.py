"""`dataset.yaml`: what each source in a Labelme folder labels, and whether its pictures are complete."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dancepose.data.problems import Problems
from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.paths import config_dir
from dancepose.records import Frame
from dancepose.skeleton import Skeleton, load_skeleton

FILE = "dataset.yaml"
KEYS = ("match", "skeleton", "complete")
NeverLabelled = Mapping[str, Sequence[str]]  # pattern of a source -> names of keypoints
ENOUGH = 5  # people: a keypoint that none of fewer has may merely never have shown


@dataclass
class Source:
    """Where some of a folder's pictures come from.

    Attributes:
        match: pattern of their names, with `*` and `?`; empty for pictures that no pattern fits.
        skeleton: the keypoints that the source labels.
        complete: whether all people in its pictures are labelled.
        target: (K',) index of each of the source's keypoints in the run's skeleton, -1 where it has none.
        labelled: (K,) bool: which of the run's keypoints the source labels; shared by all its frames.
    """

    match: str
    skeleton: Skeleton
    complete: bool
    target: np.ndarray
    labelled: np.ndarray

    @classmethod
    def make(cls, match: str, skeleton: Skeleton, complete: bool, run: Skeleton) -> "Source":
        """Work out what a source's skeleton means in the run's skeleton."""
        index = skeleton.map_to(run).index
        target = np.full(len(skeleton), -1, dtype=np.int64)
        for t, s in enumerate(index):
            if s >= 0:
                target[s] = t
        return cls(match, skeleton, complete, target, index >= 0)


class Sources:
    """The sources of one folder.

    Args:
        root: the folder; its `dataset.yaml`, if any, is `{sources: [{match, skeleton, complete}, ...]}`.
        run: the run's skeleton.

    Raises:
        DataError: the file is wrong; names it, the field and the remedy.
    """

    def __init__(self, root: Path, run: Skeleton):
        self.path, self._run = root / FILE, run
        self._other = Source.make("", run, True, run)
        seen: set[str] = set()
        self._declared = [self._parse(i, entry, run, seen) for i, entry in enumerate(self._load())]

    def _load(self) -> list[Any]:
        if not self.path.is_file():
            return []
        try:
            data = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{self.path} is not valid YAML: {error}") from None
        if not isinstance(data, dict) or not isinstance(data.get("sources"), list):
            raise DataError(
                f"{self.path}: field 'sources', a list of {{match, skeleton, complete}}, is missing"
            )
        if extra := [key for key in data if key != "sources"]:
            raise DataError(
                f"{self.path}: unknown field '{extra[0]}'.{did_you_mean(str(extra[0]), ['sources'])}"
            )
        return data["sources"]

    def _parse(self, i: int, entry: Any, run: Skeleton, seen: set[str]) -> Source:
        where = f"{self.path}: sources[{i}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("match"), str):
            raise DataError(f"{where}.match, a pattern of file names, is missing")
        if not entry["match"] or entry["match"] in seen:
            raise DataError(f"{where}.match is {entry['match']!r}: it must be a pattern that no other has")
        seen.add(entry["match"])
        for key in entry:
            if key not in KEYS:
                raise DataError(f"{where}: unknown field '{key}'.{did_you_mean(str(key), KEYS)}")
        complete = entry.get("complete", True)
        if not isinstance(complete, bool):
            raise DataError(f"{where}.complete is {complete!r}: it must be true or false")
        name = str(entry.get("skeleton", run.name))
        skeleton = named_skeleton(name, self.path, f"sources[{i}].skeleton", run)
        return Source.make(entry["match"], skeleton, complete, run)

    def find(self, name: str) -> Source:
        """Return the first source whose pattern fits a file's name or path, else the default."""
        base = name.rsplit("/", 1)[-1]
        for source in self._declared:
            if fnmatch(base, source.match) or fnmatch(name, source.match):
                return source
        return self._other

    @property
    def declared(self) -> bool:
        """Whether there is a `dataset.yaml` that names sources."""
        return bool(self._declared)

    def settle(
        self, frames: Iterable[Frame], problems: Problems, known: NeverLabelled | None = None
    ) -> NeverLabelled:
        """Mask what a source should label but none of its frames has, in place.

        A declared skeleton is then only the nearest one that has a name, and a folder of which nothing is
        declared was labelled after another one than the run's. Taking either at its word would make the
        keypoint background in every picture. A side that merely never showed is not meant: a keypoint whose
        mirror partner was seen is labelled. Nor are pictures of fewer than `ENOUGH` people, if nothing is
        declared of them.

        Args:
            frames: all of the folder.
            problems: findings are added to it.
            known: what was returned when a run began that goes on now; what has come to the folder since has
                no say.

        Returns:
            What is masked.
        """
        of_source: dict[int, list[Frame]] = {}
        for frame in frames:
            of_source.setdefault(id(self.find(frame.name)), []).append(frame)
        masked = {}
        for source in (*self._declared, self._other):
            seen = [p.present for f in of_source.get(id(source), ()) for p in f.people if p.present.any()]
            if known is None:
                never, detail = self._judge(source, np.array(seen, dtype=bool))
            else:
                never = source.labelled & np.isin(self._run.keypoints, known.get(source.match, ()))
                detail = "as when the run began"
            if not never.any():
                continue
            source.labelled &= ~never  # in place: the frames share the array
            masked[source.match] = np.array(self._run.keypoints)[never].tolist()
            detail = f"{detail}: {', '.join(masked[source.match])}"
            if source is self._other:
                place, field = self.path if self.declared else self.path.parent, ""
                detail += f". {_remedy(self._run, source.labelled)}"
            else:
                place, field = self.path, f"match: {source.match}"
            problems.add("keypoint never labelled", place, field, detail=detail)
        return masked

    def _judge(self, source: Source, seen: np.ndarray) -> tuple[np.ndarray, str]:
        """Return which keypoints (K,) a source never labels, and why, of its people's, (P, K) bool."""
        if len(seen) < (ENOUGH if source is self._other else 1):
            return np.zeros(len(source.labelled), bool), ""
        absent = np.logical_not(seen.any(axis=0))
        people = f"{len(seen)} {'person' if len(seen) == 1 else 'people'}"
        return source.labelled & absent & absent[self._run.flip_index], f"none among {people}"


def named_skeleton(name: str, path: Path, field: str, run: Skeleton) -> Skeleton:
    """Return the skeleton that a file of a data set names: a shipped one, or a user's own beside the file.

    Args:
        name: of the skeleton, or of a YAML file.
        path: of the file that names it.
        field: in that file.
        run: the run's skeleton.

    Raises:
        DataError: there is none of this name; names file and field.
    """
    if name.endswith((".yaml", ".yml")):
        name = str(path.parent / name)
    try:
        return run if name == run.name else load_skeleton(name)
    except ConfigError as error:
        raise DataError(f"{path}: {field}: {error}") from None


def _remedy(run: Skeleton, labelled: np.ndarray) -> str:
    """Say what to do about pictures that lack some of the run's keypoints, naming shipped skeletons that fit.

    Args:
        run: the run's skeleton.
        labelled: (K,) bool: which of its keypoints were seen.
    """
    shipped = [load_skeleton(path.stem) for path in sorted((config_dir() / "skeleton").glob("*.yaml"))]
    fit = [s.name for s in shipped if len(s) == labelled.sum() and (s.map_to(run).covered == labelled).all()]
    names = " or ".join(fit) or "<name>"
    return f"Give the skeleton that was labelled, skeleton={names}, or name it in {FILE}"
