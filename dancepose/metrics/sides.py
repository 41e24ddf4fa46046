"""Left/right swaps: how often a limb that was found bears the name of the other side."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dancepose.metrics.head_size import length
from dancepose.metrics.matching import MATCH, assign
from dancepose.metrics.people import check_frames
from dancepose.metrics.people_arrays import stack_labelled, stack_predicted
from dancepose.metrics.state import FrameMetric
from dancepose.metrics.table import ResultRow
from dancepose.records import Frame, Person
from dancepose.skeleton import COLUMNS, Skeleton

TOTAL = "all"


class SideSwaps(FrameMetric):
    """Share of the matched limbs that are called left and are right, or the reverse, in percent.

    Predicted people are assigned to labelled ones as for `MPIIMeanAP`, except that a joint fits the truth of
    either side, so that somebody who is found in full with the sides exchanged is assigned all the same. A
    *limb* is a scored keypoint that has a partner on the other side. It is *matched* where it lies within
    half a head size, inclusive, of the true place of one side, both of which must be annotated, and *swapped*
    where that is the other one. Where both are as near (crossed wrists, somebody seen from the side) it
    decides nothing and is left out. Frames without a group (`Frame.evaluated`) are passed over.

    The rate speaks of who was found alone: read it beside the mAP, for a network that finds nobody swaps
    nothing.

    Args:
        skeleton: of truth and predictions.
    """

    higher_is_better = False
    swapped: Tensor
    matched: Tensor
    people: Tensor
    undecided: Tensor

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__(skeleton, {})
        self.partner = skeleton.flip_index
        self.limbs = np.flatnonzero(skeleton.scored & (self.partner != np.arange(len(skeleton))))
        for name in ("swapped", "matched"):
            self.add_state(name, torch.zeros(len(self.limbs), dtype=torch.int64), dist_reduce_fx="sum")
        for name in ("people", "undecided"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predictions: Sequence[Sequence[Person]], frames: Sequence[Frame]) -> None:
        """Add frames.

        Args:
            predictions: predicted people of each frame, original pixels.
            frames: the truth, original pixels.

        Raises:
            DataError: keypoints of another shape or without a finite place, or a frame of another skeleton.
        """
        check_frames(self.skeleton, predictions, frames)
        scored = [i for i, frame in enumerate(frames) if frame.evaluated]
        frames, predictions = [frames[i] for i in scored], [predictions[i] for i in scored]
        self.images += len(frames)
        truth = stack_labelled(frames, self.skeleton, cut=False)
        found = stack_predicted(predictions, frames, self.skeleton, cut=False)
        stop_truth = stop_found = 0
        swapped, matched = (np.zeros(len(self.limbs), dtype=np.int64) for _ in range(2))
        for frame, people in zip(frames, predictions, strict=True):
            start_truth, stop_truth = stop_truth, stop_truth + len(frame.people)
            start_found, stop_found = stop_found, stop_found + len(people)
            labelled = truth.part(start_truth, stop_truth)
            members = np.flatnonzero(~labelled.ignored)
            some = found.part(start_found, stop_found)
            places, annotated = labelled.points[members, :, :2], labelled.annotated[members]
            reach = MATCH * labelled.sizes[members, None]
            own = self._near(some.points, some.present, places, annotated, reach)
            other = self._near(
                some.points, some.present, places[:, self.partner], annotated[:, self.partner], reach
            )
            either = own | (other & annotated)
            assigned = assign(either.sum(axis=2) / np.maximum(annotated.sum(axis=1), 1))
            hit = np.flatnonzero(assigned >= 0)
            both = (annotated & annotated[:, self.partner])[assigned[hit]]
            own, other = (near[hit, assigned[hit]] & both for near in (own, other))
            swapped += (other & ~own)[:, self.limbs].sum(axis=0)
            matched += (other ^ own)[:, self.limbs].sum(axis=0)
            self.people += len(hit)
            self.undecided += int((own & other)[:, self.limbs].sum())
        for state, values in ((self.swapped, swapped), (self.matched, matched)):
            state += torch.from_numpy(values).to(state.device)

    @staticmethod
    def _near(
        points: np.ndarray, present: np.ndarray, places: np.ndarray, annotated: np.ndarray, reach: np.ndarray
    ) -> np.ndarray:
        """Return (N, P, K) bool: the predicted keypoint lies within reach of the place."""
        distance = length(points[:, None, :, :2] - places[None])
        return (distance <= reach) & present[:, None] & annotated[None]

    def compute(self) -> ResultRow:
        """Return the rate over all frames of all processes: columns Shoulder to Ankle, and of all limbs."""
        swapped, matched = self.swapped.tolist(), self.matched.tolist()
        names = [self.skeleton.keypoints[limb] for limb in self.limbs]
        number = {name: i for i, name in enumerate(names)}

        def rate(some: Sequence[int]) -> float | None:
            whole = sum(matched[i] for i in some)
            return 100 * sum(swapped[i] for i in some) / whole if whole else None

        order = [*COLUMNS, *(column for column in self.skeleton.columns if column not in COLUMNS)]
        columns = {}
        for column in order:
            joints = self.skeleton.columns.get(column, ())
            if joints and all(joint in number for joint in joints):
                columns[column] = rate([number[joint] for joint in joints])
        columns[TOTAL] = rate(range(len(names)))
        return ResultRow(
            metric="left/right swaps",
            columns=columns,
            total=TOTAL,
            joints={name: rate([i]) for name, i in number.items()},
            truth=dict(zip(names, matched, strict=True)),
            counts={
                "images": int(self.images),
                "people": int(self.people),
                "matched_limbs": sum(matched),
                "swapped_limbs": sum(swapped),
                "undecided_limbs": int(self.undecided),
            },
            notes=["of the limbs that were matched, less is better; the people are those who were found"],
        )
