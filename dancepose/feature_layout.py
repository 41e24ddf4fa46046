"""`FeatureLayout`: which dimensions the features of a skeleton have, and what a mirror makes of each."""

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from dancepose.errors import ConfigError
from dancepose.skeleton import Skeleton

FEATURES = ("relative_position", "limb_vector", "limb_angle", "limb_ratio")
SCALES = ("torso", "shoulders", "one_side", "box", "extent")  # in the order in which they are tried
ANCHORS = ("neck", "one_shoulder", "hips", "mean")  # likewise
AXES = {"relative_position": ("x", "y"), "limb_vector": ("dx", "dy"), "limb_angle": ("cos", "sin")}


class _Row(NamedTuple):
    """A dimension: its key, the key of the one whose value it takes under a mirror, the sign, the name."""

    key: tuple
    source: tuple
    sign: int
    name: str


@dataclass(frozen=True)
class FeatureLayout:
    """What the features of a skeleton are made of, and in which order.

    Points are numbered as the skeleton's keypoints; the derived neck comes after them, as number K, and
    takes the labelled neck's place in limbs.

    Attributes:
        slot: the labelled neck, or None where the skeleton has none.
        points: (P,) the keypoints but the labelled neck.
        limbs: (L, 2) first and second end of each limb: the skeleton's, each once, and their mirror images.
        ratios: (R, 2) limbs that meet in a point and whose lengths are compared.
        names: name of each dimension.
        mirror: the dimension that each takes its value from under a mirror.
        sign: 1 or -1, what that value is multiplied by.
    """

    slot: int | None
    points: np.ndarray
    limbs: np.ndarray
    ratios: np.ndarray
    names: tuple[str, ...]
    mirror: np.ndarray
    sign: np.ndarray

    @classmethod
    def of(cls, skeleton: Skeleton, kinds: tuple[str, ...]) -> "FeatureLayout":
        """Lay out some kinds of `FEATURES`, in their order.

        Raises:
            ConfigError: under a mirror, the shoulders, hips or neck are not again the same keypoints.
        """
        role, count = skeleton.role("neck"), len(skeleton)
        slot = skeleton.find("neck") if role is None else int(role[0])
        points = [k for k in range(count) if k != slot]
        flip = [*skeleton.flip_index.tolist(), count]
        for part in ("shoulders", "hips", "neck"):
            index = skeleton.role(part)
            if index is not None and {flip[k] for k in index} != set(index.tolist()):
                raise ConfigError(f"skeleton {skeleton.name}: 'pairs' must keep the role {part} together")
        limbs = _limbs(skeleton, slot, flip)
        shoulders = skeleton.role("shoulders")
        equal = [{count, int(s)} for s in shoulders] if shoulders is not None else []
        ratios = [
            (a, b)
            for a, b in combinations(range(len(limbs)), 2)
            if set(limbs[a]) & set(limbs[b])
            # from the middle of the shoulders to either is equally far
            and not (set(limbs[a]) in equal and set(limbs[b]) in equal)
        ]

        called = [*skeleton.keypoints, "neck"]
        rows: list[_Row] = []
        for state, choices in (("scale", SCALES), ("anchor", ANCHORS)):
            rows += [_Row((state, i), (state, i), 1, f"{state} {choice}") for i, choice in enumerate(choices)]
        rows += [_Row(("present", k), ("present", flip[k]), 1, f"present {called[k]}") for k in points]
        for kind in kinds:
            if kind == "relative_position":
                for k in points:
                    for axis, sign in zip(AXES[kind], (-1, 1), strict=True):
                        rows.append(_Row((kind, k, axis), (kind, flip[k], axis), sign, f"{called[k]} {axis}"))
            elif kind == "limb_ratio":
                images = [_image(limbs, limb, flip)[0] for limb in range(len(limbs))]
                for a, b in ratios:
                    first, second = sorted((images[a], images[b]))
                    name = " : ".join("->".join(called[k] for k in limbs[limb]) for limb in (a, b))
                    sign = 1 if first == images[a] else -1
                    rows.append(_Row((kind, a, b), (kind, first, second), sign, name))
            else:
                for limb, ends in enumerate(limbs):
                    source, turn = _image(limbs, limb, flip)
                    for axis, sign in zip(AXES[kind], (-turn, turn), strict=True):
                        name = f"{'->'.join(called[k] for k in ends)} {axis}"
                        rows.append(_Row((kind, limb, axis), (kind, source, axis), sign, name))
        place = {row.key: i for i, row in enumerate(rows)}
        return cls(
            slot=slot,
            points=np.array(points, dtype=np.int64),
            limbs=np.array(limbs, dtype=np.int64).reshape(-1, 2),
            ratios=np.array(ratios, dtype=np.int64).reshape(-1, 2),
            names=tuple(row.name for row in rows),
            mirror=np.array([place[row.source] for row in rows], dtype=np.int64),
            sign=np.array([row.sign for row in rows], dtype=np.float32),
        )


def _limbs(skeleton: Skeleton, slot: int | None, flip: list[int]) -> list[tuple[int, int]]:
    """Return the limbs, each once, then the mirror images that are missing among them."""
    neck = len(skeleton)
    limbs: list[tuple[int, int]] = []
    drawn = [(int(a), int(b)) for a, b in skeleton.limb_index]
    drawn = [(neck if a == slot else a, neck if b == slot else b) for a, b in drawn]
    for a, b in [*drawn, *((flip[a], flip[b]) for a, b in drawn)]:
        if a != b and (a, b) not in limbs and (b, a) not in limbs:
            limbs.append((a, b))
    return limbs


def _image(limbs: list[tuple[int, int]], limb: int, flip: list[int]) -> tuple[int, int]:
    """Return the number of a limb's mirror image, and -1 if that has its ends the other way round, else 1."""
    image = flip[limbs[limb][0]], flip[limbs[limb][1]]
    return (limbs.index(image), 1) if image in limbs else (limbs.index(image[::-1]), -1)
