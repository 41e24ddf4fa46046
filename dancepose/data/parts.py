"""The parts of a data set: one for `data=dance`, `coco` and `action`, several for `data=mix`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from dancepose.checks import one_of, read_arguments, refuse_unknown
from dancepose.data.actions import for_poses, has_keypoints
from dancepose.data.problems import Problems
from dancepose.data.readers import READERS
from dancepose.data.splits import Amount, Parts, read_split, split_frames
from dancepose.errors import ConfigError, DataError
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

FOLDER = "folder"  # value of `clip`: the folder that holds a frame's image


@dataclass(frozen=True)
class PartConfig:
    """Where one part of the data lies; the keys of an entry of `data.parts`.

    Attributes:
        kind: `dance` (Labelme), `coco`, `action`, or another of `READERS`.
        root: the folder of its pictures; may be left out where the annotations lie in it.
        annotations: the file of a part whose kind has one; found from the working folder or from `root`. May
            be left out where it has its usual name.
        split: a split file, found likewise; None draws one.
        clip: what makes pictures frames of one video: `folder`, or a regular expression on names whose first
            group is the video; None: they are single pictures. What a file says of clips comes first.
        weight: how often each of its training frames comes up, relative to those of other parts.
    """

    kind: str
    root: str
    annotations: str | None = None
    split: str | None = None
    clip: str | None = None
    weight: float = 1.0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], key: str, base: str | None = None) -> "PartConfig":
        """Make it from plain data.

        Args:
            values: the keys above.
            key: prefix of the config keys, for messages.
            base: folder that a relative `root` is below, the working folder if None.

        Raises:
            ConfigError: an unknown or missing key, or an impossible value; names the key.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"{key}={values!r}: give kind, root, ...")
        refuse_unknown(key, values, (f.name for f in fields(cls)))  # or what it was to be would be missed
        one_of(f"{key}.kind", values.get("kind", ""), READERS)
        given, reader = values, READERS[values["kind"]]
        if reader.file and values.get("annotations") and not values.get("root"):
            values = {**values, "root": str(Path(str(values["annotations"])).parent)}
        if not values.get("root"):
            raise ConfigError(f"{key}.root is not set: give {reader.root}")
        root = Path(values["root"]) if base is None else Path(base) / values["root"]
        if reader.file and not (given.get("root") and values.get("annotations")):
            # one of the two says both; with its folder, for a file of that name may lie in the working folder
            name = Path(str(values.get("annotations") or reader.file)).name
            values = {**values, "annotations": str(root / name)}
        if reader.annotations and not values.get("annotations"):
            raise ConfigError(f"{key}.annotations is not set: give {reader.annotations}")
        if not reader.annotations and values.get("annotations"):
            kinds = ", ".join(f"kind={kind}" for kind, other in READERS.items() if other.annotations)
            raise ConfigError(
                f"{key}.annotations belongs to {kinds}; here the annotations lie beside their pictures"
            )
        read_arguments(cls, values, key)
        if not 0 < values.get("weight", 1.0) < float("inf"):
            raise ConfigError(f"{key}.weight={values['weight']}: give a positive number")
        clip = values.get("clip")
        if clip not in (None, FOLDER):
            try:
                groups = re.compile(clip).groups
            except re.error as error:
                raise ConfigError(f"{key}.clip={clip} is no regular expression: {error}") from None
            if groups < 1:
                raise ConfigError(f"{key}.clip={clip}: put the part that names the video into ( )")
        return cls(**{**values, "root": str(root)})


def part_configs(
    kind: str, root: str | None, own: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, PartConfig]:
    """Make the parts of a data module from its keys: one named after its kind, or those of a mix.

    Args:
        kind: `mix`, or one of `READERS`.
        root: folder of the one part; in a mix the folder that relative roots are below.
        own: annotations, split and clip of the one part; in a mix each part has its own.
        parts: of a mix.

    Raises:
        ConfigError: a key is missing, unknown, or belongs elsewhere; names it.
    """
    if kind != "mix":
        if parts:
            raise ConfigError("data.parts belongs to data=mix")
        return {kind: PartConfig.from_dict({"kind": kind, "root": root, **own}, "data")}
    if not parts:
        raise ConfigError("data.parts is empty: give name: {kind, root, ...} for each part of the mix")
    for name, value in own.items():
        if value is not None:
            raise ConfigError(f"data.{name}: in a mix each part has its own, data.parts.<name>.{name}")
    return {name: PartConfig.from_dict(values, f"data.parts.{name}", root) for name, values in parts.items()}


def check_number(key: str, value: Any, least: int, multiple: int = 1) -> None:
    """Check a whole number of the config.

    Raises:
        ConfigError: it is none, too small, or no multiple; names the key.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{key}={value}: give a whole number of at least {least}")
    if value % multiple:
        nearest = max(multiple, round(value / multiple) * multiple)
        raise ConfigError(
            f"{key}={value}: the network needs a multiple of {multiple}; the nearest is {nearest}"
        )


@dataclass
class LoadedPart:
    """One part, read and divided.

    Attributes:
        name: of the part.
        config: where it lies.
        parts: train, val and test.
        problems: what was found wrong.
        left_out: number of frames with fewer people than the user wants, which are in none of `parts`.
        without_keypoints: number of frames left out since nobody in them has keypoints.
    """

    name: str
    config: PartConfig
    parts: Parts
    problems: Problems = field(default_factory=Problems)
    left_out: int = 0
    without_keypoints: int = 0


def load_part(
    name: str,
    config: PartConfig,
    skeleton: Skeleton,
    val: Amount,
    test: Amount,
    split_seed: int,
    key: str,
    prefix: bool,
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

    Raises:
        DataError: files are missing or wrong; names file, field and remedy.
        ConfigError: the parts of the split cannot be made.
    """
    reader, root = READERS[config.kind], Path(config.root).expanduser()
    if not root.is_dir():
        raise DataError(f"{key}.root={config.root} is no folder: give {reader.root}")
    annotations = find_file(config.annotations, root) if config.annotations else None
    frames, problems = reader.read(annotations, root, skeleton, key)
    frames = [
        replace(f, source=f.source or name, clip=f.clip or clip_of(f.name, config.clip)) for f in frames
    ]
    file = None
    if config.split is not None:
        file = read_split(find_file(config.split, root), f"{key}.split")
    try:
        parts = split_frames(frames, file, val, test, split_seed, problems, key)
    except (ConfigError, DataError) as error:
        if broken := problems.of("annotation broken"):  # what is missing may be among them
            raise type(error)(f"{error}\n{broken.report(3)}") from None
        raise
    if prefix:
        parts = {part: [_rename(f, name) for f in found] for part, found in parts.items()}
    return LoadedPart(name, config, parts, problems)


def pose_part(loaded: LoadedPart, key: str) -> LoadedPart:
    """Leave out what shows people, but no keypoints.

    Args:
        loaded: one data set.
        key: prefix of its config keys, for messages.

    Raises:
        DataError: nothing is left.
    """
    parts = {part: [for_poses(f) for f in found if has_keypoints(f)] for part, found in loaded.parts.items()}
    before, after = (sum(map(len, found.values())) for found in (loaded.parts, parts))
    if before and not after:
        config = loaded.config
        raise DataError(
            f"{key}.root={config.root}: in none of its {before} pictures has anybody keypoints"
            f"{f' ({config.annotations})' if config.annotations else ''}: there are no poses to learn or to "
            "test. Give data with keypoints"
        )
    return replace(loaded, parts=parts, without_keypoints=before - after)


def find_file(path: str, root: Path) -> Path:
    """Return a path as it is, or below `root` where it exists only there."""
    given = Path(path).expanduser()
    return root / given if not given.exists() and (root / given).exists() else given


def clip_of(name: str, rule: str | None) -> str | None:
    """Return which video a picture is from by its name, or None."""
    if rule is None:
        return None
    if rule == FOLDER:
        return Path(name).parent.as_posix()
    found = re.search(rule, name)
    return found[1] if found else None


def _rename(frame: Frame, part: str) -> Frame:
    return replace(
        frame, name=f"{part}/{frame.name}", clip=None if frame.clip is None else f"{part}/{frame.clip}"
    )
