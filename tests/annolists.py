"""Files in the form of the MPII toolkit, written with scipy alone, and the specification's vectors in it."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

# MPII's ids, and PoseTrack's, spelled out once more
MPII = (
    "right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax upper_neck head_top "
    "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist"
).split()
POSETRACK = (
    "right_ankle right_knee right_hip left_hip left_knee left_ankle right_wrist right_elbow right_shoulder "
    "left_shoulder left_elbow left_wrist upper_neck nose head_top"
).split()


def array(rows) -> np.ndarray:
    """A MATLAB struct array of dictionaries with the same fields."""
    names = list(rows[0]) if rows else ["none"]
    found = np.empty((1, len(rows)), dtype=[(name, object) for name in names])
    for i, row in enumerate(rows):
        for name in names:
            found[0, i][name] = row[name]
    return found


def cells(values) -> np.ndarray:
    """A MATLAB cell array."""
    found = np.empty((1, len(values)), dtype=object)
    for i, value in enumerate(values):
        found[0, i] = value
    return found


def points(places, score=None) -> dict:
    """`annopoints` of id -> (x, y), as MATLAB counts pixels, all with one score."""
    rows = [{"x": float(x), "y": float(y), "id": float(i)} for i, (x, y) in places.items()]
    if score is not None:
        rows = [row | {"score": float(score)} for row in rows]
    return {"point": array(rows)}


def rect(places, score=None, head=(0, 0, 60, 80), place=None, scale=1.0) -> dict:
    """`annorect(j)`: of a truth where there is no score."""
    found = {"annopoints": points(places, score)}
    if score is None:
        found |= dict(zip(("x1", "y1", "x2", "y2"), map(float, head), strict=True))
        x, y = place or tuple(np.mean(list(places.values()), axis=0))
        found |= {"scale": float(scale), "objpos": {"x": float(x), "y": float(y)}}
    return found


def entry(rects, name=None) -> dict:
    """`annolist(i)`."""
    found = {"annorect": array(rects) if rects else np.zeros((0, 0))}
    return found if name is None else {"image": {"name": name}} | found


def save(path: Path, entries, variable="anything") -> Path:
    savemat(path, {variable: array(entries)})
    return path


def line(x0=0.0, joints=range(15)) -> dict:
    """The vectors' person: joint k at (x0 + 10 k, 50)."""
    return {k: (x0 + 10 * k, 50.0) for k in joints}


def moved(places, joints, dx=0.0, dy=0.0) -> dict:
    return {k: (x + dx * (k in joints), y + dy * (k in joints)) for k, (x, y) in places.items()}


def mpii_person(x0=0.0, y=50.0) -> dict:
    return {k: (x0 + 10 * k, y) for k in range(16)}


def two_groups(names=("a.jpg", "a.jpg", "b.jpg")) -> list[dict]:
    """Two groups of one image, far apart, and one of another; scale 1.1714 grows a place by 50 px."""
    corners = (0, 1000, 0)
    people = [[rect(mpii_person(x)), rect(mpii_person(x, 90))] for x in corners]
    people = [[r | {"scale": 1.1714} for r in group] for group in people]
    return [entry(group, name) for group, name in zip(people, names, strict=True)]


def predicted(*corners) -> list[dict]:
    return [rect(mpii_person(x, y), s) for x, y, s in corners]


A, B, NOWHERE = line(), line(1000), line(5000)
ALL = range(15)
WITHOUT_0 = range(1, 15)


def mixed() -> dict:
    """8 joints on A and 7 on B."""
    return line(0, range(8)) | line(1000, range(8, 15))


# name -> truth, predictions with their scores, value: spec/evaluation.md, in PoseTrack's ids
VECTORS = {
    "two exact": ([A, B], [(A, 0.9), (B, 0.9)], 100),
    "one of two missed": ([A, B], [(A, 0.9)], 50),
    "duplicate second, lower score": ([A], [(A, 0.9), (A, 0.8)], 100),
    "duplicate second, higher score": ([A], [(A, 0.8), (A, 0.9)], 50),
    "shift 30 px": ([A], [(moved(A, ALL, 30), 0.9)], 100),
    "shift 30.001 px": ([A], [(moved(A, ALL, 30.001), 0.9)], 0),
    "false person above the true one": ([A], [(NOWHERE, 0.9), (A, 0.8)], 50),
    "no predictions": ([A], [], 0),
    "joint 0 wrong": ([A], [(moved(A, [0], dy=500), 0.9)], 1400 / 15),
    "8 joints on A, 7 on B": ([A, B], [(mixed(), 0.9)], 400 / 15),
    "both prefer A, the second fits B partly": ([A, B], [(A, 0.9), (mixed(), 0.8)], 50),
    "A lacks joint 0, it is predicted": ([line(0, WITHOUT_0), B], [(A, 0.9), (B, 0.8)], 1450 / 15),
    "joint 0 not predicted": ([A], [(line(0, WITHOUT_0), 0.9)], 1400 / 15),
}
