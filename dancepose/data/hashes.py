"""Hashes that stand for a split and for the data, which every result carries."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dancepose.data.split_file import PARTS
from dancepose.records import Frame


def split_hash(parts: Mapping[str, Iterable[str]]) -> str:
    """Return 16 hexadecimal digits that stand for which names are in which part, in whatever order."""
    return _digest({part: sorted(parts.get(part, ())) for part in PARTS})


def data_hash(frames: Iterable[Frame], made_with: str = "") -> str:
    """Return 16 hexadecimal digits that stand for names and annotations; the pixels are not read.

    Args:
        frames: in any order.
        made_with: what else the samples are made with.
    """
    rows = [_row(frame) for frame in sorted(frames, key=lambda frame: frame.name)]
    return _digest([rows, made_with] if made_with else rows)


def label_hashes(frames: Iterable[Frame]) -> dict[str, str]:
    """Return name -> 16 hexadecimal digits that stand for the annotations of one frame."""
    return {frame.name: _digest(_row(frame)) for frame in frames}


def _row(frame: Frame) -> list[Any]:
    """Return name and annotations of a frame in plain values."""
    labelled = None if frame.labelled is None else frame.labelled.astype(int).tolist()
    people = [
        [
            person.keypoints.astype(np.float64).round(3).tolist(),  # float32 has no 0.1
            _rounded(person.head_box),
            person.action,
            _rounded(person.box),
            person.area,
        ]
        for person in frame.people
    ]
    if frame.classes:  # the number says what is one sequence
        people.append([list(frame.classes), [p.id for p in frame.people], frame.source])
        if any(person.extent is not None for person in frame.people):  # of which a classifier's pictures are
            people.append([_rounded(person.extent) for person in frame.people])
    groups = [[group.members, _rounded(group.box), group.scale] for group in frame.groups]
    regions = [[polygon.round(3).tolist() for polygon in region] for region in frame.ignore]
    return [
        frame.name,
        frame.size,
        frame.skeleton,
        labelled,
        frame.complete,
        [region[0] if len(region) == 1 else region for region in regions],
        frame.clip,
        people,
        groups,
    ]


def _rounded(numbers: np.ndarray | None) -> list[float] | None:
    return None if numbers is None else numbers.round(3).tolist()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
