"""Sweeps in a real Slurm, which the test starts: jobs, processes of DDP, jobs that have to make way."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing, process
from factories import make_archive
from forked import Launched
from kills import JOB, compare

# the keypoint branch on drawn skeletons, with a sampler that has a state, and averaged weights
SMALL = [o for o in JOB if o.split("=")[0] not in ("data.workers", "trainer", "trainer.max_epochs", "seed")]
SMALL += ["data.workers=0", "~callbacks.summary"]
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
    timers = []

    def launch(*arguments: str) -> Launched:
        launched = server.start("-m", *SMALL, *arguments, cwd=folder, **cluster.environment)
        timers.append(threading.Timer(LONGEST, launched.kill, [signal.SIGKILL]))
        timers[-1].start()
        return launched

    yield launch
    for timer in timers:
        timer.cancel()


def until(condition, launched: Launched, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, launched.output
        time.sleep(0.05)
    return found


def ids(launched: Launched) -> list[str]:
    """Return Slurm's names for the jobs of a sweep."""
    told = until(lambda: re.search(r"Submitted .*: (.*)", launched.output), launched)
    return told[1].split(", ")


def statuses(sweep: Path) -> dict[str, str]:
    found = json.loads((sweep / "sweep.json").read_text())
    return {name.rpartition("_")[0]: entry["status"] for name, entry in found.items()}


def test_jobs_that_make_way_go_on_and_end_as_if_undisturbed(start, cluster, folder):
    """Submitit puts one job back into the queue, Slurm itself the other; each keeps its run of W&B."""
    keys = ["trainer=cpu", "trainer.max_epochs=12", "seed=0,1", "logger=wandb"]
    slurm = ["hydra/launcher=submitit_slurm", "sweep=slurm"]
    whole, sweep = (folder / "outputs" / "sweeps" / name for name in ("whole", "slurm"))
    launched = start(*keys, *slurm)
    jobs = ids(launched)
    until(lambda: len(list(sweep.glob("*/checkpoints/last.ckpt"))) == 2, launched)
    assert [cluster.state(job) for job in jobs] == ["RUNNING", "RUNNING"]
    cluster.run("scancel", "--signal=USR2", jobs[0])  # what Slurm sends before the end of a job's time
    cluster.run("scontrol", "requeue", jobs[1])
    for job in jobs:
        until(lambda job=job: cluster.state(job) == "PENDING", launched)
        cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")  # else in two minutes
    assert "interrupted" in statuses(sweep).values()
    assert launched.wait() == 0, launched.output
    assert statuses(sweep) == {"seed-0": "done", "seed-1": "done"} and "2 jobs: 2 done" in launched.output

    logs = [(sweep / ".submitit" / job / f"{job}_0_log.out").read_text() for job in jobs]
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
    until(lambda: list(sweep.glob("seed-1_*/checkpoints/last.ckpt")), launched)
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
