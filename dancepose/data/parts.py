"""Where the parts of a data set lie: one for `data=dance`, `coco`, `action` and so on, several for `mix`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from dancepose.checks import one_of, read_arguments, refuse_unknown
from dancepose.data.labels import check_labels
from dancepose.data.readers import READERS
from dancepose.data.split_file import PARTS
from dancepose.data.split_rule import UNITS
from dancepose.errors import ConfigError

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
        labels: label of the data, or pattern with `*` and `?` -> class of the run, or None to leave it out
            (see `labels.resolve`).
        classes: the labels in their order, or a text file that names one a line, found like `split`; for a
            kind whose labels are numbers or stand in no order. None: classes.txt in `root`, where there is
            one.
        source_skeleton: the skeleton of keypoints whose file does not name it.
        own_split: part -> the name, or names, of divisions that the file brings along (pyskl).
        split_by: what a drawn split keeps together: `clip`, or `image` for none (see `SplitRule`).
        gap: number of clips beside those of another part that are left out (see `Gap`).
        train_sources: sources that train and validate, where no file divides the data (see `SplitRule`).
        test_sources: sources that test, likewise.
        weight: how often each of its training frames comes up, relative to those of other parts.
    """

    kind: str
    root: str
    annotations: str | None = None
    split: str | None = None
    clip: str | None = None
    labels: Mapping[str, str | None] | None = None
    classes: list[str] | str | None = None
    source_skeleton: str | None = None
    own_split: Mapping[str, Any] | None = None
    split_by: str = "clip"
    gap: int = 0
    train_sources: list[str] | None = None
    test_sources: list[str] | None = None
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
        implied = bool(reader.file) or not reader.pictures  # of root and annotations one says both
        if implied and values.get("annotations") and not values.get("root"):
            values = {**values, "root": str(Path(str(values["annotations"])).parent)}
        if not reader.pictures and not values.get("annotations"):
            raise ConfigError(f"{key}.annotations is not set: give {reader.annotations}")
        if not values.get("root"):
            raise ConfigError(f"{key}.root is not set: give {reader.root}")
        root = Path(values["root"]) if base is None else Path(base) / values["root"]
        if implied and not (given.get("root") and values.get("annotations")):
            # with its folder, for a file of that name may lie in the working folder
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
        _check_clip(values.get("clip"), f"{key}.clip")
        _check_labels(values, key)
        _check_split(values, key)
        return cls(**{**values, "root": str(root)})


def _check_clip(clip: str | None, key: str) -> None:
    if clip in (None, FOLDER):
        return
    try:
        groups = re.compile(str(clip)).groups
    except re.error as error:
        raise ConfigError(f"{key}={clip} is no regular expression: {error}") from None
    if groups < 1:
        raise ConfigError(f"{key}={clip}: put the part that names the video into ( )")


def _check_labels(values: Mapping[str, Any], key: str) -> None:
    """Check what is said of labels and of what the file's own words mean."""
    for name in ("classes", "source_skeleton", "own_split"):
        if values.get(name) is not None and name not in READERS[values["kind"]].takes:
            kinds = ", ".join(f"kind={kind}" for kind, reader in READERS.items() if name in reader.takes)
            raise ConfigError(f"{key}.{name} belongs to {kinds}; other data say it themselves")
    if values.get("labels") is not None:
        check_labels(values["labels"], f"{key}.labels")
    classes = values.get("classes")
    if classes is not None and (not classes or len(set(classes)) < len(classes) or "" in classes):
        if not isinstance(classes, str) or not classes:
            raise ConfigError(f"{key}.classes={classes}: give different names, or a file with one a line")


def _check_split(values: Mapping[str, Any], key: str) -> None:
    """Check what is said of how the data are divided."""
    by, gap, own = values.get("split_by", "clip"), values.get("gap", 0), values.get("own_split")
    one_of(f"{key}.split_by", by, UNITS)
    check_number(f"{key}.gap", gap, 0)
    if gap and by != "clip":
        raise ConfigError(f"{key}.gap={gap} is between clips: {key}.split_by={by} tears them")
    train, test = (values.get(name) or () for name in ("train_sources", "test_sources"))
    if both := [source for source in train if source in test]:
        raise ConfigError(f"{key}.train_sources and {key}.test_sources both name '{both[0]}'")
    if own is None:
        return
    if train or test:
        raise ConfigError(f"{key}.own_split divides the data: leave {key}.train_sources, test_sources out")
    refuse_unknown(f"{key}.own_split", own, PARTS)
    names = [name for part in own for name in own_names(own[part], f"{key}.own_split.{part}")]
    if not own.get("train") or len(set(names)) < len(names):
        raise ConfigError(f"{key}.own_split={dict(own)}: give each part other divisions, train some at least")


def own_names(value: Any, key: str) -> tuple[str, ...]:
    """Return the names of a file's own divisions that make a part.

    Raises:
        ConfigError: they are none; names the key.
    """
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"{key}={value!r}: give the name of a division in the file, or several")
    return tuple(names)


def part_configs(
    kind: str, root: str | None, own: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, PartConfig]:
    """Make the parts of a data module from its keys: one named after its kind, or those of a mix.

    Args:
        kind: `mix`, or one of `READERS`.
        root: folder of the one part; in a mix the folder that relative roots are below.
        own: the other keys of `PartConfig` for the one part; in a mix each part has its own.
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
    defaults = {f.name: None if f.default is MISSING else f.default for f in fields(PartConfig)}
    for name, value in own.items():
        if value != defaults.get(name):
            raise ConfigError(f"data.{name}: in a mix each part has its own, data.parts.<name>.{name}")
    return {name: PartConfig.from_dict(values, f"data.parts.{name}", root) for name, values in parts.items()}


def read_limits(limit: Any) -> dict[str, int]:
    """Return how many pictures at most each part of the data has; nothing of a part without a limit.

    Args:
        limit: `data.limit`: a number for each part alike, or part -> number; None: no limit.

    Raises:
        ConfigError: there is no such part, or the number is impossible; names the key.
    """
    if not isinstance(limit, Mapping):
        if limit is not None:
            check_number("data.limit", limit, 1)
        return {} if limit is None else dict.fromkeys(PARTS, limit)
    refuse_unknown("data.limit", limit, PARTS)
    for part, count in limit.items():
        check_number(f"data.limit.{part}", count, 1)
    return dict(limit)


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


def find_file(path: str, root: Path) -> Path:
    """Return a path as it is, or below `root` where it exists only there."""
    given = Path(path).expanduser()
    return root / given if not given.exists() and (root / given).exists() else given


def told_places(configs: Iterable[PartConfig]) -> str:
    """Return the keys that say where data are, `data.annotations=skeletons.npz` for instance."""
    return ", ".join(
        f"data.{'root' if c.annotations is None else 'annotations'}={c.annotations or c.root}"
        for c in configs
    )
