"""What `dancepose-export` writes, and its check against the network that it was made from."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from dancepose.build import Model, MotionModel, load_checkpoint
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.data.synthetic.cast import draw_cast
from dancepose.data.synthetic.staging import DIFFICULTIES, draw_scene
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.files import proving, write_bytes
from dancepose.image_files import read_image
from dancepose.inference.actions import CROP
from dancepose.inference.onnx_export import export_motion, export_pose
from dancepose.inference.onnx_run import OnnxPose, onnx_motion
from dancepose.inference.pose import PosePredictor
from dancepose.inference.runs import geometry_of
from dancepose.inference.same_people import Agreement
from dancepose.inference.sources import find_pictures
from dancepose.model_card import ENTRY, ModelCard, read_card
from dancepose.motion_model import example_inputs
from dancepose.networks.weights import read_metadata
from dancepose.progress import track
from dancepose.tasks.run_directory import RunDirectory
from dancepose.text_table import counted

LOGIT = 1e-3  # largest difference of a logit, relative to the largest logit
PEAK = 1e-2  # largest difference of a peak's heat; of float32 in another order it is below 1e-4
BORDERLINE = 0.05  # share of the people who may hang on a rounding, where all peaks agree

log = logging.getLogger(__name__)


def card_of(model: Model | MotionModel, source: Path) -> ModelCard:
    """Return the card of a model: its own keys, and of the run that it is from, hashes and metrics.

    Args:
        model: of the checkpoint.
        source: the checkpoint; that of a run directory lies in its folder `checkpoints`.

    Raises:
        DataError: the run's metrics.json is broken.
    """
    if source.suffix == ".safetensors":
        return read_card(read_metadata(source), source)
    config = {**model.config, "test": model.test}
    config["model"] = {**config["model"], "weights": None}  # a path of the training's machine
    kind, run = "pose" if isinstance(model, Model) else "motion", source.resolve().parent.parent
    found: dict[str, Any] = RunDirectory(run).read_metrics() if source.parent.name == "checkpoints" else {}
    metrics = found.get("metrics", {})
    return ModelCard(
        kind=kind,
        config=config,
        source=run.name if found else source.stem,
        checkpoint=source.name,
        metrics={name: value for name, value in metrics.items() if isinstance(value, (int, float))},
        hash=found.get("hash"),
        data=found.get("data"),
        split=found.get("split"),
    )


def write_safetensors(model: Model | MotionModel, card: ModelCard, path: Path) -> str:
    """Write weights and card, load them again, and return what to tell.

    Raises:
        DanceposeError: what is loaded is not what was written; an older file stays.
    """
    state = {name: tensor.contiguous().clone() for name, tensor in model.network.state_dict().items()}
    with proving(path) as partial:
        write_bytes(partial, save(state, {ENTRY: card.to_json()}))
        again = load_checkpoint(partial).network.state_dict()
        if again.keys() != state.keys() or not all(torch.equal(again[name], state[name]) for name in state):
            raise DanceposeError(f"{path} does not load as it was written: is the disk sound?")
    return f"{len(state)} tensors, which load again as they are"


def write_pose_onnx(
    model: Model, card: ModelCard, path: Path, flip: bool, pictures: Sequence[np.ndarray]
) -> str:
    """Write the graph of a pose network, compare what it finds in pictures, and return what to tell.

    Args:
        model: the network.
        card: of it.
        path: of the file.
        flip: look at the mirror image, too.
        pictures: (H, W, 3) uint8 RGB.

    Raises:
        ConfigError: it cannot be exported, or it was tested at scales that a graph does not have.
        DanceposeError: the graph finds other people, or peaks of other heat; an older file stays.
    """
    if list(model.test.get("scales", [1.0])) != [1.0]:
        told = f"the training tested at scales {model.test['scales']}, which stay outside a graph: its people"
        told += " are those of scales=[1]; "
    else:
        told = ""
    with proving(path) as partial:
        export_pose(model, card, partial, flip)
        if not len(pictures):
            return f"{told}not checked (check=0)"
        log.info("checking it on %s", counted(len(pictures), "picture"))
        predictor = PosePredictor(model, geometry_of(model.test), flip=flip, device="cpu")
        agreement, peak, size = compare_poses(predictor, OnnxPose(partial), pictures)
        measured = f"{agreement}; largest difference of a peak's heat {peak:.2g}"
        if agreement.differing > BORDERLINE * agreement.people or not peak <= PEAK:
            raise DanceposeError(
                f"the graph does not find what PyTorch finds: {measured}. Check on other pictures "
                "(images=...), or export without a check (check=0)"
            )
    if agreement.differing:
        log.warning("%s. They hang on a rounding: all peaks of the maps agree", agreement)
    if not agreement.people:
        log.warning(
            "nobody is in the %d pictures: that says little of the graph. Check on pictures in which the "
            "network finds people: images=...",
            agreement.pictures,
        )
    return f"{told}{measured}; {size / 1024:.0f} KiB a picture leave the graph"


def compare_poses(
    predictor: PosePredictor, exported: OnnxPose, pictures: Sequence[np.ndarray]
) -> tuple[Agreement, float, float]:
    """Compare what PyTorch and a graph find in pictures.

    Returns:
        The agreement, in pixels of the network's input; the largest difference of a peak's heat, rank by
        rank, or of any cell's where the graph gives whole maps; and the bytes that leave the graph for a
        picture, on average.
    """
    agreement, size = Agreement(), 0
    differences: list[float] = []
    for picture in track(((1, picture) for picture in pictures), len(pictures), "pictures checked"):
        pixels, _ = predictor.geometry.warp(picture)
        maps, left = predictor.run(pixels[None]), exported.run(pixels[None])
        ((found,), (again,)) = predictor.people(maps), exported.people(left)
        agreement.add(found.people, again.people)
        size += sum(array.nbytes for array in left.values())
        differences.append(_difference(predictor, maps, left))
    return agreement, float(np.max(differences)), size / len(pictures)


def _difference(predictor: PosePredictor, maps: list[torch.Tensor], left: dict[str, np.ndarray]) -> float:
    """Return the largest difference of heat between the maps of PyTorch and what left a graph."""
    codec = predictor.codec
    if "peak_heat" not in left:
        given = [torch.from_numpy(left[f"maps_{index}"]) for index in range(len(left))]
        return float((codec.heatmaps(maps) - codec.heatmaps(given)).abs().max())
    heat, again = codec.condense(maps)["peak_heat"].numpy(), left["peak_heat"]
    if isinstance(codec, AssociativeEmbedding):  # a peak just below its threshold is none, and has heat 0
        least = codec.decoder.detection_threshold
        heat, again = np.maximum(heat, least), np.maximum(again, least)
    return float(np.abs(heat - again).max())


def write_motion_onnx(model: MotionModel, card: ModelCard, path: Path, samples: int) -> str:
    """Write the graph of a motion classifier, compare its logits, and return what to tell.

    Args:
        model: the classifier.
        card: of it.
        path: of the file.
        samples: random inputs to compare on.

    Raises:
        ConfigError: it cannot be exported.
        DanceposeError: the logits differ; an older file stays.
    """
    if model.network.rejects:
        raise ConfigError(
            f"format=onnx: {model.config['model']['network']} also decides which samples are none of the "
            "classes, which a graph of logits does not tell; give format=safetensors"
        )
    side = int(model.test.get("size", CROP["size"]))
    with proving(path) as partial:
        export_motion(model, card, partial, side)
        if not samples:
            return "not checked (check=0)"
        again, generator = onnx_motion(partial), torch.Generator().manual_seed(0)
        inputs = example_inputs(model.network, model.encoder, len(model.skeleton), side, samples)
        drawn = {
            name: torch.randint(0, 256, value.shape, generator=generator, dtype=torch.uint8)
            if name == "image"
            else torch.randn(value.shape, generator=generator)
            for name, value in inputs.items()
        }
        with torch.inference_mode():
            wanted, found = model.network(**drawn), again.network(**drawn)
        difference = float((wanted - found).abs().max())
        if not difference <= LOGIT * max(1.0, float(wanted.abs().max())):
            raise DanceposeError(f"the graph's logits differ from PyTorch's by {difference:.2g}")
    return f"logits of {samples} random samples differ by {difference:.2g} at most"


def pictures_to_check(images: str | None, count: int) -> list[np.ndarray]:
    """Return the pictures that a graph is checked on, (H, W, 3) uint8 RGB.

    Args:
        images: a picture, a folder or a glob; None: scenes are drawn.
        count: how many, at most.

    Raises:
        DataError: there are none, or one cannot be read.
    """
    if images is None:
        cast = draw_cast(0, "test")
        randoms = [np.random.default_rng((0, index)) for index in range(count)]
        return [draw_scene(random, DIFFICULTIES["medium"], cast).render(0.0, random)[0] for random in randoms]
    items = find_pictures(images)
    if len(items) > count:
        log.info("checked on the first %d of %d pictures; check=%d takes all", count, len(items), len(items))
    if told := [item.error for item in items if item.error]:
        raise DataError(f"images={images}: {'; '.join(told)}")
    return [read_image(item.image) for item in items[:count]]
