"""From merged maps to people: peaks, their grouping by tags, and the filling in of missing keypoints."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dancepose.codecs.ae_filling import Filler
from dancepose.codecs.ae_grouping import Grouping, PublishedGrouping, member_scores
from dancepose.codecs.heatmap import local_maxima, subcell_offsets


class Decoded(NamedTuple):
    """The people of one image.

    Attributes:
        keypoints: (P, K, 3 + T) x and y in cells of the maps, heat, and tag (0 for one filled in), all 0
            where there is none.
        scores: (P,) the mean heat of each one's keypoints before any was filled in, a missing one counting 0.
        beyond: people of whom `max_people` left no room.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    beyond: int


class MapDecoder:
    """Finds people on heatmaps and tag maps of one size.

    The maps stay on their device; only candidates and filled-in keypoints go to the CPU.
    """

    def __init__(
        self,
        group: Grouping | PublishedGrouping,
        candidates: int,
        nms_kernel: int,
        detection_threshold: float,
        refine_threshold: float,
        refine: bool,
        adjust: str | None,
        exact: bool,
    ):
        """Set the decoder up.

        Args:
            group: groups candidates by tag.
            candidates: peaks of each heatmap at most.
            nms_kernel: side of the square with one peak, in cells; odd.
            detection_threshold: least heat of a peak.
            refine_threshold: least heat of a filled-in keypoint.
            refine: fill in missing keypoints.
            adjust: method of `subcell_offsets`, or None to stay in the middle of the cell.
            exact: fill in by the published rule, and give cell i the coordinate i + 0.5 once it is adjusted.
        """
        self.group = group
        self.candidates = candidates
        self.nms_kernel = nms_kernel
        self.detection_threshold = detection_threshold
        self.refine_threshold = refine_threshold
        self.refine = refine
        self.adjust = adjust
        self.exact = exact
        self.filler = Filler(group.tag_threshold, refine_threshold, exact)

    @torch.no_grad()
    def __call__(self, heat: Tensor, tags: Tensor) -> list[Decoded]:
        """Find people.

        Args:
            heat: (B, K, h, w) float32 with peaks near 1.
            tags: (B, T, K, h, w) float32.

        Returns:
            The people of each image.
        """
        heat, tags = (
            heat.contiguous(),
            tags.contiguous(),
        )  # whatever the network's memory format
        values, cells = local_maxima(heat, self.candidates, self.nms_kernel)
        values = torch.where(values > self.detection_threshold, values, 0)
        at = cells[:, None].expand(-1, tags.shape[1], -1, -1)
        embedding = tags.flatten(3).gather(3, at).permute(0, 2, 3, 1)  # (B, K, M, T)
        places = self.locate(heat, cells, self.adjust)
        found = torch.cat([places, values[..., None], embedding], dim=-1).cpu().numpy()
        width = heat.shape[-1]
        columns_rows = torch.stack([cells % width, cells // width], dim=-1).cpu().numpy()
        results = [
            self.people(candidates, cell) for candidates, cell in zip(found, columns_rows, strict=True)
        ]
        if self.refine:
            self._fill([people.keypoints for people in results], heat, tags)
        return results

    def people(self, candidates: np.ndarray, cells: np.ndarray) -> Decoded:
        """Group the candidates of one image.

        Args:
            candidates: (K, M, 3 + T): x and y, heat (0: none) and tags.
            cells: (K, M, 2) whole columns and rows of the candidates.

        Returns:
            The people, nothing filled in.
        """
        candidates = self._usable(candidates, cells)
        everybody = self.group.everybody(candidates[..., 2], candidates[..., 3:])  # (P, K)
        people = everybody[: self.group.max_people] if isinstance(self.group, Grouping) else everybody
        members = candidates[np.arange(len(candidates)), people]
        keypoints = np.where((people >= 0)[..., None], members, 0)
        scores = member_scores(people, candidates[..., 2]).mean(axis=1)
        return Decoded(keypoints, scores, len(everybody) - len(people))

    def highest(self, heat: Tensor) -> np.ndarray:
        """Return (B, K, 3) float64 x and y in cells, and heat, of the maximum of each map (B, K, h, w)."""
        values, cells = heat.flatten(2).max(dim=2, keepdim=True)
        places = self.locate(heat, cells, self.adjust)
        return torch.cat([places, values[..., None]], dim=-1)[:, :, 0].double().cpu().numpy()

    def locate(self, heat: Tensor, cells: Tensor, adjust: str | None) -> Tensor:
        """Return (..., M, 2) x and y in cells of flat indices (..., M) into maps (..., h, w)."""
        width = heat.shape[-1]
        places = torch.stack([cells % width, cells // width], dim=-1).to(heat.dtype)
        if adjust is None:
            return places
        places = places + subcell_offsets(heat, cells, adjust)
        return places + 0.5 if self.exact else places

    def _usable(self, candidates: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Give candidates that are not to be used heat 0, and move them behind the others.

        These are candidates whose tag is no number and, except in `exact` mode, all but the first of a
        plateau: cells of equal heat, from which suppression cannot choose.
        """
        real = candidates[..., 2] > 0
        use = real & np.isfinite(candidates[..., 3:]).all(axis=-1)
        if not self.exact:
            x, y = np.moveaxis(cells, -1, 0)
            apart = np.maximum(np.abs(x[:, :, None] - x[:, None]), np.abs(y[:, :, None] - y[:, None]))
            use &= ~np.tril((apart <= self.nms_kernel // 2) & use[:, None], k=-1).any(axis=-1)
        if (use == real).all():
            return candidates
        order = np.argsort(~use, axis=1, kind="stable")
        return np.take_along_axis(np.where(use[..., None], candidates, 0), order[..., None], axis=1)

    def _fill(self, people: list[np.ndarray], heat: Tensor, tags: Tensor) -> None:
        """Fill in missing keypoints of the people (P, K, 3 + T) of each image, in place; see `Filler`."""
        cells = self.filler.choose(people, heat, tags)  # (B, K, P)
        if cells is None:
            return
        at = cells.clamp(min=0)
        adjust = "published" if self.exact else self.adjust  # the published code adjusts here in any case
        places, values = self.locate(heat, at, adjust), heat.flatten(2).gather(2, at)
        filled = torch.cat([places, values[..., None], cells[..., None] >= 0], dim=-1).cpu().numpy()
        for keypoints, found in zip(people, filled, strict=True):
            owner = np.nonzero(found[..., 3])
            keypoints[owner[1], owner[0], :3] = found[owner][:, :3]
