"""Networks from ONNX files of `dancepose-export`, run by onnxruntime in place of those of PyTorch.

An ONNX file is a graph of a fixed set of operations: nothing of it is executed as code. It is read into
memory first, so that a graph that names other files for its weights is refused by onnxruntime.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dancepose.build import MotionModel, build_codec, model_config, motion_config, motion_encoder
from dancepose.codecs.base import Found
from dancepose.encoders import Encoder
from dancepose.errors import CheckpointError, ConfigError, DanceposeError
from dancepose.inference.actions import CROP
from dancepose.inference.extras import need_runtime
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.runs import geometry_of
from dancepose.model_card import ModelCard, read_card
from dancepose.model_parts import read_common
from dancepose.motion_model import MOTION_TESTED, example_inputs
from dancepose.networks.action import ActionNetwork
from dancepose.pose_model import POSE_TESTED
from dancepose.skeleton import Skeleton

SUFFIX = ".onnx"
REMEDY = "copy it again, or write it anew: dancepose-export run=<run> format=onnx"


class OnnxPose:
    """A pose network in an ONNX file: a `PoseModel`.

    Attributes:
        card: of the file.
        codec: groups the keypoints that the graph found.
        geometry: how a picture becomes an input.
        device: where it runs: the CPU.

    Args:
        path: the file.
        size: of the side that the training's geometry resizes, in pixels; None: as the training tested.
        threads: of onnxruntime; None: as many as PyTorch has.

    Raises:
        CheckpointError: the file is missing, truncated or foreign, or does not fit its card.
        ConfigError: onnxruntime is not installed, or the file holds a motion classifier.
    """

    def __init__(self, path: str | Path, size: int | None = None, threads: int | None = None) -> None:
        self.card, self._session = open_session(path, threads)
        if self.card.kind != "pose":
            raise ConfigError(f"{path} holds a motion classifier, where a pose network is needed")
        config, self.device = self.card.config, torch.device("cpu")
        with _fitting(path):
            kept = {key: value for key, value in config.items() if key != "classes"}
            skeleton, _, tested = read_common(kept, POSE_TESTED)
            self.codec = build_codec(model_config(config["model"]), skeleton)
            self.geometry: TestGeometry = geometry_of(tested)
            self.flip = bool(self.card.graph["flip"])
            multiple = self.card.graph["multiple"]
            if self.geometry.multiple % multiple:
                raise ValueError(f"inputs padded to {self.geometry.multiple}, not to {multiple}")
            self._names = [output.name for output in self._session.get_outputs()]
            self._probe()
        self.geometry = geometry_of(tested, size)  # a size that is wrong is no fault of the file

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints that are found."""
        return self.codec.skeleton

    def run(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Run the graph on (B, H, W, 3) uint8 inputs; return what it gives, by name."""
        image = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
        return dict(zip(self._names, self._session.run(self._names, {"image": image}), strict=True))

    def people(self, maps: Any) -> list[Found]:
        """Return the people of each input, in its pixels; see `PoseModel`."""
        return self.codec.find_condensed(maps)

    def heatmaps(self, maps: Any) -> None:
        """Return None: whole maps do not leave the graph."""

    def _probe(self) -> None:
        """Run an empty picture: a graph whose outputs are not those of the codec fails here, not later.

        Raises:
            ValueError: names the output.
        """
        side = self.geometry.multiple
        maps = [torch.zeros(1, o.channels, side // o.stride, side // o.stride) for o in self.codec.outputs]
        passes = [maps, self.codec.flip(maps)] if self.flip else [maps]
        wanted = {name: tuple(t.shape) for name, t in self.codec.condense(self.codec.merge(passes)).items()}
        given = {
            name: array.shape for name, array in self.run(np.zeros((1, side, side, 3), np.uint8)).items()
        }
        for name in wanted | given:
            # how many cells there are depends on the picture
            if name not in wanted or name not in given or wanted[name][1:] != given[name][1:]:
                raise ValueError(f"output {name}: {given.get(name)}, where {wanted.get(name)} is needed")


class OnnxActionNetwork(ActionNetwork):
    """The network of a motion classifier in an ONNX file; called like any other.

    Args:
        session: of the file.
    """

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session
        self.inputs = tuple(entry.name for entry in session.get_inputs())

    def forward(self, **inputs: Tensor) -> Tensor:
        """Return the logits (B, classes) of the inputs by name, on the device of the first."""
        given = {name: np.ascontiguousarray(value.cpu().numpy()) for name, value in inputs.items()}
        (logits,) = self._session.run(["logits"], given)
        return torch.from_numpy(logits).to(next(iter(inputs.values())).device)


def onnx_motion(path: str | Path, threads: int | None = None) -> MotionModel:
    """Return the motion classifier of an ONNX file; its network runs in onnxruntime.

    Raises:
        CheckpointError: the file is missing, truncated or foreign, or does not fit its card.
        ConfigError: onnxruntime is not installed, or the file holds a pose network.
    """
    card, session = open_session(path, threads)
    if card.kind != "motion":
        raise ConfigError(f"{path} holds a pose network, where a motion classifier is needed")
    with _fitting(path):
        config = card.config
        classes = tuple(config["classes"])
        skeleton, _, test = read_common({k: v for k, v in config.items() if k != "classes"}, MOTION_TESTED)
        encoder = motion_encoder(motion_config(config["model"]), skeleton)
        network = OnnxActionNetwork(session)
        (logits,) = session.get_outputs()
        if logits.name != "logits" or logits.shape[-1] != len(classes):
            raise ValueError(f"{logits.name} of {logits.shape[-1]} classes, not {len(classes)}")
        _probe(network, encoder, len(skeleton), len(classes), card.graph["side"], test)
        kept = {key: value for key, value in config.items() if key != "test"}
    return MotionModel(skeleton, encoder, classes, network, kept, test)


def _probe(
    network: OnnxActionNetwork,
    encoder: Encoder,
    keypoints: int,
    classes: int,
    side: int,
    test: Mapping[str, Any],
) -> None:
    """Run two blank samples: a graph that takes other inputs than the encoder makes fails here, not later.

    Args:
        network: the graph.
        encoder: of the card.
        keypoints: of its skeleton.
        classes: how many the card names.
        side: of the pictures that the graph takes, by the card.
        test: how the training tested.

    Raises:
        ValueError: says what does not fit; so do onnxruntime's own errors.
    """
    if missing := set(encoder.inputs) - set(network.inputs):
        raise ValueError(f"the graph does not take {', '.join(sorted(missing))}")
    inputs = example_inputs(network, encoder, keypoints, side, batch=2)
    if "image" in inputs:
        inputs["image"] = inputs["image"].to(torch.uint8)
        if side != (cut := test.get("size", CROP["size"])):
            raise ValueError(f"the graph takes pictures of {side} px, and the card says {cut}")
    shape = tuple(network(**inputs).shape)
    if shape != (2, classes):
        raise ValueError(f"logits {shape}, where {(2, classes)} is needed")


def open_session(path: str | Path, threads: int | None = None) -> tuple[ModelCard, Any]:
    """Open an ONNX file of `dancepose-export`: its card, and the session that runs it on the CPU.

    Raises:
        CheckpointError: the file is missing, truncated or foreign.
        ConfigError: onnxruntime is not installed.
    """
    need_runtime(path)
    file = Path(path).expanduser()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads() if threads is None else threads
    options.log_severity_level = 3
    if not file.is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each kind of fault
        told = f"{type(error).__name__}: {_short(error)}"
        raise CheckpointError(f"{path} is truncated, damaged or no ONNX file: {REMEDY} ({told})") from None
    return read_card(session.get_modelmeta().custom_metadata_map, path), session


@contextmanager
def _fitting(path: str | Path) -> Iterator[None]:
    """Turn whatever a card and a graph that do not belong together give into one error."""
    try:
        yield
    except CheckpointError:
        raise
    except DanceposeError as error:
        raise CheckpointError(f"{path} does not fit this version of dancepose: {_short(error)}") from None
    except Exception as error:  # of numpy, of onnxruntime, a key that is missing
        told = f"{type(error).__name__}: {_short(error)}"
        raise CheckpointError(f"{path}: graph and card do not fit: {REMEDY} ({told})") from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
