"""MPII's lists of people by image and number: who is alone in an image, and which people are a group."""

from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile
from dancepose.data.mat_file import read_mat
from dancepose.data.problems import Problems


def single_people(path: Path, value: Any, image: np.ndarray, number: np.ndarray, count: int) -> np.ndarray:
    """Return (P,) bool: the people whom `RELEASE.single_person` lists.

    Args:
        path: of the file.
        value: the field, as `read_mat` gives it.
        image: (P,) index of each person's image.
        number: (P,) its place in `annorect`.
        count: of images.

    Raises:
        BrokenFile: it is no cell array of numbers of people, one cell for each image.
    """
    if value is None:
        return np.zeros(len(image), bool)
    cells = _cells(path, value, count, "RELEASE.single_person")
    found = [(i, j) for i, cell in enumerate(cells) for j in _indices(cell)]
    return _listed(image, number, found)


def read_groups(path: Path | None, people: list[int], problems: Problems) -> dict[str, np.ndarray]:
    """Read `groups_v12.mat`.

    Args:
        path: of the file; None: there is none.
        people: how many each image has.
        problems: members who are nobody, or twice in a group, are added.

    Returns:
        `group_image`, `member_group`, `member` and `has_groups` of a `Release`.

    Raises:
        BrokenFile: it is missing, damaged, or no cell array of numbers of people, one cell for each image.
    """
    images: list[int] = []
    group_of: list[int] = []
    members: list[int] = []
    if path is not None:
        cells = _cells(path, read_mat(path, ["groups"])["groups"], len(people), "groups")
        for i, cell in enumerate(cells):
            for group in cell if isinstance(cell, list) else [] if cell is None else [cell]:
                if not (numbers := _indices(group)):
                    continue  # none for the toolkit either: its `if (~ismember([], single))` is false
                once = [j for j in dict.fromkeys(numbers) if j < people[i]]
                group_of += [len(images)] * len(once)
                members += once
                images.append(i)
                where = f"groups{{{i + 1}}}"
                for kind, wrong in (
                    ("member twice in a group", len(numbers) - len({*numbers})),
                    ("member who is nobody", len({*numbers}) - len(once)),
                ):
                    if wrong:
                        problems.add(kind, path, where, count=wrong)
    return {
        "group_image": np.array(images, np.int64),
        "member_group": np.array(group_of, np.int64),
        "member": np.array(members, np.int64),
        "has_groups": np.array([path is not None]),
    }


def _cells(path: Path, value: Any, count: int, field: str) -> list[Any]:
    cells = value if isinstance(value, list) else []
    if len(cells) != count:
        what = f"must be a cell array of {count}, one for each image of RELEASE.annolist"
        raise BrokenFile(path, what, field)
    for i, cell in enumerate(cells):
        for group in cell if isinstance(cell, list) else [cell]:
            if group is not None and not _are_numbers_of_people(group):
                raise BrokenFile(path, "must hold numbers of people, from 1", f"{field}{{{i + 1}}}")
    return cells


def _are_numbers_of_people(group: Any) -> bool:
    """Tell whether all are whole numbers from 1."""
    if isinstance(group, list) and any(np.size(item) != 1 for item in group):  # groups in a group
        return False
    values = np.asarray(group)
    if values.dtype.kind not in "iuf":
        return False
    return bool(np.all(np.isfinite(values) & (values >= 1) & (values == np.floor(values))))


def _indices(value: Any) -> list[int]:
    """Return MATLAB's numbers of people as indices."""
    return [] if value is None else (np.ravel(value).astype(np.int64) - 1).tolist()


def _listed(image: np.ndarray, number: np.ndarray, found: list[tuple[int, int]]) -> np.ndarray:
    """Return (P,) bool: the people that a list of image and number names."""
    if not found or not len(image):
        return np.zeros(len(image), bool)
    listed = np.array(found, np.int64)
    wide = max(int(number.max()), int(listed[:, 1].max())) + 1
    return np.isin(image * wide + number, listed[:, 0] * wide + listed[:, 1])
