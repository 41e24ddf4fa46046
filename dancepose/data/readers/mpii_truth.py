"""MPII's official annotations as truth for predictions from files."""

from pathlib import Path

import numpy as np

from dancepose.data.readers.mpii import GROUPS_FILE, IMAGES, FrameMaker, groups_note
from dancepose.data.readers.mpii_cache import load_release, picture_sizes
from dancepose.data.readers.mpii_groups import find_groups, find_test_groups
from dancepose.data.readers.mpii_release import Release, release_problems
from dancepose.data.readers.request import Reading
from dancepose.errors import DataError
from dancepose.records import Frame, Group
from dancepose.skeleton import Skeleton


def read_mpii_truth(
    annotations: Path, skeleton: Skeleton, groups: Path | None, key: str
) -> tuple[Reading, frozenset[str | int]]:
    """Read all groups with points, those of the official test too, as truth. The images need not be there.

    Args:
        annotations: see `read_mpii`.
        skeleton: of the frames.
        groups: `groups_v12.mat`; None: beside `annotations`, else people whose boxes touch.
        key: the config key of `annotations`, for messages.

    Returns:
        Frames of one group or more, and notes that belong beside each figure; names and numbers, from 1, of
        all images of the file.

    Raises:
        DataError: a file is missing, damaged or foreign, or nobody has points.
    """
    groups = _groups_file(annotations, groups)
    release = load_release(annotations, groups, key)
    folder = annotations.parent
    folder = folder / IMAGES if (folder / IMAGES).is_dir() else folder
    sizes = picture_sizes(folder, release.names.tolist())
    problems = release_problems(release, annotations)
    maker = FrameMaker(release, find_groups(release), skeleton, annotations, folder, sizes, problems)
    found = maker.frames(np.ones(len(release.names), bool))
    frames = [frame for frame in found if frame.evaluated]
    if not frames:
        told = "have points" if not found else "are of a group that counts"
        raise DataError(
            f"{key}={annotations}: none of its people {told}: MPII keeps the points of its test images to "
            "itself. Give the truth of images that are labelled"
        )
    return Reading(frames, problems, notes=(groups_note(groups),)), _known(release)


def read_mpii_test(
    annotations: Path, skeleton: Skeleton, groups: Path | None, key: str
) -> tuple[Reading, frozenset[str | int]]:
    """Read the groups of the official test, without people: what a submission must have entries for.

    Args:
        annotations: see `read_mpii`.
        skeleton: of the frames.
        groups: `groups_v12.mat`; None: beside `annotations`.
        key: the config key of `annotations`, for messages.

    Returns:
        Frames with their groups, both in the official order; names and numbers, from 1, of all images.

    Raises:
        DataError: a file is missing, damaged or foreign, or names no such group.
    """
    groups = _groups_file(annotations, groups)
    if groups is None:
        raise DataError(
            f"groups={annotations.parent / GROUPS_FILE} is no file: give MPII's {GROUPS_FILE}, for a "
            "submission is of its groups"
        )
    release = load_release(annotations, groups, key)
    found = find_test_groups(release)
    frames: dict[int, Frame] = {}
    for i, box, scale in zip(found.image.tolist(), found.box, found.scale.tolist(), strict=True):
        name = str(release.names[i])
        frame = frames.setdefault(i, Frame(None, (0, 0), [], skeleton.name, name, id=i + 1))
        frame.groups.append(Group([]) if np.isnan(scale) else Group([], box, scale))
    if not frames:
        raise DataError(
            f"{key}={annotations}: {groups} has no group in the test images (RELEASE.img_train) to submit"
        )
    return Reading(list(frames.values()), release_problems(release, annotations)), _known(release)


def _known(release: Release) -> frozenset[str | int]:
    return frozenset(release.names.tolist()) - {""} | frozenset(range(1, len(release.names) + 1))


def _groups_file(annotations: Path, groups: Path | None) -> Path | None:
    """Return where MPII's groups are: in the file that was given, else beside its annotations, or nowhere.

    Raises:
        DataError: the file that was given is not there.
    """
    if groups is not None and not groups.is_file():
        raise DataError(f"groups={groups} is no file: give MPII's {GROUPS_FILE}")
    beside = annotations.parent / GROUPS_FILE
    return groups or (beside if beside.is_file() else None)
