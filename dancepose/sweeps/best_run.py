"""The best run of a table and its pictures, small enough to be carried in a page."""

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import cv2
import numpy as np

from dancepose.metrics.direction import higher_is_better
from dancepose.sweeps.factors import level_of
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.measures import metric_of
from dancepose.sweeps.results import Table

log = logging.getLogger(__name__)

SAMPLES = {"test_frames.jpg": "from the best to the worst", "test_samples.jpg": "samples of every class"}
FIRST = {
    **SAMPLES,
    "test_mistakes.jpg": "the surest mistakes; the line on top of the picture says how they were chosen",
    "test_curves.png": "precision and recall",
    "test_confusion.png": "confusion matrix",
    "test_reliability.png": "reliability",
}
KINDS = (".jpg", ".png")
LARGEST = 32 * 2**20  # bytes of a file that is looked at
SIDE = 2000  # pixels of a picture's longer side on the page
QUALITY = 82  # of JPEG


@dataclass(frozen=True)
class Picture:
    """A picture of a run.

    Attributes:
        name: of its file.
        words: what it shows.
        width: in pixels.
        height: in pixels.
        source: it itself, as an address of its own: `data:image/jpeg;base64,...`.
    """

    name: str
    words: str
    width: int
    height: int
    source: str


def show_samples(pictures: Sequence[Picture]) -> bool:
    """Return whether sample predictions are among pictures, and not mistakes and charts alone."""
    return any(picture.name in SAMPLES for picture in pictures)


def best_job(table: Table) -> Job | None:
    """Return the run with the best value on the validation part: nothing is chosen by the test part.

    None where no run says its objective, or where runs chose their weights by different ones.
    """
    merits = _merits(table)
    return max(merits, key=merits.__getitem__) if merits else None


def best_arms(table: Table, most: int) -> list[str]:
    """Return the reference and the arms whose runs are best on average on the validation part.

    Args:
        table: of which they are; where `best_job` knows nothing, the first ones.
        most: arms at most.
    """
    merits, arms = _merits(table), table.group.arms
    means = {}
    for name, arm in arms.items():
        known = [merits[job] for job in arm.jobs if job in merits]
        means[name] = sum(known) / len(known) if known else -inf
    first, *others = sorted(arms, key=lambda name: (name != table.group.against, -means[name]))
    kept = {first, *others[: most - 1]}
    return [name for name in arms if name in kept]


def told_objective(job: Job) -> str:
    """Return by what a run's weights were chosen, and its value: `val/accuracy 34.3 %`."""
    name = job.config.get("objective")
    if not isinstance(name, str):
        return f"by an objective that it does not name: {job.objective or 0.0:.4g}"
    metric = metric_of(name.removeprefix("val/"), job.poses)
    unit = " %" if metric.title.endswith("%") else ""
    value = None if job.objective is None else metric.scale * job.objective
    return f"{name} {metric.told(value)}{unit}"


def _merits(table: Table) -> dict[Job, float]:
    """Return the objective of the runs that have one, more is better; nothing where they differ in it."""
    jobs = [job for arm in table.group.arms.values() for job in arm.jobs if job.objective is not None]
    if len({(str(job.config.get("objective")), _sign(job)) for job in jobs}) != 1:
        return {}
    return {job: _sign(job) * (job.objective or 0.0) for job in jobs}


def _sign(job: Job) -> int:
    """Return 1 where a larger objective is better, -1 where a smaller is: as its best.ckpt was chosen."""
    mode = level_of(job, "callbacks.best.mode")
    if mode in ("max", "min"):
        return 1 if mode == "max" else -1
    return 1 if higher_is_better(str(job.config.get("objective"))) else -1  # of a run that kept no best.ckpt


def pictures_of(job: Job, most: int) -> list[Picture]:
    """Return a run's pictures, drawn again as JPEG of bounded size; one that cannot be read is told.

    Args:
        job: the run.
        most: pictures at most; of the test part, where there are any.
    """
    folder = job.tested / "pictures"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    there = sorted(name for name in names if name.endswith(KINDS))
    order = [name for name in FIRST if name in there]
    order += [name for name in there if name.startswith("test_") and name not in order]
    order = order or there
    found: list[Picture] = []
    for name in order:
        if len(found) == most:
            break
        picture = _picture(folder / name)
        if picture is not None:
            found.append(picture)
    return found


def _picture(path: Path) -> Picture | None:
    try:
        size = path.stat().st_size
        image = None
        if path.is_file() and size <= LARGEST:
            image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        image = None
    if image is None:
        log.warning("%s is no picture that can be shown: left out of the page", path)
        return None
    factor = SIDE / max(image.shape[:2])
    if factor < 1:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    source = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return Picture(path.name, FIRST.get(path.name, path.name), image.shape[1], image.shape[0], source)
