"""An oracle in place of a pose network: it answers with the encoded truth of whatever it sees.

Pictures are colour ramps: red grows with x, green with y, blue is the picture's number. So the oracle can
tell from the pixels alone which picture it sees, and how it was scaled, mirrored, shifted and cut.
"""

from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.inference.geometry import apply_matrix
from dancepose.inference.pose import PosePredictor
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")


def ramp(width, height, number):
    dither = np.random.default_rng(number).uniform(
        -0.5, 0.5, (height, width, 2)
    )  # else rounding has a direction
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = np.rint(np.linspace(1, 254, width) + dither[..., 0])
    image[..., 1] = np.rint(np.linspace(1, 254, height)[:, None] + dither[..., 1])
    image[..., 2] = 100 + 10 * number
    return image


class Oracle(nn.Module):
    """Answers with the encoded truth of whatever it sees; remembers the shapes of its inputs."""

    def __init__(self, codec, truth, geometry, scales, tiling=None):
        super().__init__()
        self.tiling = tiling
        self.codec, self.truth, self.geometry, self.scales = codec, truth, geometry, scales
        self.seen = []

    def forward(self, images):
        assert images.dtype == torch.uint8 and not self.training
        assert images.shape[2] % 32 == 0 and images.shape[3] % 32 == 0
        self.seen.append((tuple(images.shape), images.is_contiguous(memory_format=torch.channels_last)))
        answers = [self.answer(image.permute(1, 2, 0).numpy()) for image in images]
        return [torch.stack([answer[i] for answer in answers]) for i in range(len(self.codec.outputs))]

    def answer(self, image):
        number = int(round((np.median(image[..., 2][image[..., 2] > 95]) - 100) / 10))
        (width, height), people = self.truth[number]
        matrix = self.exact_matrix(image, width, height)
        moved = []
        for keypoints in people:
            moved.append(np.column_stack([apply_matrix(matrix, keypoints[:, :2]), keypoints[:, 2]]))
            if matrix[0, 0] < 0:
                moved[-1] = moved[-1][SKELETON.flip_index]
        size = (image.shape[1], image.shape[0])
        frame = Frame(image, size, [Person(k) for k in moved], SKELETON.name)
        return as_outputs(self.codec, frame, size)

    def exact_matrix(self, image, width, height):
        """Return original -> input pixels: of all ways in which it may be, the one that the pixels show."""
        seen = image[..., 2] > 95
        seen &= np.roll(seen, 2, 0) & np.roll(seen, -2, 0) & np.roll(seen, 2, 1) & np.roll(seen, -2, 1)
        rows, columns = np.nonzero(seen)
        x = (image[rows, columns, 0] - 1.0) / 253 * (width - 1)
        y = (image[rows, columns, 1] - 1.0) / 253 * (height - 1)
        rectangles = [(0, 0, width, height)] if self.tiling is None else self.tiling.rectangles(width, height)
        found = []
        for left, top, w, h in rectangles:
            chosen = min(w, h) if self.geometry.resize == "short" else max(w, h)
            content = [round(side * self.geometry.size / chosen) for side in (w, h)]
            padded = [-(-side // self.geometry.multiple) * self.geometry.multiple for side in content]
            for scale in self.scales:
                full = [max(1, round(side * scale / 4)) * 4 for side in padded]
                step = np.divide(content, (w, h)) * np.divide(full, padded)
                shift = step / 2 - 0.5 - step * (left, top)
                for mirrored in (False, True):
                    sign = np.array([-1.0, 1.0]) if mirrored else np.ones(2)
                    offset = [image.shape[1] - 1 - shift[0] if mirrored else shift[0], shift[1]]
                    matrix = np.column_stack([np.diag(sign * step), offset])
                    error = np.column_stack([columns, rows]) - apply_matrix(matrix, np.column_stack([x, y]))
                    found.append((np.abs(error).mean(), np.abs(error.mean(axis=0)).max(), matrix))
        _, bias, matrix = min(found, key=lambda f: f[0])
        assert bias < 0.05, "what the network is fed does not lie where the geometry says"
        return matrix


def as_outputs(codec, frame, size):
    """Encoded truth as a perfect network would give it."""
    targets, _ = codec.encode(frame, size)
    maps = [
        torch.from_numpy(np.asarray(targets[f"heatmaps_{i}"], np.float32)) for i in range(len(codec.outputs))
    ]
    if isinstance(codec, AssociativeEmbedding):
        height, width = maps[0].shape[1:]
        y, x = np.mgrid[:height, :width]
        places = (frame.keypoint_array()[..., :2] - 1.5) / 4  # (P, K, 2)
        distance = (x - places[..., :1, None]) ** 2 + (y - places[..., 1:, None]) ** 2  # (P, K, h, w)
        tags = torch.from_numpy(4.0 * distance.argmin(axis=0).astype(np.float32))
        maps[0] = torch.cat([maps[0], tags])
    return maps


def somebody(width, height, rng, low=0.4, high=0.6):
    xy = rng.uniform(low, high, (len(SKELETON), 2)) * [width, height]
    return np.column_stack([xy, np.full(len(SKELETON), 2.0)])


def predictor_for(codec, truth, geometry, flip=False, scales=(1.0,), tiling=None, **more):
    """Return a predictor with an oracle that knows `truth`: number -> size, and keypoints of each person."""
    network = Oracle(codec, truth, geometry, scales, tiling)
    model = SimpleNamespace(codec=codec, network=network, skeleton=SKELETON)
    return PosePredictor(model, geometry, flip, scales, **more)
