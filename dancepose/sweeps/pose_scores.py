"""The metrics that comparisons of pose runs are made of: mAP, and PCK of pictures of one person."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.joint_hits import mean_share
from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.single_pictures import SinglePictures
from dancepose.sweeps.sample_scores import Clusters, SampleScores

Run = TypeVar("Run", PoseImages, SinglePictures)


class MeanAPScores(SampleScores):
    """The mAP of pose runs, in percent, over weighted test images; see `PoseImages.mean_ap`.

    Args:
        seeds: of the runs.
        runs: what each found, in the same images.
        joints: places of the keypoints of a group, whose mean it is; None: of all.

    Raises:
        DataError: there are not as many runs as seeds, a seed comes twice, or two runs are of other images.
    """

    def __init__(self, seeds: Sequence[int], runs: Sequence[PoseImages], joints: Sequence[int] | None = None):
        first = runs[0] if runs else None
        clips, names = (first.clips, first.names) if first else ([], [])
        super().__init__(seeds, len(names), _clusters(names, clips))
        self.unit = _unit(clips)
        _check_runs(self.seeds, runs)
        self.runs, self.joints = tuple(runs), joints

    def _weigh(self, weights: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
        drawn = weights[:, codes]
        found = [run.mean_ap(drawn, self.joints) for run in self.runs]
        return np.stack(found, axis=1) if found else np.zeros((len(weights), 0))


class PCKScores(SampleScores):
    """A PCK of pose runs, in percent, over weighted test images; see `metrics.pck.PCK`.

    Only images in which a joint counts are drawn: the others could change nothing.

    Args:
        seeds: of the runs.
        runs: what each found, in the same images of one person.
        label: one of `single_pictures.LABELS`.
        joints: places of the keypoints of a group, whose mean it is; None: of all.

    Raises:
        DataError: there are not as many runs as seeds, a seed comes twice, or two runs are of other images.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        runs: Sequence[SinglePictures],
        label: str,
        joints: Sequence[int] | None = None,
    ):
        first = runs[0] if runs else None
        names: list[str] = []
        clips: list[str | None] = []
        drawn, own = np.zeros(0, np.int64), slice(None) if joints is None else list(joints)
        if first is not None:
            drawn = np.flatnonzero(first.counted[label][:, own].any(axis=1))
            names, clips = [first.names[i] for i in drawn], [first.clips[i] for i in drawn]
        super().__init__(seeds, len(names), _clusters(names, clips))
        self.unit = _unit(clips)
        _check_runs(self.seeds, runs)
        self.counted = first.counted[label][drawn][:, own] if first else np.zeros((0, 0), bool)
        self.found = [run.found[label][drawn][:, own] for run in runs]

    def _weigh(self, weights: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
        counted = weights @ _sum_groups(self.counted, codes, count)  # (R, J)
        values = [mean_share(weights @ _sum_groups(found, codes, count), counted) for found in self.found]
        return np.stack(values, axis=1) if values else np.zeros((len(weights), 0))


def _sum_groups(values: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """Return the sums of (N, J) values over the rows of each group: (count, J) float64."""
    joints = values.shape[1]
    places = codes[:, None] * joints + np.arange(joints)
    return np.bincount(places.ravel(), values.ravel(), minlength=count * joints).reshape(count, joints)


def _clusters(names: Sequence[str], clips: Sequence[str | None]) -> Clusters:
    """Return what each image is drawn with: its clip, of no clip itself."""
    return [f"image {name}" if clip is None else clip for clip, name in zip(clips, names, strict=True)]


def _unit(clips: Sequence[str | None]) -> str:
    return "clips" if any(clip is not None for clip in clips) else "images"


def _check_runs(seeds: Sequence[int], runs: Sequence[Run]) -> None:
    """Refuse runs that are not one for each seed, or were tested on other images or labels."""
    if len(runs) != len(seeds):
        raise DataError(f"{len(runs)} runs for {len(seeds)} seeds")
    for seed, run in zip(seeds, runs, strict=True):
        if not run.same_test(runs[0]):
            raise DataError(
                f"the runs of seeds {seeds[0]} and {seed} were tested on other images or labels: "
                "runs of one arm must have the same data and split"
            )
