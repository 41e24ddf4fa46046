"""What a grouping method is: everything about its maps, from targets to people, behind one interface."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton


@dataclass(frozen=True)
class OutputSpec:
    """One map that the head must produce.

    Attributes:
        stride: input pixels per cell; cell i lies on input pixel `stride * i + (stride - 1) / 2`.
        channels: number of channels.
    """

    stride: int
    channels: int


@dataclass(frozen=True)
class Found:
    """Whom a codec found in an image.

    Attributes:
        people: best first.
        beyond: people who were told apart and are not among them, for want of room (`max_people`). Of a
            crowd there may be more, whose keypoints did not even become candidates.
    """

    people: list[Person]
    beyond: int = 0


@dataclass(frozen=True)
class Reading:
    """All that a codec reads off the merged maps of a batch, see its methods of these names.

    Attributes:
        people: of each image, best first.
        peaks: (B, K, 3) x, y, score of the maximum of each heatmap.
        heatmaps: (B, K, h, w) float32.
    """

    people: list[list[Person]]
    peaks: np.ndarray
    heatmaps: Tensor


class Codec(ABC):
    """One grouping method: what the head must give, how it is trained, and how its maps become people.

    A codec is a plain object without tensors, so that it can be sent to data workers. In the shapes below B
    is the batch, K the keypoints of the skeleton, H x W the network input in pixels; `outputs` is a list with
    one (B, channels, H / stride, W / stride) tensor for each `OutputSpec`, in that order.

    Attributes:
        skeleton: the keypoints that are encoded and decoded.
    """

    skeleton: Skeleton

    @property
    @abstractmethod
    def outputs(self) -> list[OutputSpec]:
        """What the head must produce, in the order of its scales."""

    @abstractmethod
    def encode(
        self, frame: Frame, size: tuple[int, int]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Make the training targets of one frame (in a data worker).

        Args:
            frame: people and ignore regions in pixels of the network input.
            size: width and height of the network input in pixels.

        Returns:
            Targets and weights by name. All arrays have shapes that depend on `size` alone, so that samples
            can be stacked; weights carry ignore regions, `Frame.labelled` and `Frame.complete`.
        """

    def pack(self, frame: Frame, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """Make in a data worker what `unpack` needs of a frame: `encode`, unless less will do.

        Large maps that are nearly empty cost a worker more time to fill, and to hand over, than all else.
        """
        targets, weights = self.encode(frame, size)
        return {f"targets/{k}": v for k, v in targets.items()} | {
            f"weights/{k}": v for k, v in weights.items()
        }

    def stack(self, packed: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
        """Join what `pack` gave for the samples of a batch, in a data worker."""
        return stack_arrays(packed)

    def unpack(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return targets and weights of a batch, on its device, equal to those of `encode`, stacked."""
        return part_arrays(batch)

    @abstractmethod
    def loss(
        self, outputs: list[Tensor], targets: dict[str, Tensor], weights: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Score predicted maps of a batch against stacked targets and weights.

        Returns:
            Scalars by name, in float32 and already weighted: the training loss is their sum.
        """

    @abstractmethod
    def flip(self, outputs: list[Tensor]) -> list[Tensor]:
        """Turn the outputs of the mirrored input into outputs of the upright one."""

    @abstractmethod
    def merge(self, outputs: list[list[Tensor]]) -> list[Tensor]:
        """Join the outputs of several passes over one batch (flips, scales) into one set.

        Every pass covers the same part of the picture; the sizes of the first are kept. What comes out may
        have more channels than `outputs` says; `find`, `decode`, `peaks` and `heatmaps` take it.
        """

    @abstractmethod
    def find(self, outputs: list[Tensor]) -> list[Found]:
        """Find the people in each image of a batch.

        Args:
            outputs: of one pass, or what `merge` returned; on any device, of any floating-point type.

        Returns:
            For each image its people, best first: `keypoints` (K, 3) in pixels of the network input with
            visibility 2, or all 0 where not found; `scores` (K,) and `score`. And how many there are beyond
            a limit of the codec.
        """

    def decode(self, outputs: list[Tensor]) -> list[list[Person]]:
        """Return the people alone that `find` finds in each image."""
        return [found.people for found in self.find(outputs)]

    @abstractmethod
    def peaks(self, outputs: list[Tensor]) -> np.ndarray:
        """Return (B, K, 3) x, y, score: the maximum of each merged heatmap, without grouping.

        x and y are in pixels of the network input. For pictures of one person, where it speaks of the
        network alone.
        """

    @abstractmethod
    def heatmaps(self, outputs: list[Tensor]) -> Tensor:
        """Return the (B, K, h, w) float32 merged heatmaps with peaks near 1, for pictures."""

    def read(self, outputs: list[Tensor]) -> Reading:
        """Return people, peaks and heatmaps at once, for whoever wants all of them.

        A codec overrides it where they have work in common.
        """
        return Reading(self.decode(outputs), self.peaks(outputs), self.heatmaps(outputs))

    def condense(self, outputs: list[Tensor]) -> dict[str, Tensor]:
        """Reduce merged maps to what `find_condensed` needs: what an exported graph ends with.

        A codec overrides both where that is less than the maps; here it is the maps. The operations must be
        such as `torch.export` can follow for any batch and size.
        """
        return {f"maps_{index}": output for index, output in enumerate(outputs)}

    def find_condensed(self, condensed: Mapping[str, np.ndarray]) -> list[Found]:
        """Find the people as `find` does, from the arrays of `condense`."""
        return self.find([torch.from_numpy(condensed[f"maps_{i}"]) for i in range(len(condensed))])


def stack_arrays(packed: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    """Stack arrays of equal shapes by name."""
    return {name: torch.from_numpy(np.stack([one[name] for one in packed])) for name in packed[0]}


def part_arrays(batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return what stands under `targets/...` and under `weights/...`."""
    parts: dict[str, dict[str, Tensor]] = {"targets": {}, "weights": {}}
    for key, value in batch.items():
        part, name = key.split("/")
        parts[part][name] = value
    return parts["targets"], parts["weights"]
