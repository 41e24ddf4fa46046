"""`FrameMetric`: the base of metrics that keep rows of numbers for each frame, safe under distribution."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from dancepose.records import Frame
from dancepose.skeleton import Skeleton

WITHOUT_FLOAT64 = ("mps",)  # kinds of devices: there the tables stay on the CPU
KEYS = 2  # columns before a table's own: place in the data set, number of the frame unique over all processes


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

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ()) -> Module:
        """Move or convert the states, as torchmetrics does; tables only where a device can hold them."""
        if fn(torch.zeros(0)).device.type in WITHOUT_FLOAT64:
            exclude_state = (*exclude_state, *self.tables)
        return super()._apply(fn, exclude_state)

    @property
    def _place(self) -> torch.device:
        """The device of the tables."""
        return torch.device("cpu") if self.device.type in WITHOUT_FLOAT64 else self.device

    def _start_tables(self) -> None:
        for name, columns in self.tables.items():
            empty = torch.zeros(0, KEYS + columns, dtype=torch.float64, device=self._place)
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
        getattr(self, name).append(table.to(self._place))

    def table(self, name: str) -> np.ndarray:
        """Return a table of all processes' rows (N, 2 + columns) in the data set's order."""
        rows = dim_zero_cat(getattr(self, name)).cpu().numpy()
        return rows[np.lexsort((rows[:, 1], rows[:, 0]))]  # stable: rows of a frame keep their order
