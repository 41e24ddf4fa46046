"""The packed way of targets out of a data worker, held against dense maps made plainly."""

import numpy as np
import torch
from codec_maps import SIZE, SKELETON, make_frame, overlapping_people

from dancepose.codecs.ae_encoding import MapEncoder
from dancepose.codecs.heatmap import gaussian_cells, to_cells

K = len(SKELETON)


def encoder() -> MapEncoder:
    return MapEncoder(SKELETON, (4, 2), sigma=2.0, peak=1.0, max_people=30, exact=False)


def test_a_batch_is_drawn_as_its_frames_are():
    rng = np.random.default_rng(0)
    made = encoder()
    frames = [make_frame(overlapping_people(rng, count)) for count in (3, 0, 7)]
    targets, weights = made.unpack(made.stack([made.pack(frame, SIZE) for frame in frames]))
    assert targets["heatmaps_1"].shape == (3, K, SIZE[1] // 2, SIZE[0] // 2)
    for index, stride in enumerate((4, 2)):
        for row, frame in zip(targets[f"heatmaps_{index}"], frames, strict=True):
            plain = np.zeros(row.shape, np.float32)
            if frame.people:
                points = frame.keypoint_array()
                cells = to_cells(points[..., :2], stride)
                flat, values = gaussian_cells(cells, points[..., 2] > 0, row.shape[1:], 2.0)
                for cell, value in zip(flat, values, strict=True):
                    place = np.unravel_index(cell, plain.shape)
                    plain[place] = max(plain[place], value)
            np.testing.assert_array_equal(row.numpy(), plain)
    assert (targets["joints"][1] == -1).all() and weights["labelled"].all()


def test_packed_is_smaller_than_the_maps():
    packed = encoder().pack(make_frame(overlapping_people(np.random.default_rng(1), 1)), SIZE)
    sparse = sum(v.nbytes for k, v in packed.items() if "/" not in k)
    assert sparse < sum(4 * K * (SIZE[0] // s) * (SIZE[1] // s) for s in (4, 2)) / 2
    assert torch.from_numpy(packed["cells_0"]).dtype == torch.int64
