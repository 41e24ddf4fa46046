"""PCK and PCKh: the share of joints found in single-person pictures."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from dancepose.errors import DataError
from dancepose.metrics.head_size import (
    HEAD_RULES,
    TORSO_RULES,
    head_box_array,
    head_sizes,
    length,
    torso_sizes,
)
from dancepose.metrics.joint_hits import JointHits, clip_numbers, draws, standard_error
from dancepose.metrics.people import check_frames, labelled_mask, stack_people
from dancepose.metrics.state import FrameMetric
from dancepose.metrics.table import ResultRow, report_columns, scored_keypoints, truth_note
from dancepose.records import Frame, Person
from dancepose.skeleton import COLUMNS, Skeleton

RULES = {"torso": TORSO_RULES, "head": HEAD_RULES}
NAMES = {"torso": "PCK", "head": "PCKh"}
PCKH_NECK_FACTOR = 1.0  # |head_top - upper_neck| itself
UNCOUNTED, MISSED, FOUND = 0, 1, 2  # what became of a joint


class PCK(FrameMetric):
    """Percentage of annotated joints that lie within `threshold` reference lengths of the truth, inclusive.

    `torso` (Yang and Ramanan 2013, Articulated Human Detection with Flexible Mixtures of Parts, with Leeds
    Sports Pose's torso): |right_shoulder - left_hip|, |left_shoulder - right_hip| where one of those is
    missing. `head` (Andriluka et al. 2014, PCKh): the head size of `head_sizes` with |head_top - upper_neck|
    itself, factor 1, in its second rule; a head rectangle still comes first, as in MPII. People without a
    reference length are left out.

    For single-person pictures: exactly one labelled person, completely labelled, no ignore regions. Others
    are left out and counted, for the maximum of a heatmap does not say whose joint it is. A joint that is not
    predicted is missed; joints that the source never labels do not count.

    What was found in each picture is kept (about eight bytes a joint): the row has the standard error of the
    mean over other pictures like these, see `standard_error`, and the pictures' joints for `per_image.npz`.

    Args:
        skeleton: of truth and predictions; its columns say which joints are scored.
        reference: `torso` or `head`.
        threshold: in reference lengths; default 0.2 for the torso, 0.5 for the head.
    """

    rules: Tensor
    several: Tensor

    def __init__(
        self,
        skeleton: Skeleton,
        reference: Literal["torso", "head"] = "torso",
        threshold: float | None = None,
    ) -> None:
        joints = scored_keypoints(skeleton)
        super().__init__(skeleton, {"pictures": 1 + len(joints)})  # its clip, and what became of each joint
        if reference not in RULES:
            raise ValueError(f"reference '{reference}': one of {', '.join(RULES)} is needed")
        self.reference = reference
        self.threshold = {"torso": 0.2, "head": 0.5}[reference] if threshold is None else threshold
        self.joints = joints
        for name, shape in (("rules", len(RULES[reference]) + 1), ("several", ())):
            self.add_state(name, torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self,
        predictions: np.ndarray | Tensor | Sequence[Sequence[Person]],
        frames: Sequence[Frame],
        indices: Sequence[int] | None = None,
    ) -> None:
        """Add frames.

        Args:
            predictions: (B, K, 3) x, y, score of the maximum of each heatmap, original pixels; or the
                predicted people of each frame, of whom the one with the highest score counts.
            frames: the truth, original pixels.
            indices: each frame's place in the data set, see `FrameMetric.frame_keys`.

        Raises:
            DataError: keypoints of another shape, or a frame is of another skeleton.
        """
        check_frames(self.skeleton, predictions, frames)
        keys = self.frame_keys(frames, indices)
        alone = [i for i, frame in enumerate(frames) if _single_person(frame)]
        self.several += len(frames) - len(alone)
        if not alone:
            return
        people = [frames[i].people[0] for i in alone]
        truth = np.concatenate(
            [stack_people([p], self.skeleton, frames[i]) for i, p in zip(alone, people, strict=True)]
        )
        labelled = np.array([labelled_mask(self.skeleton, frames[i]) for i in alone])
        annotated = (truth[..., 2] > 0) & labelled
        if self.reference == "torso":
            sizes, rules = torso_sizes(truth, annotated, self.skeleton)
        else:
            boxes = head_box_array(people)
            sizes, rules = head_sizes(truth, annotated, boxes, self.skeleton, PCKH_NECK_FACTOR)

        found = self._peaks(predictions, frames)[alone]
        joints = np.flatnonzero(self.skeleton.scored)
        counted = (annotated & ~np.isnan(sizes)[:, None])[:, joints]
        distance = length(found[:, joints] - truth[:, joints, :2]) / sizes[:, None]
        hits = counted & (distance <= self.threshold)  # a joint not predicted is NaN: no hit
        codes = np.where(hits, FOUND, np.where(counted, MISSED, UNCOUNTED))
        clips = clip_numbers([frames[i].clip for i in alone])
        self.append("pictures", keys[alone], np.column_stack([clips, codes]))
        rule_counts = np.bincount(rules, minlength=len(RULES[self.reference]) + 1)
        self.rules += torch.from_numpy(rule_counts).to(self.rules.device)

    def _peaks(
        self, predictions: np.ndarray | Tensor | Sequence[Sequence[Person]], frames: Sequence[Frame]
    ) -> np.ndarray:
        """Return (B, K, 2) places of the predicted joints, NaN where there is none."""
        if isinstance(predictions, (np.ndarray, Tensor)):
            array = predictions.cpu().numpy() if isinstance(predictions, Tensor) else predictions
            if array.shape != (shape := (len(frames), len(self.skeleton), 3)):
                raise DataError(
                    f"peaks of shape {array.shape}; skeleton {self.skeleton.name} and the frames need {shape}"
                )
            return array[..., :2].astype(np.float64)
        peaks = np.full((len(frames), len(self.skeleton), 2), np.nan)
        for peak, people, frame in zip(peaks, predictions, frames, strict=True):
            if people:
                best = max(people, key=lambda person: person.score)  # the first of equals
                points = stack_people([best], self.skeleton, frame)[0]
                peak[:] = np.where(points[:, 2:] > 0, points[:, :2], np.nan)
        return peaks

    def compute(self) -> ResultRow:
        """Return the figure over all frames of all processes: columns Head to Ankle and their mean."""
        places, _, clips, *codes = self.table("pictures").T.astype(np.int64)
        states = np.array(codes, np.int64).reshape(len(self.joints), len(places)).T
        hits = JointHits(places, states != UNCOUNTED, states == FOUND)
        truth = dict(zip(self.joints, hits.counted.sum(axis=0).tolist(), strict=True))
        joints: dict[str, float | None] = {
            name: 100 * found / truth[name] if truth[name] else None
            for name, found in zip(self.joints, hits.found.sum(axis=0).tolist(), strict=True)
        }
        groups, unit = draws(clips)
        drawn = len(np.unique(groups[hits.counted.any(axis=1)]))
        rules = self.rules.tolist()
        people = sum(rules)
        shares = [n / max(people, 1) for n in rules]
        several = int(self.several)
        return ResultRow(
            metric=f"{NAMES[self.reference]}@{self.threshold:g}",
            columns=report_columns(self.skeleton, joints, "mean"),
            total="mean",
            joints=joints,
            truth=truth,
            head_size_rules=dict(zip((*RULES[self.reference], "left_out"), shares, strict=True)),
            counts={
                "images": int(self.images),
                "people": people,
                "without_reference": rules[-1],
                "not_single_person": several,
            },
            notes=self._notes(truth, rules[-1], several),
            standard_error=standard_error(hits.found, hits.counted, groups),
            drawn=f"{drawn} {unit}",
            hits=hits,
        )

    def _notes(self, truth: dict[str, int], unmeasured: int, several: int) -> list[str]:
        notes = []
        if absent := [c for c in COLUMNS if not self.skeleton.columns.get(c)]:
            columns = ", ".join(absent).lower()
            notes.append(f"not comparable: skeleton {self.skeleton.name} has no {columns} joints")
        notes += truth_note(truth)
        if unmeasured:
            notes.append(f"people left out for want of a {self.reference} length: {unmeasured}")
        if several:
            notes.append(f"pictures left out, not of exactly one person: {several}")
        return notes


def _single_person(frame: Frame) -> bool:
    return len(frame.people) == 1 and frame.complete and not frame.ignore
