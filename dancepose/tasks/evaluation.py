"""All metrics of a pose run over one part of the data: for validation, test and `dancepose-evaluate`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dancepose.inference.geometry import apply_matrix
from dancepose.inference.pose import PosePredictor, to_original
from dancepose.inference.selection import in_picture
from dancepose.metrics.matching import Protocol
from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.oks import OKSAveragePrecision
from dancepose.metrics.pck import PCK
from dancepose.metrics.sides import SideSwaps
from dancepose.metrics.table import ResultRow
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

Prediction = tuple[str, list[Person]]  # name of the frame, its people in original pixels


class PoseEvaluation(nn.Module):
    """MPII mAP, OKS AP and left/right swaps of grouped people; PCK of peaks in single-person pictures.

    PCK are two: PCK@0.2 and PCKh@0.5.

    Args:
        skeleton: of the people.
        protocol: `mpii` or `posetrack`, see `MPIIMeanAP`.
    """

    def __init__(self, skeleton: Skeleton, protocol: Protocol = "mpii"):
        super().__init__()
        self.mpii = MPIIMeanAP(skeleton, protocol=protocol)
        self.oks = OKSAveragePrecision(skeleton)
        self.swaps = SideSwaps(skeleton)
        self.pck = PCK(skeleton, reference="torso", threshold=0.2)
        self.pckh = PCK(skeleton, reference="head", threshold=0.5)
        self.predictions: list[Prediction] = []
        self._grouped = False  # were there predictions without heatmaps?

    def reset(self) -> None:
        """Forget everything counted."""
        for metric in (self.mpii, self.oks, self.swaps, self.pck, self.pckh):
            metric.reset()
        self.predictions = []
        self._grouped = False

    def step(self, predictor: PosePredictor, batch: dict[str, Any]) -> Tensor | None:
        """Predict a batch of evaluation samples and count it.

        Returns:
            The merged heatmaps (B, K, h, w), for pictures; None for an empty batch, which fills up a process
            that has fewer than others.
        """
        if not batch["frame"]:
            return None
        read = predictor.codec.read(predictor.predict_maps(batch["image"]))
        matrices = [np.asarray(matrix) for matrix in batch["matrix"].cpu()]
        people = [
            in_picture(to_original(found, matrix), (0, 0, *frame.size))
            for found, matrix, frame in zip(read.people, matrices, batch["frame"], strict=True)
        ]
        peaks = np.array(read.peaks, dtype=np.float64)  # (B, K, 3)
        for peak, matrix in zip(peaks, matrices, strict=True):
            peak[:, :2] = apply_matrix(matrix, peak[:, :2])
        self.update(people, batch["frame"], peaks, [int(index) for index in batch["index"]])
        return read.heatmaps

    def update(
        self,
        people: Sequence[list[Person]],
        frames: Sequence[Frame],
        peaks: np.ndarray | None = None,
        indices: Sequence[int] | None = None,
    ) -> None:
        """Count predictions.

        Args:
            people: predicted people of each frame, original pixels.
            frames: the truth.
            peaks: (B, K, 3) x, y, score of each map's maximum, original pixels; without them the best person
                of a picture stands for its peaks.
            indices: place of each frame in the data set; settles the order of equal scores, and names the
                pictures of PCK. Default: the order of the calls.
        """
        self._grouped |= peaks is None
        self.mpii.update(people, frames, indices)
        self.oks.update(people, frames, indices)
        self.swaps.update(people, frames)
        for metric in (self.pck, self.pckh):
            metric.update(people if peaks is None else peaks, frames, indices)
        self.predictions += [(frame.name, list(found)) for frame, found in zip(frames, people, strict=True)]

    def compute(self) -> dict[str, Any]:
        """Return `rows` (label -> ResultRow) and `scalars` (name -> float) over all ranks.

        `scalars` holds what has a value: mAP, the columns' APs, OKS AP and AR, swaps, PCK and PCKh.
        """
        rows: dict[str, ResultRow] = {"mAP": self.mpii.compute(), "OKS": self.oks.compute()}
        swaps = self.swaps.compute()
        if swaps.value is not None:
            rows["swaps"] = swaps
        # a rank without single-person pictures has to take part in the reduction, so these two are always
        # computed
        pck, pckh = self.pck.compute(), self.pckh.compute()
        if self._grouped:
            for row in (pck, pckh):
                row.notes.append("of the best person that was found, not of the heatmaps' maxima")
        if pck.value is not None or pckh.value is not None:
            rows |= {"PCK@0.2": pck, "PCKh@0.5": pckh}
        scalars = {}
        for label, row in rows.items():
            for column, value in row.columns.items():
                if value is None:
                    continue
                if label == "mAP":
                    scalars[column] = float(value)
                elif label == "OKS":
                    scalars[f"OKS_{column}"] = float(value)
                elif column == row.total:
                    scalars[label] = float(value)
        return {"rows": rows, "scalars": scalars}

    def gather_predictions(self) -> list[Prediction]:
        """Return the predictions of all ranks, sorted by the name of the frame."""
        everything = self.predictions
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            parts: list[list[Prediction]] = [[] for _ in range(torch.distributed.get_world_size())]
            torch.distributed.all_gather_object(parts, self.predictions)
            everything = [prediction for part in parts for prediction in part]
        return sorted(everything, key=lambda prediction: prediction[0])
