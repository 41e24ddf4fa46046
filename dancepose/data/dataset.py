"""The data sets that workers read: samples for training, and whole pictures for evaluation."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from dancepose.codecs.base import Codec
from dancepose.data.images import read_image
from dancepose.data.sampler import SampleKey, draw_seed
from dancepose.data.transforms import Transform
from dancepose.errors import DanceposeError, DataError
from dancepose.inference.geometry import PAD_VALUE, TestGeometry
from dancepose.records import Frame


class PoseDataset(Dataset[dict[str, Any]]):
    """Training samples: what is random about one depends on (seed, epoch, name of its frame) alone.

    Args:
        frames: in original pixels.
        transform: picture and frame -> crop.
        codec: makes the targets.
        seed: of the run.

    Attributes:
        read: image of a frame -> (H, W, 3) uint8 RGB, which must not be written into.
    """

    def __init__(self, frames: Sequence[Frame], transform: Transform, codec: Codec, seed: int):
        self.frames, self.transform, self.codec, self.seed = list(frames), transform, codec, seed
        self.read: Callable[[Any], np.ndarray] = read_image

    @property
    def pictured(self) -> list[Frame]:
        """The frames whose pictures are read."""
        return self.frames

    def __len__(self) -> int:
        return len(self.frames)

    def crop(self, key: SampleKey | tuple[int, int] | int) -> tuple[np.ndarray, Frame]:
        """Return the picture that the network is fed, (size, size, 3) uint8 RGB, and the frame in its pixels.

        Args:
            key: epoch and index as the sampler gives them; a bare index is that of epoch 0.
        """
        epoch, index, occurrence = as_key(key)
        frame = self.frames[index]
        # a first occurrence has the seed of its name alone, so that a mix's weights do not change it
        again = (occurrence,) if occurrence else ()
        seed = draw_seed(self.seed, epoch, frame.name, *again)
        return self.transform(self.read(frame.image), frame, seed)

    def __getitem__(self, key: SampleKey | tuple[int, int] | int) -> dict[str, Any]:
        """Return `image` uint8 (3, H, W), `packed`, what `codec.pack` makes of the frame, and `index`.

        Raises:
            DataError: the image is missing or broken; names the file.
        """
        crop, frame = self.crop(key)
        packed = self.codec.pack(frame, frame.size)
        return {"image": to_channels_first(crop), "packed": packed, "index": as_key(key).index}

    def collate(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return `image` uint8 (B, 3, H, W), `packed` for `codec.unpack`, and `index` int64 (B,)."""
        return {
            "image": torch.stack([sample["image"] for sample in samples]),
            "packed": self.codec.stack([sample["packed"] for sample in samples]),
            "index": torch.tensor([sample["index"] for sample in samples], dtype=torch.int64),
        }


class EvaluationDataset(Dataset[dict[str, Any]]):
    """Whole pictures in the test-time geometry.

    Args:
        frames: in original pixels.
        geometry: how a picture becomes a network input.
    """

    def __init__(self, frames: Sequence[Frame], geometry: TestGeometry):
        self.frames, self.geometry = list(frames), geometry

    def __len__(self) -> int:
        return len(self.frames)

    def input_sizes(self) -> list[tuple[int, int]]:
        """Return width and height of each frame's network input.

        Raises:
            DataError: a picture is too narrow for the geometry; names it.
        """
        sizes = []
        for frame in self.frames:
            try:
                sizes.append(self.geometry.plan(*frame.size).size)
            except DataError as error:
                raise DataError(f"{frame.name}: {error}") from None
        return sizes

    def __getitem__(self, key: SampleKey | tuple[int, int] | int) -> dict[str, Any]:
        """Return `image` uint8 (3, H, W), `matrix` (2, 3) input -> original pixels, `frame` and `index`.

        Raises:
            DataError: the image is missing or broken; names the file.
        """
        index = as_key(key).index
        frame = self.frames[index]
        image, matrix = self.geometry.warp(read_image(frame.image))
        return {"image": to_channels_first(image), "matrix": matrix, "frame": frame, "index": index}


class PoseLoader(DataLoader):
    """A DataLoader that tells a worker's error without the traceback that torch writes into it."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Yield batches.

        Raises:
            DanceposeError: as the data set raised it, in a worker or not.
        """
        try:
            yield from super().__iter__()
        except DanceposeError as error:
            name = f"{type(error).__module__}.{type(error).__qualname__}: "
            raise type(error)(str(error).rpartition(name)[2].strip()) from None


def as_key(key: SampleKey | tuple[int, int] | int) -> SampleKey:
    """Return a sample key; a bare index (a user's, or the trainer's `overfit_batches`) is of epoch 0."""
    return SampleKey(0, key) if isinstance(key, (int, np.integer)) else SampleKey(*key)


def to_channels_first(image: np.ndarray) -> torch.Tensor:
    """Copy (H, W, 3) uint8 into a contiguous (3, H, W) tensor, ten times faster than a transposed copy."""
    planes = np.empty((image.shape[2], *image.shape[:2]), dtype=np.uint8)
    cv2.split(image, list(planes))
    return torch.from_numpy(planes)


def collate_evaluation(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Stack evaluation samples; images are padded right and bottom to the largest, frames stay a list.

    No samples give an empty batch: see `EvaluationSampler`.

    Returns:
        `image` uint8 (B, 3, H, W), `matrix` float64 (B, 2, 3), `frame` list of B, `index` int64 (B,).
    """
    images = [sample["image"] for sample in samples]
    height, width = (max((image.shape[axis] for image in images), default=0) for axis in (1, 2))
    batch = torch.full((len(images), 3, height, width), PAD_VALUE, dtype=torch.uint8)
    for row, image in zip(batch, images, strict=True):
        row[:, : image.shape[1], : image.shape[2]] = image
    return {
        "image": batch,
        "matrix": torch.from_numpy(np.array([sample["matrix"] for sample in samples]).reshape(-1, 2, 3)),
        "frame": [sample["frame"] for sample in samples],
        "index": torch.tensor([sample["index"] for sample in samples], dtype=torch.int64),
    }


def prepare_worker(worker: int) -> None:
    """Keep OpenCV to the worker's own core."""
    cv2.setNumThreads(0)
