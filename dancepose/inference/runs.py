"""The networks of run directories, for use: which checkpoint, and how its training tested it."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from dancepose.build import Model, MotionModel, expect, load_checkpoint
from dancepose.checks import one_of
from dancepose.errors import CheckpointError, ConfigError, DataError
from dancepose.inference.devices import (
    PRECISIONS,
    find_device,
    find_precision,
    has_fast_bf16,
    warn_of_slow_bf16,
)
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.pose import PosePredictor
from dancepose.run_yaml import read_yaml

log = logging.getLogger(__name__)

WHICH = ("best", "last")
GEOMETRY = {"size": "test_size", "resize": "resize", "multiple": "pad_multiple"}


def find_checkpoint(run: str | Path, which: str | None = None, key: str = "run") -> Path:
    """Return the checkpoint that a user means by a run directory or by the checkpoint's own path.

    Args:
        run: the folder of a run, or a file.
        which: `best` or `last`; a run without validation has only the last. None: the one that its training
            tested, as its config.yaml says; the best where there is no such file.
        key: that names it, for messages.

    Raises:
        ConfigError: `which` is none of these.
        CheckpointError: there is none; names what was looked for. Or config.yaml is broken.
    """
    if which is not None:
        one_of("which", which, WHICH)
    path = Path(run).expanduser()
    if path.is_file():
        return path
    if not path.is_dir():
        raise CheckpointError(f"{key}={run}: there is no such run directory or checkpoint")
    which = which or _tested(path)
    wanted = [path / "checkpoints" / f"{name}.ckpt" for name in (which, "last")]
    found = next((file for file in wanted if file.is_file()), None)
    if found is None:
        raise CheckpointError(
            f"{key}={run} is no run directory, or its training has not finished an epoch: {wanted[0]} does "
            "not exist. Give the folder that dancepose-train wrote, or a checkpoint file"
        )
    if found != wanted[0]:
        log.warning(
            "%s=%s has no %s checkpoint, as after a training without validation: %s is taken",
            key,
            run,
            which,
            found,
        )
    return found


def _tested(run: Path) -> str:
    """Return which checkpoint the training of a run tested: `best` or `last`."""
    path = run / "config.yaml"
    if not path.is_file():
        return "best"
    try:
        which = read_yaml(path, dict).get("which", "best")  # runs of old do not say
    except DataError as error:
        raise CheckpointError(f"{error}. which=best or which=last does without it") from None
    if which not in WHICH:
        raise CheckpointError(
            f"{path}: which={which} is neither best nor last: give which=best or which=last"
        )
    return str(which)


def load_pose(run: str | Path, which: str | None = None, key: str = "pose") -> Model:
    """Load the pose model of a run directory or checkpoint.

    Raises:
        CheckpointError: it is missing, truncated or foreign.
        ConfigError: it is of a motion classifier.
    """
    return _expected(find_checkpoint(run, which, key), Model, key)


def load_motion(run: str | Path, which: str | None = None, key: str = "motion") -> MotionModel:
    """Load the motion classifier of a run directory or checkpoint; see `load_pose`."""
    return _expected(find_checkpoint(run, which, key), MotionModel, key)


def _expected(path: Path, kind: Any, key: str) -> Any:
    model = load_checkpoint(path)
    try:
        return expect(model, kind)
    except ConfigError as error:
        training = "model=hrnet" if kind is Model else "experiment=motion_paper"
        raise ConfigError(f"{key}={path}: {error}: of dancepose-train {training}, say") from None


def geometry_of(tested: Mapping[str, Any], size: int | None = None) -> TestGeometry:
    """Return the geometry with which a training tested.

    Args:
        tested: `Model.test`.
        size: in place of the training's.
    """
    given = {name: tested[key] for name, key in GEOMETRY.items() if key in tested}
    return TestGeometry(**(given | ({} if size is None else {"size": size})))


def precision_of(tested: Mapping[str, Any], device: str, asked: str | None = None) -> torch.dtype | None:
    """Return the type of autocast that is asked for, else the training's where the device is fit for it.

    Raises:
        ConfigError: there is no such precision.
    """
    if asked is not None:
        one_of("precision", asked, PRECISIONS)
    elif device == "cpu" and not has_fast_bf16():
        asked = "32-true"
    elif device == "cpu" and find_precision(None, tested) == "16-mixed":
        asked = "bf16-mixed"
    return PRECISIONS[find_precision(asked, tested)]


def pose_predictor(
    model: Model,
    device: str = "auto",
    precision: str | None = None,
    flip: bool | None = None,
    scales: Sequence[float] | None = None,
    size: int | None = None,
) -> PosePredictor:
    """Set a pose model up to predict as its training tested, but for what is given.

    It warns of a precision that is slow here; a classifier beside it runs in the same, and says no more.

    Args:
        model: that of a checkpoint.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        precision: `32-true`, `bf16-mixed` or `16-mixed`.
        flip: also look at the mirror image.
        scales: multiples of the size to look at.
        size: of the side that the training's geometry resizes, in pixels.

    Raises:
        ConfigError: a value is none of these.
    """
    place, tested = find_device(device), model.test
    dtype = precision_of(tested, place, precision)
    if precision is not None:
        warn_of_slow_bf16(place, precision, "precision=32-true")
    return PosePredictor(
        model,
        geometry_of(tested, size),
        bool(tested.get("flip", False) if flip is None else flip),
        tested.get("scales", [1.0]) if scales is None else scales,
        place,
        dtype=dtype,
        channels_last=tested.get("channels_last", True),
    )
