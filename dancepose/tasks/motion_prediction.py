"""From a motion network's words to what a report shows: of whom they are, and what the person looks like."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dancepose.build import motion_config
from dancepose.data.motion_dataset import MotionDataset
from dancepose.data.motion_samples import MotionSample
from dancepose.inference.drawing import draw_people
from dancepose.metrics.samples import MotionSamples
from dancepose.records import Person
from dancepose.skeleton import Skeleton


def describe_network(
    model: Mapping[str, Any], result: Mapping[str, Any], without: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what a report says of a network beside its figures.

    Args:
        model: the node `model`.
        result: of `MotionEvaluation.compute`.
        without: keypoints that were taken away from the people.
    """
    difference = motion_config(model).difference_from_paper
    rejected = result["scalars"].get("rejected")
    return {"difference_from_paper": difference, "rejected": rejected, "without": list(without)}


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
