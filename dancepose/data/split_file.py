"""Split files: which images or clips train, validate and test."""

from dataclasses import dataclass
from pathlib import Path

from dancepose.data.json_file import load_mapping
from dancepose.errors import DataError, did_you_mean

SPLIT_FILE = "split.json"  # the usual name of a folder's own split
PARTS = ("train", "val", "test")
KEYS = (*PARTS, "by", "seed")


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
