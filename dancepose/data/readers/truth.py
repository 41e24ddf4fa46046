"""Truth for scoring predictions, in whichever format the user has it."""

import logging
from dataclasses import dataclass
from pathlib import Path

from dancepose.data.actions import has_keypoints
from dancepose.data.mat_file import variable_names
from dancepose.data.problems import Problems
from dancepose.data.readers.annolist import read_annolist
from dancepose.data.readers.coco import read_coco
from dancepose.data.readers.labelme import read_labelme
from dancepose.data.readers.mpii import FILE
from dancepose.data.readers.mpii_truth import read_mpii_truth
from dancepose.errors import ConfigError, DataError
from dancepose.metrics.matching import Protocol
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

log = logging.getLogger(__name__)


@dataclass
class Truth:
    """The labels of pictures.

    Attributes:
        frames: in the order of the file or folder.
        places: name and group of each entry of a MATLAB file, in its order; None of other formats.
        known: names and numbers of all pictures of the data set, where `frames` are those that can be scored
            of a whole one: predictions may be of a part of it without saying so, and of the others, too.
        notes: what must be said beside the figures.
        selected: whether it is some groups of a data set, so that predictions may be of other pictures, too.
    """

    frames: list[Frame]
    places: list[tuple[str, int]] | None = None
    known: frozenset[str | int] = frozenset()
    notes: tuple[str, ...] = ()
    selected: bool = False


def check_truth(path: Path, protocol: Protocol = "mpii", groups: Path | None = None) -> bool:
    """Refuse what a truth is plainly not fit for, before any file is read.

    Args:
        path: see `read_truth`.
        protocol: likewise.
        groups: likewise.

    Returns:
        Whether it is MPII's own file, with `RELEASE`.

    Raises:
        DataError: it is the folder of MPII's own file, which is named.
        ConfigError: PoseTrack's protocol of MPII's own file, or groups of a truth that has its own.
    """
    if (path / FILE).is_file():
        raise DataError(f"gt={path} is a folder: give gt={path / FILE}")
    release = path.suffix == ".mat" and "RELEASE" in variable_names(path)
    if release and protocol == "posetrack":
        raise ConfigError(
            f"protocol=posetrack: gt={path} is MPII's own file, whose ids and joints are others than "
            "PoseTrack's: give protocol=mpii, or the truth of PoseTrack"
        )
    if groups is not None and path.suffix != ".mat":
        raise ConfigError(f"groups={groups}: only a .mat file with RELEASE takes it, not gt={path}")
    if groups is not None and not release and variable_names(path):
        raise ConfigError(f"groups={groups}: gt={path} holds no RELEASE; its entries are the groups")
    return release


def read_truth(
    path: Path, skeleton: Skeleton, protocol: Protocol = "mpii", groups: Path | None = None
) -> Truth:
    """Read labels, and log what is wrong. The images need not be there.

    Args:
        path: a COCO keypoint JSON, a Labelme folder, or a MATLAB file: MPII's own with `RELEASE` (see
            `read_mpii_truth`), or the toolkit's struct array (see `read_annolist`).
        skeleton: of the frames.
        protocol: says whose point ids the struct array has; those of RELEASE are MPII's.
        groups: MPII's `groups_v12.mat` for its RELEASE; None: beside it.

    Raises:
        DataError: the path is none of them, or its contents are wrong, be it one annotation.
        ConfigError: see `check_truth`.
    """
    path = Path(path)
    problems = Problems()
    release = check_truth(path, protocol, groups)
    if path.is_dir():
        frames, problems = read_labelme(path, skeleton, key="gt")
        truth = Truth([frame for frame in frames if has_keypoints(frame)])  # not those of actions alone
    elif path.suffix == ".json":
        frames, problems = read_coco(path, skeleton, path.parent, key="gt")
        truth = Truth(frames)
    elif release:
        reading, known = read_mpii_truth(path, skeleton, groups, "gt")
        places = [(frame.name, number) for frame in reading.frames for number in range(len(frame.groups))]
        truth, problems = Truth(reading.frames, places, known, reading.notes), reading.problems
    elif path.suffix == ".mat":
        frames, places, notes = read_annolist(path, skeleton, protocol, problems)
        truth = Truth(frames, places, notes=tuple(notes), selected=True)
    else:
        raise DataError(
            f"gt={path} is neither a Labelme folder nor a COCO JSON file nor a MATLAB file (.mat)"
        )
    problems.of("annotation broken").raise_fatal()
    if found := problems.without("image missing"):
        log.warning("gt=%s\n%s", path, found.report())
    return truth
