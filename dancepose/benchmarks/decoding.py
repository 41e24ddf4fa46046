"""From maps to people: the codec's decode on one core, its default beside the published rule."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dancepose.benchmarks.made_up import made_up_frame, made_up_maps
from dancepose.benchmarks.timing import Row, one_thread, shape_of, side_by_side
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.errors import DataError
from dancepose.skeleton import Skeleton

PEOPLE = (1, 10, 30)
MODES = {"default": False, "exact": True}


def time_decoding(skeleton: Skeleton, size: int, files: list[Path], rounds: int) -> list[Row]:
    """Time both modes of associative embedding's decode, one picture at a time, on one thread.

    Args:
        skeleton: of the made-up people.
        size: side of the made-up network input in pixels.
        files: .npz files with maps at one scale: `det` (K, h, w), `tag` (K, h, w, T), and `params`, JSON with
            the `joint_order`; none: made-up people.
        rounds: repetitions.
    """
    cases: dict[str, Callable[[], Any]] = {}
    people: dict[str, str] = {}
    shapes: dict[str, str] = {}
    for name, make, maps in _saved(files) if files else _made_up(skeleton, size):
        for mode, exact in MODES.items():
            codec = make(exact)
            label = f"{name}, {mode}"
            people[label] = str(len(codec.decode(maps)[0]))
            cases[label], shapes[label] = partial(codec.decode, maps), shape_of(*maps)
    with one_thread():
        times = side_by_side(cases, rounds)
    rows = {label: Row("decode", label, ms) for label, ms in times.items()}
    for label, row in rows.items():
        published = rows[f"{label.rpartition(', ')[0]}, exact"]
        row.figures = {"people found": people[label], "exact / this": published.median / row.median}
        row.figures |= {"threads": 1.0, "shape": shapes[label]}
    return list(rows.values())


Case = tuple[str, Callable[[bool], AssociativeEmbedding], list[Tensor]]


def _made_up(skeleton: Skeleton, size: int) -> list[Case]:
    cases: list[Case] = []
    for count in PEOPLE:
        frame = made_up_frame(skeleton, (size, size), count, seed=count)
        maps = made_up_maps(AssociativeEmbedding(skeleton), frame, seed=count)
        cases.append(
            (
                f"{count} made-up people",
                lambda exact: AssociativeEmbedding(skeleton, exact=exact),
                maps,
            )
        )
    return cases


def _saved(files: list[Path]) -> list[Case]:
    cases: list[Case] = []
    for path in files:
        try:
            with np.load(path, allow_pickle=False) as file:
                heat, tags = file["det"].astype(np.float32), file["tag"].astype(np.float32)
                order = json.loads(str(file["params"]))["joint_order"]
            names = tuple(f"k{i}" for i in range(len(heat)))
            skeleton = Skeleton(path.stem, names, (), (), tuple(names[i] for i in order), (0.1,) * len(names))
            outputs = torch.from_numpy(np.concatenate([heat, *np.moveaxis(tags, -1, 0)]))[None]
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(f"maps={path} cannot be read: det, tag, params are needed ({error})") from None

        def make(exact: bool, skeleton: Skeleton = skeleton) -> AssociativeEmbedding:
            return AssociativeEmbedding(skeleton, strides=(1,), exact=exact)

        cases.append((path.stem, make, [outputs]))
    return cases
