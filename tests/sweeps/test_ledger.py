import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dancepose.errors import DanceposeError, DataError
from dancepose.sweeps.ledger import JobTaken, Outcome, Sweep
from dancepose.tasks.holding import holding_run

HOLD = """
import sys, time
from pathlib import Path
from dancepose.tasks.holding import holding_run
with holding_run(Path(sys.argv[1])):
    import os
    if os.fork() == 0:
        time.sleep(60)  # as a data worker that outlives a killed job
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def sweep(tmp_path) -> Sweep:
    made = Sweep(tmp_path / "sweep")
    made.add("a_1", ["seed=1"])
    (made.path / "a_1").mkdir()
    return made


def test_jobs_are_merged_over_launches(sweep):
    before = (sweep.path / "jobs.json").stat().st_mtime_ns
    sweep.add("a_1", ["seed=1"])
    assert (sweep.path / "jobs.json").stat().st_mtime_ns == before, "nothing new, nothing written"
    sweep.add("a_2", ["seed=2"])
    assert Sweep(sweep.path).jobs() == {"a_1": ["seed=1"], "a_2": ["seed=2"]}


def test_several_launchers_may_write_at_once(tmp_path):
    def write(number):
        for job in range(8):
            mine = Sweep(tmp_path)
            mine.add(f"{number}_{job}", [f"seed={job}"])
            mine.record(f"{number}_{job}", str(number), Outcome("done", objective=0.5))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Sweep(tmp_path).jobs()) == 32
    assert [len(Sweep(tmp_path).outcomes(str(number))) for number in range(4)] == [8] * 4
    assert Sweep(tmp_path).outcomes("0")["0_0"] == Outcome("done", objective=0.5)


def test_a_run_knows_whether_it_is_a_job(sweep, tmp_path):
    found = Sweep.of_run(sweep.path / "a_1")
    assert found is not None and found.path == sweep.path
    assert Sweep.of_run(sweep.path / "other") is None and Sweep.of_run(tmp_path / "run") is None


def test_a_job_is_held_by_one_and_free_when_it_is_killed(sweep):
    assert not sweep.is_held("a_1")
    run = str(sweep.path / "a_1")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, run], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        assert sweep.is_held("a_1")
        with pytest.raises(JobTaken, match="a_1 is being run"), sweep.holding("a_1", patience=0):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        start = time.monotonic()
        with holding_run(sweep.path / "a_1"):
            assert time.monotonic() - start < 1, "a fork that lives on holds nothing"
    finally:
        os.killpg(holder.pid, signal.SIGKILL)


def test_a_job_that_was_submitted_is_known_until_it_tells_of_its_end(sweep):
    sweep.submit({"a_1": "7_0", "a_2": "7_1"}, "l")
    assert sweep.outcomes("l")["a_1"] == Outcome("submitted", queued="7_0")
    sweep.record("a_1", "l", Outcome("interrupted"))  # the cluster may have put it back into its queue
    assert sweep.queued("a_1") == "7_0" and sweep.queued("a_2") == "7_1" and sweep.queued("a_3") == ""
    sweep.record("a_1", "m", Outcome("done"))
    assert sweep.queued("a_1") == "" and sweep.last_outcome("a_1") == Outcome("done")
    assert sweep.last_outcome("a_3") is None


def test_broken_files_and_folders_are_told(sweep, tmp_path):
    (sweep.path / "jobs.json").write_text("{")
    with pytest.raises(DataError, match=r"jobs\.json"):
        sweep.jobs()
    (tmp_path / "file").write_text("")
    with pytest.raises(DanceposeError, match="cannot be written"):
        Sweep(tmp_path / "file").add("a", [])


def test_a_full_disk_has_its_remedy(sweep, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(DanceposeError, match="cannot be written: No space left on device. Make room there"):
        sweep.add("b", [])


def test_what_a_job_came_to_is_plain_json(sweep):
    sweep.record("a_1", "x", Outcome("failed", "out of memory", seconds=1.5))
    written = json.loads((sweep.path / "sweep.json").read_text())
    assert written["a_1"]["status"] == "failed" and written["a_1"]["launch"] == "x"
    assert sweep.outcomes("another launch") == {}


PLANNER = """
import sys, time
from dancepose.sweeps.ledger import Outcome, Sweep
sweep = Sweep(sys.argv[1])
with sweep.planning("killed"):
    sweep.plan("a_1", "killed", Outcome("missing"), 0)
    print("planned", flush=True)
    time.sleep(60)
"""


def test_what_killed_launchers_have_left_goes(sweep):
    """And nothing of those that are at work."""
    whole = {path.name for path in sweep.path.iterdir()}
    names = ("jobs.json", "sweep.json", "sweep.txt", ".plans_1.json")
    for number, name in enumerate(names):
        (sweep.path / f".{name}.abcdefg{number}.dancepose_partial").write_text("half")
    planner = subprocess.Popen(
        [sys.executable, "-c", PLANNER, str(sweep.path)], stdout=subprocess.PIPE, text=True
    )
    assert planner.stdout.readline() == "planned\n"
    with sweep.planning("mine"):
        sweep.plan("a_1", "mine", Outcome("missing"), 0)
        sweep.clean()
        plans = {".plans_killed.json", ".plans_mine.json"}
        assert {path.name for path in sweep.path.iterdir()} == whole | plans
        assert sweep.plans("mine") == {"a_1": Outcome("missing")}
    planner.kill()
    planner.wait()
    planner.stdout.close()
    sweep.clean()
    assert {path.name for path in sweep.path.iterdir()} == whole
    assert [path.name for path in (sweep.path / ".locks").iterdir()] == ["ledger.lock"]
    nowhere = Sweep(sweep.path / "nowhere")
    nowhere.clean()
    assert not nowhere.path.exists(), "who only looks makes no folder"


def test_the_table_is_written_as_all_else(sweep):
    sweep.write_table("1 job: 1 done\n")
    assert (sweep.path / "sweep.txt").read_text() == "1 job: 1 done\n"


def test_plans_are_told_in_the_order_of_the_sweep(tmp_path):
    sweep = Sweep(tmp_path)
    for number in (10, 2, 0):
        sweep.plan(f"seed-{number}", "mine", Outcome("missing"), number)
    assert list(sweep.plans("mine")) == ["seed-0", "seed-2", "seed-10"]


def test_who_looks_whether_a_job_is_held_leaves_no_file(tmp_path):
    assert not Sweep(tmp_path).is_held("seed-0_x") and list(tmp_path.iterdir()) == []
