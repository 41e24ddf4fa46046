"""The best run of a table and its pictures, small enough to be carried in a page."""

import base64
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dancepose.sweeps.comparison import Table
from dancepose.sweeps.jobs import Job

log = logging.getLogger(__name__)

FIRST = (
    "test_frames.jpg",
    "test_mistakes.jpg",
    "test_curves.png",
    "test_confusion.png",
    "test_reliability.png",
)
KINDS = (".jpg", ".png")
LARGEST = 32 * 2**20  # bytes of a file that is looked at
SIDE = 2000  # pixels of a picture's longer side on the page
QUALITY = 82  # of JPEG


@dataclass(frozen=True)
class Picture:
    """A picture of a run.

    Attributes:
        name: of its file.
        width: in pixels.
        height: in pixels.
        source: it itself, as an address of its own: `data:image/jpeg;base64,...`.
    """

    name: str
    width: int
    height: int
    source: str


def best_job(table: Table) -> Job | None:
    """Return the run with the best value on the validation part: nothing is chosen by the test part.

    None where no run says its objective.
    """
    jobs = [job for arm in table.group.arms.values() for job in arm.jobs if job.objective is not None]
    if not jobs:
        return None
    lower = any(word in str(jobs[0].config.get("objective")) for word in ("loss", "ECE"))
    return min(jobs, key=lambda job: (job.objective or 0.0) * (1 if lower else -1))


def pictures_of(job: Job, most: int) -> list[Picture]:
    """Return a run's pictures, drawn again as JPEG of bounded size; one that cannot be read is told.

    Args:
        job: the run.
        most: pictures at most; of the test part, where there are any.
    """
    folder = job.path / "pictures"
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
    return Picture(path.name, image.shape[1], image.shape[0], source)
