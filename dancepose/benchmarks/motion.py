"""The motion classifier: people a second, their cutting out, and what more people in a picture cost."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from dancepose.benchmarks.made_up import made_up_frame, made_up_maps
from dancepose.benchmarks.timing import Row, one_thread, shape_of, side_by_side
from dancepose.build import Model, MotionModel, build
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.inference.person_crop import cut_people, person_matrix
from dancepose.records import Frame

BATCHES = (1, 32)
PEOPLE = (1, 4, 8)
CLASSES = 6
SIDE = 224
PICTURE = (640, 480)  # that people are cut out of: width and height
RESIZED, MARGIN = 256 / 224, 0.15  # of `data.resize` and `data.margin`, by default


def time_motion(models: Mapping[str, Mapping[str, Any]], rounds: int) -> list[Row]:
    """Time keypoints to features to probabilities of motion networks, on one thread of the CPU.

    A network's pictures are there; where one takes any, the cutting of them has rows of its own.

    Args:
        models: name -> the node `model` of a motion network.
        rounds: repetitions.

    Returns:
        A row for each network and batch, then those of the cutting, with persons/s.
    """
    cases: dict[str, Callable[[], Any]] = {}
    persons: dict[str, int] = {}
    about: dict[str, dict[str, float | str]] = {}
    made = {name: _motion(node) for name, node in models.items()}
    for name, model in made.items():
        for batch in BATCHES:
            label = f"{name}, batch {batch}"
            cases[label], about[label] = _pass(model, batch)
            persons[label] = batch
    if any("image" in model.network.inputs for model in made.values()):
        for batch in BATCHES:
            label = f"cutting the crops, batch {batch}"
            cases[label], persons[label] = _cutting(made, batch), batch
            about[label] = {"shape": f"{PICTURE[0]}x{PICTURE[1]} to {batch}x3x{SIDE}x{SIDE}"}
    with one_thread():
        times = side_by_side(cases, rounds)
    rows = [Row("motion", label, ms) for label, ms in times.items()]
    for row in rows:
        row.figures = {"persons/s": persons[row.name] / row.median * 1e3, "threads": 1.0, **about[row.name]}
    return rows


def _cutting(models: Mapping[str, MotionModel], people: int) -> Callable[[], torch.Tensor]:
    frame = made_up_frame(next(iter(models.values())).skeleton, PICTURE, people, seed=people)
    picture = np.random.default_rng(0).integers(0, 256, (*PICTURE[::-1], 3), dtype=np.uint8)
    return partial(_crops, picture, frame)


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
    shapes: dict[str, float | str] = {}
    for count in PEOPLE:
        frame = made_up_frame(model.skeleton, (size, size), count, seed=count, hidden=1 / 3)
        maps = made_up_maps(codec, frame, seed=count)

        def poses(maps: list[torch.Tensor] = maps) -> None:
            with torch.inference_mode():
                network(image)
                codec.decode(maps)

        label = f"{count} people, poses"
        cases[label], shapes[label] = poses, shape_of(image)
        label = f"{count} people, motion"
        cases[label], about = _pass(classifier, count, partial(_crops, picture, frame))
        shapes[label] = about["shape"]
    with one_thread():
        times = side_by_side(cases, rounds)
    rows = {label: Row("people", label, ms) for label, ms in times.items()}
    for label, row in rows.items():
        first = rows[f"{PEOPLE[0]} people, {label.rpartition(', ')[2]}"]
        row.figures = {"time / that of 1": row.median / first.median, "threads": 1.0, "shape": shapes[label]}
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
) -> tuple[Callable[[], Any], dict[str, float | str]]:
    """Return what makes features of keypoints and probabilities of these, for a batch of people.

    And with it the shapes of the network's inputs, and of an image branch its width and depth.

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

    def inputs(image: torch.Tensor) -> dict[str, torch.Tensor]:
        given = {n: torch.from_numpy(a) for n, a in model.encoder.batch(keypoints, heights).items()}
        given["image"] = image
        return {name: given[name] for name in model.network.inputs}

    @torch.inference_mode()
    def run() -> Any:
        return model.network(**inputs(image if crops is None else crops())).softmax(1)

    about: dict[str, float | str] = {"shape": shape_of(*inputs(image).values())}
    if "image" in model.network.inputs:
        about |= {key: model.config["model"][key] for key in ("width", "depth")}
    return run, about
