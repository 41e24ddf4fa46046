"""What surrounds a body's joints: the trunk's solids, how low the body reaches, its centre of mass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dancepose.data.synthetic.pose import SIDES

if TYPE_CHECKING:
    from dancepose.data.synthetic.body import Body

Solid = tuple[np.ndarray, np.ndarray, np.ndarray]  # centre (3,), axes in columns (3, 3), radii (3,)

# how thick the flesh around a joint is, shares of the height; shoes are flat below
THICK = {
    "shoulder": 0.03,
    "elbow": 0.021,
    "wrist": 0.016,
    "hand": 0.02,
    "hip": 0.045,
    "knee": 0.031,
    "ankle": 0.021,
    "heel": 0.017,
    "toe": 0.009,
}
AROUND = {f"{side}_{name}": radius for side in SIDES for name, radius in THICK.items()}
# shares of the mass, put at joints (after Winter 2009, table 4.1)
MASS = {
    "head_centre": 0.08,
    "thorax": 0.15,
    "chest": 0.2,
    "pelvis": 0.15,
    **{
        f"{side}_{name}": share
        for side in SIDES
        for name, share in (
            ("shoulder", 0.012),
            ("elbow", 0.024),
            ("wrist", 0.014),
            ("hip", 0.05),
            ("knee", 0.075),
            ("ankle", 0.035),
        )
    },
}
WEIGHTS = np.array(list(MASS.values())) / sum(MASS.values())


def trunk(body: Body, joints: dict[str, np.ndarray], loose: float = 1.0) -> tuple[Solid, Solid, Solid]:
    """Return the solids of chest, waist and hips.

    Args:
        body: whose.
        joints: see `Body.joints`.
        loose: breadth of what is worn around the waist, 1: close.
    """
    height, girth = body.height, body.girth
    pelvis, chest, thorax = joints["pelvis"], joints["chest"], joints["thorax"]
    chest_frame, pelvis_frame = joints["frame_chest"], joints["frame_pelvis"]
    broad = 0.107 * body.shoulders * 0.98
    return (
        (chest + 0.62 * (thorax - chest), chest_frame, np.array([broad, 0.13, 0.064 * girth]) * height),
        (
            chest - 0.15 * (thorax - chest),
            chest_frame,
            np.array([0.082 * girth * (0.75 + 0.25 * loose), 0.13, 0.062 * girth]) * height,
        ),
        (
            pelvis + pelvis_frame @ np.array([0, 0.015, -0.008]) * height,
            pelvis_frame,
            np.array([0.098 * body.hips * girth**0.5, 0.095, 0.068 * girth]) * height,
        ),
    )


def skull(joints: dict[str, np.ndarray], size: float) -> Solid:
    """Return the solid of a head of a height in metres, with its hair."""
    return joints["head_centre"], joints["frame_head"], np.array([0.4, 0.5, 0.46]) * size


def pushed_out(solids: tuple[Solid, ...], point: np.ndarray, thick: float) -> np.ndarray:
    """Return a point (3,), or where it leaves the solids on the way from their middle.

    Args:
        solids: of a trunk.
        point: in their axes.
        thick: how far from them it stays, metres.
    """
    for centre, frame, radii in solids:
        away = point - centre
        if away @ away > 0.1 + 4 * thick:  # far from all of them, which most points are
            continue
        away = away @ frame
        share = math.sqrt(((away / (radii + thick)) ** 2).sum())
        if 1e-6 < share < 1:
            point = centre + frame @ away / share
    return point


def lowest(body: Body, joints: dict[str, np.ndarray]) -> float:
    """Return the height of the lowest point of a body's surface, metres."""
    points = [joints[name][1] - radius * body.height for name, radius in AROUND.items()]
    for centre, frame, radii in (*trunk(body, joints), skull(joints, body.head)):
        across = frame[1] * radii
        points.append(centre[1] - math.sqrt(across @ across))
    return float(min(points))


def centre_of_mass(joints: dict[str, np.ndarray]) -> np.ndarray:
    """Return it, (3,)."""
    return WEIGHTS @ np.array([joints[name] for name in MASS])


def outline(body: Body, joints: dict[str, np.ndarray], axis: int) -> np.ndarray:
    """Return points of a body's surface as one sees it along an axis.

    Args:
        body: whose.
        joints: see `Body.joints`.
        axis: 0 from the side: z and y; 2 from the front: x and y.

    Returns:
        (n, 2).
    """
    seen = [2 - axis, 1]
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(turns), np.sin(turns)])
    middles = np.array([joints[name][seen] for name in AROUND])
    round_ = np.array(list(AROUND.values()))[:, None, None] * body.height * circle[:, ::3].T
    found = [(middles[:, None] + round_).reshape(-1, 2)]
    for centre, frame, radii in (*trunk(body, joints), skull(joints, body.head)):
        spread = frame[seen] * radii
        found.append(centre[seen] + (np.linalg.cholesky(spread @ spread.T) @ circle).T)
    return np.concatenate(found)
