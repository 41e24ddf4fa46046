"""A pose network in onnxruntime beside the same in PyTorch, on the CPU."""

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dancepose.benchmarks.networks import size_of
from dancepose.benchmarks.timing import Row, side_by_side
from dancepose.build import Model, build
from dancepose.inference.onnx_export import export_pose
from dancepose.inference.onnx_run import OnnxPose
from dancepose.inference.pose import PosePredictor
from dancepose.inference.runs import geometry_of
from dancepose.model_card import ModelCard


def time_exported(models: Mapping[str, Mapping[str, Any]], size: int, rounds: int) -> list[Row]:
    """Time pictures to what is decoded, in PyTorch and from an ONNX file, with PyTorch's number of threads.

    The times of onnxruntime include the search for peaks, which is in the graph; in PyTorch it belongs to
    the decode.

    Args:
        models: name -> what `build` takes, of pose networks.
        size: side of the one picture in pixels.
        rounds: repetitions.

    Returns:
        Rows with the time of PyTorch over that of onnxruntime.
    """
    image = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    rows: list[Row] = []
    for name, config in models.items():
        model = build(config)
        assert isinstance(model, Model)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            export_pose(model, ModelCard("pose", model.config, name, ""), path)
            exported = OnnxPose(path)
        predictor = PosePredictor(model, geometry_of({}), device="cpu")
        cases: dict[str, Callable[[], Any]] = {
            f"{name}, PyTorch": partial(predictor.run, image),
            f"{name}, onnxruntime": partial(exported.run, image),
        }
        own, theirs = (Row("export", label, ms) for label, ms in side_by_side(cases, rounds).items())
        own.figures, theirs.figures = {"speed": 1.0}, {"speed": own.median / theirs.median}
        about: dict[str, float | str] = {"threads": float(torch.get_num_threads()), **size_of(model)}
        for row in (own, theirs):
            row.figures |= about | {"shape": f"1x3x{size}x{size}"}
        rows += [own, theirs]
    return rows
