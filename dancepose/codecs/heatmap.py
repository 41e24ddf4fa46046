"""Heatmaps: Gaussian targets and masks (numpy, one frame) and peaks (torch, a batch).

Pixel centres are at integers: cell i of a map of stride s lies on input pixel s * i + (s - 1) / 2.
"""

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dancepose.affine import clip_polygon
from dancepose.records import Frame

FRACTION_BITS = 4  # of polygon corners handed to OpenCV: sixteenths of a cell


def to_cells(pixels: np.ndarray, stride: int) -> np.ndarray:
    """Convert input pixels to fractional cells of a map of that stride."""
    return (pixels - (stride - 1) / 2) / stride


def to_pixels(cells: np.ndarray, stride: int) -> np.ndarray:
    """Convert cells of a map of that stride to input pixels."""
    return cells * stride + (stride - 1) / 2


def gaussian_cells(
    points: np.ndarray, present: np.ndarray, shape: tuple[int, int], sigma: float, peak: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Make exp(-d^2 / 2 sigma^2) around each keypoint (pose paper, eq. 2): the cells that are not 0.

    Each Gaussian is cut off beyond 3 sigma + 1 cells from the cell nearest to its centre.

    Args:
        points: (P, K, 2) x, y of the centres in cells; they may lie between cells.
        present: (P, K) bool: which to draw; those whose nearest cell is outside the map are left out.
        shape: height and width of the map.
        sigma: in cells.
        peak: height of the Gaussian at its centre.

    Returns:
        (N,) int64 indices into K * height * width, and (N,) float32 values; where people overlap an index
        stands several times, and the maximum counts.
    """
    height, width = shape
    person, joint = np.nonzero(present & inside(points, shape))
    centre = points[person, joint].astype(np.float64)  # (N, 2)
    reach = int(3 * sigma + 1)
    offsets = np.arange(-reach, reach + 1)
    columns, rows = np.moveaxis(nearest_cell(centre), -1, 0)[..., None] + offsets  # each (N, 2 reach + 1)
    # a product of two small exponentials would be faster, but not the published value to the last bit
    along_x = (columns - centre[:, :1]) ** 2
    along_y = (rows - centre[:, 1:]) ** 2
    values = np.exp(-(along_y[:, :, None] + along_x[:, None, :]) / (2 * sigma**2))
    # a cell beyond the border is sent to the border with value 0, which changes nothing there
    on_map = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    lines = joint[:, None] * height + rows.clip(0, height - 1)
    cells = lines[:, :, None] * width + columns.clip(0, width - 1)[:, None, :]
    return cells.ravel(), (values * on_map * peak).astype(np.float32).ravel()


def draw_cells(cells: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Draw the heatmaps of a batch from what `gaussian_cells` returned for its images, on their device.

    Args:
        cells: (N,) int64 indices into the maps of the whole batch.
        values: (N,) float32.
        shape: of the maps, (B, K, height, width).

    Returns:
        (B, K, height, width) float32. A maximum does not depend on the order of its arguments, so the result
        is the same on every device and in every run.
    """
    maps = torch.zeros(shape, dtype=torch.float32, device=cells.device)
    maps.view(-1).scatter_reduce_(0, cells, values, "amax")
    return maps


def nearest_cell(points: np.ndarray) -> np.ndarray:
    """Round fractional cells to the nearest cell (int64); halves go up, at even and odd cells alike."""
    return np.floor(points + 0.5).astype(np.int64)


def inside(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return which points (..., 2), x and y in cells, have their nearest cell in a map of (height, width)."""
    cells = nearest_cell(points)
    return np.all((cells >= 0) & (cells < np.array(shape[::-1])), axis=-1)


def loss_mask(frame: Frame, shape: tuple[int, int], stride: int, sigma: float) -> np.ndarray:
    """Return which cells of a frame count in the loss of its heatmaps.

    Cells inside ignore polygons do not. In a frame that is not complete, cells farther from every labelled
    person's keypoint box than that box's diagonal (or the reach of a Gaussian, if that is more) do not.

    Args:
        frame: people and ignore polygons in input pixels.
        shape: height and width of the map.
        stride: of the map.
        sigma: of the Gaussians, in cells.

    Returns:
        (height, width) bool.
    """
    mask = np.ones(shape, dtype=bool) if frame.complete else _near_people(frame, shape, stride, sigma)
    if frame.ignore:
        drawn = np.zeros(shape, dtype=np.uint8)
        for polygon in frame.ignored_polygons:  # a few; one call for all would cancel where they overlap
            # what lies far outside would be no int32; one cell around the map keeps its edge as it is
            cells = to_cells(np.asarray(polygon, np.float64), stride) + 1
            cells = clip_polygon(cells, (shape[1] + 2, shape[0] + 2)) - 1
            corners = np.rint(cells * 2**FRACTION_BITS).astype(np.int32)
            if len(corners):
                cv2.fillPoly(drawn, [corners], 1, shift=FRACTION_BITS)
        mask &= drawn == 0
    return mask


def _near_people(frame: Frame, shape: tuple[int, int], stride: int, sigma: float) -> np.ndarray:
    height, width = shape
    keypoints = frame.keypoint_array()
    if not len(keypoints):
        return np.zeros(shape, dtype=bool)
    present = keypoints[..., 2] > 0
    keypoints, present = keypoints[present.any(axis=1)], present[present.any(axis=1)]
    cells = to_cells(keypoints[..., :2], stride)
    low = np.where(present[..., None], cells, np.inf).min(axis=1)  # (P, 2)
    high = np.where(present[..., None], cells, -np.inf).max(axis=1)
    extent = np.maximum(np.hypot(*(high - low).T), 3 * sigma)[:, None]  # (P, 1)
    # the region is a rectangle with round corners: on each row one interval of columns
    rows = np.arange(height)
    above = np.maximum(np.maximum(low[:, 1:] - rows, rows - high[:, 1:]), 0)  # (P, height)
    half = np.sqrt(np.maximum(extent**2 - above**2, 0))
    first = np.ceil(low[:, :1] - half).clip(0, width).astype(np.int64)
    last = (np.floor(high[:, :1] + half) + 1).clip(0, width).astype(np.int64)
    person, row = np.nonzero((above <= extent) & (first < last))
    edges = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(edges, (row, first[person, row]), 1)
    np.add.at(edges, (row, last[person, row]), -1)
    return edges.cumsum(axis=1)[:, :width] > 0


def resize(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Resize (B, C, h, w) maps to (height, width) cells, bilinearly; the picture's borders stay in place."""
    if maps.shape[-2:] == size:
        return maps
    return functional.interpolate(maps, size, mode="bilinear", align_corners=False)


def _window_maximum(maps: Tensor, kernel: int) -> Tensor:
    """Return the maximum over the kernel x kernel square around each cell of (N, h, w) maps."""
    if maps.device.type == "cpu":  # OpenCV takes a hundredth of the pooling layer's time on one core
        square = np.ones((kernel, kernel), dtype=np.uint8)
        return torch.from_numpy(np.stack([cv2.dilate(m, square) for m in maps.numpy()]))
    return functional.max_pool2d(maps, kernel, stride=1, padding=kernel // 2)


def cells_at_once(device: torch.device) -> int:
    """Return how many cells to look at together: few on a CPU, for its caches and the cost of memory."""
    return 2**17 if device.type == "cpu" else 2**24


def local_maxima(heatmaps: Tensor, count: int, kernel: int) -> tuple[Tensor, Tensor]:
    """Find the highest local maxima of each map: cells that no cell of the square around them exceeds.

    Args:
        heatmaps: (..., h, w), finite.
        count: how many of each map at most.
        kernel: side of the square, in cells; odd.

    Returns:
        Their values (..., M), highest first, 0 where there are no more above 0, and int64 indices into h * w.
    """
    maps = heatmaps.flatten(0, -3)
    height, width = maps.shape[-2:]
    step = max(1, cells_at_once(maps.device) // (height * width))
    found = [_highest_maxima(chunk, count, kernel) for chunk in maps.split(step)]
    values, cells = (torch.cat(parts).unflatten(0, heatmaps.shape[:-2]) for parts in zip(*found, strict=True))
    return values, cells


def _highest_maxima(maps: Tensor, count: int, kernel: int) -> tuple[Tensor, Tensor]:
    highest = _window_maximum(maps, kernel)
    # 0 at a maximum; elsewhere at least the last bit of the heat, which the factor carries below -heat. The
    # obvious where(maps == highest, ...) takes ten times as long
    heights = torch.add(maps, maps - highest, alpha=1e9)  # (N, h, w)
    # the highest cells lie in the rows that reach highest: a small part of the map, and topk is slow
    rows = heights.amax(dim=2).topk(min(count, maps.shape[1])).indices  # (N, R)
    width = maps.shape[2]
    kept = heights.gather(1, rows[..., None].expand(-1, -1, width)).flatten(1)  # (N, R * w)
    values, index = kept.topk(min(count, kept.shape[1]))
    cells = rows.gather(1, index // width) * width + index % width
    return values.clamp(min=0), cells


def subcell_offsets(heatmaps: Tensor, cells: Tensor, method: str) -> Tensor:
    """Return how far a peak lies from the centre of its cell, (..., M, 2) x, y in cells.

    Args:
        heatmaps: (..., h, w).
        cells: (..., M) int64 indices into h * w.
        method: `published`: a quarter of a cell towards the higher neighbour, where both are equal towards
            the lower index. `quarter`: the same, but no step where both are equal. `parabola`: the vertex of
            the parabola through the logarithms of the cell and its neighbours, which for a Gaussian is exact
            and with noise on the maps still nearer than a quarter step (which is taken where the cell is no
            maximum: a keypoint filled in beside a higher peak).
    """
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(-2)
    y, x = cells // width, cells % width
    centre = flat.gather(-1, cells)

    def offset(position: Tensor, size: int, step: int) -> Tensor:
        before = flat.gather(-1, cells - step * (position > 0))
        after = flat.gather(-1, cells + step * (position < size - 1))
        # beyond the border nothing is known, so neither is on which side of the centre the peak lies
        inner = (position > 0) & (position < size - 1)
        return axis_offset(before, centre, after, inner, method)

    return torch.stack([offset(x, width, 1), offset(y, height, width)], dim=-1)


def axis_offset(before: Tensor, centre: Tensor, after: Tensor, inner: Tensor, method: str) -> Tensor:
    """Return how far peaks lie from the centres of their cells along one axis, see `subcell_offsets`.

    Args:
        before: heat of the cell before, of any shape; of the cell itself at the border.
        centre: heat of the cell.
        after: heat of the cell after; of the cell itself at the border.
        inner: bool: the cell has both neighbours.
        method: of `subcell_offsets`.
    """
    if method == "published":
        return torch.where(after > before, 0.25, -0.25)
    quarter = 0.25 * torch.sign(after - before)
    if method == "quarter":
        return torch.where(inner, quarter, 0.0)
    floor = 1e-3 * centre  # a logarithm of nearly nothing would pull the vertex away from an empty cell
    low, middle, high = (
        v.clamp(min=1e-12).log() for v in (before.maximum(floor), centre, after.maximum(floor))
    )
    bend = 2 * middle - low - high
    vertex = ((high - low) / (2 * bend).clamp(min=1e-6)).clamp(-0.5, 0.5)
    is_peak = (centre >= before) & (centre >= after)
    return torch.where(inner, torch.where(is_peak, vertex, quarter), 0.0)
