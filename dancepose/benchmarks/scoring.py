"""The evaluation of a test part as large as MPII's."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dancepose.benchmarks.made_up import made_up_frame
from dancepose.benchmarks.timing import Row, one_thread, side_by_side
from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.oks import OKSAveragePrecision
from dancepose.metrics.pose_images import match_images
from dancepose.records import Frame, Group, Person
from dancepose.skeleton import Skeleton

SIZE = (1280, 720)
FOUND = 0.9  # share of the people that are found
FALSE = 0.5  # people found in an image where nobody is, on average
SPREAD = 10.0  # pixels by which predictions miss
GROUPS, PEOPLE = 1758, 4485  # of MPII's test part


def time_scoring(skeleton: Skeleton, groups: int, rounds: int) -> list[Row]:
    """Time the scores of made-up predictions on one thread: a picture, with its place, for each group.

    Args:
        skeleton: of the people.
        groups: pictures; 1,758 have the 4,485 people of MPII's test part, others as many in proportion.
        rounds: repetitions.
    """
    frames = made_up_groups(skeleton, groups)
    people = [_predicted(frame, seed) for seed, frame in enumerate(frames)]
    by_name = {frame.name: found for frame, found in zip(frames, people, strict=True)}
    metrics: dict[str, MPIIMeanAP | OKSAveragePrecision] = {
        "MPII mAP": MPIIMeanAP(skeleton),
        "OKS AP": OKSAveragePrecision(skeleton),
    }

    def score(metric: MPIIMeanAP | OKSAveragePrecision) -> None:
        metric.reset()
        metric.update(people, frames)
        metric.compute()

    cases: dict[str, Callable[[], Any]] = {name: partial(score, m) for name, m in metrics.items()}
    cases["per image"] = partial(match_images, by_name, frames, skeleton)
    with one_thread():
        times = side_by_side(cases, rounds, warmup=1)
    figures: dict[str, float | str] = {
        "groups": float(groups),
        "people": float(sum(len(frame.people) for frame in frames)),
        "predicted": float(sum(map(len, people))),
        "threads": 1.0,
        "shape": f"{SIZE[0]}x{SIZE[1]} pixels, {len(skeleton)} keypoints",
    }
    return [Row("score", name, ms, dict(figures)) for name, ms in times.items()]


def made_up_groups(skeleton: Skeleton, groups: int) -> list[Frame]:
    """Return frames of one group each, with the place and scale that the protocol knows of it.

    Args:
        skeleton: of the people.
        groups: how many.
    """
    ends = PEOPLE * np.arange(groups + 1) // GROUPS  # two or three people in turn
    counts = np.diff(ends) + np.where(np.arange(groups) % 2, 1, -1)  # and one to four
    counts[groups - groups % 2 :] += 1
    frames = []
    for seed, count in enumerate(counts.tolist()):
        frame = made_up_frame(skeleton, SIZE, count, seed)
        corners = np.array([person.box for person in frame.people])
        centres = corners[:, :2] + corners[:, 2:] / 2
        box = np.concatenate([centres.min(axis=0), centres.max(axis=0)])
        frame.groups = [Group(list(range(count)), box, scale=SIZE[1] / 3 / 200)]
        frames.append(frame)
    return frames


def _predicted(frame: Frame, seed: int) -> list[Person]:
    """Return most of the people, a little displaced, and some where nobody is."""
    draw = np.random.Generator(np.random.PCG64([1, seed]))
    found = []
    for person in frame.people:
        if draw.random() < FOUND:
            found.append(_displaced(person, draw, np.zeros(2)))
    for _ in range(draw.poisson(FALSE)):
        found.append(_displaced(frame.people[0], draw, draw.normal(0, 200, 2)))
    return found


def _displaced(person: Person, draw: np.random.Generator, shift: np.ndarray) -> Person:
    keypoints = person.keypoints.copy()
    keypoints[:, :2] += shift + draw.normal(0, SPREAD, (len(keypoints), 2))
    return Person(keypoints, scores=draw.random(len(keypoints)), score=draw.random())
