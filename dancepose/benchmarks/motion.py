"""The motion classifier: people a second, and what more people in a picture cost."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from dancepose.benchmarks.made_up import made_up_frame, made_up_maps
from dancepose.benchmarks.timing import Row, side_by_side
from dancepose.build import Model, MotionModel, build
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.inference.person_crop import cut_people, person_matrix
from dancepose.records import Frame

BATCHES = (1, 32)
PEOPLE = (1, 4, 8)
CLASSES = 6
SIDE = 224
RESIZED, MARGIN = 256 / 224, 0.15  # of `data.resize` and `data.margin`, by default


def time_motion(models: Mapping[str, Mapping[str, Any]], rounds: int) -> list[Row]:
    """Time keypoints to features to probabilities of motion networks, on one thread of the CPU.

    Args:
        models: name -> the node `model` of a motion network.
        rounds: repetitions.

    Returns:
        A row for each network and batch, with persons/s.
    """
    cases: dict[str, Callable[[], Any]] = {}
    persons: dict[str, int] = {}
    for name, node in models.items():
        for batch in BATCHES:
            label = f"{name}, batch {batch}"
            cases[label], persons[label] = _pass(_motion(node), batch), batch
    times = _on_one_thread(cases, rounds)
    rows = [Row("motion", label, ms) for label, ms in times.items()]
    for row in rows:
        row.figures = {"persons/s": persons[row.name] / row.median * 1e3}
    return rows


def time_people(pose: Mapping[str, Any], motion: Mapping[str, Any], size: int, rounds: int) -> list[Row]:
    """Time a picture with 1, 4 and 8 people: pose network and decode, and crops and motion network of all.

    The maps to decode are made up, since an untrained network finds nobody; the network's own time does not
    depend on what is in the picture. A third of each person's keypoints shows nowhere, so that the decoding
    has to fill them in.

    Args:
        pose: what `build` takes.
        motion: the node `model` of a motion network.
        size: side of the picture in pixels.
        rounds: repetitions.

    Returns:
        Rows with the time relative to that of one person.
    """
    model = build(pose)
    assert isinstance(model, Model) and isinstance(model.codec, AssociativeEmbedding)
    network, codec = model.network.eval(), model.codec
    image = torch.randint(
        0, 256, (1, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    classifier, picture = _motion(motion), image[0].permute(1, 2, 0).contiguous().numpy()
    cases: dict[str, Callable[[], Any]] = {}
    for count in PEOPLE:
        frame = made_up_frame(model.skeleton, (size, size), count, seed=count, hidden=1 / 3)
        maps = made_up_maps(codec, frame, seed=count)

        def poses(maps: list[torch.Tensor] = maps) -> None:
            with torch.inference_mode():
                network(image)
                codec.decode(maps)

        cases[f"{count} people, poses"] = poses
        cases[f"{count} people, motion"] = _pass(classifier, count, partial(_crops, picture, frame))
    times = _on_one_thread(cases, rounds)
    rows = {label: Row("people", label, ms) for label, ms in times.items()}
    for label, row in rows.items():
        first = rows[f"{PEOPLE[0]} people, {label.rpartition(', ')[2]}"]
        row.figures = {"time / that of 1": row.median / first.median}
    return list(rows.values())


def _motion(node: Mapping[str, Any]) -> MotionModel:
    names = [f"action_{i}" for i in range(CLASSES)]
    model = build({"model": node, "skeleton": "common13", "classes": names, "seed": 0})
    assert isinstance(model, MotionModel)
    model.network.eval()
    return model


def _crops(picture: np.ndarray, frame: Frame) -> torch.Tensor:
    """Cut everybody out of a picture, as a prediction does: (people, 3, SIDE, SIDE) uint8."""
    resize = round(SIDE * RESIZED)
    matrices = [person_matrix(person, frame.size, SIDE, resize, MARGIN) for person in frame.people]
    return cut_people([(picture, matrix) for matrix in matrices], SIDE)


def _pass(
    model: MotionModel, batch: int, crops: Callable[[], torch.Tensor] | None = None
) -> Callable[[], Any]:
    """Return what makes features of keypoints and probabilities of these, for a batch of people.

    Args:
        model: of actions.
        batch: people.
        crops: makes the pictures of them, each time; None: they are there.
    """
    random = np.random.default_rng(0)
    frames = model.encoder.frames or 1
    keypoints = random.uniform(0, SIDE, (batch, frames, len(model.skeleton), 3))
    keypoints[..., 2] = 2
    heights = np.full((batch, frames), float(SIDE))
    image = torch.from_numpy(random.integers(0, 256, (batch, 3, SIDE, SIDE), dtype=np.uint8))

    @torch.inference_mode()
    def run() -> Any:
        given = {n: torch.from_numpy(a) for n, a in model.encoder.batch(keypoints, heights).items()}
        given["image"] = image if crops is None else crops()
        return model.network(**{name: given[name] for name in model.network.inputs}).softmax(1)

    return run


def _on_one_thread(cases: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return side_by_side(cases, rounds)
    finally:
        torch.set_num_threads(threads)
