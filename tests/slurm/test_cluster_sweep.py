"""Sweeps in a real Slurm, which the test starts: jobs, processes of DDP, jobs that have to make way."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import CPUS, Cluster, missing, process
from factories import make_archive
from forked import Launched
from kills import JOB, compare
from sweeping import statuses, until

from dancepose.sweeps.names import job_name
from dancepose.tasks.slurm_queue import ask_for_orphans, find, in_queue, intent, new_mark

# the keypoint branch on drawn skeletons, with a sampler that has a state, and averaged weights
SMALL = [o for o in JOB if o.split("=")[0] not in ("data.workers", "trainer", "trainer.max_epochs", "seed")]
SMALL += ["data.workers=0", "~callbacks.summary"]
PATIENCE = 120.0  # seconds
LONGEST = 240  # seconds; without accounting, what goes wrong in Slurm may never be noticed


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    if why := missing():
        pytest.skip(why)
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def folder(tmp_path) -> Path:
    make_archive(tmp_path / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    return tmp_path


@pytest.fixture
def start(server, cluster, folder):
    """Start a sweep that is ended when it takes too long."""
    started = []

    def launch(*arguments: str) -> Launched:
        launched = server.start("-m", *SMALL, *arguments, cwd=folder, **cluster.environment)
        timer = threading.Timer(LONGEST, launched.kill, [signal.SIGKILL])
        timer.start()
        started.append((launched, timer))
        return launched

    yield launch
    for launched, timer in started:  # the next test must not read how one of this test has ended
        timer.cancel()
        launched.kill()
        launched.wait()


def ids(launched: Launched) -> list[str]:
    """Return Slurm's names for the jobs of a sweep."""
    told = until(lambda: re.search(r"Submitted .*: (.*)", launched.output), PATIENCE, lambda: launched.output)
    return told[1].split(", ")


@pytest.mark.parametrize("jobs", [1, 2])
def test_jobs_of_a_killed_launcher_are_found_by_their_mark(jobs, cluster, tmp_path, monkeypatch):
    """One job is no array; a job that has not got its work is cancelled."""
    submitit = pytest.importorskip("submitit")
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    mark = new_mark()
    executor = submitit.AutoExecutor(str(tmp_path / "%j"), cluster="slurm")
    executor.update_parameters(timeout_min=1, slurm_comment=f"mine {mark}")
    made = executor.map_array(time.sleep, [60] * jobs)
    names = [job.job_id for job in made]
    folder = str(tmp_path / "%j")
    until(lambda: len(in_queue() or ()) >= jobs, PATIENCE)
    listed = ask_for_orphans()
    assert [find(intent(mark, number), folder, listed) for number in range(jobs)] == names
    assert find(intent(mark, jobs), folder, listed) == find(intent(new_mark(), 0), folder, listed) == ""
    for job in made:
        job.paths.submitted_pickle.unlink()
    assert [find(intent(mark, number), folder, listed) for number in range(jobs)] == [""] * jobs
    until(lambda: not any(cluster.state(name) in ("RUNNING", "PENDING") for name in names), PATIENCE)


def test_jobs_that_make_way_go_on_and_end_as_if_undisturbed(start, cluster, folder):
    """Slurm itself puts one back into the queue, for a job of more priority; submitit puts the other.

    Each keeps its run of W&B.
    """
    # so many epochs that neither ends before it has made way
    keys = ["trainer=cpu", "trainer.max_epochs=40", "seed=0,1", "logger=wandb"]
    slurm = ["hydra/launcher=submitit_slurm", "sweep=slurm"]
    whole, sweep = (folder / "outputs" / "sweeps" / name for name in ("whole", "slurm"))
    launched = start(*keys, *slurm)
    jobs = ids(launched)
    until(lambda: len(list(sweep.glob("*/checkpoints/last.ckpt"))) == 2, PATIENCE, lambda: launched.output)
    assert [cluster.state(job) for job in jobs] == ["RUNNING", "RUNNING"]
    urgent = ("--partition=urgent", f"--ntasks={CPUS - 1}", f"--chdir={folder}", "--wrap=sleep 5")
    cluster.run("sbatch", *urgent)  # there is room for it and one of the others
    preempted = until(lambda: [job for job in jobs if cluster.state(job) == "PENDING"], PATIENCE)
    (timed_out,) = set(jobs) - set(preempted)
    cluster.run("scancel", "--signal=USR2", timed_out)  # what Slurm sends before the end of a job's time
    for job in jobs:
        until(lambda job=job: cluster.state(job) == "PENDING", PATIENCE, lambda: launched.output)
        cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")  # else in two minutes
    assert "interrupted" in statuses(sweep).values()
    assert launched.wait() == 0, launched.output
    assert statuses(sweep) == {"seed-0": "done", "seed-1": "done"} and "2 jobs: 2 done" in launched.output

    logs = [(sweep / ".submitit" / job / f"{job}_0_log.out").read_text() for job in (timed_out, *preempted)]
    assert "Requeued job" in logs[0] and "Requeued job" not in logs[1]
    for run in sweep.glob("seed-*"):
        (name,) = {path.name.rpartition("-")[2] for path in run.glob("wandb/offline-run-*")}
        assert name == (run / "wandb_id").read_text().strip()
        assert len(list(run.glob("wandb/offline-run-*"))) == 2
    assert start(*keys, "sweep=whole").wait() == 0
    compare(whole, sweep)

    again = start(*keys, *slurm)
    assert again.wait() == 0 and "Submitted" not in again.output
    assert statuses(sweep) == {"seed-0": "skipped", "seed-1": "skipped"}


def test_each_process_of_a_training_is_a_task_of_slurm(start, cluster, folder):
    """As 2 jobs of 2 processes; one is killed, which nobody tells the launcher, and the other is done."""
    sweep = folder / "outputs" / "sweeps" / "mine"
    keys = ["trainer=ddp_cpu", "trainer.max_epochs=10", "seed=0,1", "test=false", "sweep=mine"]
    launched = start(*keys, "hydra/launcher=submitit_slurm")
    jobs = ids(launched)
    until(lambda: list(sweep.glob("seed-1_*/checkpoints/last.ckpt")), PATIENCE, lambda: launched.output)
    os.kill(process(jobs[1], rank=0), signal.SIGKILL)
    assert launched.wait() == 1, launched.output
    assert statuses(sweep) == {"seed-0": "done", "seed-1": "failed"}
    assert re.search(
        r"^seed-1_\w+ +failed .*(Slurm ended job|Connection closed by peer)", launched.output, re.M
    )
    runs = [path.name for path in sweep.iterdir() if path.is_dir() and path.name[0] != "."]
    assert sorted(name.rpartition("_")[0] for name in runs) == ["seed-0", "seed-1"]
    folder = sweep / ".submitit" / jobs[0]
    assert "batch 8 = 2 devices" in (folder / f"{jobs[0]}_0_log.out").read_text()
    assert "MEMBER: 2/2" in (folder / f"{jobs[0]}_1_log.out").read_text()


def test_an_error_of_the_first_process_alone_ends_the_others(start, cluster, folder):
    """They wait to meet it, and would do so until the job's time is up."""
    sweep = folder / "outputs" / "sweeps" / "mine"
    keys = ["trainer=ddp_cpu", "trainer.max_epochs=1", "seed=0", "sweep=mine"]
    overrides = [f"{o}=null" if o.startswith("~") else o for o in [*SMALL, *keys]]  # as Hydra hands them on
    (sweep / job_name(overrides) / "split.json").mkdir(parents=True)  # which only the first one writes
    launched = start(*keys, "hydra/launcher=submitit_slurm")
    (job,) = ids(launched)
    assert launched.wait() == 1, launched.output
    assert re.search(r"failed.*split\.json cannot be written", launched.output)
    until(lambda: not cluster.state(job), PATIENCE, lambda: launched.output)
