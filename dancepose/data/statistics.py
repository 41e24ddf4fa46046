"""What a data set is like, in numbers: how many people, how large, where, and which keypoints they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dancepose.data.actions import action_counts
from dancepose.inference.geometry import TestGeometry
from dancepose.records import OCCLUDED, VISIBLE, Frame
from dancepose.skeleton import Skeleton

# The edges are the same for all data, so that parts and data sets can be compared bin by bin.
PIXEL_EDGES = 2.0 ** (np.arange(23) / 2 + 2)  # 4 to 8192 px, two bins an octave
SHARE_EDGES = np.arange(21) / 20
GRID = 16  # cells of the map of places, in each direction


def statistics(
    parts: Mapping[str, Sequence[Frame]], skeleton: Skeleton, geometry: TestGeometry | None
) -> dict[str, dict[str, Any]]:
    """Describe each part of a data set in plain numbers; the image files are not read.

    The size of a person is the diagonal of the box around its annotated keypoints, for all data sets alike;
    people with fewer than two are not measured, nor are those in frames of unknown size.

    Args:
        parts: `train`, `val`, `test` -> frames.
        skeleton: the run's.
        geometry: how a picture becomes a network input at test time; None: people are cut out of it instead.

    Returns:
        Part ->

        - `pictures`, `people`, and `incomplete`: pictures in which not all people are labelled;
        - `people_per_picture`: `counts[n]` pictures have n people; `mean`;
        - `keypoints_per_person`: `counts[n]` people have n annotated keypoints; `mean`;
        - `person_size`: `measured` people; their size in `pixels` of the picture, as `share` of its diagonal,
          and in pixels of the network's `input`. Each has `least`, `quartiles`, `most` and a `histogram`
          (`edges`, and `counts` between them; what lies beyond is counted at the end); None without people,
          `input` without a geometry;
        - `picture_sizes`: [width, height, number of pictures], the most frequent first;
        - `visibility`: keypoint -> number of people who have it `visible`, `occluded`, `missing` (not
          annotated), or `unlabelled` (their source never labels it);
        - `actions`: class -> number of its `samples` and `clips`; empty where no source names classes;
        - `places`: `counts[row][column]` annotated keypoints in a cell of a grid laid over each picture, from
          its top left, and those `outside` the picture.
    """
    actions = action_counts(parts)
    return {
        part: _describe(_Arrays.of(frames, skeleton), skeleton, geometry)
        | {"actions": {name: counts[part] for name, counts in actions.items()}}
        for part, frames in parts.items()
    }


@dataclass(frozen=True)
class _Arrays:
    """Frames as arrays.

    Attributes:
        sizes: (F, 2) width and height of each picture.
        complete: (F,) bool.
        labelled: (F, K) bool: what the picture's source labels at all.
        keypoints: (N, K, 3) x, y, visibility of each person.
        owner: (N,) index of each person's picture.
    """

    sizes: np.ndarray
    complete: np.ndarray
    labelled: np.ndarray
    keypoints: np.ndarray
    owner: np.ndarray

    @classmethod
    def of(cls, frames: Sequence[Frame], skeleton: Skeleton) -> "_Arrays":
        everything = np.ones(len(skeleton), dtype=bool)
        labelled = [everything if frame.labelled is None else frame.labelled for frame in frames]
        people = [person.keypoints for frame in frames for person in frame.people]
        return cls(
            np.array([frame.size for frame in frames], dtype=np.int64).reshape(-1, 2),
            np.array([frame.complete for frame in frames], dtype=bool),
            np.array(labelled, dtype=bool).reshape(-1, len(skeleton)),
            np.array(people, dtype=np.float64).reshape(-1, len(skeleton), 3),
            np.repeat(np.arange(len(frames)), [len(frame.people) for frame in frames]),
        )

    @property
    def sized(self) -> np.ndarray:
        """(N,) bool: in a frame of known size."""
        return self.sizes[self.owner].all(axis=1)

    @property
    def present(self) -> np.ndarray:
        """(N, K) bool: annotated, visible or not."""
        return self.keypoints[..., 2] > 0


def _describe(arrays: _Arrays, skeleton: Skeleton, geometry: TestGeometry | None) -> dict[str, Any]:
    return {
        "pictures": len(arrays.sizes),
        "people": len(arrays.keypoints),
        "incomplete": int((~arrays.complete).sum()),
        "people_per_picture": _numbers(np.bincount(arrays.owner, minlength=len(arrays.sizes))),
        "keypoints_per_person": _numbers(arrays.present.sum(axis=1)),
        "person_size": _person_sizes(arrays, geometry),
        "picture_sizes": _picture_sizes(arrays.sizes[arrays.sizes.all(axis=1)]),
        "visibility": _visibility(arrays, skeleton),
        "places": _places(arrays),
    }


def _numbers(values: np.ndarray) -> dict[str, Any]:
    """Count how often each whole number from 0 to the largest comes up."""
    if not len(values):
        return {"counts": [], "mean": None}
    return {"counts": np.bincount(values).tolist(), "mean": round(float(values.mean()), 4)}


def _person_sizes(arrays: _Arrays, geometry: TestGeometry | None) -> dict[str, Any]:
    measured = (arrays.present.sum(axis=1) >= 2) & arrays.sized
    points, present = arrays.keypoints[measured, :, :2], arrays.present[measured, :, None]
    low, high = (
        np.where(present, points, np.inf).min(axis=1, initial=np.inf),
        np.where(present, points, -np.inf).max(axis=1, initial=-np.inf),
    )
    pixels = np.hypot(*(high - low).T)
    sizes = arrays.sizes[arrays.owner[measured]]
    enlarged = None
    if geometry is not None:
        side = sizes.min(axis=1) if geometry.resize == "short" else sizes.max(axis=1)
        enlarged = _spread(pixels * geometry.size / side, PIXEL_EDGES)
    return {
        "measured": int(measured.sum()),
        "pixels": _spread(pixels, PIXEL_EDGES),
        "share": _spread(pixels / np.hypot(*sizes.T), SHARE_EDGES),
        "input": enlarged,
    }


def _spread(values: np.ndarray, edges: np.ndarray) -> dict[str, Any] | None:
    if not len(values):
        return None
    least, *quartiles, most = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).round(4).tolist()
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    histogram = {"edges": edges.round(4).tolist(), "counts": counts.tolist()}
    return {"least": least, "quartiles": quartiles, "most": most, "histogram": histogram}


def _picture_sizes(sizes: np.ndarray) -> list[list[int]]:
    found, counts = np.unique(sizes, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return np.column_stack([found, counts])[order].tolist()


def _visibility(arrays: _Arrays, skeleton: Skeleton) -> dict[str, dict[str, int]]:
    seen, labelled = arrays.keypoints[..., 2], arrays.labelled[arrays.owner]
    counts = {
        "visible": seen == VISIBLE,
        "occluded": seen == OCCLUDED,
        "missing": ~arrays.present & labelled,
        "unlabelled": ~arrays.present & ~labelled,
    }
    columns = {name: cases.sum(axis=0).tolist() for name, cases in counts.items()}
    return {
        keypoint: {name: column[k] for name, column in columns.items()}
        for k, keypoint in enumerate(skeleton.keypoints)
    }


def _places(arrays: _Arrays) -> dict[str, Any]:
    sized = arrays.sized
    sizes = arrays.sizes[arrays.owner[sized]][:, None]
    shares = (arrays.keypoints[sized, :, :2] + 0.5) / sizes  # centres are at integers
    x, y = shares[arrays.present[sized]].T
    counts = np.histogram2d(y, x, GRID, [[0, 1], [0, 1]])[0].astype(int)
    return {"counts": counts.tolist(), "outside": len(x) - int(counts.sum())}
