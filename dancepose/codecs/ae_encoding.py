"""What associative embedding trains on: heatmaps, and where each person's tags stand."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dancepose.codecs.base import part_arrays, stack_arrays
from dancepose.codecs.heatmap import (
    draw_cells,
    gaussian_cells,
    inside,
    loss_mask,
    nearest_cell,
    to_cells,
)
from dancepose.records import Frame
from dancepose.skeleton import Skeleton


class MapEncoder:
    """Targets and weights of `AssociativeEmbedding`, whole or packed for the way out of a data worker.

    Packed, the heatmaps are the cells that are not 0: of a few people a small part of the maps. They are
    drawn where the loss is computed, once for a batch.

    Args:
        skeleton: the keypoints.
        strides: of the scales.
        sigma: of the Gaussians, in cells.
        peak: of the Gaussians.
        max_people: whose tags are trained, in one frame.
        exact: keypoints sit in the middle of the cell that truncating gives.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        strides: Sequence[int],
        sigma: float,
        peak: float,
        max_people: int,
        exact: bool,
    ):
        self.skeleton, self.strides = skeleton, tuple(strides)
        self.sigma, self.peak = sigma, peak
        self.max_people, self.exact = max_people, exact

    def encode(
        self, frame: Frame, size: tuple[int, int]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Make targets and weights of one frame, see `AssociativeEmbedding`.

        Raises:
            ValueError: a person has another number of keypoints than the skeleton.
        """
        parts = self.unpack(self.stack([self.pack(frame, size)]))
        targets, weights = ({name: one[0].numpy() for name, one in part.items()} for part in parts)
        return targets, weights

    def pack(self, frame: Frame, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """Make what `encode` makes, the heatmaps as the cells that are not 0 (`gaussian_cells`).

        Raises:
            ValueError: a person has another number of keypoints than the skeleton.
        """
        count = len(self.skeleton)
        if any(len(person.keypoints) != count for person in frame.people):
            raise ValueError(
                f"{frame.name}: its people are not in the {count} keypoints of {self.skeleton.name}"
            )
        keypoints = frame.keypoint_array().reshape(-1, count, 3)
        labelled = np.ones(count, bool) if frame.labelled is None else np.asarray(frame.labelled, dtype=bool)
        present = (keypoints[..., 2] > 0) & labelled
        packed: dict[str, np.ndarray] = {"weights/labelled": labelled}
        for index, stride in enumerate(self.strides):
            shape = (size[1] // stride, size[0] // stride)
            cells = self._cells(keypoints[..., :2], stride)
            places, values = gaussian_cells(cells, present, shape, self.sigma, self.peak)
            packed |= {f"cells_{index}": places, f"values_{index}": values}
            packed[f"weights/mask_{index}"] = loss_mask(frame, shape, stride, self.sigma)
            if index == 0:
                packed["targets/joints"] = self._places(cells, present & inside(cells, shape), shape)
        return packed

    def stack(self, packed: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
        """Join the cells of all samples in one list, as indices into the maps of the batch."""
        sparse = [f"{kind}_{index}" for index in range(len(self.strides)) for kind in ("cells", "values")]
        batch = stack_arrays([{k: v for k, v in one.items() if k not in sparse} for one in packed])
        for index in range(len(self.strides)):
            size = len(self.skeleton) * batch[f"weights/mask_{index}"][0].numel()
            moved = [one[f"cells_{index}"] + n * size for n, one in enumerate(packed)]
            batch[f"cells_{index}"] = torch.from_numpy(np.concatenate(moved))
            values = [one[f"values_{index}"] for one in packed]
            batch[f"values_{index}"] = torch.from_numpy(np.concatenate(values))
        return batch

    def unpack(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Draw the heatmaps on the batch's device."""
        targets, weights = part_arrays({name: value for name, value in batch.items() if "/" in name})
        for index in range(len(self.strides)):
            images, height, width = weights[f"mask_{index}"].shape
            shape = (images, len(self.skeleton), height, width)
            targets[f"heatmaps_{index}"] = draw_cells(
                batch[f"cells_{index}"], batch[f"values_{index}"], shape
            )
        return targets, weights

    def _cells(self, pixels: np.ndarray, stride: int) -> np.ndarray:
        return np.trunc(pixels / stride) if self.exact else to_cells(pixels, stride)

    def _places(self, cells: np.ndarray, present: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        someone = present.any(axis=1)
        cells, present = cells[someone], present[someone]
        if len(cells) > self.max_people:
            low = np.where(present[..., None], cells, np.inf).min(axis=1)
            high = np.where(present[..., None], cells, -np.inf).max(axis=1)
            largest = np.sort(np.argsort(-np.hypot(*(high - low).T), kind="stable")[: self.max_people])
            cells, present = cells[largest], present[largest]
        x, y = np.moveaxis(nearest_cell(cells), -1, 0)
        flat = (np.arange(present.shape[1]) * shape[0] + y) * shape[1] + x
        joints = np.full((self.max_people, present.shape[1]), -1, dtype=np.int64)
        joints[: len(flat)] = np.where(present, flat, -1)
        return joints
