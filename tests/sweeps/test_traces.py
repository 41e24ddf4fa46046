"""What a dry run of a sweep makes in a folder is gone when it ends, however it does."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from dancepose.sweeps import traces
from dancepose.sweeps.ledger import Outcome, Sweep
from dancepose.sweeps.traces import SETTINGS, without_trace

DRY = "a: 1\ndry_run: true\nb: 2\n"


def files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() if p.is_file() else "" for p in folder.rglob("*")}


def dry_run(sweep: Sweep, error: BaseException | None = None) -> None:
    """What a dry run and Hydra do there, up to its end or an error."""
    with without_trace(sweep.path), sweep.planning("mine"):
        (sweep.path / SETTINGS).write_text(DRY)
        (sweep.path / "seed-0").mkdir(exist_ok=True)
        (sweep.path / "seed-7").mkdir()
        assert not sweep.is_held("seed-7")
        sweep.plan("seed-7", "mine", Outcome("missing"), 0)
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), ValueError()])
@pytest.mark.parametrize(
    "before", ["nothing", "a folder", "a sweep", "a sweep and its settings", "a sweep whose job is gone"]
)
def test_a_folder_is_left_as_it_was(before, error, tmp_path):
    sweep = Sweep(tmp_path / "outputs" / "sweeps" / "mine")
    if before != "nothing":
        sweep.path.mkdir(parents=True)
    if before.startswith("a sweep"):
        sweep.add("seed-0", ["seed=0"])
        (sweep.path / "seed-0").mkdir()
        (sweep.path / "seed-0" / "metrics.json").write_text("{}")
    if "gone" in before:
        shutil.rmtree(sweep.path / "seed-0")
    if "settings" in before:
        (sweep.path / SETTINGS).write_text("dry_run: false\n")
    was = files(tmp_path)
    try:
        dry_run(sweep, error)
    except BaseException as raised:
        assert raised is error
    assert files(tmp_path) == was


def test_what_another_launcher_has_made_meanwhile_stays(tmp_path):
    sweep = Sweep(tmp_path / "sweep")
    with without_trace(sweep.path):
        sweep.add("seed-0", ["seed=0"])
        (sweep.path / "seed-0").mkdir()
        (sweep.path / SETTINGS).write_text("\ndry_run: false\n")
    assert {path.name for path in sweep.path.iterdir()} == {"seed-0", "jobs.json", ".locks", SETTINGS}


def test_a_lock_that_another_process_holds_stays(tmp_path):
    """A launch that begins while a dry run ends, before its first jobs.json."""
    sweep = Sweep(tmp_path / "sweep")
    with without_trace(sweep.path):
        (sweep.path / "seed-0").mkdir(parents=True)
        launch = sweep.holding("seed-0")
        launch.__enter__()
    assert sweep.is_held("seed-0") and (sweep.path / "seed-0").is_dir()
    launch.__exit__(None, None, None)


def test_nothing_is_removed_while_a_launch_writes(tmp_path, monkeypatch):
    """Its first jobs.json is there, or it has the lock of a folder that is still to be."""
    sweep, begun, ends = Sweep(tmp_path / "sweep"), threading.Event(), threading.Event()
    looked = Sweep.jobs

    def jobs(of):
        (ends if begun.is_set() else begun).set()
        return looked(of)

    monkeypatch.setattr(Sweep, "jobs", jobs)
    with sweep.writing():

        def dry_run() -> None:
            with without_trace(sweep.path):
                pass

        ending = threading.Thread(target=dry_run)
        ending.start()
        assert begun.wait(10) and not ends.wait(0.2), "it looks for jobs while one is written down"
        (sweep.path / "jobs.json").write_text('{"seed-0": []}')
    ending.join()
    assert ends.is_set() and {path.name for path in sweep.path.iterdir()} == {"jobs.json", ".locks"}


def test_of_two_dry_runs_the_last_one_leaves_nothing(tmp_path):
    sweep = Sweep(tmp_path / "sweep")
    with without_trace(sweep.path):
        first = sweep.planning("first")
        first.__enter__()
        with without_trace(sweep.path), sweep.planning("second"):
            first.__exit__(None, None, None)
            traces._remove_new(sweep.path, set(), set())
            assert sweep.is_held(".plans_second")
    assert list(tmp_path.iterdir()) == []


def test_who_waits_for_a_lock_whose_folder_goes_makes_it_again(tmp_path):
    sweep, waits = Sweep(tmp_path / "sweep"), threading.Event()

    def launch() -> None:
        waits.set()
        sweep.add("seed-0", ["seed=0"])

    launching = threading.Thread(target=launch)
    with sweep.writing():
        launching.start()
        waits.wait()
        time.sleep(0.1)
        traces._remove_locks(sweep)
    launching.join()
    assert sweep.jobs() == {"seed-0": ["seed=0"]}
