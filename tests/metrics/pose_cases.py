"""Random frames with all that the protocol speaks of, and the layout of the protocol's vectors."""

import numpy as np

from dancepose.records import Frame, Group, Person
from dancepose.skeleton import Skeleton

SIDE = 120  # pixels; small, so that people overlap and equal distances are common


def line_person(skeleton: Skeleton, x0: float = 0.0, **fields) -> Person:
    """A person laid out as (x0 + 10 k, 50), head size 60 by its head box."""
    keypoints = np.array([[x0 + 10.0 * k, 50.0, 2.0] for k in range(len(skeleton))])
    return Person(keypoints, head_box=np.array([0.0, 0.0, 60.0, 80.0]), **fields)


def found(person: Person, score: float = 0.9, shift: float = 0.0, missing: tuple[int, ...] = ()) -> Person:
    """A prediction of a person, all joints with one score."""
    keypoints = person.keypoints.copy()
    keypoints[:, 0] += shift
    keypoints[list(missing)] = 0
    return Person(keypoints, scores=np.full(len(keypoints), score), score=score)


def frame_of(skeleton: Skeleton, *people: Person, **fields) -> Frame:
    return Frame("image.jpg", (2000, 200), list(people), skeleton.name, **fields)


def random_person(skeleton: Skeleton, rng: np.random.Generator) -> Person:
    """Integer places; sometimes few or no keypoints, a head box, a box."""
    count = len(skeleton)
    centre, spread = rng.integers(20, SIDE - 20, 2), rng.integers(3, 25)
    keypoints = np.zeros((count, 3))
    keypoints[:, :2] = centre + rng.integers(-spread, spread + 1, (count, 2))
    kept = rng.random(count) < rng.choice([1.0, 0.8, 0.5, 0.15, 0.0], p=[0.4, 0.25, 0.15, 0.15, 0.05])
    keypoints[:, 2] = np.where(kept, rng.integers(1, 3, count), 0)
    keypoints[~kept] = 0
    x, y = (int(v) for v in centre)
    head_box = (
        np.array([x, y, x + rng.integers(1, 30), y + rng.integers(1, 30)]) if rng.random() < 0.4 else None
    )
    box = np.array([x - 15, y - 15, rng.integers(5, 40), rng.integers(5, 40)]) if rng.random() < 0.4 else None
    return Person(keypoints, head_box=head_box, box=box)


def random_prediction(truth: list[Person], skeleton: Skeleton, rng: np.random.Generator) -> Person:
    """A moved copy of a labelled person, or a mixture, or a person from nowhere; scores with many ties."""
    count = len(skeleton)
    person = random_person(skeleton, rng)
    if truth and rng.random() < 0.8:
        a, b = (truth[i].keypoints for i in rng.integers(len(truth), size=2))
        mixed = np.where((rng.random(count) < rng.choice([0.5, 1.0]))[:, None], a, b)
        noise = rng.integers(-1, 2, (count, 2)) * rng.choice([0, 1, 3, 8])
        person.keypoints = np.where(mixed[:, 2:] > 0, mixed, [*rng.integers(0, SIDE, 2), 1])
        person.keypoints[:, :2] += noise
        person.keypoints[rng.random(count) < rng.choice([0.0, 0.3])] = 0
    scores = rng.integers(1, 6, count) / 5
    scores[rng.random(count) < 0.03] = np.nan
    person.scores = scores if rng.random() < 0.95 else None
    person.score = float(rng.integers(1, 6) / 5)
    person.head_box = person.box = None
    return person


def random_polygon(rng: np.random.Generator) -> np.ndarray:
    x, y, w, h = (int(v) for v in rng.integers(5, 60, 4))
    corners = [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]
    return np.array(corners[: int(rng.integers(3, 5))], dtype=np.float64)


def random_frame(skeleton: Skeleton, rng: np.random.Generator, name: str = "") -> tuple[list[Person], Frame]:
    """Predicted people and the truth of one frame."""
    people = [random_person(skeleton, rng) for _ in range(rng.choice([0, 1, 2, 4], p=[0.15, 0.35, 0.3, 0.2]))]
    predictions = [random_prediction(people, skeleton, rng) for _ in range(rng.integers(0, 6))]
    predictions += predictions[:1] * int(rng.random() < 0.2)  # an exact double
    groups = []
    if people and rng.random() < 0.5:
        members = rng.permutation(len(people)).tolist()
        cut = int(rng.integers(0, len(people)))
        for part in (members[:cut], members[cut:]):
            if part:
                x, y = (int(v) for v in rng.integers(20, 60, 2))
                box = np.array([x, y, x + 20, y + 30]) if rng.random() < 0.7 else None
                groups.append(Group(part, box, float(rng.choice([0.2, 0.58570, 1.1714]))))
    frame = Frame(
        "image.jpg",
        (SIDE, SIDE),
        people,
        skeleton.name,
        name=name,
        labelled=rng.random(len(skeleton)) < 0.7 if rng.random() < 0.3 else None,
        complete=bool(rng.random() < 0.7),
        ignore=[[random_polygon(rng)] for _ in range(rng.integers(1, 3))] if rng.random() < 0.3 else [],
        groups=groups,
    )
    return predictions, frame


def random_case(
    skeleton: Skeleton, seed: int, frames: int | None = None
) -> tuple[list[list[Person]], list[Frame]]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 6)) if frames is None else frames
    pairs = [random_frame(skeleton, rng, f"{i}.jpg") for i in range(count)]
    for _, frame in pairs[::4]:
        frame.excuses = False
    return [predictions for predictions, _ in pairs], [frame for _, frame in pairs]
