"""What the parts of the data sets of a run hold, and which split files divide none of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dancepose.data.division import with_drawn_split
from dancepose.data.loaded_part import LoadedPart
from dancepose.data.parts import PartConfig
from dancepose.data.split_file import PARTS, SPLIT_FILE
from dancepose.records import Frame


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
