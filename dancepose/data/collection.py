"""`PoseData`: all frames of a run, read, divided and counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dancepose.data.actions import Counts, action_counts, action_table, has_keypoints
from dancepose.data.hashes import data_hash, split_hash
from dancepose.data.images import check_images
from dancepose.data.left_out import all_left_out, number
from dancepose.data.loaded_part import LoadedPart, limit_part, pose_part
from dancepose.data.loading import load_part
from dancepose.data.part_counts import count_table, part_counts, unused_splits
from dancepose.data.parts import PartConfig, read_limits
from dancepose.data.problems import Problems
from dancepose.data.readers.sources import NeverLabelled
from dancepose.data.split_file import PARTS
from dancepose.data.splits import Amount, kept_split
from dancepose.records import Frame
from dancepose.skeleton import Skeleton


class PoseData:
    """The frames of one data set, or of several that are mixed; files are read on first use.

    Args:
        configs: name of each data set -> where it lies.
        skeleton: the run's.
        mixed: whether the names of frames and config keys begin with the data set's name.
        val: see `splits.split_frames`.
        test: see `splits.split_frames`.
        split_seed: of what the split draws.
        min_people: frames with fewer labelled people are not used.
        limit: use at most so many frames of each part of each data set, or of the parts that it names.
        overfit: the training part is validation and test part as well.
        prepare: called before the first file is read; makes the files of drawn data.

    Attributes:
        posed: whether the frames are for learning poses: then those of whose people nobody has keypoints are
            left out, for they would pass for background, and people without keypoints in others are regions
            to ignore. To be set before the first file is read.
        whole_clips: whether `limit` takes whole clips, for learning over time; to be set before, too.
        divided_by: what divided the official lists of the data, in words, where the file of a run's split
            stands for it; None: the data sets say it.
        never_labelled: of each data set, when a run began that goes on now: `known` of `Sources.settle`.
        made_with: stands for what else the samples are made with, a checkpoint that finds their keypoints for
            instance; part of `data_hash`.
        title: what tables call a single data set; None: by its name, that of its kind.
    """

    def __init__(
        self,
        configs: Mapping[str, PartConfig],
        skeleton: Skeleton,
        mixed: bool = False,
        val: Amount = 0.1,
        test: Amount = 0.1,
        split_seed: int = 0,
        min_people: int = 0,
        limit: int | Mapping[str, int] | None = None,
        overfit: bool = False,
        prepare: Callable[[], object] | None = None,
    ):
        self.configs, self.skeleton, self.mixed = dict(configs), skeleton, mixed
        self.val, self.test, self.split_seed = val, test, split_seed
        self.min_people, self.limits, self.overfit = min_people, read_limits(limit), overfit
        self.posed, self.whole_clips = True, False
        self.divided_by: list[str] | None = None
        self.never_labelled: Mapping[str, NeverLabelled] | None = None
        self.made_with = ""
        self.title: str | None = None
        self._prepare = prepare
        self._loaded: list[LoadedPart] | None = None
        self._kept = False

    @property
    def loaded(self) -> list[LoadedPart]:
        """The data sets, read on first use.

        Raises:
            DataError: files are missing or wrong.
            ConfigError: the split cannot be made.
        """
        if self._loaded is None:
            self._loaded = [self._load(name, config) for name, config in self.configs.items()]
        return self._loaded

    def _read(
        self, name: str, config: PartConfig, val: Amount, test: Amount, divide: bool = True
    ) -> LoadedPart:
        if self._prepare is not None:
            self._prepare()
        key = f"data.parts.{name}" if self.mixed else "data"
        known = None if self.never_labelled is None else self.never_labelled.get(name, {})
        seed, mixed = self.split_seed, self.mixed
        one = load_part(name, config, self.skeleton, val, test, seed, key, mixed, divide, known)
        return pose_part(one, key) if self.posed else one

    def _load(self, name: str, config: PartConfig) -> LoadedPart:
        val, test = ("none", "none") if self.overfit else (self.val, self.test)
        loaded = self._read(name, config, val, test)
        limit_part(loaded, self.min_people, self.limits, self.split_seed, self.whole_clips)
        if self.overfit:
            loaded.parts, loaded.division = {part: list(loaded.parts["train"]) for part in PARTS}, ()
        return loaded

    def keep(self, split: Mapping[str, Sequence[str]]) -> int:
        """Divide the data as a run did that goes on now, instead of drawing anew.

        A data set with a split file is divided by its file, as ever. Frames of `split` that are not in the
        data are absent: compare `names`.

        Args:
            split: what `split` gave then.

        Returns:
            How many frames have come since and stay unused; those beyond `limit` do not count.

        Raises:
            DataError: files are missing or wrong.
            ConfigError: the parts of a split file cannot be made.
        """
        known = {name for part in PARTS for name in split.get(part, ())}
        loaded, new = [], 0
        for name, config in self.configs.items():
            if config.split is not None:
                loaded.append(self._load(name, config))
                continue
            whole = self._read(name, config, "none", "none", divide=False)
            frames = whole.parts["train"]
            parts = kept_split(frames, split, whole.problems)
            if self.overfit:
                parts, whole.division = {part: list(parts["train"]) for part in PARTS}, ()
            others = [frame for frame in frames if frame.name not in known]
            kept = replace(whole, parts=parts)
            later = kept.came_later(others)
            kept.gap_left_out = kept.in_gap(others)
            kept.left_out = sum(len(frame.people) < self.min_people for frame in later)
            loaded.append(kept)
            if not self.limits:
                new += len(later) - kept.left_out
        self._loaded, self._kept = loaded, True
        return new

    def leave_whole(self) -> None:
        """Put everything into `train`, where the data cannot be divided as the configuration asks."""
        read = (self._read(name, c, "none", "none", divide=False) for name, c in self.configs.items())
        self._loaded, self._kept = [replace(one, division=()) for one in read], True

    def frames(self, part: str) -> list[Frame]:
        """Return the frames of `train`, `val` or `test`, of all data sets together."""
        return [frame for loaded in self.loaded for frame in loaded.parts[part]]

    @property
    def problems(self) -> Problems:
        """What the readers and the splits found wrong."""
        return Problems(problem for loaded in self.loaded for problem in loaded.problems)

    def unusable(self, *parts: str) -> Problems:
        """Return what neither training nor evaluation goes on with, each finding once.

        Args:
            parts: look at the header of every image of these: it may be missing, broken, or of another size
                than labelled. Without any, annotations alone are meant; one that is broken counts wherever it
                is, for nobody knows what it would have been.
        """
        problems = self.problems
        found = list(problems.of("annotation broken"))
        for part in parts:
            found += check_images(self.frames(part), problems)
        return Problems(dict.fromkeys(found))

    @property
    def left_out(self) -> int:
        """Number of frames that have fewer people than `min_people`."""
        return sum(loaded.left_out for loaded in self.loaded)

    @property
    def without_keypoints(self) -> int:
        """Number of frames of whose people nobody has keypoints; with `posed` they are left out."""
        kept = (frame for part in PARTS for frame in self.frames(part))
        unposed = {frame.name for frame in kept if not has_keypoints(frame)}  # with `overfit` in three parts
        return len(unposed) + sum(loaded.without_keypoints for loaded in self.loaded)

    @property
    def names(self) -> dict[str, list[str]]:
        """Part -> names of its frames (for a mix they begin with the data set's)."""
        return {part: [frame.name for frame in self.frames(part)] for part in PARTS}

    @property
    def split(self) -> dict[str, Any]:
        """The split as a split file has it; with `overfit` its train alone: no name may stand there twice."""
        names = self.names | ({"val": [], "test": []} if self.overfit else {})
        return {**names, "by": "image", "seed": self.split_seed}

    @property
    def split_hash(self) -> str:
        """16 hexadecimal digits: which frames are in which part."""
        return split_hash(self.names)

    @property
    def data_hash(self) -> str:
        """16 hexadecimal digits: names and annotations of all frames that are used."""
        used = {frame.name: frame for part in PARTS for frame in self.frames(part)}
        return data_hash(used.values(), self.made_with)

    def unlabelled(self, part: str) -> list[str]:
        """Return the keypoints of the skeleton that no picture of a part labels."""
        people = [person.present for frame in self.frames(part) for person in frame.people]
        seen = np.any([np.zeros(len(self.skeleton), bool), *people], axis=0)
        return [name for name, there in zip(self.skeleton.keypoints, seen, strict=True) if not there]

    def counts(self) -> list[dict[str, Any]]:
        """Return what each part of each data set holds: images, people, keypoints and so on."""
        own = {} if self.title is None else {"data": self.title}
        return [row | own for row in part_counts(self.loaded)]

    def action_counts(self) -> Counts:
        """Return how many samples and clips of each action each part holds; empty without classes."""
        return action_counts({part: self.frames(part) for part in PARTS})

    def summary(self, problems: Problems | None = None, actions: str | None = None) -> str:
        """Return the counts as tables, the split's hash, and the number of problems of each kind.

        Args:
            problems: what is wrong; None: what the readers and the splits found.
            actions: table of the classes that are told apart; None: of what people do, if they do anything.
        """
        rows = self.counts()
        lines = [count_table(rows)]
        if actions is None:
            actions = action_table(self.action_counts(), any(row["clips"] for row in rows))
        problems = self.problems if problems is None else problems
        found = ", ".join(f"{kind} {count}" for kind, count in problems.counts().items())
        lines += [actions] if actions else []
        lines.append(f"split {self.split_hash}")
        if self.left_out:
            lines.append(f"left out by data.min_people={self.min_people}: {number(self.left_out, 'picture')}")
        if unposed := self.without_keypoints:
            fate = "left out" if self.posed else "a training of poses leaves them out"
            lines.append(f"without keypoints ({fate}): {number(unposed, 'picture')}")
        lines += all_left_out(self.loaded, self.mixed, self.divided_by)
        lines.append(f"problems: {found or 'none'}")
        drawn = not (self._kept or self.overfit)
        return "\n".join([*lines, *(unused_splits(self.configs, self.mixed) if drawn else ())])
