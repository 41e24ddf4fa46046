"""Reading one part of a data set: its frames with their clips, classes and homes."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dancepose.data.actions import class_names
from dancepose.data.clip_notes import told_clips
from dancepose.data.division import needed_split, split_hint, told_division, told_empty, with_drawn_split
from dancepose.data.gap import Gap, clip_places
from dancepose.data.labels import relabel
from dancepose.data.loaded_part import LoadedPart
from dancepose.data.parts import FOLDER, PartConfig, find_file, own_names
from dancepose.data.places import check_part
from dancepose.data.readers import READERS
from dancepose.data.readers.classes import FILE as CLASS_FILE
from dancepose.data.readers.classes import find_empty, read_classes
from dancepose.data.readers.request import Reading, Request
from dancepose.data.readers.sources import NeverLabelled
from dancepose.data.split_file import SplitFile, read_split
from dancepose.data.split_rule import SplitRule
from dancepose.data.splits import Amount, Parts, split_frames
from dancepose.errors import ConfigError, DataError, SplitError, did_you_mean
from dancepose.files import by_number
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

BY_FOLDER = ("dance", "action_folder")  # kinds whose pictures come in the order of their names


def load_part(
    name: str,
    config: PartConfig,
    skeleton: Skeleton,
    val: Amount,
    test: Amount,
    split_seed: int,
    key: str,
    prefix: bool,
    divide: bool = True,
    never_labelled: NeverLabelled | None = None,
) -> LoadedPart:
    """Read one part and divide it.

    Args:
        name: of the part; frames get it as their `source`, unless their file names one.
        config: where it lies.
        skeleton: the run's.
        val: see `split_frames`.
        test: see `split_frames`.
        split_seed: of what the split draws.
        key: prefix of the config keys, for messages.
        prefix: put the part's name before the frames' names, which must be unique over all parts of a mix.
        divide: False leaves everything in `train`, for a run that goes on with the split it had.
        never_labelled: see `Request`.

    Raises:
        DataError: files are missing or wrong; names file, field and remedy.
        ConfigError: the parts of the split cannot be made.
    """
    reader, root = READERS[config.kind], check_part(config, key)
    config = with_drawn_split(config, root, key)
    reading = reader.read(replace(_request(config, root, skeleton, key), never_labelled=never_labelled))
    problems, rule = reading.problems, config.clip
    frames = [
        f
        if f.source and f.clip
        else replace(f, source=f.source or name, clip=f.clip or clip_of(f.name, rule, reader.class_folders))
        for f in reading.frames
    ]
    doubts: list[str] = []  # not beside figures, for a run that is scored has its split already
    if config.kind in BY_FOLDER:
        unnamed = {f.name for f in reading.frames if not f.clip}
        found = [f for f in frames if f.name in unnamed]
        if rule is not None or config.split is None:  # who gives a split knows what is a video
            doubts = told_clips(found, rule, reader.class_folders, key)
        if rule is not None:
            frames.sort(key=lambda f: by_number(f.name))
    places, left_out = clip_places(frames), {}
    if config.labels is not None:
        changed = relabel(frames, config.labels, f"{key}.labels")
        frames, left_out = changed.frames, changed.left_out
        problems = problems.without("class without samples")  # of the data's own classes
        find_empty(frames, class_names(frames), f"{key}.labels", "", problems)
    split_rule = SplitRule(
        config.split_by,
        Gap(config.gap, places),
        tuple(config.train_sources or ()),
        tuple(config.test_sources or ()),
    )
    parts: Parts = {"train": frames, "val": [], "test": []}
    file, empty = None, list[str]()
    if divide:
        file = _split_file(config, root, reading, key)
        apart = None if file else _set_apart(config, frames, reading.test, split_rule)
        try:
            parts = split_frames(frames, file or apart, val, test, split_seed, problems, key, split_rule)
        except (ConfigError, DataError) as error:
            hint = split_hint(config, root, key) if isinstance(error, SplitError) else ""
            if broken := problems.of("annotation broken"):  # what is missing may be among them
                hint += f"\n{broken.report(3)}"
            if hint:
                raise type(error)(f"{error}{hint}") from None
            raise
        empty = told_empty(parts, val, test, apart is not None, file, key)
    loaded = LoadedPart(
        name,
        config,
        parts,
        problems,
        without_keypoints=reading.without_keypoints,
        gap=split_rule.gap,
        labels_left_out=left_out,
        set_apart=reading.test,
        notes=reading.notes,
        division=tuple(told_division(config, reading, file, key, bool(parts["val"]))),
        official=bool(reading.test_note),
        empty=(*empty, *doubts),
        never_labelled=reading.never_labelled,
    )
    if split_rule.by_source and config.split is None:
        homeless = (frame.source for frame in frames if split_rule.home(frame) is None)
        loaded.sources_left_out = dict(Counter(homeless))
    if config.gap and divide:
        _count_gap(loaded, frames, key)
    if prefix:
        loaded.parts = {part: [_rename(f, name) for f in found] for part, found in parts.items()}
        loaded.set_apart = frozenset(f"{name}/{own}" for own in reading.test)
        loaded.gap = Gap(config.gap, {f"{name}/{clip}": place for clip, place in places.items()})
    return loaded


def _request(config: PartConfig, root: Path, skeleton: Skeleton, key: str) -> Request:
    """Return what the reader is asked for, with the names of the classes read from their file."""
    reader, classes = READERS[config.kind], config.classes
    file = root / CLASS_FILE
    if isinstance(classes, str):
        classes = list(read_classes(find_file(classes, root), f"{key}.classes"))
    elif classes is None and reader.class_file and file.is_file():
        classes = list(read_classes(file, f"{key}.classes"))
    return Request(
        root,
        skeleton,
        find_file(config.annotations, root) if config.annotations else None,
        key,
        None if classes is None else tuple(classes),
        config.source_skeleton,
    )


def _split_file(config: PartConfig, root: Path, reading: Reading, key: str) -> SplitFile | None:
    """Return what divides the data: a split file, else the data's own divisions where they are asked for.

    Raises:
        DataError: the split file is wrong, or the data have no such division.
    """
    if config.split is not None:
        return read_split(needed_split(config, root, key), f"{key}.split")
    if config.own_split is None:
        return None
    parts: dict[str, tuple[str, ...]] = {}
    for part, value in config.own_split.items():
        if value is None:
            continue
        names = own_names(value, f"{key}.own_split.{part}")
        for name in names:
            if name not in reading.splits:
                have = ", ".join(reading.splits) or "none"
                raise DataError(
                    f"{key}.own_split.{part}: '{name}' is no division of {config.annotations}, which has "
                    f"{have}.{did_you_mean(name, reading.splits)}"
                )
        parts[part] = tuple(dict.fromkeys(clip for name in names for clip in reading.splits[name]))
    homes = Counter(clip for clips in parts.values() for clip in clips)
    if twice := [clip for clip, count in homes.items() if count > 1]:
        raise DataError(f"{key}.own_split: {config.annotations} has clip '{twice[0]}' in several of them")
    return SplitFile(find_file(str(config.annotations), root), parts, "clip")


def _set_apart(
    config: PartConfig, frames: Sequence[Frame], test: frozenset[str], rule: SplitRule
) -> SplitFile | None:
    """Return the division of data that set frames apart for the test; None where they or the keys do not.

    What trains is of none of the test's clips.
    """
    if not test or rule.by_source:
        return None
    clips = {frame.clip for frame in frames if frame.name in test and frame.clip is not None}
    train = tuple(f.name for f in frames if f.name not in test and f.clip not in clips)
    names = tuple(frame.name for frame in frames if frame.name in test and frame.evaluated)
    return SplitFile(find_file(str(config.annotations), Path(config.root)), {"train": train, "test": names})


def _count_gap(loaded: LoadedPart, frames: Sequence[Frame], key: str) -> None:
    """Count the frames that the gap leaves out, and record classes of which it leaves nothing to learn."""
    used = {frame.name for found in loaded.parts.values() for frame in found}
    others = [frame for frame in frames if frame.name not in used]
    loaded.gap_left_out = loaded.in_gap(others)
    learnt = {person.action for frame in loaded.parts["train"] for person in frame.people}
    for name in {person.action for frame in frames for person in frame.people if person.action} - learnt:
        where = f"{key}.gap={loaded.config.gap}"
        loaded.problems.add("class without samples", where, "", f"'{name}'", "none is left in train")


def clip_of(name: str, rule: str | None, class_folders: int = 0) -> str | None:
    """Return which video a picture is from by its name, or None.

    Args:
        name: path of the picture below the data's folder.
        rule: see `PartConfig.clip`.
        class_folders: how many levels of folders are no videos: a picture directly in such a folder has none.
    """
    if rule is None:
        return None
    if rule == FOLDER:
        folder = Path(name).parent
        return None if class_folders and len(folder.parts) <= class_folders else folder.as_posix()
    found = re.search(rule, name)
    return found[1] if found else None


def _rename(frame: Frame, part: str) -> Frame:
    return replace(
        frame, name=f"{part}/{frame.name}", clip=None if frame.clip is None else f"{part}/{frame.clip}"
    )
