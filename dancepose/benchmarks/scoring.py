"""The evaluation of a test part as large as MPII's."""

from functools import partial

import numpy as np
import torch

from dancepose.benchmarks.made_up import made_up_frame
from dancepose.benchmarks.timing import Row, side_by_side
from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.oks import OKSAveragePrecision
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

SIZE = (1280, 720)
FOUND = 0.9  # share of the people that are found
SPREAD = 10.0  # pixels by which predictions miss
PEOPLE = (1, 2, 3, 4)  # in a group, in turn: 2.5 on average; MPII's test part has 2.55


def time_scoring(skeleton: Skeleton, groups: int, rounds: int) -> list[Row]:
    """Time the MPII mAP and the OKS AP of made-up predictions, one picture for each group, one thread.

    Args:
        skeleton: of the people.
        groups: pictures.
        rounds: repetitions.
    """
    frames = [made_up_frame(skeleton, SIZE, PEOPLE[seed % len(PEOPLE)], seed) for seed in range(groups)]
    people = [_predicted(frame, seed) for seed, frame in enumerate(frames)]
    metrics: dict[str, MPIIMeanAP | OKSAveragePrecision] = {
        "MPII mAP": MPIIMeanAP(skeleton),
        "OKS AP": OKSAveragePrecision(skeleton),
    }

    def score(metric: MPIIMeanAP | OKSAveragePrecision) -> None:
        metric.reset()
        metric.update(people, frames)
        metric.compute()

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        cases = {name: partial(score, metric) for name, metric in metrics.items()}
        times = side_by_side(cases, rounds, warmup=1)
    finally:
        torch.set_num_threads(threads)
    count = float(sum(len(frame.people) for frame in frames))
    figures: dict[str, float | str] = {"groups": float(groups), "people": count}
    return [Row("score", name, ms, dict(figures)) for name, ms in times.items()]


def _predicted(frame: Frame, seed: int) -> list[Person]:
    """Return most of the people, a little displaced."""
    draw = np.random.Generator(np.random.PCG64([1, seed]))
    found = []
    for person in frame.people:
        if draw.random() < FOUND:
            keypoints = person.keypoints.copy()
            keypoints[:, :2] += draw.normal(0, SPREAD, (len(keypoints), 2))
            found.append(Person(keypoints, scores=draw.random(len(keypoints)), score=draw.random()))
    return found
