"""Keypoint groups of poses as metrics of their own: `PCK@0.2_Wrist`, and `Wrist` of the mAP."""

from collections.abc import Mapping, Sequence

from dancepose.metrics.single_pictures import LABELS
from dancepose.sweeps.jobs import Job

TEST = "test/"  # before the names of metrics in metrics.json
MEAN_AP = "mAP"


def groups_of(jobs: Sequence[Job]) -> dict[str, tuple[str, ...]]:
    """Return report column -> its keypoints, by the skeleton of runs; nothing where these do not agree."""
    found = [_columns(job) for job in jobs]
    return found[0] if found and all(columns == found[0] for columns in found) else {}


def group_metrics(jobs: Sequence[Job]) -> list[str]:
    """Return the names of PCK by group that runs can be compared by, beside those of their metrics.json."""
    names = {
        f"{label}_{column}": None
        for label in LABELS
        for job in jobs
        if job.metrics.get(f"{TEST}{label}") is not None
        for column in _columns(job)
    }
    return list(names)


def parted(metric: str) -> tuple[str, str]:
    """Return of what a metric is, and of which group; an empty one of all joints.

    The groups of the mAP stand in metrics.json by their names alone.
    """
    for label in LABELS:
        if metric == label or metric.startswith(f"{label}_"):
            return label, metric[len(label) + 1 :]
    return MEAN_AP, "" if metric == MEAN_AP else metric


def places(names: Sequence[str], keypoints: Sequence[str]) -> list[int]:
    """Return where the keypoints of a group stand among all; nothing where one is not among them."""
    return [keypoints.index(name) for name in names] if {*names} <= {*keypoints} else []


def _columns(job: Job) -> dict[str, tuple[str, ...]]:
    skeleton = job.config.get("skeleton")
    columns = skeleton.get("columns") if isinstance(skeleton, Mapping) else None
    if not isinstance(columns, Mapping):
        return {}
    return {str(name): tuple(map(str, joints)) for name, joints in columns.items()}
