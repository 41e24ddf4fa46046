"""Random people, and the maps that a perfect network would predict for them."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.heatmap import to_cells
from dancepose.records import VISIBLE, Frame, Person
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")
SIZE = (256, 192)


def make_frame(people: list[np.ndarray], size: tuple[int, int] = SIZE, **fields) -> Frame:
    """A frame with people given by their (K, 3) keypoints."""
    return Frame(np.zeros(0), size, [Person(k) for k in people], SKELETON.name, **fields)


def separated_people(
    rng: np.random.Generator, size: tuple[int, int] = SIZE, cell: int = 64
) -> list[np.ndarray]:
    """People, each within a square of its own, with a margin between; some keypoints not annotated."""
    people = []
    for left in range(0, size[0] - cell + 1, cell):
        for top in range(0, size[1] - cell + 1, cell):
            if rng.random() < 0.7:
                xy = rng.uniform(12, cell - 12, (len(SKELETON), 2)) + [left, top]
                people.append(annotate(xy, rng))
    return people


def overlapping_people(
    rng: np.random.Generator, count: int, size: tuple[int, int] = SIZE
) -> list[np.ndarray]:
    """People all over each other."""
    shape = (len(SKELETON), 2)
    return [annotate(rng.uniform(0, 1, shape) * (np.array(size) - 1), rng) for _ in range(count)]


def annotate(xy: np.ndarray, rng: np.random.Generator, share: float = 0.85) -> np.ndarray:
    """(K, 3) keypoints of which a share is annotated, at least three."""
    present = rng.random(len(xy)) < share
    present[:3] = True
    return np.where(present[:, None], np.column_stack([xy, np.full(len(xy), VISIBLE)]), 0)


def predicted(codec: AssociativeEmbedding, frame: Frame, tags: np.ndarray | None = None) -> list[Tensor]:
    """Outputs for a batch of one: the targets, and around each keypoint its person's tag (people 2 apart)."""
    targets, _ = codec.encode(frame, frame.size)
    outputs = [torch.from_numpy(targets[f"heatmaps_{i}"])[None] for i in range(len(codec.strides))]
    count = len(frame.people)
    if tags is None:
        tags = 2.0 * (np.arange(count) - count / 2)
    height, width = outputs[0].shape[-2:]
    painted = np.zeros((len(codec.skeleton), height, width), dtype=np.float32)
    cells = to_cells(frame.keypoint_array()[..., :2], codec.strides[0]) if count else np.zeros((0, 0, 2))
    y, x = np.mgrid[:height, :width]
    for k in range(len(codec.skeleton)):
        owners = [p for p, person in enumerate(frame.people) if person.present[k]]
        if owners:
            squared = np.stack([(x - cells[p, k, 0]) ** 2 + (y - cells[p, k, 1]) ** 2 for p in owners])
            nearest = tags[np.array(owners)[squared.argmin(axis=0)]]
            painted[k] = np.where(squared.min(axis=0) < 49, nearest, 0)
    outputs[0] = torch.cat([outputs[0], torch.from_numpy(painted)[None]], dim=1)
    return outputs


def pck(people: list[Person], truth: list[np.ndarray], radius: float) -> tuple[float, int]:
    """Share of true keypoints found within the radius by the person matched to them, and unmatched people."""
    if not truth:
        return 1.0, len(people)
    wanted = np.stack(truth)
    if not people:
        return 0.0, 0
    found = np.stack([p.keypoints for p in people])
    distance = np.linalg.norm(found[:, None, :, :2] - wanted[None, :, :, :2], axis=-1)
    hits = (distance <= radius) & (found[:, None, :, 2] > 0) & (wanted[None, :, :, 2] > 0)
    shared = hits.sum(axis=2)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    invented = len(people) - int((shared[rows, columns] > 0).sum())
    return float(shared[rows, columns].sum() / (wanted[..., 2] > 0).sum()), invented
