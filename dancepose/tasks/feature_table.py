"""What the features of the people of a part are like, by the names of their dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dancepose.data.motion_samples import MotionSample
from dancepose.encoders import Encoder, FrameEncoder, SequenceEncoder

AT_ONCE = 4096  # people whose features are held together
TOLD = 5  # features that a report names
CONSTANT = 1e-9  # a variance up to this is rounding


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Mean and spread of each feature over samples, and how far it tells their classes apart.

    Attributes:
        names: of the D dimensions.
        classes: C names.
        mean: (D,).
        std: (D,), of the samples.
        between: (D,) share of the variance that is between the classes' means, 0 to 1 (eta squared, the
            correlation ratio); NaN where a feature is the same for all.
        class_means: (C, D); NaN of a class without samples.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    between: np.ndarray
    class_means: np.ndarray

    def _ranked(self) -> list[int]:
        return np.argsort(-np.nan_to_num(self.between, nan=-1.0), kind="stable").tolist()

    def most_telling(self) -> dict[str, float]:
        """Return name -> share of variance between classes of the features with the largest shares."""
        there = [i for i in self._ranked()[:TOLD] if self.between[i] > 0]
        return {self.names[i]: round(float(self.between[i]), 4) for i in there}

    def rows(self) -> list[list[Any]]:
        """Return the table with its header, the most telling feature first; what is not known is empty."""
        rows: list[list[Any]] = [["feature", "between_classes", "mean", "std", *self.classes]]
        for i in self._ranked():
            numbers = [self.between[i], self.mean[i], self.std[i], *self.class_means[:, i]]
            rows.append([self.names[i], *(None if np.isnan(n) else round(float(n), 6) for n in numbers)])
        return rows


def feature_table(
    encoder: Encoder, samples: Sequence[MotionSample], classes: Sequence[str]
) -> FeatureTable | None:
    """Measure the features of samples, of a window those of its middle picture.

    Args:
        encoder: of the network.
        samples: of one part.
        classes: C names, of the samples' labels.

    Returns:
        None where the network takes no features of keypoints, or there are no samples.
    """
    if not isinstance(encoder, (FrameEncoder, SequenceEncoder)) or not samples:
        return None
    features = encoder.features
    count = np.zeros(len(classes))
    total, squares = np.zeros((2, len(classes), features.dimension))
    for start in range(0, len(samples), AT_ONCE):
        some = samples[start : start + AT_ONCE]
        people = [sample.middle[1] for sample in some]
        heights = np.array([0.0 if person.box is None else float(person.box[3]) for person in people])
        values = features(np.stack([person.keypoints for person in people]), heights).astype(np.float64)
        for label in range(len(classes)):
            own = values[[sample.label == label for sample in some]]
            count[label] += len(own)
            total[label] += own.sum(axis=0)
            squares[label] += (own**2).sum(axis=0)
    mean = total.sum(axis=0) / len(samples)
    variance = squares.sum(axis=0) / len(samples) - mean**2
    with np.errstate(invalid="ignore"):
        means = total / count[:, None]
    spread = count[:, None] * (means - mean) ** 2
    explained = np.nansum(spread, axis=0) / len(samples)
    varies = variance > CONSTANT
    between = np.where(varies, explained / np.where(varies, variance, 1), np.nan)
    std = np.sqrt(np.maximum(variance, 0))
    return FeatureTable(features.names, tuple(classes), mean, std, np.clip(between, 0, 1), means)
