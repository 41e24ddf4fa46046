"""`PosePredictor`: images to people, with flip and multi-scale tests; the one forward pass at test time."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dancepose.build import Model
from dancepose.codecs.base import Found
from dancepose.errors import ConfigError
from dancepose.inference.geometry import PAD_VALUE, TestGeometry, apply_matrix, round_up
from dancepose.inference.selection import in_picture
from dancepose.records import Person
from dancepose.skeleton import Skeleton


class PosePredictor:
    """Finds the people in images.

    `predictor(images)` takes whole images; validation and evaluation, whose batches are made by data workers,
    use `predict_maps`, the codec's `decode` or `peaks`, and `to_original`: the same path.

    Attributes:
        codec: the model's codec.
        network: the model's network.
        geometry: how whole images become network inputs.
        flip: also run the mirror image and merge.
        scales: multiples of the test size to run and merge; 1 comes first and sets the merged maps' size.
        dtype: precision of the forward pass by autocast; None leaves it to the caller's context.
        batch_size: whole images that go through the network at once.
    """

    def __init__(
        self,
        model: Model,
        geometry: TestGeometry | None = None,
        flip: bool = False,
        scales: Sequence[float] = (1.0,),
        device: torch.device | str | None = None,
        *,
        dtype: torch.dtype | None = None,
        channels_last: bool = True,
        batch_size: int = 8,
    ) -> None:
        """Set up for a model.

        Args:
            model: what `build` or `load_checkpoint` returns. Its network is used in place, not copied.
            geometry: how whole images become network inputs; None is `TestGeometry()`.
            flip: also run the mirror image and merge.
            scales: multiples of the test size to run and merge. The scaled inputs are made from the input of
                scale 1, so a scale above 1 shows the network no detail that the test size has lost: a larger
                test size with scales of at most 1 makes the same passes from the full picture.
            device: where the network is moved to; None leaves it where it is.
            dtype: `torch.bfloat16` or `torch.float16` for autocast; None leaves it to the caller's context.
            channels_last: put weights and inputs into the memory format that is faster for convolutions.
            batch_size: whole images that go through the network at once.

        Raises:
            ConfigError: scales that are not positive, or without 1.
        """
        scales = tuple(float(s) for s in scales)
        if not all(s > 0 for s in scales) or 1.0 not in scales:
            raise ConfigError(f"scales {list(scales)}: give positive numbers, 1 among them")
        self.codec = model.codec
        self.network = model.network
        self.geometry = geometry or TestGeometry()
        self.flip = flip
        self.scales = (1.0, *(s for s in scales if s != 1.0))
        self.dtype = dtype
        self.batch_size = batch_size
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self.network.to(device=device)
        if channels_last:
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def device(self) -> torch.device:
        """Where the network is now (a trainer may move it)."""
        parameter = next(self.network.parameters(), None)
        return torch.device("cpu") if parameter is None else parameter.device

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints that are found."""
        return self.codec.skeleton

    def run(self, inputs: np.ndarray) -> list[Tensor]:
        """Run the network on (B, H, W, 3) uint8 inputs and wait for the maps; see `PoseModel`."""
        maps = self.predict_maps(torch.from_numpy(inputs).permute(0, 3, 1, 2))
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return maps

    def people(self, maps: Any) -> list[Found]:
        """Return the people of each input, in its pixels; see `PoseModel`."""
        return self.codec.find(maps)

    def heatmaps(self, maps: Any) -> np.ndarray:
        """Return (B, K, h, w) float32 heatmaps over the inputs."""
        return self.codec.heatmaps(maps).cpu().numpy()

    def __call__(self, images: Sequence[np.ndarray]) -> list[list[Person]]:
        """Find the people in (H, W, 3) uint8 RGB images of any sizes.

        Images whose network inputs have one size go through the network together.

        Returns:
            For each image, in the order given, its people in original pixels.
        """
        by_size: dict[tuple[int, int], list[int]] = {}
        for index, image in enumerate(images):
            size = self.geometry.plan(image.shape[1], image.shape[0]).size
            by_size.setdefault(size, []).append(index)
        results: list[list[Person]] = [[] for _ in images]
        for indices in by_size.values():
            for start in range(0, len(indices), self.batch_size):
                chunk = indices[start : start + self.batch_size]
                inputs, matrices = zip(*(self.geometry.warp(images[i]) for i in chunk), strict=True)
                decoded = self.codec.decode(self.run(np.stack(inputs)))
                for index, people, matrix in zip(chunk, decoded, matrices, strict=True):
                    height, width = images[index].shape[:2]
                    results[index] = in_picture(to_original(people, matrix), (0, 0, width, height))
        return results

    @torch.inference_mode()
    def predict_maps(self, images: Tensor) -> list[Tensor]:
        """Run the network on a batch, once for each scale and mirror image, and merge.

        Args:
            images: uint8 (B, 3, H, W) RGB, H and W multiples of the geometry's `multiple`.

        Returns:
            What the codec's `merge` makes of the passes, the argument of its `decode`, `peaks`, `heatmaps`.

        Raises:
            TypeError: the images are not uint8.
        """
        if images.dtype != torch.uint8:
            raise TypeError(f"images must be uint8, these are {images.dtype}")
        images = images.to(self.device, non_blocking=True)
        passes: list[list[Tensor]] = []
        with _evaluating(self.network), self._autocast():
            for scale in self.scales:
                inputs, size = self._rescale(images, scale)
                passes.append(self._crop(self._forward(inputs), size))
                if self.flip:
                    mirrored = self.codec.flip(self._forward(inputs.flip(-1)))
                    passes.append(self._crop(mirrored, size))
        return self.codec.merge(passes)

    def _forward(self, images: Tensor) -> list[Tensor]:
        outputs = self.network(images.contiguous(memory_format=self._format))
        return [output.float() for output in outputs]

    def _autocast(self) -> contextlib.AbstractContextManager:
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def _rescale(self, images: Tensor, scale: float) -> tuple[Tensor, tuple[int, int]]:
        """Return the batch at a scale, padded for the network, and its (height, width) before padding.

        Both sides become whole cells of the coarsest map, so that the maps can be cut to them exactly and the
        maps of every pass cover the very same part of the picture: what `merge` relies on.
        """
        if scale == 1.0:
            return images, (images.shape[2], images.shape[3])
        cell = max(output.stride for output in self.codec.outputs)
        height, width = (max(1, round(side * scale / cell)) * cell for side in images.shape[2:])
        resized = functional.interpolate(
            images.float(), (height, width), mode="bilinear", align_corners=False, antialias=True
        )
        resized = resized.round().clamp(0, 255).to(torch.uint8)
        multiple = self.geometry.multiple
        margin = (0, round_up(width, multiple) - width, 0, round_up(height, multiple) - height)
        return functional.pad(resized, margin, value=PAD_VALUE), (height, width)

    def _crop(self, outputs: list[Tensor], size: tuple[int, int]) -> list[Tensor]:
        strides = [output.stride for output in self.codec.outputs]
        return [
            output[..., : size[0] // stride, : size[1] // stride]
            for output, stride in zip(outputs, strides, strict=True)
        ]


def to_original(people: list[Person], matrix: np.ndarray) -> list[Person]:
    """Carry people from network-input to original pixels.

    Args:
        people: as a codec decodes them; what is absent stays at 0, 0.
        matrix: (2, 3), input -> original pixels, a scaling and a shift.

    Returns:
        New records; the given ones are unchanged.
    """
    moved = []
    for person in people:
        keypoints = np.array(person.keypoints, dtype=np.float64)
        keypoints[:, :2] = np.where(person.present[:, None], apply_matrix(matrix, keypoints[:, :2]), 0)
        box = person.box
        if box is not None:
            box = np.concatenate([apply_matrix(matrix, box[:2]), box[2:] * np.diag(matrix)])
        moved.append(replace(person, keypoints=keypoints, box=box))
    return moved


@contextlib.contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Hold a network in evaluation mode; afterwards each of its modules is in the mode it was in."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
