"""Which frames train, validate and test: from a file, or drawn by seed; a video's frames stay together."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from dancepose.data.draw import draw_units, rank, unit_of
from dancepose.data.problems import Problems
from dancepose.data.split_file import PARTS, SplitFile
from dancepose.data.split_rule import SplitRule
from dancepose.errors import ConfigError, DataError, SplitError, did_you_mean
from dancepose.records import Frame

Amount = int | float | str | None  # a count, a fraction, or `none`
Parts = dict[str, list[Frame]]


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

    Amounts count groups of people where frames have them (`Frame.units`). Frames that only train are never
    drawn; where their clip is drawn for another part they are in none.

    Returns:
        `train`, `val` and `test`, in the order of `frames`; val and test may be empty.

    Raises:
        ConfigError: an amount is impossible; a `SplitError` where it is too large for these data, or leaves
            nothing to train on.
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
        if rule.by == "clip":  # one video may be of several sources
            tested = {frame.clip for frame in parts["test"] if frame.clip is not None}
            parts["train"] = [frame for frame in parts["train"] if frame.clip not in tested]
        parts["test"] = [frame for frame in parts["test"] if frame.evaluated]
    elif file is None:
        wanted = _amount(test, frames, f"{key}.test")
        spare = 1 if val in (None, "none") else 2
        test_units = draw_units(frames, wanted, seed, "test", spare, unit)
        parts = _divide(frames, [_home(frame, unit(frame) in test_units, "test") for frame in frames])
    else:
        parts = _by_file(frames, file, problems, key)
        seed = seed if file.seed is None else file.seed
    for part in ("train", "val"):
        parts[part] = rule.gap.leave(parts[part], parts["test"])
    if val is None or val == "none":
        parts["val"] = []
    elif file is None or "val" not in file.parts:
        wanted = _amount(val, parts["train"], f"{key}.val")
        units = draw_units(parts["train"], wanted, seed, "val", unit_of=unit)
        drawn = _divide(parts["train"], [_home(f, unit(f) in units, "val") for f in parts["train"]])
        parts["train"], parts["val"] = drawn["train"], drawn["val"]
    parts["train"] = rule.gap.leave(parts["train"], parts["val"])
    if not parts["train"]:
        raise SplitError(
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


def pick(frames: Sequence[Frame], count: int, seed: int, whole_clips: bool = False) -> list[Frame]:
    """Draw some frames by seed and name; those of a smaller number are among those of a larger.

    Args:
        frames: of one part.
        count: at most so many.
        seed: of the draw.
        whole_clips: draw clips as they are, one of each class, even beyond `count`, then more while they fit:
            single frames of a clip are no stretch of time.

    Returns:
        In the order given.
    """
    if whole_clips:
        drawn = _pick_clips(frames, count, seed)
        return [frame for frame in frames if unit_of(frame) in drawn]
    ranked = sorted(frames, key=lambda frame: rank(frame.name, seed, "limit"))
    chosen = {frame.name for frame in ranked[:count]}
    return [frame for frame in frames if frame.name in chosen]


def _pick_clips(frames: Sequence[Frame], count: int, seed: int) -> set[str]:
    """Return the units of `pick` with whole clips."""
    sizes = Counter(unit_of(frame) for frame in frames)
    ranked = sorted(sizes, key=lambda unit: rank(unit, seed, "limit"))
    held: dict[str, set[str]] = {}
    for frame in frames:
        held.setdefault(unit_of(frame), set()).update(p.action for p in frame.people if p.action)
    first = {name: unit for unit in reversed(ranked) for name in held[unit]}  # the foremost of each class
    drawn = set(first.values()) or set(ranked[:1])
    room = count - sum(sizes[unit] for unit in drawn)
    for unit in ranked:
        room -= 0 if unit in drawn else sizes[unit]
        if room < 0:
            break
        drawn.add(unit)
    return drawn


def _home(frame: Frame, drawn: bool, part: str) -> str | None:
    """Return where a frame belongs by whether its unit is drawn for a part; None: nowhere."""
    return "train" if not drawn else part if frame.evaluated else None


def _amount(value: Amount, frames: Sequence[Frame], key: str) -> int:
    """Turn a fraction or a count into a number of units; a fraction above 0 is at least one."""
    total = sum(frame.units for frame in frames)
    things = "groups" if any(frame.groups for frame in frames) else "frames"
    if value is None or value == "none":
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ConfigError(f"{key}={value}: give a fraction (0.1), a count (350) or none")
    if isinstance(value, int) or value >= 1:
        if value != int(value) or (value and value >= total):
            raise SplitError(
                f"{key}={value}: it must be a whole number below the {total} {things} there are. Give a "
                "smaller one, or a split file of your own: data.split=<file>"
            )
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
