"""Tracks of stick figures that walk, cross, hide, come and go."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.errors import ConfigError
from dancepose.inference.tracking import Tracker
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")
K = len(SKELETON)
RATE = 25


def shape(seed, height=100.0):
    """Keypoints of a body around 0, 0."""
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(-0.2, 0.2, K), np.linspace(-0.5, 0.5, K)]) * height


def body(seed, x, y=200.0, height=100.0, noise=0.0, time=0.0):
    random = np.random.default_rng([seed, round(1000 * time)])
    xy = shape(seed, height) + (x, y) + noise * random.standard_normal((K, 2))
    return Person(np.column_stack([xy, np.full(K, 2.0)]))


def walk(tracker, scenes, rate=RATE):
    """Feed scenes, each a dict of a name -> person; return for each name the numbers it was given."""
    numbers = {}
    for step, scene in enumerate(scenes):
        names = list(scene)
        np.random.default_rng(step).shuffle(names)  # decoders have no fixed order
        found = tracker([scene[name] for name in names], step / rate)
        for name, person in zip(names, found, strict=True):
            numbers.setdefault(name, []).append(person.track)
    return numbers


def test_people_keep_their_numbers_whatever_the_order():
    scenes = [
        {"a": body(1, 100 + 2 * t, noise=1, time=t), "b": body(2, 300 - t, noise=1, time=t)}
        for t in range(60)
    ]
    numbers = walk(Tracker(SKELETON), scenes)
    assert len(set(numbers["a"])) == len(set(numbers["b"])) == 1
    assert {numbers["a"][0], numbers["b"][0]} == {1, 2}


@pytest.mark.parametrize("speed", [60, 150, 300])
@pytest.mark.parametrize("alike", [True, False])
def test_crossing_people_keep_their_numbers(speed, alike):
    """Also where both hold the very same pose: then only their velocities tell them apart."""
    scenes = []
    for t in np.arange(0, 200 / speed, 1 / RATE):
        left, right = 100 + speed * t, 300 - speed * t
        other = 1 if alike else 2
        scenes.append({"a": body(1, left, noise=0.5, time=t), "b": body(other, right, noise=0.5, time=t + 9)})
    numbers = walk(Tracker(SKELETON), scenes)
    assert len(set(numbers["a"])) == len(set(numbers["b"])) == 1


def test_who_is_hidden_while_crossing_is_known_again():
    scenes = []
    for t in np.arange(0, 2, 1 / RATE):
        scene = {"a": body(1, 100 + 100 * t, noise=0.5, time=t)}
        if not 0.8 < t < 1.2:
            scene["b"] = body(1, 300 - 100 * t, noise=0.5, time=t + 9)
        scenes.append(scene)
    numbers = walk(Tracker(SKELETON), scenes)
    assert len(set(numbers["a"])) == len(set(numbers["b"])) == 1


@pytest.mark.parametrize(("hidden", "same"), [(0.8, True), (1.2, False)])
def test_a_gap_is_bridged_up_to_its_tolerance(hidden, same):
    tracker = Tracker(SKELETON, gap=1.0)
    (before,) = tracker([body(1, 100)], 0.0)
    assert tracker([], hidden / 2) == []
    (after,) = tracker([body(1, 103)], hidden)
    assert (after.track == before.track) == same
    assert after.track in (1, 2), "numbers do not come back"


def test_entering_and_leaving():
    tracker = Tracker(SKELETON, gap=0.2)
    scenes = []
    for t in range(60):
        scene = {"stays": body(1, 200)}
        if t < 20:
            scene["leaves"] = body(2, 400 + 2 * t)
        if t >= 40:
            scene["enters"] = body(3, 440)  # where the other was last
        scenes.append(scene)
    numbers = walk(tracker, scenes)
    assert [len(set(found)) for found in numbers.values()] == [1, 1, 1]
    assert len({found[0] for found in numbers.values()}) == 3 and tracker.begun == 3


def test_the_best_sum_is_taken_and_not_the_first_best_pair():
    tracker = Tracker(SKELETON)
    first = tracker([body(1, 100), body(1, 112)], 0.0)
    # the person at 109 is nearest to the second track, and must leave it to the one at 121
    second = tracker([body(1, 109), body(1, 121)], 0.04)
    assert [p.track for p in second] == [p.track for p in first]


def test_missing_keypoints_are_remembered_for_a_while():
    tracker = Tracker(SKELETON)
    whole, upper, lower = body(1, 100), body(1, 100), body(1, 100)
    upper.keypoints[K // 2 :] = 0
    lower.keypoints[: K // 2] = 0
    tracks = [tracker([p], t / RATE)[0].track for t, p in enumerate([whole, upper, lower, upper])]
    assert tracks == [1, 1, 1, 1]


def test_whoever_has_no_keypoint_has_no_track():
    people = [Person(np.zeros((K, 3))), body(1, 50)]
    assert [p.track for p in Tracker(SKELETON)(people, 0)] == [None, 1]
    assert people[1].track is None, "records that were given are unchanged"


@given(seed=st.integers(0, 1000), count=st.integers(0, 5), frames=st.integers(1, 12), lost=st.floats(0, 0.9))
def test_whatever_comes_numbers_are_unique_and_stable(seed, count, frames, lost):
    """Far from each other, everyone keeps one number, however few keypoints and frames there are."""
    random = np.random.default_rng(seed)
    tracker = Tracker(SKELETON, gap=10)
    given: dict[int, set[int]] = {}
    for step in range(frames):
        people, names = [], []
        for name in random.permutation(count):
            person = body(int(name), 1000.0 * name + step, noise=1, time=step)
            person.keypoints[random.random(K) < 0.3] = 0
            if random.random() > lost and person.present.any():
                people.append(person)
                names.append(int(name))
        found = tracker(people, step / RATE)
        tracks = [person.track for person in found]
        assert len(set(tracks)) == len(tracks)
        assert all(p.keypoints is q.keypoints for p, q in zip(found, people, strict=True))
        for name, track in zip(names, tracks, strict=True):
            given.setdefault(name, set()).add(track)
    assert all(len(tracks) == 1 for tracks in given.values())
    assert tracker.begun == len(given)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"threshold": 0}, "^threshold=0"),
        ({"threshold": 1}, "^threshold=1"),
        ({"gap": -1}, "^track_gap=-1"),
        ({"gap": np.inf}, "^track_gap=inf"),
    ],
)
def test_impossible_numbers_are_refused(wrong, told):
    with pytest.raises(ConfigError, match=told):
        Tracker(SKELETON, **wrong)


def test_time_goes_forward():
    tracker = Tracker(SKELETON)
    tracker([], 1.0)
    with pytest.raises(ValueError, match=r"at 1.0 s after one at 1.0 s"):
        tracker([], 1.0)


@pytest.mark.parametrize(("gap", "rate"), [(0.0, 25), (0.03, 25), (1.0, 0.5)])
def test_who_is_in_every_picture_keeps_the_number_however_far_apart_they_are(gap, rate):
    """Nobody was out of sight: a gap is what lies between pictures with the person in them."""
    scenes = [{"a": body(1, 100), "b": body(2, 300)} for _ in range(6)]
    numbers = walk(Tracker(SKELETON, gap=gap), scenes, rate)
    assert numbers["a"] == [numbers["a"][0]] * 6 and numbers["b"] == [numbers["b"][0]] * 6
    missed = walk(Tracker(SKELETON, gap=gap), [{"a": body(1, 100)}, {}, {"a": body(1, 100)}], rate)
    assert missed["a"] == [1, 2], "one picture without it is a gap longer than this"
