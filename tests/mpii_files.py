"""Small MPII downloads: the official .mat files, with the quirks of the real ones, and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dancepose.data.mat_file import write_mat
from dancepose.data.readers.mpii import FILE, GROUPS_FILE

SIZE = (160, 120)


def points(x: float, y: float, count: int = 16, visible: Any = "1") -> list[dict[str, Any]]:
    """Return a person's points, in MATLAB's pixels; joint k lies at x + k, y + 2 k."""
    return [{"x": x + k, "y": y + 2.0 * k, "id": k, "is_visible": visible} for k in range(count)]


def person(x: float = 20.0, y: float = 20.0, **changes: Any) -> dict[str, Any]:
    """Return an `annorect`; what is None in `changes` is empty."""
    return {
        "x1": x,
        "y1": y,
        "x2": x + 9,
        "y2": y + 12,
        "annopoints": {"point": points(x, y)},
        "scale": 0.25,
        "objpos": {"x": x + 8, "y": y + 15},
    } | changes


def image(name: str, people: Any, clip: int | None = None) -> dict[str, Any]:
    """Return an entry of `annolist`."""
    return {"image": {"name": name}, "annorect": people, "frame_sec": 3 if clip else None, "vididx": clip}


def write_mpii(
    root: Path,
    images: Sequence[Mapping[str, Any]],
    train: Sequence[int] | None = None,
    single: Sequence[Any] | None = None,
    groups: Sequence[Any] | None = None,
    pictures: bool = True,
    **fields: Any,
) -> Path:
    """Write the download into a folder; people of `single` and `groups` are counted from 1.

    Args:
        root: the folder.
        images: entries of `annolist`.
        train: `img_train`; None: all are for training.
        single: `single_person`, None: empty for each.
        groups: of each image; None: no such file.
        pictures: whether to write them.
        fields: of RELEASE, besides or instead.
    """
    release = {
        "annolist": list(images),
        "img_train": np.array(train or [1] * len(images), np.uint8),
        "version": "12",
        "single_person": list(single or [None] * len(images)),
    }
    write_mat(root / FILE, {"RELEASE": release | fields})
    if groups is not None:
        write_mat(root / GROUPS_FILE, {"groups": list(groups)})
    if pictures:
        (root / "images").mkdir(exist_ok=True)
        blank = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        for entry in images:
            cv2.imwrite(str(root / "images" / entry["image"]["name"]), blank)
    return root
