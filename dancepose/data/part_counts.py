"""What the parts of the data sets of a run hold, and which split files divide none of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dancepose.data.division import with_drawn_split
from dancepose.data.loaded_part import LoadedPart
from dancepose.data.parts import PartConfig
from dancepose.data.split_file import PARTS, SPLIT_FILE, read_split
from dancepose.errors import DataError
from dancepose.records import Frame
from dancepose.text_table import aligned


def part_counts(loaded: Sequence[LoadedPart]) -> list[dict[str, Any]]:
    """Return a row of counts for each part of each data set: images, people, keypoints and so on.

    The number of groups is among them where any data set has groups.
    """
    frames = (frame for one in loaded for part in PARTS for frame in one.parts[part])
    grouped = any(frame.groups or not frame.evaluated for frame in frames)
    return [_count(one.name, part, one.parts[part], grouped) for one in loaded for part in PARTS]


def _count(name: str, part: str, frames: Sequence[Frame], grouped: bool) -> dict[str, Any]:
    """Return a row of the summary, with the number of groups where any data set has them."""
    people = [person for frame in frames for person in frame.people]
    return {
        "data": name,
        "part": part,
        "images": len(frames),
        **({"groups": sum(frame.units for frame in frames)} if grouped else {}),
        "people": len(people),
        "keypoints": sum(int(person.present.sum()) for person in people),
        "occluded": sum(int((person.keypoints[:, 2] == 1).sum()) for person in people),
        "incomplete": sum(not frame.complete for frame in frames),
        "clips": len({frame.clip for frame in frames if frame.clip is not None}),
    }


def count_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows of `part_counts` as text."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "\n".join(aligned(cells, left=len(rows[0])))


def unused_splits(configs: Mapping[str, PartConfig], mixed: bool) -> list[str]:
    """Name the split files that lie beside the data, but by which nothing is divided.

    Args:
        configs: name of each data set -> where it lies.
        mixed: whether the config keys begin with the data set's name.
    """
    found = []
    for name, config in configs.items():
        key = f"data.parts.{name}" if mixed else "data"
        root = Path(config.root).expanduser()
        path = root / SPLIT_FILE
        if path.is_file() and with_drawn_split(config, root, key).split is None:
            found.append(f"not used: {path}; to divide by it: {key}.split={SPLIT_FILE}")
    return found


def told_leaks(loaded: Sequence[LoadedPart], mixed: bool) -> list[str]:
    """Name the split files that lie beside data and divide nothing, and of whose test pictures some train.

    Figures of such a run are of another test part than those of all who use the file. Nothing is said where
    the user, or the data set itself, divides the data by other means.

    Args:
        loaded: the data sets.
        mixed: whether the names of frames and config keys begin with the data set's name.
    """
    lines = []
    for one in loaded:
        config, path = one.config, Path(one.config.root).expanduser() / SPLIT_FILE
        divided = (config.split, config.own_split, config.train_sources, config.test_sources)
        if any(divided) or one.official or not path.is_file():
            continue
        try:
            file = read_split(path)
        except DataError:  # it is not asked for, and need not be right
            continue
        head, by_clip = f"{one.name}/" if mixed else "", file.by == "clip"
        names = (frame.clip if by_clip else frame.name for frame in one.parts["train"])
        trained = {name.removeprefix(head) for name in names if name is not None}
        apart = file.parts.get("test", ())
        if count := len(trained.intersection(apart)):
            key = f"data.parts.{one.name}.split" if mixed else "data.split"
            units = "clips" if by_clip else "pictures"
            lines.append(
                f"{count} of the {len(apart)} {units} that {path} sets apart for the test are trained on: "
                f"the file is not used; to divide by it: {key}={SPLIT_FILE}"
            )
    return lines
