"""The time of a comparison of run directories on disk."""

from pathlib import Path

from dancepose import compare
from dancepose.benchmarks import run_directories
from dancepose.benchmarks.run_directories import SAMPLES, compare_once, make_sweep, time_run_directories
from dancepose.sweeps.launched import ledger_notes
from dancepose.sweeps.ledger import Sweep
from dancepose.sweeps.whole import comparable_jobs


def test_each_step_is_timed_and_all_of_it():
    rows = time_run_directories(jobs=16, rounds=2)
    assert [row.name.rpartition(", ")[2] for row in rows] == ["read", "compared", "written", "all of it"]
    assert all(len(row.milliseconds) == 2 and row.figures["runs"] == 16 for row in rows)
    assert rows[3].milliseconds[0] == sum(row.milliseconds[0] for row in rows[:3]) > 0
    assert rows[0].figures["samples"] == SAMPLES == 350


def test_what_is_timed_is_what_the_command_does(tmp_path, monkeypatch):
    """The check of each file and the sweep's notes are of it, and a launched sweep has its jobs.json."""
    asked = []

    def noted(name, do):
        return lambda *args: (asked.append(name), do(*args))[1]

    monkeypatch.setattr(run_directories, "comparable_jobs", noted("jobs", comparable_jobs))
    monkeypatch.setattr(run_directories, "ledger_notes", noted("notes", ledger_notes))
    sweep = make_sweep(tmp_path / "sweep", 16)
    jobs = Sweep(sweep).jobs()
    assert sorted(jobs) == sorted(path.name for path in sweep.iterdir() if path.is_dir())
    spans: dict[str, list[float]] = {}
    comparison = compare_once(sweep, tmp_path / "out", spans)
    assert asked == ["jobs", "notes"] and list(spans) == ["read", "compared", "written"]
    assert comparison.left_out == () and len(comparison.tables[0].group.arms) == 2
    used = Path(compare.__file__).read_text()
    assert "comparable_jobs(sweeps, " in used and "*ledger_notes(sweeps)]" in used
