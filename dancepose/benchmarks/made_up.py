"""Labels and maps that are drawn from a seed, for what needs no real pictures."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.heatmap import to_cells
from dancepose.records import VISIBLE, Frame, Person
from dancepose.skeleton import Skeleton

REACH = 7  # cells around a keypoint that carry its person's tag
APART = 2.0  # tags of two people
NOISE = 0.02  # standard deviation on heat and tags


def made_up_frame(
    skeleton: Skeleton, size: tuple[int, int], people: int, seed: int, hidden: float = 0.0
) -> Frame:
    """Return a frame of people with keypoints, each somewhere in a square a third as wide as the picture.

    Args:
        skeleton: of the people.
        size: width and height of the picture.
        people: how many.
        seed: of what is drawn.
        hidden: share of each person's keypoints that nothing shows of.
    """
    draw = np.random.Generator(np.random.PCG64(seed))
    extent = np.array(size) / 3
    found = []
    for corner in draw.uniform(0, np.array(size) - 1 - extent, (people, 2)):
        xy = corner + draw.uniform(0, extent, (len(skeleton), 2))
        head = np.concatenate([corner, corner + extent / 8])
        keypoints = np.column_stack([xy, np.full(len(skeleton), VISIBLE)])
        keypoints[draw.permutation(len(skeleton))[: round(hidden * len(skeleton))]] = 0
        found.append(Person(keypoints, head_box=head, box=np.concatenate([corner, extent])))
    return Frame(Path("made up"), size, found, skeleton.name, name=f"{seed:05d}")


def made_up_maps(codec: AssociativeEmbedding, frame: Frame, seed: int) -> list[Tensor]:
    """Return what a network that has learnt the frame would give: its targets, tags and noise.

    Args:
        codec: of the maps.
        frame: the people; its size is that of the network input.
        seed: of the noise.

    Returns:
        One (1, channels, h, w) for each scale.
    """
    targets, _ = codec.encode(frame, frame.size)
    maps = [targets[f"heatmaps_{index}"] for index in range(len(codec.strides))]
    count, height, width = maps[0].shape
    tags = np.zeros((count, height, width), dtype=np.float32)
    nearest = np.full(tags.shape, float(REACH**2))
    y, x = np.mgrid[:height, :width]
    for number, person in enumerate(frame.people):
        cells = to_cells(person.keypoints[:, :2], codec.strides[0])[..., None, None]
        squared = (x - cells[:, 0]) ** 2 + (y - cells[:, 1]) ** 2  # (K, h, w)
        squared[~person.present] = np.inf
        tags = np.where(squared < nearest, APART * number, tags).astype(np.float32)
        nearest = np.minimum(nearest, squared)
    maps[0] = np.concatenate([maps[0], tags])
    generator = torch.Generator().manual_seed(seed)
    exact = [torch.from_numpy(one)[None] for one in maps]
    return [one + NOISE * torch.randn(one.shape, generator=generator) for one in exact]
