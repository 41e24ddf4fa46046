"""The samples of a motion network, as data workers make them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from dancepose.data.dataset import as_key, to_channels_first
from dancepose.data.images import read_image
from dancepose.data.motion_samples import MotionSample
from dancepose.data.person_crop import PersonTransform
from dancepose.data.sampler import SampleKey, draw_seed
from dancepose.encoders import Encoder
from dancepose.inference.person_crop import person_square
from dancepose.records import Frame


class MotionDataset(Dataset[dict[str, Any]]):
    """Samples: what is random about one depends on (seed, epoch, name of the sample) alone.

    Picture and keypoints go through one geometric change, and the features are computed from what comes out:
    a mirror swaps left and right in them too. Over a window the change is the same in all pictures.

    Args:
        samples: what is asked about.
        encoder: keypoints -> the network's inputs.
        images: whether the network looks at the person's picture, too.
        transform: of keypoints and picture.
        margin: see `person_square`.
        seed: of the run.

    Attributes:
        read: image of a frame -> (H, W, 3) uint8 RGB, which must not be written into.
    """

    def __init__(
        self,
        samples: Sequence[MotionSample],
        encoder: Encoder,
        images: bool,
        transform: PersonTransform,
        margin: float,
        seed: int,
    ):
        self.samples, self.encoder, self.images = list(samples), encoder, images
        self.transform, self.margin, self.seed = transform, margin, seed
        self.read: Callable[[Any], np.ndarray] = read_image

    @property
    def pictured(self) -> list[Frame]:
        """The frames whose pictures are read."""
        return [sample.middle[0] for sample in self.samples] if self.images else []

    def __len__(self) -> int:
        return len(self.samples)

    def crop(self, key: SampleKey | tuple[int, int] | int) -> tuple[np.ndarray | None, np.ndarray]:
        """Return the person's picture, (size, size, 3) uint8 RGB, and the keypoints (T, K, 3) in its pixels.

        The picture is that of the middle step; None where the network does not look at it.
        """
        return self._crop(key, self.images)[:2]

    def picture(self, key: SampleKey | tuple[int, int] | int) -> tuple[np.ndarray | None, np.ndarray]:
        """Return, to look at, the middle step's picture, None without one, and its keypoints (K, 3)."""
        frame, _ = self.samples[as_key(key).index].middle
        crop, keypoints, _ = self._crop(key, frame.image is not None)
        return crop, keypoints[len(keypoints) // 2]

    def _crop(
        self, key: SampleKey | tuple[int, int] | int, images: bool
    ) -> tuple[np.ndarray | None, np.ndarray, float]:
        epoch, index, occurrence = as_key(key)
        sample = self.samples[index]
        again = (occurrence,) if occurrence else ()
        seed = draw_seed(self.seed, epoch, sample.id, *again)
        frame, person = sample.middle
        matrix, mirrored = self.transform.draw(person_square(person, frame.size, self.margin), seed)
        keypoints = self.transform.keypoints(sample.keypoints, matrix, mirrored)
        enlarged = float(np.hypot(*matrix[:2, 0]))  # lengths in the crop, in those of the picture
        crop = self.transform.image(self.read(frame.image), matrix, seed) if images else None
        return crop, keypoints, enlarged

    def __getitem__(self, key: SampleKey | tuple[int, int] | int) -> dict[str, Any]:
        """Return `label`, `index`, `keypoints`, `box_height`, and where asked for `image` uint8 (3, H, W).

        Raises:
            DataError: the image is missing or broken; names the file.
        """
        index = as_key(key).index
        sample = self.samples[index]
        picture, keypoints, enlarged = self._crop(key, self.images)
        made: dict[str, Any] = {} if picture is None else {"image": to_channels_first(picture)}
        made |= {"keypoints": keypoints, "box_height": sample.box_height * enlarged}
        return {**made, "label": sample.label, "index": index}

    def collate(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Stack samples, their keypoints encoded at once; none give an empty batch (`EvaluationSampler`)."""
        batch: dict[str, Any] = {
            key: torch.tensor([sample[key] for sample in samples], dtype=torch.int64)
            for key in ("label", "index")
        }
        if samples and "image" in samples[0]:
            batch["image"] = torch.stack([sample["image"] for sample in samples])
        if samples and self.encoder.inputs:
            stacked = (np.stack([sample[key] for sample in samples]) for key in ("keypoints", "box_height"))
            arrays = self.encoder.batch(*stacked)
            batch |= {name: torch.from_numpy(array) for name, array in arrays.items()}
        return batch
