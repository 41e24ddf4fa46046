"""Heatmaps and tag maps reduced to what decoding reads of them, and people from what is left.

The reduction is plain tensor operations for any batch and size, so that it can stand at the end of an
exported graph; `MapDecoder` on the whole maps finds the same people.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dancepose.codecs.ae_decoding import Decoded, MapDecoder
from dancepose.codecs.ae_filling import mean_tags
from dancepose.codecs.heatmap import axis_offset


def condense_maps(decoder: MapDecoder, heat: Tensor, tags: Tensor) -> dict[str, Tensor]:
    """Reduce maps to their peaks and, where the decoder fills in, to the cells that it may fill in with.

    Args:
        decoder: which will decode it.
        heat: (B, K, h, w) float32 with peaks near 1.
        tags: (B, T, K, h, w) float32.

    Returns:
        Of the M highest peaks of each map, found by max-pooling:

        - `peak_heat` (B, K, M): highest first; 0 where it is not above `detection_threshold`, or there is
          none.
        - `peak_cell` (B, K, M, 2) int64: column and row.
        - `peak_place` (B, K, M, 2): x and y in cells.
        - `peak_tag` (B, K, M, T).

        Of the N cells of the batch with heat above `refine_threshold` (with `refine` only), in the order of
        the maps:

        - `cell_map` (N,) int64: b * K + k.
        - `cell_heat` (N,), `cell_place` (N, 2), `cell_tag` (N, T).
    """
    batch, joints, height, width = heat.shape
    flat, embedding = heat.flatten(), tags.permute(0, 2, 3, 4, 1).flatten(0, 3)  # (n,), (n, T)

    def describe(at: Tensor, row: Tensor, column: Tensor) -> dict[str, Tensor]:
        """Return place and tag of cells by their indices into the flat maps, and by row and column."""
        place = torch.stack([column, row], dim=-1).to(heat.dtype)
        if decoder.adjust is not None:
            centre, offsets = flat[at], []
            for position, size, step in ((column, width, 1), (row, height, width)):
                has_before, has_after = position > 0, position < size - 1
                before, after = flat[at - step * has_before.long()], flat[at + step * has_after.long()]
                inner = has_before & has_after
                offsets.append(axis_offset(before, centre, after, inner, decoder.adjust))
            place = place + torch.stack(offsets, dim=-1) + (0.5 if decoder.exact else 0.0)
        return {"place": place, "tag": embedding[at]}

    highest = functional.max_pool2d(heat, decoder.nms_kernel, stride=1, padding=decoder.nms_kernel // 2)
    peaks = torch.where(heat == highest, heat, 0.0).flatten(2)  # (B, K, h * w)
    # a map of fewer cells than candidates gets cells of no heat behind its end
    values, index = functional.pad(peaks, (0, decoder.candidates)).topk(decoder.candidates)
    index = index.clamp(max=height * width - 1)
    row = index // width
    column = index - row * width  # the exporter has no remainder by a size that it does not know
    maps = torch.arange(batch * joints, device=heat.device).view(batch, joints, 1)
    found = describe(maps * (height * width) + index, row, column)
    condensed = {
        "peak_heat": torch.where(values > decoder.detection_threshold, values, 0.0),
        "peak_cell": torch.stack([column, row], dim=-1),
        "peak_place": found["place"],
        "peak_tag": found["tag"],
    }
    if decoder.refine:
        which, row, column = (heat > decoder.refine_threshold).flatten(0, 1).nonzero().unbind(1)
        at = (which * height + row) * width + column
        found = describe(at, row, column)
        condensed |= {"cell_map": which, "cell_heat": flat[at]}
        condensed |= {"cell_place": found["place"], "cell_tag": found["tag"]}
    return condensed


def decode_condensed(decoder: MapDecoder, condensed: Mapping[str, np.ndarray]) -> list[Decoded]:
    """Find people as `decoder` does on the maps from which `condense_maps` made this.

    Returns:
        What `MapDecoder.__call__` returns.
    """
    heat = condensed["peak_heat"]
    batch, joints = heat.shape[:2]
    peaks = np.concatenate([condensed["peak_place"], heat[..., None], condensed["peak_tag"]], axis=-1)
    ends = None
    if decoder.refine:  # where the cells of each map begin and end
        ends = np.searchsorted(condensed["cell_map"], np.arange(batch * joints + 1))
    results = []
    for index, (candidates, cells) in enumerate(zip(peaks, condensed["peak_cell"], strict=True)):
        people = decoder.people(candidates, cells)
        if ends is not None and len(people.keypoints):
            first = index * joints
            _fill(decoder, people.keypoints, condensed, ends[first : first + joints + 1])
        results.append(people)
    return results


def _fill(
    decoder: MapDecoder, keypoints: np.ndarray, condensed: Mapping[str, np.ndarray], ends: np.ndarray
) -> None:
    """Fill missing keypoints of one image in, in place, as `MapDecoder` does by its default rule.

    Args:
        decoder: whose rule it is.
        keypoints: (P, K, 3 + T).
        condensed: what `condense_maps` returned.
        ends: (K + 1,): cells `ends[k]` to `ends[k + 1]` are those of the map of keypoint k.
    """
    present, means = keypoints[..., 2] > 0, torch.from_numpy(mean_tags(keypoints))
    for joint in np.flatnonzero(~present.all(axis=0) & (ends[:-1] < ends[1:])):
        cells = slice(ends[joint], ends[joint + 1])
        missing = np.flatnonzero(~present[:, joint])
        values = torch.from_numpy(condensed["cell_heat"][cells])
        embedding = torch.from_numpy(condensed["cell_tag"][cells].T.copy())
        best = decoder.filler.best(values, embedding, means[missing], torch.arange(len(values))).numpy()
        owner, chosen = missing[best >= 0], best[best >= 0]
        keypoints[owner, joint, :2] = condensed["cell_place"][cells][chosen]
        keypoints[owner, joint, 2] = condensed["cell_heat"][cells][chosen]
