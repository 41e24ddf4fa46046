"""Matching of predicted people with a frame's truth by MPII's multi-person protocol, rules 2 to 8."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.groups import admits, meant_for
from dancepose.metrics.head_size import HEAD_RULES, SMALLEST, length
from dancepose.metrics.people import frame_name
from dancepose.metrics.people_arrays import (
    LabelledPeople,
    PredictedPeople,
    stack_labelled,
    stack_predicted,
)
from dancepose.metrics.regions import distance_to_boxes, inside_polygons, on_ignored_people
from dancepose.records import Frame, Group, Person
from dancepose.skeleton import Skeleton

MATCH = 0.5  # head sizes, inclusive
COUNTS = (
    "images_without_group",  # passed over, see `Frame.evaluated`
    "incomplete_images",
    "unexcused_images",  # with people who are no truth, on whom predictions count as false all the same
    "groups",
    "groups_without_truth",  # removed with their predictions (posetrack)
    "groups_without_predictions",  # nobody is scored in them
    "people",  # labelled, ignored ones included
    "ignored_people",
    "predictions",  # people, each once, whatever number of groups they are near
    "outside_group",  # of these: near none of the groups they may be of, and dropped (rule 2)
    "in_several_groups",  # of these: near more than one, and scored in each
    "on_ignored",
    "far_in_incomplete",
)
Protocol = Literal["mpii", "posetrack"]


@dataclass
class FrameScore:
    """What one frame adds to the figure.

    Attributes:
        detections: arrays (n, 3): index among the scored joints, score, 1 for true and 0 for false.
        truth: (J,) annotated joints (nGT).
        counts: name in `COUNTS` -> number.
        rules: (5,) people under each head rule; the last are ignored.
    """

    detections: list[np.ndarray]
    truth: np.ndarray
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rules: np.ndarray = field(default_factory=lambda: np.zeros(len(HEAD_RULES) + 1, dtype=np.int64))


def assign(pck: np.ndarray) -> np.ndarray:
    """Assign predictions to truth greedily in two steps (rule 6).

    Each prediction keeps only its best truth, each truth takes the prediction with the largest remaining pck;
    the first wins on ties, and one that loses does not fall back.

    Args:
        pck: (N, P) share of the truth's annotated joints that the prediction matches.

    Returns:
        (N,) index of the truth, -1 for none.
    """
    assigned = np.full(len(pck), -1)
    if pck.size == 0:
        return assigned
    best = pck.argmax(axis=1)
    kept = np.where(np.arange(pck.shape[1]) == best[:, None], pck, 0)
    won = np.flatnonzero(kept.max(axis=0) > 0)
    assigned[kept.argmax(axis=0)[won]] = won
    return assigned


def score_frames(
    people: Sequence[Sequence[Person]],
    frames: Sequence[Frame],
    skeleton: Skeleton,
    protocol: Protocol = "mpii",
) -> list[FrameScore]:
    """Match predicted people with the truth of their frames and label every predicted joint (rules 2 to 8).

    What needs no pairs is worked out for the people of all frames at once. See `MPIIMeanAP` for what is
    decided where the protocol is silent.

    Args:
        people: predicted in each frame, original pixels.
        frames: the truth, original pixels.
        skeleton: of both; the joints that stand in its columns are scored.
        protocol: `mpii` or `posetrack`.

    Raises:
        DataError: keypoints of another shape or without a finite place, a group with a box but no scale, or
            a prediction for a group that the truth does not have.
    """
    cut = protocol == "posetrack"
    truth, found = stack_labelled(frames, skeleton, cut), stack_predicted(people, frames, skeleton, cut)
    starts = np.cumsum([0, *(len(frame.people) for frame in frames)]).tolist()
    ends = np.cumsum([0, *(len(some) for some in people)]).tolist()
    return [
        _score(found.part(ends[i], ends[i + 1]), truth.part(starts[i], starts[i + 1]), frame, protocol)
        for i, frame in enumerate(frames)
    ]


def _score(found: PredictedPeople, truth: LabelledPeople, frame: Frame, protocol: Protocol) -> FrameScore:
    """Match the people of one frame, group by group."""
    if not frame.evaluated:
        passed = FrameScore([], np.zeros(truth.scored.shape[1], dtype=np.int64))
        passed.counts["images_without_group"] = 1
        return passed
    excused = _on_ignored(found, truth, frame, protocol)
    far = np.zeros(len(found.points), dtype=bool)
    strict = _strict(frame, protocol)
    if not (frame.complete or strict):
        boxes = truth.boxes[~np.isnan(truth.boxes[:, 0])]
        diagonals = length(boxes[:, 2:] - boxes[:, :2])
        far = np.all(distance_to_boxes(found.centres, boxes) > diagonals, axis=1)

    result = FrameScore([], np.zeros(truth.scored.shape[1], dtype=np.int64))
    counts = result.counts
    counts["incomplete_images"] = int(not (frame.complete or strict))
    counts["unexcused_images"] = int(strict and (len(frame.ignore) > 0 or not frame.complete))
    groups = frame.groups or [Group(list(range(len(frame.people))))]
    if len(found.groups) and found.groups.max() >= len(groups):
        raise DataError(
            f"{frame_name(frame)}: a person was predicted for group {found.groups.max()}, the truth has "
            f"{len(groups)}, counted from 0"
        )
    asked, admitted = np.zeros(len(found.points), dtype=bool), np.zeros(len(found.points), dtype=np.int64)
    for number, group in enumerate(groups):
        everyone = np.array(group.members, dtype=np.int64)
        members = everyone[~truth.ignored[everyone]]
        if protocol == "posetrack" and len(members) == 0:
            counts["groups_without_truth"] += 1
            continue
        meant = meant_for(found.groups, number)
        inside = meant & admits(group, found.centres, frame)
        rows = np.flatnonzero(inside)
        asked |= meant
        admitted += inside

        distance = length(found.joints[rows][:, None] - truth.joints[members][None])
        matched = distance / truth.sizes[members][:, None] <= MATCH
        matched &= found.counted[rows][:, None] & truth.scored[members][None]
        annotated = truth.scored[members].sum(axis=1)
        assigned = assign(matched.sum(axis=2) / np.maximum(annotated, 1))  # a person wholly removed: 0
        hit = assigned >= 0
        labels = np.zeros((len(rows), matched.shape[2]))
        labels[hit] = matched[np.flatnonzero(hit), assigned[hit]]

        skip_ignored = ~hit & excused[rows]
        skip_far = ~hit & ~skip_ignored & far[rows]
        person, joint = np.nonzero(found.counted[rows] & ~(skip_ignored | skip_far)[:, None])
        result.detections.append(
            np.stack([joint, found.scores[rows][person, joint], labels[person, joint]], axis=1)
        )
        result.truth += truth.scored[members].sum(axis=0)
        counts["groups"] += 1
        counts["groups_without_predictions"] += int(len(rows) == 0)
        counts["people"] += len(everyone)
        counts["ignored_people"] += len(everyone) - len(members)
        counts["on_ignored"] += int(skip_ignored.sum())
        counts["far_in_incomplete"] += int(skip_far.sum())
        result.rules[:-1] += np.bincount(truth.rules[members], minlength=len(HEAD_RULES))
        result.rules[-1] += len(everyone) - len(members)
    counts["predictions"] = int(asked.sum())
    counts["outside_group"] = int((asked & (admitted == 0)).sum())
    counts["in_several_groups"] = int((admitted > 1).sum())
    return result


def _strict(frame: Frame, protocol: Protocol) -> bool:
    """Tell whether neither ignore regions nor incompleteness excuse anybody, as in MPII's own toolkit."""
    return protocol == "mpii" and not frame.excuses


def _on_ignored(
    found: PredictedPeople, truth: LabelledPeople, frame: Frame, protocol: Protocol
) -> np.ndarray:
    """Return (N,) bool: predicted people on an ignored person, or mostly in regions that are no truth."""
    excused = np.zeros(len(found.points), dtype=bool)
    ignored = truth.ignored
    if _strict(frame, protocol):  # the toolkit keeps whoever has a head size, with points or not
        ignored = ignored & np.isnan(truth.sizes)
    if not len(excused) or not (ignored.any() or frame.ignore):
        return excused
    known = truth.sizes[~np.isnan(truth.sizes)]
    size = np.median(known) if len(known) else SMALLEST
    reach = MATCH * np.where(np.isnan(found.sizes), size, found.sizes)
    excused |= on_ignored_people(
        found.points, found.present, reach, truth.points[ignored], truth.annotated[ignored]
    )
    regions = _ignored_regions(frame, ignored, protocol)
    return excused | _mostly_inside(found.joints, found.shown, regions)


def _ignored_regions(frame: Frame, ignored: np.ndarray, protocol: Protocol) -> list[np.ndarray]:
    """Return the polygons in which an unmatched prediction is no error."""
    # posetrack removes the points themselves
    regions = frame.ignored_polygons if protocol == "mpii" and frame.excuses else []
    for person, skip in zip(frame.people, ignored, strict=True):
        if skip and person.box is not None:
            x, y, w, h = (float(v) for v in person.box)
            regions.append(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]))
    return regions


def _mostly_inside(points: np.ndarray, present: np.ndarray, regions: list[np.ndarray]) -> np.ndarray:
    """Return (N,) bool: at least half of the person's present joints lie in the regions' union."""
    inside = inside_polygons(points, regions) & present
    return inside.any(axis=1) & (2 * inside.sum(axis=1) >= present.sum(axis=1))
