"""What a sweep's folder says of its jobs: those without a result, each with a remedy, and renamed ones."""

import json
import shutil

import pytest
from run_directories import motion_job, motion_sweep

from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.launched import ledger_notes, renamed
from dancepose.sweeps.ledger import Outcome, Sweep


@pytest.fixture
def sweep(tmp_path) -> Sweep:
    found = Sweep(motion_sweep(tmp_path / "sweep", {"none": 0.7, "cbam1": 0.8}, [0, 1]))
    for path in sorted(found.path.iterdir()):
        found.add(path.name, [*path.name.replace("model.", "model/").split(",")])
    return found


def causes(sweep: Sweep) -> dict[str, tuple[str, str]]:
    return {one.path.name: (one.status, one.cause) for one in read_jobs([sweep.path])[1]}


def test_a_job_that_was_killed_with_its_launcher_goes_on(sweep):
    motion_job(sweep.path / "a", status="running")
    told = ("running", "it was killed together with its launcher: launch the sweep again, and it goes on")
    assert causes(sweep) == {"a": told}
    with sweep.holding("a"):
        status, cause = causes(sweep)["a"]
    assert status == "running" and "being run at this moment" in cause
    sweep.record("a", "1", Outcome("failed", "killed by signal 9", goes_on=True))
    assert causes(sweep)["a"][1] == "killed by signal 9: launch the sweep again, and it goes on"
    sweep.submit({"a": "17_3"}, "2")
    assert "the cluster, which calls it 17_3, has it" in causes(sweep)["a"][1]


def test_who_only_compares_leaves_no_lock(sweep):
    shutil.rmtree(sweep.path / ".locks")
    motion_job(sweep.path / "a", status="running")
    assert causes(sweep) and not (sweep.path / ".locks").exists()


def test_failed_and_interrupted_jobs_have_their_remedies(sweep):
    motion_job(sweep.path / "a", status="failed", cause="CUDA out of memory")
    motion_job(sweep.path / "b", status="interrupted")
    (motion_job(sweep.path / "c") / "metrics.json").unlink()
    (motion_job(sweep.path / "d") / "metrics.json").unlink()
    (sweep.path / "d" / "checkpoints").mkdir()
    told = causes(sweep)
    assert told["a"] == ("failed", "CUDA out of memory: launch the sweep again with rerun=failed")
    assert told["b"] == ("interrupted", "it was interrupted: launch the sweep again, and it goes on")
    begun = "it has no metrics.json: it stopped as it began: launch the sweep again, and it goes on"
    assert told["c"] == ("unknown", begun)
    assert "remove the job's folder and launch the sweep again" in told["d"][1]  # reuse=true refuses it


def test_a_job_that_failed_before_its_data_were_read_is_run_by_the_same_command(sweep):
    """The launcher tells by `data` in metrics.json whether it began."""
    run = motion_job(sweep.path / "a", status="failed", cause="no such folder: /data")
    told = json.loads((run / "metrics.json").read_text())
    del told["data"]
    (run / "metrics.json").write_text(json.dumps(told))
    assert causes(sweep) == {"a": ("failed", "no such folder: /data: launch the sweep again")}


def test_a_job_whose_folder_is_gone_is_trained_again(sweep):
    name = "model.attention=none,seed=0"
    shutil.rmtree(sweep.path / name)
    status, cause = causes(sweep)[name]
    assert status == "unknown" and "its folder is gone" in cause and "launch the sweep again" in cause
    sweep.record(name, "1", Outcome("done"))
    told = "it was done, and its folder is gone: put it back, or launch the sweep again"
    assert causes(sweep)[name] == ("done", told)


def test_a_job_that_was_done_and_lost_its_result_is_not_said_to_have_stopped(sweep):
    name = "model.attention=none,seed=0"
    (sweep.path / name / "metrics.json").unlink()
    sweep.record(name, "1", Outcome("done"))
    status, cause = causes(sweep)[name]
    assert status == "done" and cause.startswith(
        "it was done, and has no metrics.json: remove the job's folder"
    )


def test_a_renamed_folder_is_one_job_of_two_names(sweep):
    old, new = sweep.path / "model.attention=none,seed=0", sweep.path / "best one"
    old.rename(new)
    jobs, left_out = read_jobs([sweep.path])
    assert len(jobs) == 4 and left_out == [] and renamed(sweep.path) == {old.name: new.name}
    (note,) = ledger_notes([sweep.path])
    assert str(new) in note and f"was launched as {old.name}" in note and f"name it {old.name} again" in note


def test_a_folder_of_other_settings_is_not_taken_for_a_renamed_one(sweep):
    shutil.rmtree(sweep.path / "model.attention=none,seed=0")
    motion_job(sweep.path / "other", ["model/attention=none"], 7, choices={"model": "motion"})
    assert renamed(sweep.path) == {} and len(causes(sweep)) == 1


@pytest.mark.parametrize("content", ["", '{"a": ["see', "[]", '{"a": 3}'])
def test_without_jobs_json_the_folders_are_compared_and_it_is_said(sweep, content):
    (sweep.path / "jobs.json").write_text(content)
    jobs, left_out = read_jobs([sweep.path])
    assert len(jobs) == 4 and left_out == []
    (note,) = ledger_notes([sweep.path.parent])
    assert note.startswith(f"{sweep.path / 'jobs.json'}") and "any that left no folder are not known" in note
    assert "Remove it and launch the sweep again" in note


@pytest.mark.parametrize("content", ["", '{"a": {"status"', '{"a": {}}', '{"a": 3}'])
def test_a_broken_sweep_json_is_said(sweep, content):
    motion_job(sweep.path / "a", status="failed", cause="no memory")
    (sweep.path / "sweep.json").write_text(content)
    assert causes(sweep) == {"a": ("failed", "no memory: launch the sweep again with rerun=failed")}
    (note,) = ledger_notes([sweep.path])
    assert note.startswith(f"{sweep.path / 'sweep.json'}") and "Remove it and launch" in note


def test_of_a_sound_sweep_nothing_is_said(sweep):
    assert ledger_notes([sweep.path]) == []
