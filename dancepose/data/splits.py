"""Which frames train, validate and test: from a file, or drawn by seed; a video's frames stay together."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dancepose.data.draw import draw_units, rank, unit_of
from dancepose.data.json_file import load_mapping
from dancepose.data.problems import Problems
from dancepose.data.split_rule import SplitRule
from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.records import Frame

SPLIT_FILE = "split.json"  # the usual name of a folder's own split
PARTS = ("train", "val", "test")
KEYS = (*PARTS, "by", "seed")
Amount = int | float | str | None  # a count, a fraction, or `none`
Parts = dict[str, list[Frame]]


@dataclass(frozen=True)
class SplitFile:
    """What a split file says.

    Attributes:
        path: of the file.
        parts: part -> names of images, or ids of clips; parts that the file does not name are absent.
        by: `image` or `clip`: what the names are.
        seed: of what has to be drawn beyond the file, or None.
    """

    path: Path
    parts: dict[str, tuple[str, ...]]
    by: str = "image"
    seed: int | None = None


def read_split(path: Path, key: str = "data.split") -> SplitFile:
    """Read `{"train": [...], "val": [...], "test": [...], "by": "image" or "clip", "seed": n}`.

    Only train is needed.

    Raises:
        DataError: the file is missing or broken, holds something else, or puts a name into two parts.
    """
    if not path.is_file():
        raise DataError(f"{key}={path} is no file: give a JSON file with train, val and test, or null")
    content = load_mapping(path, key)
    for field in content:
        if field not in KEYS:
            raise DataError(f"{key}={path}: unknown field '{field}'.{did_you_mean(field, KEYS)}")
    if "train" not in content:
        raise DataError(f"{key}={path}: field 'train' is missing")
    parts: dict[str, tuple[str, ...]] = {}
    home: dict[str, str] = {}
    for part in PARTS:
        if part not in content:
            continue
        names = content[part]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f"{key}={path}: field '{part}' must be a list of names")
        for name in names:
            if name in home:
                where = f"'{home[name]}' and '{part}'" if home[name] != part else f"'{part}' twice"
                raise DataError(f"{key}={path}: {name} stands in {where}")
            home[name] = part
        parts[part] = tuple(names)
    by, seed = content.get("by", "image"), content.get("seed")
    if by not in ("image", "clip"):
        raise DataError(f"{key}={path}: field 'by' is {by!r}: it must be 'image' or 'clip'")
    if seed is not None and not isinstance(seed, int):
        raise DataError(f"{key}={path}: field 'seed' must be a whole number")
    return SplitFile(path, parts, by, seed)


def split_frames(
    frames: Sequence[Frame],
    file: SplitFile | None,
    val: Amount,
    test: Amount,
    seed: int,
    problems: Problems,
    key: str = "data",
    rule: SplitRule | None = None,
) -> Parts:
    """Divide frames into train, val and test.

    With a file its parts are taken; without one the test part is drawn. The validation part, where the file
    does not name it, is drawn from train. Which frames are drawn first depends on the seed and their names
    alone, not on their order, and frames of one clip are drawn together. Where sources name classes, each
    class has its share in each part, as near as whole clips allow.

    A gap of the rule holds with a file, too: the test part stays as it is, from train and validation what is
    near it is left out, and from train what is near the validation.

    Args:
        frames: of one data set.
        file: the split file, or None.
        val: how much of train validates, if the file does not say; `none` trains without (then also a part
            that the file names is not used).
        test: how much of everything tests, where there is no file.
        seed: of what is drawn; a file's own seed comes before it.
        problems: unknown names, frames in no part and clips in several are added.
        key: prefix of the config keys, for messages.
        rule: what a drawn split keeps to; None: clips stay together, without a gap.

    Returns:
        `train`, `val` and `test`, in the order of `frames`; val and test may be empty.

    Raises:
        ConfigError: an amount is impossible, or leaves nothing to train on.
        DataError: the file, or the sources of the rule, and the data have nothing in common.
    """
    rule = rule or SplitRule()
    if rule.gap.width and all(frame.clip is None for frame in frames):
        raise ConfigError(
            f"{key}.gap={rule.gap.width} is between clips, but no frame is of one: say with {key}.clip what "
            "they are"
        )
    unit: Callable[[Frame], str] = unit_of if rule.by == "clip" else (lambda frame: frame.name)
    if file is None and rule.by_source:
        parts = _divide(frames, rule.divide(frames, key))
    elif file is None:
        wanted = _amount(test, len(frames), f"{key}.test")
        spare = 1 if val in (None, "none") else 2
        test_units = draw_units(frames, wanted, seed, "test", spare, unit)
        parts = _divide(frames, ["test" if unit(frame) in test_units else "train" for frame in frames])
    else:
        parts = _by_file(frames, file, problems, key)
        seed = seed if file.seed is None else file.seed
    for part in ("train", "val"):
        parts[part] = rule.gap.leave(parts[part], parts["test"])
    if val is None or val == "none":
        parts["val"] = []
    elif file is None or "val" not in file.parts:
        wanted = _amount(val, len(parts["train"]), f"{key}.val")
        units = draw_units(parts["train"], wanted, seed, "val", unit_of=unit)
        parts["val"] = [frame for frame in parts["train"] if unit(frame) in units]
        parts["train"] = [frame for frame in parts["train"] if unit(frame) not in units]
    parts["train"] = rule.gap.leave(parts["train"], parts["val"])
    if not parts["train"]:
        raise ConfigError(
            f"of {len(frames)} frames (a clip is not divided) none is left to train on: "
            f"lower {key}.val or {key}.test{f' or {key}.gap' if rule.gap.width else ''}"
        )
    _find_straddling(parts, file.path if file else "", problems)
    return parts


def kept_split(
    frames: Sequence[Frame], split: Mapping[str, Iterable[str]], problems: Problems, source: object = ""
) -> Parts:
    """Divide frames as they were divided before, whatever has come to the data since.

    Args:
        frames: of one data set.
        split: part -> names; those of other data sets or of frames that are not there are passed over.
        problems: clips in several parts are added.
        source: where the split is from, for the problems.

    Returns:
        `train`, `val` and `test`, in the order of `split`; frames that it does not name are in none.
    """
    known = {frame.name: frame for frame in frames}
    parts = {part: [known[name] for name in split.get(part, ()) if name in known] for part in PARTS}
    _find_straddling(parts, source, problems)
    return parts


def pick(frames: Sequence[Frame], count: int, seed: int) -> list[Frame]:
    """Draw some frames by seed and name, in the order given."""
    ranked = sorted(frames, key=lambda frame: rank(frame.name, seed, "limit"))
    chosen = {frame.name for frame in ranked[:count]}
    return [frame for frame in frames if frame.name in chosen]


def split_hash(parts: Mapping[str, Iterable[str]]) -> str:
    """Return 16 hexadecimal digits that stand for which names are in which part, in whatever order."""
    return _digest({part: sorted(parts.get(part, ())) for part in PARTS})


def data_hash(frames: Iterable[Frame], made_with: str = "") -> str:
    """Return 16 hexadecimal digits that stand for names and annotations; the pixels are not read.

    Args:
        frames: in any order.
        made_with: what else the samples are made with.
    """
    rows = []
    for frame in sorted(frames, key=lambda frame: frame.name):
        labelled = None if frame.labelled is None else frame.labelled.astype(int).tolist()
        people = [
            [
                person.keypoints.round(3).tolist(),
                None if person.head_box is None else person.head_box.round(3).tolist(),
                person.action,
            ]
            for person in frame.people
        ]
        if frame.classes:  # of samples the box says what is cut out, and the number what is one sequence
            boxes = [None if p.box is None else p.box.round(3).tolist() for p in frame.people]
            people.append([list(frame.classes), boxes, [p.id for p in frame.people], frame.source])
        ignore = [polygon.round(3).tolist() for polygon in frame.ignore]
        rows.append(
            [frame.name, frame.size, frame.skeleton, labelled, frame.complete, ignore, frame.clip, people]
        )
    return _digest([rows, made_with] if made_with else rows)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _amount(value: Amount, total: int, key: str) -> int:
    """Turn a fraction or a count into a number of frames; a fraction above 0 is at least one frame."""
    if value is None or value == "none":
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ConfigError(f"{key}={value}: give a fraction (0.1), a count (350) or none")
    if isinstance(value, int) or value >= 1:
        if value != int(value) or (value and value >= total):
            raise ConfigError(f"{key}={value}: it must be a whole number below the {total} frames there are")
        return int(value)
    return max(1, round(value * total)) if value else 0


def _divide(frames: Sequence[Frame], homes: Sequence[str | None]) -> Parts:
    return {part: [f for f, home in zip(frames, homes, strict=True) if home == part] for part in PARTS}


def _by_file(frames: Sequence[Frame], file: SplitFile, problems: Problems, key: str) -> Parts:
    if file.by == "clip" and all(frame.clip is None for frame in frames):
        raise DataError(
            f"{key}.split={file.path} goes by clip, but no frame has one: say with {key}.clip what they are"
        )
    home = {name: part for part, names in file.parts.items() for name in names}
    units = [frame.name if file.by == "image" else frame.clip for frame in frames]
    known = set(units)
    unknown = [name for name in home if name not in known]
    for number, name in enumerate(unknown):  # a search for the nearest of thousands of names takes its time
        hint = did_you_mean(name, [str(unit) for unit in known]).strip() if number < 3 else ""
        problems.add("unknown name in split", file.path, f"{home[name]}: {name}", detail=hint)
    for part, names in file.parts.items():
        if names and not known & set(names):
            raise DataError(
                f"{key}.split={file.path}: none of the {len(names)} names in '{part}' is in the data; the "
                f"first there is {names[0]}, the first here {units[0] if units else 'none'}"
            )
    homes = [home.get(unit) if unit is not None else None for unit in units]
    if None in homes:
        detail = f"the first is {frames[homes.index(None)].name}"
        problems.add("in no part of the split", file.path, detail=detail, count=homes.count(None))
    return _divide(frames, homes)


def _find_straddling(parts: Parts, source: object, problems: Problems) -> None:
    homes: dict[str, list[str]] = {}
    for part, frames in parts.items():
        for clip in {frame.clip for frame in frames if frame.clip is not None}:
            homes.setdefault(clip, []).append(part)
    for clip, found in sorted(homes.items()):
        if len(found) > 1:
            problems.add("clip in several parts", source, f"{clip}: {', '.join(found)}")
