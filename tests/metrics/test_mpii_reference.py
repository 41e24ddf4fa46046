"""The ten rules once more, slowly and plainly, and the metric against them on random frames."""

import itertools
import math
import statistics

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_cases import found, frame_of, line_person, random_case

from dancepose.metrics.mpii import MPIIMeanAP, matched_shares
from dancepose.skeleton import load_skeleton

MISTAKES = ("no 0.6", "person score", "eleven points", "optimal assignment")
NEVER = ("groups_without_truth", "images_without_group")  # of those frames


def distance(a, b) -> float:
    return math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)


def middle(a, b) -> tuple[float, float]:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def corners(points) -> tuple[float, float, float, float]:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs), max(ys)


def in_polygon(point, polygon) -> bool:
    outline = np.asarray(polygon, dtype=np.float32).reshape(-1, 1, 2)
    return cv2.pointPolygonTest(outline, (float(point[0]), float(point[1])), False) >= 0


def head_size(points: dict, head_box, mistake=None) -> float | None:
    """Rule 4; points: name -> (x, y) of the annotated keypoints."""
    if head_box is not None:
        x1, y1, x2, y2 = (float(v) for v in head_box)
        return max((1.0 if mistake == "no 0.6" else 0.6) * distance((x1, y1), (x2, y2)), 3.0)
    if "head_top" in points and "upper_neck" in points:
        return max(0.75 * distance(points["head_top"], points["upper_neck"]), 3.0)
    if all(f"{side}_{end}" in points for side in ("left", "right") for end in ("shoulder", "hip")):
        shoulders = middle(points["left_shoulder"], points["right_shoulder"])
        return max(0.44 * distance(shoulders, middle(points["left_hip"], points["right_hip"])), 3.0)
    if len(points) >= 4:
        x1, y1, x2, y2 = corners(points.values())
        return max(0.136 * distance((x1, y1), (x2, y2)), 3.0)
    return None


def average_precision(detections, truth, mistake=None) -> float:
    """Rule 9: detections (score, label) in order."""
    ranked = sorted(detections, key=lambda d: -d[0])  # Python's sort is stable
    recall, precision, true = [], [], 0
    for rank, (_, label) in enumerate(ranked, start=1):
        true += label
        recall.append(true / truth)
        precision.append(true / rank)
    if mistake == "eleven points":
        levels = [i / 10 for i in range(11)]
        return (
            100
            * sum(
                max([p for r, p in zip(recall, precision, strict=True) if r >= v], default=0) for v in levels
            )
            / 11
        )
    recall, precision = [0.0, *recall, 1.0], [0.0, *precision, 0.0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return 100 * sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)))


def assignment(pck, mistake=None) -> dict[int, int]:
    """Rule 6: prediction -> truth. pck[n][m]."""
    people = len(pck[0]) if pck else 0
    if mistake == "optimal assignment":
        short = min(len(pck), people)
        ways = itertools.product(
            itertools.permutations(range(len(pck)), short), itertools.combinations(range(people), short)
        )
        best = max(ways, key=lambda way: sum(pck[n][m] for n, m in zip(*way, strict=True)), default=((), ()))
        return {n: m for n, m in zip(*best, strict=True) if pck[n][m] > 0}
    left = [list(row) for row in pck]
    for row in left:
        best = row.index(max(row)) if row else None
        for m in range(people):
            if m != best:
                row[m] = 0
    taken = {}
    for m in range(people):
        column = [row[m] for row in left]
        if column and max(column) > 0:
            taken[column.index(max(column))] = m
    return taken


def reference(skeleton, predictions, frames, protocol="mpii", mistake=None) -> dict[str, float | None]:
    """Average precision of each scored joint in percent, None without truth."""
    names = skeleton.keypoints
    scored = [name for name in names if any(name in column for column in skeleton.columns.values())]  # rule 3
    detections = {name: [] for name in scored}
    truth = dict.fromkeys(scored, 0)
    for people, frame in zip(predictions, frames, strict=True):
        labels_joint = {n: frame.labelled is None or bool(frame.labelled[k]) for k, n in enumerate(names)}
        known, sizes = [], []
        for person in frame.people:
            rows = zip(names, person.keypoints.tolist(), strict=True)
            known.append({n: (x, y) for n, (x, y, v) in rows if v > 0 and labels_joint[n]})
            sizes.append(head_size(known[-1], person.head_box, mistake))
        ignored = [i for i in range(len(known)) if sizes[i] is None or not any(n in known[i] for n in scored)]
        shown = []
        for person in people:
            shown.append(
                {n: (x, y) for n, (x, y, v) in zip(names, person.keypoints.tolist(), strict=True) if v > 0}
            )

        def removed(point, frame=frame):
            return protocol == "posetrack" and any(in_polygon(point, p) for p in frame.ignored_polygons)

        for group in frame.groups or [None]:  # rule 1
            members = list(range(len(known))) if group is None else list(group.members)
            targets = [i for i in members if i not in ignored]
            if protocol == "posetrack" and not targets:
                continue
            kept = []  # rule 2
            for n, points in enumerate(shown):
                places = [p for name, p in points.items() if name in scored]
                if not places:
                    continue  # nothing that could be scored
                centre = (sum(p[0] for p in places) / len(places), sum(p[1] for p in places) / len(places))
                if group is not None and group.box is not None:
                    grow = 50 / (1.1714 / group.scale)
                    x1, y1, x2, y2 = (float(v) for v in group.box)
                    if not (x1 - grow <= centre[0] <= x2 + grow and y1 - grow <= centre[1] <= y2 + grow):
                        continue
                kept.append((n, centre))
            annotated = {  # rules 5 and 7
                i: {n: p for n, p in known[i].items() if n in scored and not removed(p)} for i in targets
            }
            counted = {
                n: {
                    name: p
                    for name, p in shown[n].items()
                    if name in scored and labels_joint[name] and not removed(p)
                }
                for n, _ in kept
            }
            hits = {}
            for n, _ in kept:
                for i in targets:
                    hits[n, i] = {
                        name
                        for name, p in counted[n].items()
                        if name in annotated[i] and distance(p, annotated[i][name]) / sizes[i] <= 0.5
                    }
            pck = [
                [len(hits[n, i]) / len(annotated[i]) if annotated[i] else 0 for i in targets] for n, _ in kept
            ]
            taken = assignment(pck, mistake)
            for index, (n, centre) in enumerate(kept):
                target = targets[taken[index]] if index in taken else None
                lenient = frame.excuses or protocol == "posetrack"
                soft = [i for i in ignored if lenient or sizes[i] is None]
                if target is None and on_ignored(shown[n], frame, known, sizes, soft, scored, protocol):
                    continue
                if target is None and lenient and not frame.complete and is_far(centre, known):
                    continue
                person = people[n]
                for name in counted[n]:
                    score = math.nan if person.scores is None else float(person.scores[names.index(name)])
                    if mistake == "person score":
                        score = person.score
                    score = -9999.0 if math.isnan(score) else score
                    label = int(target is not None and name in hits[n, target])
                    detections[name].append((score, label))
            for i in targets:  # rule 8
                for name in annotated[i]:
                    truth[name] += 1
    return {n: average_precision(detections[n], truth[n], mistake) if truth[n] else None for n in scored}


def is_far(centre, known) -> bool:
    """Farther from every labelled person's keypoint box than that box's diagonal."""
    for points in known:
        if points:
            x1, y1, x2, y2 = corners(points.values())
            nearest = (min(max(centre[0], x1), x2), min(max(centre[1], y1), y2))
            if distance(centre, nearest) <= distance((x1, y1), (x2, y2)):
                return False
    return True


def on_ignored(points, frame, known, sizes, ignored, scored, protocol) -> bool:
    """On a person who is neither truth nor error, or mostly inside the regions where nothing is an error."""
    others = [size for size in sizes if size is not None]
    own = head_size(points, None) or (statistics.median(others) if others else 3.0)
    for i in ignored:
        near = [n for n in known[i] if n in points and distance(points[n], known[i][n]) <= 0.5 * own]
        if known[i] and len(near) >= len(known[i]) / 2:
            return True
    regions = frame.ignored_polygons if protocol == "mpii" and frame.excuses else []
    for i in ignored:
        if frame.people[i].box is not None:
            x, y, w, h = (float(v) for v in frame.people[i].box)
            regions.append([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
    joints = [p for n, p in points.items() if n in scored]
    inside = [p for p in joints if any(in_polygon(p, region) for region in regions)]
    return len(inside) > 0 and len(inside) >= len(joints) / 2


def mean(values) -> float | None:
    there = [v for v in values if v is not None]
    return sum(there) / len(there) if there else None


def score(skeleton, predictions, frames, protocol="mpii"):
    metric = MPIIMeanAP(skeleton, protocol=protocol)
    metric.update(predictions, frames)
    return metric.compute()


@pytest.mark.parametrize("protocol", ["mpii", "posetrack"])
@pytest.mark.parametrize("name", ["posetrack15", "mpii15", "coco17"])
@settings(max_examples=120)
@given(seed=st.integers(0, 2**32 - 1))
def test_metric_equals_the_plain_statement(protocol, name, seed):
    skeleton = load_skeleton(name)
    predictions, frames = random_case(skeleton, seed)
    row = score(skeleton, predictions, frames, protocol)
    expected = reference(skeleton, predictions, frames, protocol)
    assert list(row.joints) == list(expected)
    for joint, value in expected.items():
        assert row.joints[joint] == (None if value is None else pytest.approx(value, abs=1e-9)), joint
    total = mean(expected.values())
    assert row.value == (None if total is None else pytest.approx(total, abs=1e-9))
    for column, joints in skeleton.columns.items():  # rule 10
        value = mean([expected[j] for j in joints])
        assert row.columns[column] == (None if value is None else pytest.approx(value, abs=1e-9)), column


def test_random_frames_reach_every_rule():
    """The property test above says little unless its frames hold what the rules speak of."""
    skeleton = load_skeleton("posetrack15")
    predictions, frames = random_case(skeleton, seed=0, frames=300)
    row = score(skeleton, predictions, frames)
    assert all(share > 0 for share in row.head_size_rules.values())
    assert all(n > 0 for name, n in row.counts.items() if name not in NEVER)
    assert score(skeleton, predictions, frames, "posetrack").counts["groups_without_truth"] > 0
    assert 5 < row.value < 60


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_that_look_right_are_told_apart(mistake):
    """On these frames each mistake moves the figure: agreement with the right one says much."""
    skeleton = load_skeleton("posetrack15")
    predictions, frames = random_case(skeleton, seed=3, frames=60)
    right = mean(reference(skeleton, predictions, frames).values())
    wrong = mean(reference(skeleton, predictions, frames, mistake=mistake).values())
    assert score(skeleton, predictions, frames).value == pytest.approx(right, abs=1e-9)
    assert abs(wrong - right) > 0.01


@pytest.mark.parametrize(
    "mistake, right, wrong",
    [
        ("no 0.6", 0, 100),
        ("person score", 100, 50),
        ("eleven points", 50, 600 / 11),
        ("optimal assignment", 50, 73.333333),
    ],
)
def test_one_case_for_each_mistake(mistake, right, wrong):
    skeleton = load_skeleton("posetrack15")
    a, b = line_person(skeleton), line_person(skeleton, 1000)
    nowhere = line_person(skeleton, 5000)
    if mistake == "no 0.6":
        people, predictions = [a], [found(a, shift=40)]
    elif mistake == "person score":
        true, false = found(a, 0.9), found(nowhere, 0.5)
        true.score, false.score = 0.1, 0.8
        people, predictions = [a], [true, false]
    elif mistake == "eleven points":
        people, predictions = [a, b], [found(a)]
    else:  # the second prefers A too, but fits B with seven joints
        both = found(a, 0.8)
        both.keypoints[8:, 0] += 1000
        people, predictions = [a, b], [found(a, 0.9), both]
    frame = frame_of(skeleton, *people)
    assert score(skeleton, [predictions], [frame]).value == pytest.approx(right)
    assert mean(reference(skeleton, [predictions], [frame]).values()) == pytest.approx(right)
    assert mean(reference(skeleton, [predictions], [frame], mistake=mistake).values()) == pytest.approx(wrong)


def test_matched_shares_are_the_recall_of_each_frame():
    skeleton = load_skeleton("mpii15")
    a, b = line_person(skeleton), line_person(skeleton, 1000)
    frame = frame_of(skeleton, a, b)
    assert matched_shares([[found(a), found(b)]], [frame], skeleton) == [1]
    assert matched_shares([[found(a)]], [frame], skeleton) == [0.5]
    few = found(a, missing=tuple(range(8)))
    assert matched_shares([[few]], [frame_of(skeleton, a)], skeleton) == [0.5]
    assert matched_shares([[found(a)]], [frame_of(skeleton)], skeleton) == [None]
