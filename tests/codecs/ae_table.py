"""Decodes the golden maps by the default and the exact rule, and counts beside the published results.

`python tests/codecs/ae_table.py ../shared/golden` prints the table, with times (median of 50, one thread).
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.skeleton import Skeleton

CASES = ("1", "10", "25_clean", "30", "8_K15")
NEAR = 2.0  # cells within which a joint counts as recovered


def case_skeleton(arrays: dict[str, np.ndarray]) -> Skeleton:
    """Nameless keypoints in the case's grouping order."""
    names = [f"k{i}" for i in range(len(arrays["det"]))]
    order = json.loads(str(arrays["params"]))["joint_order"]
    return Skeleton("golden", tuple(names), (), (), tuple(names[i] for i in order), (0.1,) * len(names))


def case_maps(arrays: dict[str, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return heat (1, K, h, w) and tags (1, T, K, h, w)."""
    tags = torch.from_numpy(arrays["tag"]).permute(3, 0, 1, 2).contiguous()
    return torch.from_numpy(arrays["det"])[None], tags[None]


@dataclass
class Count:
    """What a decode found of the true people of one case."""

    people: int  # true
    found: int
    invented: int  # found people that are the best match of no true person
    joints: int  # true
    recovered: int  # joints of matched people within NEAR of the truth
    wrong: int  # all other joints found

    def row(self) -> str:
        return (
            f"{self.people:4d} {self.found:6d} {self.invented:9d} {self.joints:7d} {self.recovered:10d} "
            f"{self.wrong:6d}"
        )


def count(keypoints: np.ndarray, truth: np.ndarray, shift: float) -> Count:
    """Compare decoded (P, K, 3+) to true (G, K, 3) keypoints, x and y in cells.

    `shift` is added to what was decoded: the truth has the corner of cell (0, 0) at 0, 0.
    """
    distance = np.linalg.norm(keypoints[:, None, :, :2] + shift - truth[None, :, :, :2], axis=-1)
    hits = (distance < NEAR) & (keypoints[:, None, :, 2] > 0) & (truth[None, :, :, 2] > 0)
    shared = hits.sum(axis=2)  # (P, G)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    matched = shared[rows, columns]
    return Count(
        people=len(truth),
        found=len(keypoints),
        invented=len(keypoints) - int((matched > 0).sum()),
        joints=int((truth[..., 2] > 0).sum()),
        recovered=int(matched.sum()),
        wrong=int((keypoints[..., 2] > 0).sum() - matched.sum()),
    )


def decode(arrays: dict[str, np.ndarray], **settings) -> np.ndarray:
    """Return the people (P, K, 4) decoded from a case, in cells."""
    codec = AssociativeEmbedding(case_skeleton(arrays), **settings)
    return codec.decoder(*case_maps(arrays))[0][0]


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(f"{'case':9s} {'rule':22s} true  found  invented  joints  recovered  wrong      ms")
    for case in CASES:
        with np.load(folder / f"ae_parse_{case}.npz") as file:
            arrays = {k: a.astype(np.float32) if a.dtype == np.float16 else a for k, a in file.items()}
        for suffix in ("", "_m114"):
            for stage in ("match_adjust", "match_adjust_refine"):
                name = f"published{suffix} {'refined' if 'refine' in stage else 'grouped'}"
                print(f"{case:9s} {name:22s}", count(arrays[stage + suffix], arrays["gt"], 0.0).row())
        for exact in (True, False):
            for refine in (False, True):
                name = f"{'exact' if exact else 'default'} {'refined' if refine else 'grouped'}"
                codec = AssociativeEmbedding(case_skeleton(arrays), strides=(1,), exact=exact, refine=refine)
                heat, tags = case_maps(arrays)
                outputs = [torch.cat([heat, tags[:, 0]], dim=1)]
                times = []
                for _ in range(50):
                    start = time.perf_counter()
                    codec.decode(outputs)
                    times.append(time.perf_counter() - start)
                found = count(decode(arrays, exact=exact, refine=refine), arrays["gt"], 0.0 if exact else 0.5)
                print(f"{case:9s} {name:22s}", found.row(), f"{np.median(times) * 1e3:7.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
