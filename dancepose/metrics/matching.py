"""Matching of predicted people with a frame's truth by MPII's multi-person protocol, rules 2 to 8."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.head_size import (
    HEAD_RULES,
    SMALLEST,
    bounding_boxes,
    head_box_array,
    head_sizes,
    length,
)
from dancepose.metrics.regions import (
    distance_to_boxes,
    inside_group,
    inside_polygons,
    mean_points,
    on_ignored_people,
)
from dancepose.metrics.state import frame_name, keypoint_scores, labelled_mask, stack_people
from dancepose.records import Frame, Group, Person
from dancepose.skeleton import Skeleton

MATCH = 0.5  # head sizes, inclusive
COUNTS = (
    "incomplete_images",
    "groups",
    "groups_without_truth",  # removed with their predictions (posetrack)
    "people",  # labelled, ignored ones included
    "ignored_people",
    "predictions",
    "outside_group",
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


def score_frame(
    people: Sequence[Person], frame: Frame, skeleton: Skeleton, protocol: Protocol = "mpii"
) -> FrameScore:
    """Match predicted people with a frame's truth and label every predicted joint (rules 2 to 8).

    See `MPIIMeanAP` for what is decided where the protocol is silent.

    Args:
        people: predicted, original pixels.
        frame: the truth, original pixels.
        skeleton: of both; the joints that stand in its columns are scored.
        protocol: `mpii` or `posetrack`.

    Raises:
        DataError: keypoints of another shape or without a finite place, or a group with a box but no scale.
    """
    joints, labelled = np.flatnonzero(skeleton.scored), labelled_mask(skeleton, frame)
    truth = stack_people(frame.people, skeleton, frame)
    annotated = (truth[..., 2] > 0) & labelled
    sizes, rules = head_sizes(truth, annotated, head_box_array(frame.people), skeleton)
    boxes = bounding_boxes(truth, annotated)
    boxes = boxes[~np.isnan(boxes[:, 0])]

    predicted = stack_people(people, skeleton, frame)
    present = predicted[..., 2] > 0
    scores = keypoint_scores(people, len(skeleton))[:, joints]
    centres = mean_points(predicted[:, joints], present[:, joints])
    own_sizes, _ = head_sizes(predicted, present, np.full((len(people), 4), np.nan), skeleton)
    known = sizes[~np.isnan(sizes)]
    own_sizes = np.where(np.isnan(own_sizes), np.median(known) if len(known) else SMALLEST, own_sizes)

    ignored = np.isnan(sizes) | ~annotated[:, joints].any(axis=1)
    on_ignored = on_ignored_people(
        predicted, present, MATCH * own_sizes, truth[ignored], annotated[ignored]
    ) | _mostly_inside(predicted[:, joints], present[:, joints], _ignored_regions(frame, ignored, protocol))
    far = np.zeros(len(people), dtype=bool)
    if not frame.complete:
        diagonals = length(boxes[:, 2:] - boxes[:, :2])
        far = np.all(distance_to_boxes(centres, boxes) > diagonals, axis=1)

    scored = annotated[:, joints]
    counted = (present & labelled)[:, joints]
    if protocol == "posetrack":
        scored = scored & ~inside_polygons(truth[:, joints], frame.ignore)
        counted = counted & ~inside_polygons(predicted[:, joints], frame.ignore)

    result = FrameScore([], np.zeros(len(joints), dtype=np.int64))
    result.counts["incomplete_images"] = int(not frame.complete)
    for group in frame.groups or [Group(list(range(len(frame.people))))]:
        everyone = np.array(group.members, dtype=np.int64)
        members = everyone[~ignored[everyone]]
        if protocol == "posetrack" and len(members) == 0:
            result.counts["groups_without_truth"] += 1
            continue
        inside = _in_group(group, centres, frame)
        rows = np.flatnonzero(inside)

        distance = length(predicted[rows][:, None, joints, :2] - truth[members][None, :, joints, :2])
        matched = distance / sizes[members][:, None] <= MATCH
        matched &= counted[rows][:, None] & scored[members][None]
        annotated_count = scored[members].sum(axis=1)
        assigned = assign(matched.sum(axis=2) / np.maximum(annotated_count, 1))  # a person wholly removed: 0
        hit = assigned >= 0
        labels = np.zeros((len(rows), len(joints)))
        labels[hit] = matched[np.flatnonzero(hit), assigned[hit]]

        skip_ignored = ~hit & on_ignored[rows]
        skip_far = ~hit & ~skip_ignored & far[rows]
        person, joint = np.nonzero(counted[rows] & ~(skip_ignored | skip_far)[:, None])
        result.detections.append(
            np.stack([joint, scores[rows][person, joint], labels[person, joint]], axis=1)
        )
        result.truth += scored[members].sum(axis=0)
        counts = result.counts
        counts["groups"] += 1
        counts["people"] += len(everyone)
        counts["ignored_people"] += len(everyone) - len(members)
        counts["predictions"] += len(people)
        counts["outside_group"] += int((~inside).sum())
        counts["on_ignored"] += int(skip_ignored.sum())
        counts["far_in_incomplete"] += int(skip_far.sum())
        result.rules[:-1] += np.bincount(rules[members], minlength=len(HEAD_RULES))
        result.rules[-1] += len(everyone) - len(members)
    return result


def _in_group(group: Group, centres: np.ndarray, frame: Frame) -> np.ndarray:
    """Return (N,) bool: predicted people that a group's rough place admits; all where it has none."""
    if group.box is None:
        return np.ones(len(centres), dtype=bool)
    if group.scale is None:
        raise DataError(f"a group of {frame_name(frame)} has a box but no scale; give both or neither")
    return inside_group(centres, group.box, group.scale)


def _ignored_regions(frame: Frame, ignored: np.ndarray, protocol: Protocol) -> list[np.ndarray]:
    """Return the polygons in which an unmatched prediction is no error."""
    regions = list(frame.ignore) if protocol == "mpii" else []  # posetrack removes the points themselves
    for person, skip in zip(frame.people, ignored, strict=True):
        if skip and person.box is not None:
            x, y, w, h = (float(v) for v in person.box)
            regions.append(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]))
    return regions


def _mostly_inside(points: np.ndarray, present: np.ndarray, regions: list[np.ndarray]) -> np.ndarray:
    """Return (N,) bool: at least half of the person's present joints lie in the regions' union."""
    inside = inside_polygons(points, regions) & present
    return inside.any(axis=1) & (2 * inside.sum(axis=1) >= present.sum(axis=1))
