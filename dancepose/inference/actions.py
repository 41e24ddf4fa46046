"""`ActionPredictor`: what people do, for prediction; and the forward pass that evaluation shares."""

import logging
from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dancepose.affine import transform_points
from dancepose.build import MotionModel
from dancepose.checks import at_least
from dancepose.encoders import ImageOnly
from dancepose.errors import ConfigError
from dancepose.inference.devices import find_device
from dancepose.inference.person_crop import cut_people, person_matrix
from dancepose.inference.runs import precision_of
from dancepose.networks.action import ActionNetwork
from dancepose.records import Person
from dancepose.skeleton import Skeleton

log = logging.getLogger(__name__)

LEAST_KEYPOINTS = 2  # of a person: from one alone neither place nor size of a body can be told
CROP = {"size": 224, "resize": 256, "margin": 0.15}  # where a checkpoint does not say how it was tested
AT_ONCE = 64  # people in a forward pass
TOO_FEW = "too few keypoints"
NOT_FINITE = "no finite answer"  # of a network that has diverged
NONE_OF_THEM = "none of the classes"


@dataclass(frozen=True)
class ActionSample:
    """A person who is asked about.

    Attributes:
        steps: the person in one picture, or in the pictures of a window in the order of time.
        size: width and height of the middle step's picture.
        picture: the middle step's, (H, W, 3) uint8 RGB; None where the network does not look at it.
    """

    steps: Sequence[Person]
    size: tuple[int, int]
    picture: np.ndarray | None = None


@dataclass(frozen=True)
class Actions:
    """What the people of some samples do.

    Attributes:
        classes: names of the actions.
        probabilities: (N, C) float32; 0 for a person of whom too little is seen, or nothing is told.
        reason: (N,) why a person has no action, else None.
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    reason: tuple[str | None, ...]

    def given_to(self, people: Sequence[Person]) -> list[Person]:
        """Return people with action and probabilities; one without an action keeps None in their place."""
        return [
            replace(person, action=self.classes[int(row.argmax())], probabilities=row)
            if reason is None
            else replace(person, action=None, probabilities=None if reason in (TOO_FEW, NOT_FINITE) else row)
            for person, row, reason in zip(people, self.probabilities, self.reason, strict=True)
        ]


class ActionPredictor:
    """Tells what people do, as the evaluation of the classifier does.

    Attributes:
        model: the classifier.
        frames: None for single pictures, T for windows of T pictures.
        looks: whether it needs the pictures.
        scored: whether over a video a score is kept of each class.

    Args:
        model: that of a checkpoint; its network is used in place.
        source: skeleton of the people who are given.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        precision: `32-true`, `bf16-mixed` or `16-mixed`; None: as the training tested.

    Raises:
        ConfigError: the people lack a keypoint that the classifier cannot do without; a value is wrong.
    """

    def __init__(
        self, model: MotionModel, source: Skeleton, device: str = "auto", precision: str | None = None
    ) -> None:
        self.model, self.source = model, source
        self.frames = model.encoder.frames
        self.looks = "image" in model.network.inputs
        self.scored = model.network.keeps_score
        self.map = source.map_to(model.skeleton, derive=True)
        self._check_keypoints()
        self.device = find_device(device)
        self._dtype = precision_of(model.test, self.device, precision)
        self._crop = CROP | {key: model.test[key] for key in CROP if key in model.test}
        for key in ("size", "resize"):
            at_least(f"motion: its test.{key}", self._crop[key], 1)
        self._network = model.network.to(self.device).eval()

    def copied(self) -> "ActionPredictor":
        """Return another one with a copy of the network, which may be asked in another thread."""
        other = copy(self)
        other.model = replace(self.model, network=deepcopy(self.model.network))
        other._network = other.model.network
        return other

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the actions, in the order of the probabilities."""
        return self.model.classes

    def _check_keypoints(self) -> None:
        if isinstance(self.model.encoder, ImageOnly):
            return
        target, source = self.model.skeleton, self.source
        there = self.map.covered.copy()
        there[list(self.map.derived)] = True
        roles = [role for role in ("shoulders", "hips") if role in target.roles]
        needed = [name for role in roles for name in target.roles[role]]
        lacking = [name for name in target.keypoints if not there[target.index(name)]]
        if missing := [name for name in needed if name in lacking]:
            raise ConfigError(
                f"motion: its skeleton {target.name} needs {', '.join(missing)}, and the pose network's "
                f"skeleton {source.name} has no such keypoint: take a pose run whose skeleton has it, or "
                f"train a classifier on {source.name}'s keypoints (skeleton=common13 is in most of them)"
            )
        if lacking:
            log.warning(
                "motion: the pose network's skeleton %s lacks %s of the classifier's %s, which counts as not "
                "seen: its answers may be worse",
                source.name,
                ", ".join(lacking),
                target.name,
            )

    @torch.inference_mode()
    def __call__(self, samples: Sequence[ActionSample]) -> Actions:
        """Tell what people do.

        Raises:
            ValueError: a sample has another number of steps than the network takes.
        """
        probabilities = np.zeros((len(samples), len(self.classes)), np.float32)
        reason: list[str | None] = [None] * len(samples)
        seen: list[int] = []
        mapped = [
            self.map.apply(np.stack([person.keypoints for person in sample.steps]).astype(np.float64))
            for sample in samples
        ]
        for number, (sample, keypoints) in enumerate(zip(samples, mapped, strict=True)):
            place = len(keypoints) // 2
            # who is only looked at needs no keypoint that the classifier knows, but a crop around all
            middle = keypoints[place] if self.model.encoder.inputs else sample.steps[place].keypoints
            if (middle[:, 2] > 0).sum() < LEAST_KEYPOINTS:
                reason[number] = TOO_FEW
            else:
                seen.append(number)
        for start in range(0, len(seen), AT_ONCE):
            chunk = seen[start : start + AT_ONCE]
            batch = self._batch([samples[i] for i in chunk], [mapped[i] for i in chunk])
            logits, _, rejected = predict(self._network, batch, self.device, self._dtype)
            told = logits.float().softmax(1).cpu().numpy()
            finite = np.isfinite(told).all(axis=1)
            probabilities[chunk] = np.where(finite[:, None], told, 0)
            no = np.zeros(len(chunk), bool) if rejected is None else rejected.cpu().numpy()
            for i, known, none in zip(chunk, finite.tolist(), no.tolist(), strict=True):
                reason[i] = NOT_FINITE if not known else NONE_OF_THEM if none else None
        return Actions(self.classes, probabilities, tuple(reason))

    def _batch(self, samples: Sequence[ActionSample], mapped: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Make the network's inputs as `MotionDataset` makes them at test time."""
        size, resize, margin = (self._crop[key] for key in ("size", "resize", "margin"))
        cuts, moved = [], []
        for sample, keypoints in zip(samples, mapped, strict=True):
            # of all that was found, also what the classifier does not read
            person = Person(sample.steps[len(sample.steps) // 2].keypoints)
            matrix = person_matrix(person, sample.size, size, resize, margin)
            points = np.concatenate(
                [transform_points(matrix, keypoints[..., :2]), keypoints[..., 2:]], axis=-1
            )
            moved.append(np.where(keypoints[..., 2:] > 0, points, 0))
            if self.looks:
                assert sample.picture is not None
                cuts.append((sample.picture, matrix))
        batch: dict[str, Tensor] = {}
        if self.looks:
            batch["image"] = cut_people(cuts, size)
        if self.model.encoder.inputs:
            keypoints = np.stack(moved)  # (B, T, K, 3)
            # a label's box is around the body, the extent of found keypoints is not: it counts as unknown
            arrays = self.model.encoder.batch(keypoints, np.zeros(keypoints.shape[:2]))
            batch |= {name: torch.from_numpy(array) for name, array in arrays.items()}
        return batch


def predict(
    network: ActionNetwork, batch: Mapping[str, Any], device: str, dtype: torch.dtype | None
) -> tuple[Tensor, dict[str, Tensor], Tensor | None]:
    """Return the logits (B, C) of a batch, the batch on the device, and which samples are rejected.

    Args:
        network: in evaluation mode, on the device.
        batch: the network's inputs by name, and perhaps more.
        device: where the network is.
        dtype: of autocast; None: float32.
    """
    moved = {name: value.to(device) for name, value in batch.items()}
    given = {name: moved[name] for name in network.inputs}
    with torch.autocast(torch.device(device).type, dtype, enabled=dtype is not None):
        return network(**given), moved, network.rejected(**given)
