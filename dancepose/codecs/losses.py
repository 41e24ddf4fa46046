"""Losses of heatmaps and of tags for each image of a batch, without loops over people or device syncs."""

import torch
from torch import Tensor


def heatmap_loss(predicted: Tensor, target: Tensor, mask: Tensor, labelled: Tensor) -> Tensor:
    """Return the squared error where it counts, mean over all keypoints and cells (pose paper, eq. 1).

    Args:
        predicted: (B, K, h, w).
        target: (B, K, h, w).
        mask: (B, h, w): cells that count.
        labelled: (B, K): keypoints that count.

    Returns:
        (B,).
    """
    error = (predicted - target).square() * mask[:, None]
    return (error.mean(dim=(2, 3)) * labelled).mean(dim=1)


def tag_loss(tags: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """Score tags (Newell et al. 2017, section 3.2, with the exponential in place of a margin).

    With m_n the mean tag of person n's keypoints and N the people of an image: pull = mean over people of
    mean (tag - m_n)^2; push = 0.5 (sum_ij exp(-(m_i - m_j)^2) - N) / (N (N - 1)), 0 if N < 2.

    Args:
        tags: (B, K, h, w).
        joints: (B, P, K) int64 indices into K * h * w, -1 where there is none.

    Returns:
        pull (B,) and push (B,).
    """
    present = (joints >= 0).to(tags.dtype)
    chosen = tags.flatten(1).gather(1, joints.clamp(min=0).flatten(1)).view_as(present)
    counts = present.sum(dim=2)  # (B, P) keypoints
    means = (chosen * present).sum(dim=2) / counts.clamp(min=1)
    real = (counts > 0).to(tags.dtype)
    people = real.sum(dim=1)  # (B,)
    spread = ((chosen - means[..., None]).square() * present).sum(dim=2) / counts.clamp(min=1)
    pull = spread.sum(dim=1) / people.clamp(min=1)
    close = torch.exp(-(means[:, :, None] - means[:, None]).square()) * real[:, :, None] * real[:, None]
    pairs = (people * (people - 1)).clamp(min=1)
    return pull, 0.5 * (close.sum(dim=(1, 2)) - people) / pairs
