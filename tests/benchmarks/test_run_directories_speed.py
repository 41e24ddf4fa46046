"""The time of a comparison of run directories on disk."""

from dancepose.benchmarks.run_directories import SAMPLES, time_run_directories


def test_each_step_is_timed_and_all_of_it():
    rows = time_run_directories(jobs=16, rounds=2)
    assert [row.name.rpartition(", ")[2] for row in rows] == ["read", "compared", "written", "all of it"]
    assert all(len(row.milliseconds) == 2 and row.figures["runs"] == 16 for row in rows)
    assert rows[3].milliseconds[0] == sum(row.milliseconds[0] for row in rows[:3]) > 0
    assert rows[0].figures["samples"] == SAMPLES == 350
