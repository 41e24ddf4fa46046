"""Readers: each makes Frames of one annotation format; nothing after a reader knows which it was."""

from collections.abc import Callable
from dataclasses import dataclass

from dancepose.data.readers.action_folder import read_action_folder
from dancepose.data.readers.actions import FILE as ACTIONS_FILE
from dancepose.data.readers.actions import read_actions
from dancepose.data.readers.coco import read_coco
from dancepose.data.readers.labelme import read_folder
from dancepose.data.readers.mpii import FILE as MPII_FILE
from dancepose.data.readers.mpii import read_mpii
from dancepose.data.readers.pyskl import read_pyskl
from dancepose.data.readers.request import Reading, Request
from dancepose.data.readers.skeletons import read_skeletons


@dataclass(frozen=True)
class Reader:
    """One kind of data set.

    Attributes:
        read: reads it.
        root: what `root` is, for messages.
        annotations: what the file `annotations` is, for messages; None where the kind has none.
        file: its usual name in `root`, where it is looked for if none is given; None where it has none.
        pictures: whether it has any; where it has not, `root` may be left out.
        takes: those of the keys `classes`, `source_skeleton` and `own_split` that mean something to it.
        class_file: whether a classes.txt in `root` counts where `classes` is not given.
        class_folders: how many levels of folders below `root` are classes, so that they are no clips.
    """

    read: Callable[[Request], Reading]
    root: str
    annotations: str | None = None
    file: str | None = None
    pictures: bool = True
    takes: tuple[str, ...] = ()
    class_file: bool = False
    class_folders: int = 0


def _labelme(asked: Request) -> Reading:
    key = f"{asked.key}.root"
    frames, problems, never = read_folder(
        asked.root, asked.skeleton, key, asked.classes, asked.never_labelled
    )
    return Reading(frames, problems, never_labelled=never)


def _coco(asked: Request) -> Reading:
    return Reading(*read_coco(asked.file, asked.skeleton, asked.root, f"{asked.key}.annotations"))


def _action(asked: Request) -> Reading:
    return Reading(*read_actions(asked.file, asked.skeleton, asked.root, f"{asked.key}.annotations"))


def _mpii(asked: Request) -> Reading:
    return read_mpii(asked.file, asked.skeleton, asked.root, asked.key)


def _folder(asked: Request) -> Reading:
    return Reading(*read_action_folder(asked.root, asked.skeleton, asked.key, asked.classes))


def _skeletons(asked: Request) -> Reading:
    return Reading(
        *read_skeletons(asked.file, asked.skeleton, asked.key, asked.classes, asked.source_skeleton)
    )


def _pyskl(asked: Request) -> Reading:
    return read_pyskl(asked.file, asked.skeleton, asked.key, asked.classes, asked.source_skeleton)


READERS = {
    "dance": Reader(_labelme, "the folder with pictures and Labelme JSON files", takes=("classes",)),
    "coco": Reader(_coco, "the folder with the pictures", "the COCO keypoint JSON"),
    "mpii": Reader(_mpii, f"the folder with {MPII_FILE} and images/", f"the {MPII_FILE}", MPII_FILE),
    "action": Reader(
        _action, f"the folder with the pictures and {ACTIONS_FILE}", f"the {ACTIONS_FILE}", ACTIONS_FILE
    ),
    "action_folder": Reader(
        _folder,
        "the folder that holds a folder of pictures for each class",
        takes=("classes",),
        class_file=True,
        class_folders=1,
    ),
    "skeletons": Reader(
        _skeletons,
        "the folder of the archive",
        "the .npz of the skeletons",
        pictures=False,
        takes=("classes", "source_skeleton"),
        class_file=True,
    ),
    "pyskl": Reader(
        _pyskl,
        "the folder of the pickle",
        "PYSKL's pickle",
        pictures=False,
        takes=("classes", "source_skeleton", "own_split"),
        class_file=True,
    ),
}
