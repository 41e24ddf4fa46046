"""`Release`: MPII's annotations as flat arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dancepose.data.problems import Problem, Problems


@dataclass(frozen=True)
class Release:
    """Everything that is used of `RELEASE` and of `groups_v12.mat`, for N images and P people.

    MATLAB counts from 1: indices and pixels are brought to 0 here, so that the middle of the first pixel is
    (0, 0) and the first person of an image is 0. Where a number is missing it is NaN.

    Attributes:
        names: (N,) of the image files, in the order of `annolist`.
        train: (N,) bool, `img_train`.
        clips: (N,) name of the video (`video_list`), else its number; empty where there is none.
        activities: (N,) `act.cat_name`; empty where there is none.
        image: (P,) index of each person's image, rising.
        number: (P,) place in its `annorect`.
        points: (P, 16, 3) x, y in pixels, and visibility as in `records`; 0 where there is none.
        head: (P, 4) head rectangle x1, y1, x2, y2.
        place: (P, 2) `objpos`.
        scale: (P,) height / 200 px.
        single: (P,) bool: in `single_person`.
        group_image: (G,) index of the image of each group of `groups_v12.mat`; none without that file.
        member_group: (M,) index of a member's group.
        member: (M,) place in `annorect` of a member.
        has_groups: (1,) bool: whether there is that file.
        problems: (Q, 5) kind, field, subject, detail and count of each finding.
    """

    names: np.ndarray
    train: np.ndarray
    clips: np.ndarray
    activities: np.ndarray
    image: np.ndarray
    number: np.ndarray
    points: np.ndarray
    head: np.ndarray
    place: np.ndarray
    scale: np.ndarray
    single: np.ndarray
    group_image: np.ndarray
    member_group: np.ndarray
    member: np.ndarray
    has_groups: np.ndarray
    problems: np.ndarray

    @property
    def annotated(self) -> np.ndarray:
        """(P,) bool: people of whom any point is annotated."""
        return np.any(self.points[..., 2] > 0, axis=1)


def release_problems(release: Release, path: Path) -> Problems:
    """Return what was found wrong when the files were read.

    Args:
        release: as read, or kept from an earlier reading.
        path: of the file.
    """
    rows = release.problems.tolist()
    return Problems(
        Problem(kind, str(path), field, subject, detail, int(count))
        for kind, field, subject, detail, count in rows
    )
