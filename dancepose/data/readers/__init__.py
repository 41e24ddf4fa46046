"""Readers: each makes Frames of one annotation format; nothing after a reader knows which it was."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dancepose.data.problems import Problems
from dancepose.data.readers.actions import FILE as ACTIONS_FILE
from dancepose.data.readers.actions import read_actions
from dancepose.data.readers.coco import read_coco
from dancepose.data.readers.labelme import read_labelme
from dancepose.records import Frame
from dancepose.skeleton import Skeleton


@dataclass(frozen=True)
class Reader:
    """One kind of data set.

    Attributes:
        read: `(annotations, root, skeleton, key)` -> frames and problems; `annotations` is None where there
            is no such file, `key` the prefix of the config keys, for messages.
        root: what `root` is, for messages.
        annotations: what the file `annotations` is, for messages; None where the kind has none.
        file: its usual name in `root`, where it is looked for if none is given; None where it has none.
    """

    read: Callable[[Path | None, Path, Skeleton, str], tuple[list[Frame], Problems]]
    root: str
    annotations: str | None = None
    file: str | None = None


def _labelme(
    annotations: Path | None, root: Path, skeleton: Skeleton, key: str
) -> tuple[list[Frame], Problems]:
    return read_labelme(root, skeleton, f"{key}.root")


def _coco(annotations: Path | None, root: Path, skeleton: Skeleton, key: str) -> tuple[list[Frame], Problems]:
    assert annotations is not None  # `PartConfig` asks for it
    return read_coco(annotations, skeleton, root, f"{key}.annotations")


def _action(
    annotations: Path | None, root: Path, skeleton: Skeleton, key: str
) -> tuple[list[Frame], Problems]:
    assert annotations is not None  # `PartConfig` names it
    return read_actions(annotations, skeleton, root, f"{key}.annotations")


READERS = {
    "dance": Reader(_labelme, "the folder with pictures and Labelme JSON files"),
    "coco": Reader(_coco, "the folder with the pictures", "the COCO keypoint JSON"),
    "action": Reader(
        _action, f"the folder with the pictures and {ACTIONS_FILE}", f"the {ACTIONS_FILE}", ACTIONS_FILE
    ),
}
