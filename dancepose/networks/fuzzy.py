"""Fuzzy C-means (Bezdek 1981), with seeded centres and with coordinates that may be missing."""

import torch
from torch import Tensor


def squared_distances(points: Tensor, centres: Tensor, known: Tensor | None = None) -> Tensor:
    """Return the squared Euclidean distance of each point to each centre.

    Where coordinates are missing, the partial distance of Hathaway and Bezdek 2001 (eq. 6): the sum over the
    known ones x D / their number; 0 to every centre where none is known.

    Args:
        points: (..., D).
        centres: (..., C, D), whose leading axes broadcast with those of `points`.
        known: (..., D) bool or 0 / 1, or None for all.

    Returns:
        (..., C).
    """
    # the plain difference: the expanded square would cancel, and a hit on a centre would not be exact
    squares = (points.unsqueeze(-2) - centres).square()
    if known is None:
        return squares.sum(-1)
    weight = known.to(squares.dtype)
    filled = points.shape[-1] / weight.sum(-1, keepdim=True).clamp(min=1)
    return (squares * weight.unsqueeze(-2)).sum(-1) * filled


def memberships(squares: Tensor, fuzziness: float = 2.0, present: Tensor | None = None) -> Tensor:
    """Return u_c = d_c^(-2 / (b - 1)), normalised to sum 1 over the centres.

    A point that lies on a centre belongs to it alone; on several, to each of them alike.

    Args:
        squares: (..., C) squared distances d^2.
        fuzziness: b, above 1; near 1 the memberships are hard.
        present: (..., C) bool, or None for all: centres that are not there have membership 0; one is needed.

    Returns:
        (..., C).
    """
    there = torch.ones_like(squares, dtype=torch.bool) if present is None else present.expand(squares.shape)
    hits = (squares == 0) & there
    safe = torch.where(squares == 0, torch.ones_like(squares), squares)
    scores = torch.where(there, -safe.log() / (fuzziness - 1), -torch.inf)
    shares = hits.to(squares.dtype)
    shares = shares / shares.sum(-1, keepdim=True).clamp(min=1)
    return torch.where(hits.any(-1, keepdim=True), shares, scores.softmax(-1))


def fuzzy_c_means(
    points: Tensor,
    centres: Tensor,
    known: Tensor | None = None,
    fuzziness: float = 2.0,
    iterations: int = 100,
    tolerance: float = 1e-5,
) -> tuple[Tensor, Tensor]:
    """Move the centres to a fixed point of v_c = sum_i u_ic^b x_i / sum_i u_ic^b.

    Args:
        points: (N, D).
        centres: (C, D) to start from.
        known: (N, D) bool, or None for all; a coordinate of a centre is the mean over the points that have
            it.
        fuzziness: b, above 1.
        iterations: at most; 0 leaves the centres where they are.
        tolerance: stop when no coordinate moves by more.

    Returns:
        (C, D) centres, and (N, C) memberships of the points in them.

    Raises:
        ValueError: no point, no centre, or a fuzziness of 1 or less.
    """
    if not len(points) or not len(centres) or fuzziness <= 1:
        raise ValueError(
            f"{len(points)} points, {len(centres)} centres, fuzziness {fuzziness}: 1, 1 and above 1 at least"
        )
    weight = torch.ones_like(points) if known is None else known.to(points.dtype)
    for _ in range(iterations):
        powers = memberships(squared_distances(points, centres, known), fuzziness) ** fuzziness  # (N, C)
        mass = powers.T @ weight  # (C, D)
        moved = torch.where(mass > 0, powers.T @ (weight * points) / mass.clamp(min=1e-30), centres)
        step, centres = (moved - centres).abs().amax(), moved
        if step <= tolerance:
            break
    return centres, memberships(squared_distances(points, centres, known), fuzziness)


def spread_seeds(points: Tensor, count: int, known: Tensor | None = None) -> Tensor:
    """Choose starting centres without chance: the point nearest to the mean, then each time the farthest.

    Args:
        points: (N, D), at least one.
        count: centres wanted; where there are fewer different points, some are alike.
        known: (N, D) bool, or None for all.

    Returns:
        (count, D).
    """
    weight = torch.ones_like(points) if known is None else known.to(points.dtype)
    mean = (points * weight).sum(0, keepdim=True) / weight.sum(0, keepdim=True).clamp(min=1)
    seeds = points[squared_distances(points, mean, known).argmin()].unsqueeze(0)
    while len(seeds) < count:
        farthest = squared_distances(points, seeds, known).amin(1).argmax()
        seeds = torch.cat([seeds, points[farthest].unsqueeze(0)])
    return seeds
