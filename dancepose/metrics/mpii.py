"""MPII's multi-person mAP, and PoseTrack's variant of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dancepose.metrics.curves import PrecisionRecall, precision_recall
from dancepose.metrics.head_size import HEAD_RULES
from dancepose.metrics.matching import COUNTS, Protocol, score_frames
from dancepose.metrics.people import check_frames
from dancepose.metrics.state import FrameMetric
from dancepose.metrics.table import ResultRow, report_columns, scored_keypoints, truth_note
from dancepose.records import Frame, Person
from dancepose.skeleton import COLUMNS, Skeleton

PROTOCOL_JOINTS = {"mpii": 14, "posetrack": 15}
TITLES = {"mpii": "MPII mAP", "posetrack": "PoseTrack mAP"}


def group_notes(counts: Mapping[str, int]) -> list[str]:
    """Say what became of pictures without a group, and of people near none or several (rules 1 and 2)."""
    told = {
        "images_without_group": "pictures without a group of people, passed over, as the protocol says",
        "outside_group": "people predicted outside the place of each group, dropped, as the protocol says",
        "in_several_groups": "people predicted near several groups, scored in each of these",
    }
    return [f"{text}: {counts[name]}" for name, text in told.items() if counts.get(name)]


def matched_shares(
    people: Sequence[Sequence[Person]],
    frames: Sequence[Frame],
    skeleton: Skeleton,
    protocol: Protocol = "mpii",
) -> list[float | None]:
    """Return which share of each frame's annotated joints the assigned predictions hit; None without truth.

    See `score_frames` for the arguments and errors.
    """
    shares: list[float | None] = []
    for result in score_frames(people, frames, skeleton, protocol):
        truth = int(result.truth.sum())
        shares.append(sum(float(d[:, 2].sum()) for d in result.detections) / truth if truth else None)
    return shares


class MPIIMeanAP(FrameMetric):
    """Mean average precision of joints over people grouped by the method itself, MPII's multi-person figure.

    Pishchulin et al. 2016, DeepCut, section 5.2, after the MPII toolkit: a prediction is assigned to the
    person of whose annotated joints it matches most, a joint matches within half a head size, and the average
    precision of each joint ranks all predicted joints by their own scores. `posetrack` (Andriluka et al.
    2018, PoseTrack) removes groups without truth together with their predictions, and points in ignore
    polygons from both sides.

    Decided where the protocol is silent:

    - A labelled person is *ignored* (neither truth nor a source of false ones) if no head-size rule applies,
      or if none of its scored joints is annotated, so that nothing could be matched. A predicted person that
      is assigned to nobody is dropped if at least half of the ignored person's annotated keypoints lie within
      half a head size of the prediction's same keypoints, or if at least half of its joints lie inside the
      ignored people's `box`es and, in the `mpii` protocol, `Frame.ignore` regions. The head size is that of
      the predicted keypoints by the same rules; where none applies the median of the frame's labelled people,
      or 3 px. In `mpii` polygons take nothing from truth, nor from a prediction that is assigned.
    - A frame without a group of a data set that has groups (`Frame.evaluated`) is passed over (rule 1).
    - Frames marked incomplete: a predicted person that is assigned to nobody is dropped if its mean joint
      lies farther from every labelled person's keypoint box than that box's diagonal; with nobody labelled,
      always.
    - Where a frame excuses nothing (`Frame.excuses`: MPII's own files), its polygons and its incompleteness
      change no figure of `mpii`: the toolkit, which the figure must equal, has neither. What is predicted on
      people without points counts as false if it is near the group, and the row says so. So does what is
      predicted on a person with a head rectangle of whom no scored joint is annotated: the toolkit keeps
      that person.
    - A prediction's mean joint is that of its scored joints; what the frame's source never labels counts
      there.
    - A keypoint that is present though `Frame.labelled` excludes it is taken as not annotated.
    - A joint whose score is NaN or missing counts as -9999 in both protocols.
    - Equal scores keep the order of frames in the data set, then that of predictions in their list.

    Args:
        skeleton: of truth and predictions; its columns say which joints are scored.
        protocol: `mpii` or `posetrack`.
    """

    truth: Tensor
    counts: Tensor
    rules: Tensor

    def __init__(self, skeleton: Skeleton, protocol: Protocol = "mpii") -> None:
        super().__init__(skeleton, {"detections": 3})
        if protocol not in TITLES:
            raise ValueError(f"protocol '{protocol}': one of {', '.join(TITLES)} is needed")
        self.protocol: Protocol = protocol
        self.joints = scored_keypoints(skeleton)
        sums = {"truth": len(self.joints), "counts": len(COUNTS), "rules": len(HEAD_RULES) + 1}
        for name, size in sums.items():
            self.add_state(name, torch.zeros(size, dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self,
        predictions: Sequence[Sequence[Person]],
        frames: Sequence[Frame],
        indices: Sequence[int] | None = None,
    ) -> None:
        """Add frames.

        Args:
            predictions: predicted people of each frame, original pixels.
            frames: the truth, original pixels.
            indices: each frame's place in the data set; settles the order of equal scores, and so makes a
                distributed figure equal to that of one process exactly. Default: the order of the calls.

        Raises:
            DataError: see `score_frames`, or a frame is of another skeleton.
        """
        check_frames(self.skeleton, predictions, frames)
        results = score_frames(predictions, frames, self.skeleton, self.protocol)
        keys = self.frame_keys(frames, indices)
        if not results:
            return
        rows = [np.concatenate([np.zeros((0, 3)), *r.detections]) for r in results]
        keys = np.repeat(keys, [len(r) for r in rows], axis=0)
        self.append("detections", keys, np.concatenate(rows))
        counts = [[r.counts[name] for name in COUNTS] for r in results]
        for state, values in (
            (self.truth, [r.truth for r in results]),
            (self.counts, counts),
            (self.rules, [r.rules for r in results]),
        ):
            state += torch.from_numpy(np.sum(values, axis=0)).to(state.device)

    def compute(self) -> ResultRow:
        """Return the figure over all frames of all processes: columns Head to Ankle and mAP, in percent.

        The row carries each joint's curve too, of the same gathered detections: every process gets the same.
        """
        detections = self.table("detections")[:, 2:]
        truth = self.truth.tolist()
        curves: dict[str, PrecisionRecall | None] = {}
        for j, name in enumerate(self.joints):
            _, scores, labels = detections[detections[:, 0] == j].T
            curves[name] = precision_recall(scores, labels, truth[j]) if truth[j] else None
        joints = {name: None if curve is None else 100 * curve.area for name, curve in curves.items()}
        counts = {"images": int(self.images)} | dict(zip(COUNTS, self.counts.tolist(), strict=True))
        people = max(counts["people"], 1)
        shares = [n / people for n in self.rules.tolist()]
        truth_by_name = dict(zip(self.joints, truth, strict=True))
        return ResultRow(
            metric=TITLES[self.protocol],
            columns=report_columns(self.skeleton, joints, "mAP"),
            total="mAP",
            joints=joints,
            curves=curves,
            truth=truth_by_name,
            head_size_rules=dict(zip((*HEAD_RULES, "ignored"), shares, strict=True)),
            counts=counts,
            notes=self._notes(truth_by_name, counts),
        )

    def _notes(self, truth: dict[str, int], counts: dict[str, int]) -> list[str]:
        notes = []
        absent = [c for c in COLUMNS if not self.skeleton.columns.get(c)]
        expected = PROTOCOL_JOINTS[self.protocol]
        if absent:
            columns = ", ".join(absent).lower()
            notes.append(f"not comparable: skeleton {self.skeleton.name} has no {columns} joints")
        elif len(self.joints) != expected:
            notes.append(f"not comparable: {len(self.joints)} joints scored, the protocol has {expected}")
        notes += truth_note(truth)
        notes += group_notes(counts)
        if incomplete := counts["incomplete_images"]:
            far = counts["far_in_incomplete"]
            notes.append(
                f"images not completely labelled: {incomplete}; "
                f"people predicted far from the labelled ones, not counted as false: {far}"
            )
        if strict := counts["unexcused_images"]:
            notes.append(
                f"images with people without points: {strict}; "
                "who is predicted on them counts as false, as in MPII's own toolkit"
            )
        ignored, excused = counts["ignored_people"], counts["on_ignored"]
        if ignored or excused:
            notes.append(
                f"labelled people ignored for want of a head size or a scored joint: {ignored}; "
                f"people predicted on them or in ignore regions, not counted as false: {excused}"
            )
        return notes
