"""The One-Euro filter against its plain statement, and what it is for; the average of actions."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.errors import ConfigError
from dancepose.inference.smoothing import ActionSmoother, KeypointSmoother, ScoreSmoother
from dancepose.metrics.similarity import extent_areas
from dancepose.records import Person

K = 4


def person(xy, visible=(2,) * K, track=1):
    keypoints = np.column_stack([np.asarray(xy, float), np.asarray(visible, float)])
    keypoints[keypoints[:, 2] == 0] = 0
    return Person(keypoints, np.linspace(0.1, 0.9, K), track=track)


def plain(times, people, min_cutoff, beta, speed_cutoff, gap):
    """Algorithm 1 of the paper, one keypoint of one person after the other."""

    def alpha(cutoff, elapsed):
        return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff) / elapsed)

    smoothed = [p.keypoints.copy() for p in people]
    for k in range(K):
        last = None
        for number, (time, one) in enumerate(zip(times, people, strict=True)):
            x, y, v = one.keypoints[k]
            if v == 0:
                continue
            if last is None or (time - last > gap and last != times[number - 1]):
                hx, hy, dx, dy = x, y, 0.0, 0.0
            else:
                elapsed = time - last
                a = alpha(speed_cutoff, elapsed)
                dx += a * ((x - hx) / elapsed - dx)
                dy += a * ((y - hy) / elapsed - dy)
                size = math.sqrt(extent_areas(one.keypoints[None])[0])
                a = alpha(min_cutoff + beta * math.hypot(dx, dy) / size, elapsed)
                hx, hy = a * x + (1 - a) * hx, a * y + (1 - a) * hy
            last = time
            smoothed[number][k, :2] = hx, hy
    return smoothed


@given(seed=st.integers(0, 10_000), frames=st.integers(1, 12), tracks=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_all_keypoints_at_once_equal_the_paper(seed, frames, tracks):
    random = np.random.default_rng(seed)
    times = np.cumsum(random.choice([0.02, 0.04, 0.3], frames))
    videos = {
        track: [person(random.uniform(0, 50, (K, 2)), random.integers(0, 3, K), track) for _ in times]
        for track in random.permutation(20)[:tracks].tolist()
    }
    smoother = KeypointSmoother(1.2, 0.7, 0.9, gap=0.35)
    found = {track: [] for track in videos}
    for number, time in enumerate(times):
        order = random.permutation(list(videos)).tolist()
        for one in smoother([videos[track][number] for track in order], time):
            found[one.track].append(one)
    for track, video in videos.items():
        expected = plain(times, video, 1.2, 0.7, 0.9, 0.35)
        assert np.allclose([p.keypoints for p in found[track]], expected, atol=1e-9)
        assert all((p.scores == q.scores).all() for p, q in zip(found[track], video, strict=True))


def still(times, noise, seed=0):
    random = np.random.default_rng(seed)
    xy = np.array([[0, 0], [0, 100], [60, 0], [60, 100]])
    return [person(xy + noise * random.standard_normal((K, 2))) for _ in times]


def run(smoother, people, times):
    return np.array([smoother([p], t)[0].keypoints for p, t in zip(people, times, strict=True)])[..., :2]


def test_who_is_still_trembles_less():
    times = np.arange(100) / 25
    raw = np.array([p.keypoints[:, :2] for p in still(times, 2)])
    smooth = run(KeypointSmoother(), still(times, 2), times)
    assert smooth[25:].std(axis=0).mean() < 0.5 * raw[25:].std(axis=0).mean()


def test_who_is_quick_lags_little_and_less_with_beta():
    times = np.arange(50) / 25
    people = [person([[x, 0], [x, 100], [x + 60, 0], [x + 60, 100]]) for x in 400 * times]
    raw = np.array([p.keypoints[:, :2] for p in people])
    lags = [(raw - run(KeypointSmoother(beta=beta), people, times))[25:, :, 0].mean() for beta in (0, 2, 30)]
    assert lags[0] > lags[1] > lags[2] > 0
    assert lags[1] < 0.5 * lags[0]


def test_size_and_turn_of_the_picture_change_nothing():
    times = np.arange(20) / 25
    people = still(times, 5)
    there = run(KeypointSmoother(), people, times)
    turn = 3 * np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = [person(p.keypoints[:, :2] @ turn.T + 500) for p in people]
    assert np.allclose(run(KeypointSmoother(), turned, times), there @ turn.T + 500)


def test_missing_stays_missing_and_comes_back_where_it_is():
    smoother = KeypointSmoother(gap=0.5)
    a = [[0, 0], [0, 100], [60, 0], [60, 100]]
    smoother([person(a)], 0.0)
    (gone,) = smoother([person(a, (2, 0, 2, 2))], 0.1)
    assert (gone.keypoints[1] == 0).all()
    moved = np.array(a) + (0, 40)
    (back,) = smoother([person(moved)], 0.3)
    assert 100 < back.keypoints[1, 1] < 140, "goes on from where it was"
    smoother([], 0.6)
    (late,) = smoother([person(a)], 1.0)
    assert np.array_equal(late.keypoints[:, :2], a), "after the gap it begins anew"


@pytest.mark.parametrize("gap", [0.0, 0.03, 1.0])
def test_who_is_in_every_picture_is_smoothed_however_far_apart_they_are(gap):
    """As in videos of few pictures a second, or with `track_gap=0`: nobody was out of sight."""
    first, second = said([1.0, 0.0], action="a"), said([0.0, 1.0], action="b")
    apart = 2 * gap + 0.1
    for make, expected in ((KeypointSmoother(gap=gap), None), (ActionSmoother(("a", "b"), 9.0, gap), "a")):
        make([person(np.zeros((K, 2))), replace(first, track=2)], 0.0)
        moved, told = make([person(np.full((K, 2), 50.0)), replace(second, track=2)], apart)
        if expected is None:
            assert (moved.keypoints[:, :2] < 50).all()
        else:
            assert told.action == expected
    scores = ScoreSmoother(("a", "b"), gap)
    for number in range(3):
        (told,) = scores([first], number * apart)
    assert told.probabilities.tolist() == [0.3, 0]


def test_memory_holds_only_who_was_seen_lately():
    smoother = KeypointSmoother(gap=0.5)
    for number in range(50):
        smoother([person(np.zeros((K, 2)), track=number)], number * 0.2)
    assert len(smoother._tracks) <= 4


def test_without_a_track_nothing_is_smoothed():
    one = person(np.ones((K, 2)), track=None)
    smoother = KeypointSmoother()
    assert smoother([one], 0.0)[0] is one and smoother([], 0.1) == []


def said(probabilities, track=1, action="?"):
    return Person(np.zeros((K, 3)), track=track, action=action, probabilities=np.array(probabilities))


def test_actions_are_averaged_over_time_and_not_over_frames():
    for rate in (10, 50):
        smoother = ActionSmoother(("a", "b"), 0.5)
        for step in range(rate):
            smoother([said([1.0, 0.0])], step / rate)
        (one,) = smoother([said([0.0, 1.0])], 1.0)
        assert one.action == "a", "one frame does not decide"
        for step in range(1, rate // 2 + 1):
            (one,) = smoother([said([0.0, 1.0])], 1.0 + step / rate)
        # after half a second 1/e is left of what was before, but for the step of the first frame
        assert one.probabilities[0] == pytest.approx(math.exp(-1 - 1 / (0.5 * rate)))
        assert one.action == "b" and one.probabilities.sum() == pytest.approx(1)


def test_tracks_do_not_mix_and_end():
    smoother = ActionSmoother(("a", "b"), 1.0, gap=0.5)
    smoother([said([1.0, 0.0], 1), said([0.0, 1.0], 2)], 0.0)
    one, two, untracked = smoother(
        [said([0.4, 0.6], 1), said([0.4, 0.6], 2), said([0.4, 0.6], None, action="b")], 0.1
    )
    assert (one.action, two.action, untracked.action) == ("a", "b", "b")
    smoother([], 0.5)
    (late,) = smoother([said([0.4, 0.6], 1)], 0.8)
    assert late.action == "b"


def test_who_was_refused_stays_without_an_action():
    smoother = ActionSmoother(("a", "b"), 1.0)
    (one,) = smoother([said([0.9, 0.1], action=None)], 0.0)
    assert one.action is None
    nobody = Person(np.zeros((K, 3)), track=1)
    assert smoother([nobody], 0.1)[0] is nobody


def scored(actions, gap=1.0):
    """Show QES' score these actions of one person, five frames a second; None is a frame that it rejects."""
    smoother, classes = ScoreSmoother(("a", "b", "c"), gap), ("a", "b", "c")
    rows = [np.eye(3)[classes.index(action or "a")] for action in actions]
    return [
        smoother([said(row, action=action)], number / 5)[0]
        for number, (row, action) in enumerate(zip(rows, actions, strict=True))
    ]


def test_the_score_rises_and_sinks_by_a_tenth_a_frame_within_0_and_1():
    people = scored([*"a" * 12, "b", None])
    scores = np.array([person.probabilities for person in people])
    np.testing.assert_allclose(scores[:10, 0], np.arange(1, 11) / 10)
    np.testing.assert_allclose(scores[9:, 0], [1, 1, 1, 0.9, 0.8])
    np.testing.assert_allclose(scores[9:, 1], [0, 0, 0, 0.1, 0])
    assert [person.action for person in people] == ["a"] * 14


def test_the_class_shown_is_the_highest_and_of_equal_ones_that_before():
    assert [person.action for person in scored("ccacccbbbbb")] == ["c"] * 8 + ["b"] * 3
    assert [person.action for person in scored([None, "b", None, "a"])] == [None, "b", None, "a"]


def test_scores_of_tracks_do_not_mix_and_end():
    smoother = ScoreSmoother(("a", "b"), gap=0.5)
    for number in range(3):
        one, two, untracked = smoother(
            [said([1.0, 0.0], 1, "a"), said([0.0, 1.0], 2, "b"), said([0.3, 0.7], None, "b")], 0.1 * number
        )
    assert one.probabilities.tolist() == [0.3, 0] and two.probabilities.tolist() == [0, 0.3]
    assert untracked.probabilities.tolist() == [0.3, 0.7]
    unseen = Person(np.zeros((K, 3)), track=1)
    assert smoother([unseen], 0.3)[0] is unseen
    (later,) = smoother([said([1.0, 0.0], 1, "a")], 0.4)
    assert later.probabilities.tolist() == [0.4, 0], "too little was seen: the score stays"
    smoother([], 0.7)
    (late,) = smoother([said([0.0, 1.0], 1, "b")], 1.0)
    assert late.action == "b" and late.probabilities.tolist() == [0, 0.1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: KeypointSmoother(min_cutoff=0), "smooth_cutoff=0"),
        (lambda: KeypointSmoother(beta=-1), "smooth_beta=-1"),
        (lambda: KeypointSmoother(gap=-1), "track_gap=-1"),
        (lambda: ActionSmoother(("a",), seconds=0), "action_smooth=0"),
    ],
)
def test_impossible_numbers_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()
