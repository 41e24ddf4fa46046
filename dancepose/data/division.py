"""By what a data set is divided, and where that leaves a part empty, in words for its summary."""

from dataclasses import replace
from pathlib import Path

from dancepose.data.parts import PartConfig, find_file
from dancepose.data.readers.request import Reading
from dancepose.data.split_file import SPLIT_FILE, SplitFile
from dancepose.data.split_rule import UNITS
from dancepose.data.splits import Amount, Parts
from dancepose.data.synthetic.inventory import MANIFEST, is_drawn
from dancepose.errors import DataError


def needed_split(config: PartConfig, root: Path, key: str) -> Path:
    """Return the split file of a data set: as it is named from the working folder, else from its own folder.

    Args:
        config: names a split file.
        root: of the data set.
        key: prefix of its config keys.

    Raises:
        DataError: it is in neither place; names both.
    """
    given = Path(str(config.split)).expanduser()
    path = find_file(str(given), root)
    if path.is_file():
        return path
    if given.name == SPLIT_FILE and is_drawn(root):
        raise DataError(f"{key}.split={path} is no file: {_redraw(root)}")
    looked = "" if given.is_absolute() else f"neither {Path.cwd() / given} nor {root.absolute() / given}: "
    raise DataError(
        f"{key}.split={config.split} is no file: {looked}give a JSON file with train, val and test, or null"
    )


def with_drawn_split(config: PartConfig, root: Path, key: str) -> PartConfig:
    """Return a data set with the split file of its folder, where the scenes in it are drawn.

    That file alone knows who is in which part. It stays as it is where a key divides it, and where the files
    are MPII's, whose lists do.

    Args:
        config: of the data set.
        root: its folder.
        key: prefix of its config keys.

    Raises:
        DataError: the file is missing; names what writes it again.
    """
    asked = (config.split, config.own_split, config.train_sources, config.test_sources)
    if any(asked) or config.split_by != UNITS[0] or config.kind == "mpii" or not is_drawn(root):
        return config
    path = root / SPLIT_FILE
    if not path.is_file():
        raise DataError(f"{key}.root={config.root} holds drawn scenes, but no {SPLIT_FILE}: {_redraw(root)}")
    return replace(config, split=str(path))


def _redraw(root: Path) -> str:
    keys = root / MANIFEST
    return f"dancepose-synthesize root={root} with the keys of its drawing ({keys}) writes it again"


def split_hint(config: PartConfig, root: Path, key: str) -> str:
    """Return, for where nothing can be drawn, the words that name a split file which lies with the data."""
    if config.split is not None or not (root / SPLIT_FILE).is_file():
        return ""
    return f". {root / SPLIT_FILE} lies there: {key}.split={SPLIT_FILE} divides by it"


def told_division(
    config: PartConfig, reading: Reading, file: SplitFile | None, key: str, drawn: bool = False
) -> list[str]:
    """Say what divides a data set.

    Args:
        config: of the data set.
        reading: of it; where it says of itself what tests, and something else does, that is told.
        file: the split file, if one divides it.
        key: prefix of its config keys.
        drawn: whether there is a validation part.
    """
    instead = ", not by the official lists" if reading.test_note else ""
    if config.split is not None and file is not None:
        more = ""
        if drawn and "val" not in file.parts:
            more = "; it names no val, which is drawn from its train"
        return [f"divided by {file.path}{instead}{more}"]
    if config.train_sources or config.test_sources:
        return [f"divided by {key}.train_sources and {key}.test_sources{instead}"] if instead else []
    return [reading.test_note] if reading.test_note else []


def told_empty(
    parts: Parts, val: Amount, test: Amount, apart: bool, file: SplitFile | None, key: str
) -> list[str]:
    """Name the parts that are asked for, and yet have nothing to score.

    Args:
        parts: train, val and test.
        val: what was asked of validation, see `split_frames`.
        test: likewise.
        apart: whether the data set pictures apart for the test.
        file: the split file, if one divides them; a part that it leaves empty is as the user wants it.
        key: prefix of the config keys.
    """
    lines = []
    for part, amount in (("val", val), ("test", test)):
        named = file is not None and (part == "test" or part in file.parts)
        if parts[part]:
            if not any(frame.evaluated for frame in parts[part]):
                lines.append(f"no picture of the {part} part has a group of people: nothing of it is scored")
        elif apart and part == "test":
            lines.append(
                "the test part is empty: of the pictures that the data set apart for it none has a group"
            )
        elif not named and amount not in (None, "none", 0):
            lines.append(
                f"the {part} part is empty, though {key}.{part}={amount} asks for one: nothing could be "
                "drawn, for a clip is not divided, and what is in no group of people only trains"
            )
    return lines
