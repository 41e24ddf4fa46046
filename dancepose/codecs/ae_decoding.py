"""From merged maps to people: peaks, their grouping by tags, and the filling in of missing keypoints."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dancepose.codecs.ae_grouping import Grouping, PublishedGrouping, member_scores
from dancepose.codecs.heatmap import cells_at_once, local_maxima, subcell_offsets


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
        results = []
        for index, (candidates, cell) in enumerate(zip(found, columns_rows, strict=True)):
            people = self.people(candidates, cell)
            if self.refine:
                self._fill(people.keypoints, heat[index], tags[index])
            results.append(people)
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

    def _fill(self, keypoints: np.ndarray, heat: Tensor, tags: Tensor) -> None:
        """Fill missing keypoints in, in place: each in the cell that is best by heat and tag.

        With d the distance of a cell's tag to the person's mean tag, in `exact` mode the best cell is that of
        heat - round(d), wherever it is, provided that its heat is above 0. Otherwise it is that of
        heat * (1 - (2 d / tag_threshold)^2) among cells with heat above `refine_threshold` and d below half
        of `tag_threshold`: what is nearer to a person than that belongs to nobody else.

        Args:
            keypoints: (P, K, 3 + T) as `__call__` returns them.
            heat: (K, h, w).
            tags: (T, K, h, w).
        """
        present = keypoints[..., 2] > 0
        means = mean_tags(keypoints)
        persons, joints, best = [], [], []
        for joint in np.flatnonzero(~present.all(axis=0)):
            values, embedding = heat[joint].flatten(), tags[:, joint].flatten(1)
            index = None
            if not self.exact:
                index = _above(values, self.refine_threshold)
                if not len(index):
                    continue
                values, embedding = values.index_select(0, index), embedding.index_select(1, index)
            missing = np.flatnonzero(~present[:, joint])
            step = max(1, cells_at_once(heat.device) // len(values))
            for chunk in np.split(missing, range(step, len(missing), step)):
                mean = torch.as_tensor(means[chunk], device=heat.device)
                best.append(self.best(values, embedding, mean, index))
                persons.append(chunk)
                joints.append(np.full(len(chunk), joint))
        if not best:
            return
        cells = torch.full(present.T.shape, -1, device=heat.device)  # (K, P)
        where = [torch.as_tensor(np.concatenate(a), device=heat.device) for a in (joints, persons)]
        cells[where[0], where[1]] = torch.cat(best)
        at = cells.clamp(min=0)
        adjust = "published" if self.exact else self.adjust  # the published code adjusts here in any case
        places, values = self.locate(heat, at, adjust), heat.flatten(1).gather(1, at)
        filled = torch.cat([places, values[..., None], cells[..., None] >= 0], dim=-1).cpu().numpy()
        owner = np.nonzero(filled[..., 3])
        keypoints[owner[1], owner[0], :3] = filled[owner][:, :3]

    def best(self, values: Tensor, embedding: Tensor, means: Tensor, index: Tensor | None) -> Tensor:
        """Return for each person the best of n cells, -1 where none will do.

        Args:
            values: (n,) heat.
            embedding: (T, n) tags.
            means: (P, T) tags of the people.
            index: (n,) cells; None where these are all cells of the map in order.
        """
        squared = (embedding[0] - means[:, :1]).square()
        for tag, mean in zip(embedding[1:], means.T[1:], strict=True):
            squared = squared + (tag - mean[:, None]).square()
        if index is None:
            cell = (values - squared.sqrt().round()).argmax(dim=1)
            return torch.where(values[cell] > 0, cell, -1)
        reach = (self.group.tag_threshold / 2) ** 2
        gain, place = (values * (1 - squared / reach).clamp(min=0)).max(dim=1)
        return torch.where(gain > 0, index[place], -1)


def mean_tags(keypoints: np.ndarray) -> np.ndarray:
    """Return the (P, T) float32 mean tags of the keypoints (P, K, 3 + T) that people have."""
    count = (keypoints[..., 2] > 0).sum(axis=1)[:, None]
    return (keypoints[..., 3:].sum(axis=1) / count).astype(np.float32)


def _above(values: Tensor, threshold: float) -> Tensor:
    """Return the indices of values (n,) above a threshold."""
    if values.device.type == "cpu":  # numpy takes a fifth of torch's time
        return torch.from_numpy(np.flatnonzero(values.numpy() > threshold))
    return (values > threshold).nonzero()[:, 0]
