"""`FrameMetric`: the base of metrics that keep rows of numbers for each frame, safe under distribution."""

from collections.abc import Sequence, Sized
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from dancepose.errors import DataError
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

KEYS = 2  # columns before a table's own: place in the data set, number of the frame unique over all processes
UNSCORED = -9999.0  # what a joint without a score counts as (PoseTrack's rule)


class FrameMetric(Metric):
    """A torchmetrics `Metric` whose states are tables with a fixed number of columns, and sums.

    Distribution: every table always holds at least one (0, columns) tensor, so that each process takes part
    in each gather with the same number of dimensions, whatever it has seen; torchmetrics then pads to the
    longest. Rows are put into the order of the frames' place in the data set before anything is computed, so
    the figure does not depend on how frames were dealt out, equal scores included.

    Args:
        skeleton: the keypoints of all people, labelled and predicted.
        tables: name -> number of columns.
    """

    full_state_update = True  # forward() must not restart the numbering of frames
    is_differentiable = False
    higher_is_better = True
    images: Tensor

    def __init__(self, skeleton: Skeleton, tables: dict[str, int]) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.tables = tables
        self.add_state("images", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        for name in tables:
            self.add_state(name, [], dist_reduce_fx="cat")
        self._start_tables()

    def reset(self) -> None:
        """Forget all frames."""
        super().reset()
        self._start_tables()

    def _start_tables(self) -> None:
        for name, columns in self.tables.items():
            empty = torch.zeros(0, KEYS + columns, dtype=torch.float64, device=self.device)
            setattr(self, name, [empty])

    def frame_keys(self, frames: Sequence[Frame], indices: Sequence[int] | None) -> np.ndarray:
        """Number new frames: (F, 2) place in the data set and a number that no other frame has.

        Without `indices` the place is the frame's running number in this process; equal places are ordered by
        process, which is the data set's order under a `DistributedSampler` that does not shuffle.
        """
        numbers = int(self.images) + np.arange(len(frames))
        self.images += len(frames)
        places = numbers if indices is None else np.asarray([int(i) for i in indices])
        if len(places) != len(frames):
            raise ValueError(f"{len(places)} indices for {len(frames)} frames")
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        rank = torch.distributed.get_rank() if distributed else 0
        return np.stack([places, rank * 2**32 + numbers], axis=1).astype(np.float64)

    def append(self, name: str, keys: np.ndarray, rows: np.ndarray) -> None:
        """Add rows to a table: keys (N, 2) of `frame_keys`, rows (N, columns)."""
        table = torch.from_numpy(np.concatenate([keys, rows], axis=1, dtype=np.float64))
        getattr(self, name).append(table.to(self.device))

    def table(self, name: str) -> np.ndarray:
        """Return a table of all processes' rows (N, 2 + columns) in the data set's order."""
        rows = dim_zero_cat(getattr(self, name)).cpu().numpy()
        return rows[np.lexsort((rows[:, 1], rows[:, 0]))]  # stable: rows of a frame keep their order


def check_frames(skeleton: Skeleton, predictions: Sized, frames: Sequence[Frame]) -> None:
    """Check that predictions and frames belong together.

    Raises:
        ValueError: their numbers differ.
        DataError: a frame is of another skeleton than the metric's.
    """
    if len(predictions) != len(frames):
        raise ValueError(f"predictions for {len(predictions)} frames, truth for {len(frames)}")
    for frame in frames:
        if frame.skeleton != skeleton.name:
            raise DataError(
                f"{frame_name(frame)} is labelled in skeleton {frame.skeleton}, but the metric scores "
                f"{skeleton.name}: map its people with Skeleton.map_to first"
            )


def frame_name(frame: Frame) -> str:
    """Return what an error message calls a frame."""
    return frame.name or (str(frame.image) if isinstance(frame.image, Path) else "a frame")


def stack_people(people: Sequence[Person], skeleton: Skeleton, frame: Frame) -> np.ndarray:
    """Return the keypoints of people, labelled or predicted, as (P, K, 3) float64.

    Raises:
        DataError: a person has another number of keypoints than the skeleton, or a keypoint that is present
            has no finite place.
    """
    return stack_frames([people], skeleton, [frame])


def stack_frames(
    people: Sequence[Sequence[Person]], skeleton: Skeleton, frames: Sequence[Frame]
) -> np.ndarray:
    """Return the keypoints of the people of many frames, one frame after the other, as (P, K, 3) float64.

    Args:
        people: of each frame, labelled or predicted.
        skeleton: of all.
        frames: name the people in an error.

    Raises:
        DataError: see `stack_people`.
    """
    shape = (len(skeleton), 3)
    for some, frame in zip(people, frames, strict=True):
        for person in some:
            if np.shape(person.keypoints) != shape:
                raise DataError(
                    f"a person of {frame_name(frame)} has keypoints of shape {np.shape(person.keypoints)}; "
                    f"skeleton {skeleton.name} needs {shape}"
                )
    points = np.array([p.keypoints for some in people for p in some], dtype=np.float64).reshape(-1, *shape)
    broken = ((points[..., 2] > 0) & ~np.isfinite(points).all(axis=2)).any(axis=1)
    if broken.any():
        home = np.repeat(np.arange(len(frames)), [len(some) for some in people])[broken.argmax()]
        raise DataError(f"a person of {frame_name(frames[home])} has a keypoint whose place is not finite")
    return points


def keypoint_scores(people: Sequence[Person], count: int) -> np.ndarray:
    """Return (N, K) scores of predicted keypoints; NaN and people without scores count as -9999."""
    none = np.full(count, UNSCORED)
    rows = [none if p.scores is None else np.broadcast_to(p.scores, (count,)) for p in people]
    scores = np.array(rows, dtype=np.float64).reshape(-1, count)
    return np.where(np.isnan(scores), UNSCORED, scores)


def labelled_mask(skeleton: Skeleton, frame: Frame) -> np.ndarray:
    """Return (K,) bool: which keypoints the frame's source labels at all."""
    if frame.labelled is None:
        return np.ones(len(skeleton), dtype=bool)
    return np.asarray(frame.labelled, dtype=bool)
