"""In which cells the missing keypoints of people are: by heat, and by a tag like theirs."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from dancepose.codecs.heatmap import cells_at_once

# of one map: heat (n,) and tags (T, n) of cells, and their indices (n,); no indices: all cells in order
Cells = tuple[Tensor, Tensor, Tensor | None]


class Filler:
    """Chooses the cell of each missing keypoint: the one that is best by heat and tag.

    With d the distance of a cell's tag to the person's mean tag, in `exact` mode the best cell is that of
    heat - round(d), wherever it is, provided that its heat is above 0. Otherwise it is that of
    heat * (1 - (2 d / tag_threshold)^2) among cells with heat above `refine_threshold` and d below half of
    `tag_threshold`: what is nearer to a person than that belongs to nobody else.

    Args:
        tag_threshold: tags farther apart than this are two people.
        refine_threshold: least heat of a filled-in keypoint.
        exact: the published rule.
    """

    def __init__(self, tag_threshold: float, refine_threshold: float, exact: bool):
        self.tag_threshold = tag_threshold
        self.refine_threshold = refine_threshold
        self.exact = exact

    def choose(self, people: Sequence[np.ndarray], heat: Tensor, tags: Tensor) -> Tensor | None:
        """Choose the cells of a batch.

        Args:
            people: (P, K, 3 + T) of each image: x, y, heat (0: missing) and tags of the keypoints.
            heat: (B, K, h, w) float32.
            tags: (B, T, K, h, w) float32.

        Returns:
            (B, K, P) int64 on the maps' device for the largest P: indices into h * w, -1 where a keypoint is
            not missing or no cell will do; None where there is nothing to fill in.
        """
        missing = [keypoints[..., 2] <= 0 for keypoints in people]  # (P, K)
        maps = [(image, joint) for image, one in enumerate(missing) for joint in np.flatnonzero(one.any(0))]
        if not maps:
            return None
        means = [mean_tags(keypoints) for keypoints in people]
        images, joints = np.array(maps).T
        if self.exact:
            cells = whole_maps(heat, tags, images, joints)
        elif heat.device.type == "cpu":
            cells = cells_of_each(heat, tags, images, joints, self.refine_threshold)
        else:
            cells = cells_of_all(heat, tags, images, joints, self.refine_threshold)
        where, best = [], []
        for (image, joint), (values, embedding, index) in zip(maps, cells, strict=True):
            if not len(values):
                continue
            lacking = np.flatnonzero(missing[image][:, joint])
            step = max(1, cells_at_once(values.device) // len(values))
            for chunk in np.split(lacking, range(step, len(lacking), step)):
                mean = torch.as_tensor(means[image][chunk], device=values.device)
                best.append(self.best(values, embedding, mean, index))
                where.append(np.column_stack(np.broadcast_arrays(image, joint, chunk)))
        if not best:
            return None
        shape = (len(people), heat.shape[1], max(map(len, people)))
        chosen = torch.full(shape, -1, device=heat.device)
        at = torch.as_tensor(np.concatenate(where), device=heat.device)
        chosen[tuple(at.T)] = torch.cat(best).to(heat.device)
        return chosen

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
        reach = (self.tag_threshold / 2) ** 2
        gain, place = (values * (1 - squared / reach).clamp(min=0)).max(dim=1)
        return torch.where(gain > 0, index[place], -1)


def mean_tags(keypoints: np.ndarray) -> np.ndarray:
    """Return the (P, T) float32 mean tags of the keypoints (P, K, 3 + T) that people have."""
    count = (keypoints[..., 2] > 0).sum(axis=1)[:, None]
    return (keypoints[..., 3:].sum(axis=1) / count).astype(np.float32)


def whole_maps(heat: Tensor, tags: Tensor, images: np.ndarray, joints: np.ndarray) -> Iterator[Cells]:
    """Yield all cells of each of some maps, on their device."""
    for image, joint in zip(images, joints, strict=True):
        yield heat[image, joint].flatten(), tags[image, :, joint].flatten(1), None


def cells_of_each(
    heat: Tensor, tags: Tensor, images: np.ndarray, joints: np.ndarray, threshold: float
) -> Iterator[Cells]:
    """Yield the cells above a threshold of each of some maps that lie on the CPU; nothing else is copied."""
    for values, embedding, _ in whole_maps(heat, tags, images, joints):
        index = torch.from_numpy(np.flatnonzero(values.numpy() > threshold))  # a fifth of torch's time
        yield values.index_select(0, index), embedding.index_select(1, index), index


def cells_of_all(
    heat: Tensor, tags: Tensor, images: np.ndarray, joints: np.ndarray, threshold: float
) -> Iterator[Cells]:
    """Yield the same, on the CPU, of maps on any device: looked for and brought over all at once.

    A GPU is waited for as often for a batch as for one map.
    """
    image, joint = (torch.as_tensor(index, device=heat.device) for index in (images, joints))
    maps = heat.flatten(2)[image, joint]  # (M, h * w)
    which, cell = (maps > threshold).nonzero().unbind(1)  # (N,), in the order of the maps
    values = maps[which, cell]
    embedding = tags.flatten(3)[image[which], :, joint[which], cell]  # (N, T)
    found = torch.cat([values[:, None], embedding], dim=1).cpu()
    number = torch.stack([which, cell]).cpu()
    ends = np.searchsorted(number[0].numpy(), np.arange(len(images) + 1))
    for first, last in zip(ends, ends[1:], strict=False):
        yield found[first:last, 0], found[first:last, 1:].T.contiguous(), number[1, first:last]
