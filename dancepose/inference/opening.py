"""Networks to predict with: of a run directory, a checkpoint, a safetensors or an ONNX file."""

from collections.abc import Sequence
from pathlib import Path

from dancepose.build import MotionModel
from dancepose.errors import ConfigError
from dancepose.inference.onnx_run import SUFFIX, OnnxPose, onnx_motion
from dancepose.inference.pose import PosePredictor
from dancepose.inference.runs import find_checkpoint, load_motion, load_pose, pose_predictor


def open_pose(
    path: str | Path,
    which: str | None = None,
    device: str = "auto",
    precision: str | None = None,
    flip: bool | None = None,
    scales: Sequence[float] | None = None,
    size: int | None = None,
) -> PosePredictor | OnnxPose:
    """Open a pose network; see `pose_predictor`. What an ONNX graph holds is settled since its export.

    Raises:
        CheckpointError: it is missing, truncated, foreign or does not fit.
        ConfigError: a value is wrong, or the ONNX file cannot do what is asked.
    """
    path = Path(path).expanduser()
    if path.suffix != SUFFIX:
        return pose_predictor(load_pose(path, which), device, precision, flip, scales, size)
    pose = OnnxPose(path, size)
    refused = {
        "device": device not in ("auto", "cpu"),
        "precision": precision not in (None, "32-true"),
        "scales": scales is not None and list(scales) != [1.0],
        "flip": flip not in (None, pose.flip),
    }
    if asked := [key for key, no in refused.items() if no]:
        # only the mirror image is inside the graph; the others are those of every ONNX file here
        way = "give the run itself, or its safetensors"
        if asked == ["flip"]:
            way = f"export another: dancepose-export format=onnx flip={str(flip).lower()}"
        raise ConfigError(
            f"{path} runs on the CPU, in 32-true, with flip={str(pose.flip).lower()} and scales=[1]: "
            f"leave out {', '.join(asked)}, or {way}"
        )
    return pose


def open_motion(path: str | Path, which: str | None = None) -> MotionModel:
    """Open a motion classifier; that of an ONNX file runs in onnxruntime.

    Raises:
        CheckpointError: it is missing, truncated, foreign or does not fit.
        ConfigError: it is a pose network.
    """
    path = Path(path).expanduser()
    return onnx_motion(path) if path.suffix == SUFFIX else load_motion(path, which)


def network_file(path: str | Path, which: str | None = None, key: str = "pose") -> Path:
    """Return the file that a network is read from: of a run directory, the checkpoint.

    Raises:
        ConfigError: `which` is neither None, `best` nor `last`.
        CheckpointError: there is none.
    """
    path = Path(path).expanduser()
    return path if path.suffix == SUFFIX else find_checkpoint(path, which, key)
