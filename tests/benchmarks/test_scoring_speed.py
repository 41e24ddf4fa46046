import numpy as np
from fake_clock import FakeClock

from dancepose.benchmarks import scoring
from dancepose.benchmarks.scoring import GROUPS, PEOPLE, made_up_groups, time_scoring
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")


def test_as_many_groups_and_people_as_mpii_s_test_part():
    ends = PEOPLE * np.arange(GROUPS + 1) // GROUPS
    assert ends[-1] == 4485 and GROUPS == 1758
    frames = made_up_groups(MPII15, 40)
    assert sum(len(frame.people) for frame in frames) == 40 * 4485 // 1758
    assert {len(frame.people) for frame in frames} == {1, 2, 3, 4}
    assert all(len(frame.groups) == 1 and frame.groups[0].scale for frame in frames)


def test_rows_tell_what_was_scored():
    rows = time_scoring(MPII15, 5, rounds=1)
    assert [row.name for row in rows] == ["MPII mAP", "OKS AP", "per image"]
    assert rows[0].figures["groups"] == 5 and rows[0].figures["people"] == 5 * 4485 // 1758
    assert rows[0].figures["predicted"] > 5


def test_scores_are_timed_on_one_thread(monkeypatch, two_threads):
    clock = FakeClock()
    monkeypatch.setattr(scoring, "match_images", clock.slowed(scoring.match_images, 7))
    monkeypatch.setattr("dancepose.benchmarks.timing.time", clock)
    *_, matching = time_scoring(MPII15, 5, rounds=1)
    assert round(matching.median) == 7 and clock.threads == {(1, 1)}
    assert matching.figures["threads"] == 1 and matching.figures["shape"] == "1280x720 pixels, 15 keypoints"
