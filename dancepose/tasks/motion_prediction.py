"""From a motion network's words to what a report shows: of whom they are, and what the person looks like."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dancepose.build import motion_config
from dancepose.data.motion_dataset import MotionDataset
from dancepose.data.motion_samples import MotionSample
from dancepose.inference.drawing import draw_people
from dancepose.metrics.samples import MotionSamples
from dancepose.networks.action import ActionNetwork
from dancepose.networks.qes import QesNetwork
from dancepose.records import Person
from dancepose.skeleton import Skeleton


def rejects(network: nn.Module) -> bool:
    """Tell whether a network may call a sample none of the classes."""
    return isinstance(network, QesNetwork)


def rejected_by(network: nn.Module, given: Mapping[str, Tensor]) -> Tensor | None:
    """Return (B,) bool: which samples a network calls none of the classes; None if it never does."""
    return network.rejected(**given) if isinstance(network, QesNetwork) else None


def describe_network(model: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says of a network beside its figures.

    Args:
        model: the node `model`.
        result: of `MotionEvaluation.compute`.
    """
    difference = motion_config(model).difference_from_paper
    return {"difference_from_paper": difference, "rejected": result["scalars"].get("rejected")}


def predict(
    network: ActionNetwork, batch: dict[str, Any], device: str, dtype: torch.dtype | None
) -> tuple[Tensor, dict[str, Tensor], Tensor | None]:
    """Return the logits (B, C) of a batch, the batch on the device, and which samples are rejected.

    Args:
        network: in evaluation mode, on the device.
        batch: of a `MotionDataset`.
        device: where the network is.
        dtype: of autocast; None: float32.
    """
    moved = {name: value.to(device) for name, value in batch.items()}
    given = {name: moved[name] for name in network.inputs}
    with torch.autocast(torch.device(device).type, dtype, enabled=dtype is not None):
        return network(**given), moved, rejected_by(network, given)


def said(
    samples: Sequence[MotionSample], classes: Sequence[str], index: np.ndarray, probabilities: np.ndarray
) -> MotionSamples:
    """Put samples and what was said of them together.

    Args:
        samples: of the part.
        classes: of the network.
        index: (N,) which of the samples were asked about; a limited run leaves some out.
        probabilities: (N, C).
    """
    asked = [samples[i] for i in index]
    return MotionSamples(
        ids=[sample.id for sample in asked],
        clips=[sample.clip for sample in asked],
        labels=np.array([sample.label for sample in asked], dtype=np.int64),
        probabilities=probabilities,
        classes=tuple(classes),
    )


def crop_of(
    dataset: MotionDataset, index: np.ndarray, skeleton: Skeleton
) -> Callable[[int], np.ndarray | None]:
    """Return what draws the n-th of the samples that were asked about: the person as the network is fed it.

    It returns None where there is no picture.

    Args:
        dataset: of the part.
        index: (N,) of the samples in it.
        skeleton: of the keypoints.
    """

    def draw(number: int) -> np.ndarray | None:
        picture, keypoints = dataset.picture(int(index[number]))
        return None if picture is None else draw_people(picture, [Person(keypoints)], skeleton)

    return draw
