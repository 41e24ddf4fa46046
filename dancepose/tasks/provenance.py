"""Where predictions are from: which networks, by path and content, and how they were asked."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dancepose
from dancepose.inference.devices import PRECISIONS
from dancepose.inference.geometry import describe_geometry
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.video_pipeline import VideoOptions

DIGITS = 16  # hexadecimal ones of a SHA-256


def provenance(pipeline: Pipeline, options: VideoOptions | None = None) -> dict[str, Any]:
    """Return what must be the same for the same results, as plain containers.

    Args:
        pipeline: of the networks. Of a network that is from no file only how it is asked is known.
        options: what is done with people over time; None: they are from pictures.
    """
    pose, tiling = pipeline.pose, pipeline.tiling
    names = {dtype: name for name, dtype in PRECISIONS.items()}
    return {
        "pose": _file(pipeline.files.get("pose")),
        "motion": _file(pipeline.files.get("motion")),
        "version": dancepose.__version__,
        **describe_geometry(pose.geometry),
        "flip": getattr(pose, "flip", False),  # a file of ONNX has one scale and float32
        "scales": list(getattr(pose, "scales", (1.0,))),
        "precision": names.get(getattr(pose, "dtype", None)),
        "device": str(getattr(pose, "device", "cpu")),
        "batch_size": pipeline.batch_size,
        "tile": None if tiling is None else tiling.side,
        "min_score": pipeline.least_score,
        "min_size": pipeline.least_size,
        **({} if options is None else asdict(options)),
    }


def _file(path: Path | None) -> dict[str, str] | None:
    if path is None:
        return None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": str(path.absolute()), "sha256": digest[:DIGITS]}
