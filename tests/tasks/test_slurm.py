"""What of Slurm's launcher needs no Slurm; with one: tests/slurm."""

import os
import re
import subprocess
import time
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.utils import JobReturn, JobStatus

from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.sweeps.ledger import JobTaken, Outcome, Sweep
from dancepose.tasks import slurm, slurm_queue
from dancepose.tasks.child import TAKEN, Ended
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.slurm import check_tasks
from dancepose.tasks.slurm_job import cluster_plugins, in_slurm_job, rank, run_here, tasks
from dancepose.tasks.sweep_job import SweepJob

register()
TRAINER = {"devices": 2, "num_nodes": 1, "accelerator": "cpu", "precision": "32-true"}
SETTINGS = {"tasks_per_node": 2, "nodes": 1, "gpus_per_node": None}


@pytest.mark.parametrize(
    ("settings", "trainer", "words"),
    [
        (
            {"tasks_per_node": 1},
            {},
            "hydra.launcher.tasks_per_node=1, but trainer.devices=2: .* leave hydra.launcher",
        ),
        ({}, {"devices": -1}, "tasks_per_node=2, but trainer.devices=-1"),
        ({"nodes": 2}, {}, "hydra.launcher.nodes=2, but trainer.num_nodes=1"),
        ({}, {"accelerator": "auto"}, "trainer.accelerator=auto: .* hydra.launcher.gpus_per_node"),
        ({}, {"precision": "auto"}, "trainer.precision=auto: the machines of a cluster may differ"),
    ],
)
def test_what_slurm_cannot_run(settings, trainer, words):
    with pytest.raises(ConfigError, match=words):
        check_tasks({**SETTINGS, **settings}, {**TRAINER, **trainer})


def test_what_slurm_can_run():
    check_tasks(SETTINGS, TRAINER)
    check_tasks({**SETTINGS, "gpus_per_node": 2}, {**TRAINER, "accelerator": "auto"})


@pytest.mark.parametrize(
    ("overrides", "tasks", "gpus", "cpus"),
    [(["trainer=cpu"], 1, None, 1), (["trainer=gpu", "trainer.devices=4", "data.workers=3"], 4, 4, 4)],
)
def test_what_a_job_is_given_follows_from_its_trainer(overrides, tasks, gpus, cpus):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        overrides = [*overrides, "hydra/launcher=submitit_slurm", "hydra.sweep.dir=x"]
        if "data.workers=3" not in overrides:
            overrides.append("data.workers=0")
        found = compose("train", overrides=overrides, return_hydra_config=True).hydra.launcher
    assert (found.tasks_per_node, found.gpus_per_node, found.cpus_per_task) == (tasks, gpus, cpus)
    assert found.submitit_folder == "x/.submitit/%j" and found.additional_parameters.requeue is True


def test_a_task_of_slurm_is_known_by_its_environment(monkeypatch):
    monkeypatch.delenv("SUBMITIT_EXECUTOR", raising=False)
    assert not in_slurm_job() and cluster_plugins() == []
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "4")
    assert in_slurm_job() and rank() == 3 and tasks() == 4
    (plugin,) = cluster_plugins()
    assert plugin.auto_requeue is False


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (None, Ended(0)),
        (SystemExit(143), Ended(143, 15)),
        (SystemExit(130), Ended(130, 2)),
        (SystemExit(1), Ended(1)),
        (ValueError("x"), Ended(1)),
        (JobTaken("x"), Ended(TAKEN)),
    ],
)
def test_how_a_training_ends_that_has_no_process_of_its_own(error, ended, tmp_path):
    def train():
        if error is not None:
            raise error

    run = RunDirectory(tmp_path)
    assert run_here(train, run) == ended
    assert run.read_metrics().get("cause") == ("ValueError: x" if isinstance(error, ValueError) else None)


class Submitted:
    """A job as submitit knows it."""

    def __init__(self, folder, job_id):
        self.job_id = job_id
        self.paths = SimpleNamespace(result_pickle=folder / f"{job_id}.pkl", stderr=folder / f"{job_id}.err")

    def task(self, number):
        return self


def test_the_launcher_waits_for_a_result_or_until_a_job_is_gone(tmp_path, monkeypatch):
    """Slurm may fail to answer, and a job may leave the queue a little before its result is seen."""
    jobs = [Submitted(tmp_path, f"7_{number}") for number in range(3)]
    answers = [None, {"7_0", "7_1", "7_2"}, {"7_1"}, {"7_1"}, set(), set()]
    asked = []

    def queue():
        asked.append(answers[len(asked)])
        if len(asked) == 3:
            jobs[0].paths.result_pickle.write_text("late")
        return asked[-1]

    monkeypatch.setattr(slurm, "LOOK", 0.0)
    monkeypatch.setattr(slurm, "ASK", 0.0)
    monkeypatch.setattr(slurm, "_queue", queue)
    slurm._wait(jobs)
    assert asked == answers


def job_of(folder, name="seed-0_x", trainer=TRAINER, **more) -> SweepJob:
    (folder / name).mkdir(exist_ok=True)
    return SweepJob({}, RunDirectory(folder / name, **more), Sweep(folder), "l", trainer, {})


@pytest.mark.parametrize(
    ("recorded", "metrics", "status", "cause"),
    [
        (Outcome("done", objective=0.5), {}, "done", ""),
        (None, {"status": "failed", "cause": "ValueError: x"}, "failed", "ValueError: x"),
        (None, {"status": "running"}, "failed", "Slurm ended job 7_0; its last words: .*7_0.err"),
        (Outcome("submitted", queued="7_0"), {}, "failed", "Slurm ended job 7_0; its last words: .*7_0.err"),
    ],
)
def test_what_became_of_a_job(recorded, metrics, status, cause, tmp_path):
    job = job_of(tmp_path)
    if recorded is not None:
        job.sweep.record("seed-0_x", "another launch", recorded)
    if metrics:
        job.run.write_metrics(**metrics)
    found = slurm._outcome(job, Submitted(tmp_path, "7_0"))
    assert found.status == status and re.fullmatch(cause, found.cause)
    assert job.sweep.outcomes("l")["seed-0_x"] == found


def test_what_made_way_for_a_job_that_slurm_ended_at_once_comes_back(tmp_path):
    job = job_of(tmp_path, anew="l")
    job.run.write_metrics("done", objective=0.5)
    job.run.make_way()
    job.run.write_metrics("running")
    assert slurm._outcome(job, Submitted(tmp_path, "7_0")).status == "failed"
    assert job.run.read_metrics()["objective"] == 0.5


@pytest.fixture
def launch(tmp_path, monkeypatch):
    """Launch jobs, with what a test says of Slurm in its place."""
    monkeypatch.setattr(slurm, "setup_globals", lambda: None)
    monkeypatch.setattr(slurm, "configure_log", lambda *given: None)
    settings = {**SETTINGS, "submitit_folder": str(tmp_path)}
    hydra = SimpleNamespace(hydra_logging=None, verbose=False)

    def launch(jobs, submit, queue=frozenset(), wait=lambda *given: None):
        def prepare(launcher, number, overrides):
            return JobReturn(_return_value=jobs[number], status=JobStatus.COMPLETED)

        for name, stand_in in (("prepare", prepare), ("_submit", submit), ("_queue", lambda: queue)):
            monkeypatch.setattr(slurm, name, stand_in)
        monkeypatch.setattr(slurm, "_wait", wait)
        monkeypatch.setattr(slurm, "_known", lambda name, settings: Submitted(tmp_path, name))
        launcher = SimpleNamespace(config=SimpleNamespace(hydra=hydra, dry_run=False), settings=settings)
        return slurm.launch(launcher, [["a=1"]] * len(jobs), 0)

    return launch


def refuse(*given):
    raise ConfigError("invalid partition")


def test_what_slurm_refuses_costs_nothing_and_is_told_of_each_job(launch, tmp_path):
    job, done = job_of(tmp_path, anew="l"), job_of(tmp_path, "seed-1_x")
    job.run.write_metrics("done", objective=0.5)
    done.outcome = Outcome("skipped", objective=0.25)
    with pytest.raises(ConfigError, match="invalid partition"):
        launch([job, done], refuse)
    assert job.run.read_metrics()["objective"] == 0.5 and job.run.makes_way
    failed = Outcome("failed", "invalid partition", goes_on=True)
    assert job.sweep.outcomes("l") == {"seed-0_x": failed, "seed-1_x": done.outcome}
    with pytest.raises(ConfigError, match="tasks_per_node"):
        launch([job_of(tmp_path, "seed-2_x", {**TRAINER, "devices": 3}), done], refuse)


def test_jobs_are_not_submitted_twice(launch, tmp_path):
    """A launcher that is started again waits for what is in the queue, and for what runs."""
    jobs = [job_of(tmp_path, f"seed-{n}_x") for n in range(4)]
    asked = []

    def submit(launcher, settings, given):
        asked.append([number for number, _ in given])
        return [Submitted(tmp_path, f"{len(asked) + 6}_{n}") for n in range(len(given))]

    def killed(at_slurm, received):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(jobs, submit, wait=killed)
    sweep = jobs[0].sweep
    assert [sweep.queued(f"seed-{n}_x") for n in range(4)] == ["7_0", "7_1", "7_2", "7_3"]
    sweep.record("seed-1_x", "l", Outcome("interrupted"))  # put back into the queue by Slurm
    jobs[2].outcome = Outcome("running")  # its process holds it
    waited = []

    def wait(at_slurm, received):
        waited.extend(job.job_id for job in at_slurm)
        for n in range(4):
            sweep.record(f"seed-{n}_x", "first", Outcome("done", objective=n))

    told = launch(jobs, submit, queue={"7_0", "7_1", "7_2"}, wait=wait)
    assert asked == [[0, 1, 2, 3], [3]] and waited == ["7_0", "7_1", "7_2", "8_0"]
    assert [one.return_value for one in told] == [0, 1, 2, 3] and sweep.queued("seed-0_x") == ""


def test_of_two_live_launchers_one_submits_at_a_time(launch, tmp_path):
    """Else the second would take the first for killed, and cancel what it is submitting."""
    jobs = [job_of(tmp_path)]
    seen = []

    def submit(launcher, settings, given):
        seen.append(jobs[0].sweep.is_held(slurm.SUBMITTING))
        return [Submitted(tmp_path, "7_0")]

    launch(jobs, submit, wait=lambda *given: seen.append(jobs[0].sweep.is_held(slurm.SUBMITTING)))
    assert seen == [True, False], "held while it submits, not while it waits"


@pytest.mark.parametrize("got", ["in the queue", "not there", "without its work"])
def test_a_launcher_that_is_killed_while_it_submits_does_not_do_so_twice(got, launch, tmp_path, monkeypatch):
    """Its jobs may be in the queue, and nobody has written down their names."""
    pytest.importorskip("submitit")
    jobs = [job_of(tmp_path, f"seed-{n}_x") for n in range(2)]
    comments, cancelled, asked = [], [], []

    def killed(launcher, settings, given):
        comments.append(settings["comment"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(jobs, killed)
    if got == "in the queue":
        for n in range(2):
            (tmp_path / f"7_{n}_submitted.pkl").write_text("")

    def run(command, **more):
        if command[0] == "scancel":
            cancelled.append(command[1])
        listed = "" if got == "not there" else f"6_0 other\n7_0 {comments[0]}\n7_1 {comments[0]}\n"
        return subprocess.CompletedProcess(command, 0, listed)

    monkeypatch.setattr(slurm_queue.subprocess, "run", run)

    def submit(launcher, settings, given):
        asked.append([number for number, _ in given])
        assert settings["comment"] != comments[0]
        return [Submitted(tmp_path, f"8_{n}") for n in range(len(given))]

    waited = []
    launch(jobs, submit, {"6_0", "7_0", "7_1"}, lambda at, received: waited.extend(j.job_id for j in at))
    adopted = got == "in the queue"
    assert waited == (["7_0", "7_1"] if adopted else ["8_0", "8_1"]) and asked == (
        [] if adopted else [[0, 1]]
    )
    assert cancelled == (["7_0", "7_1"] if got == "without its work" else [])


@pytest.mark.parametrize(("number", "raised"), [(15, SystemExit), (2, KeyboardInterrupt)])
def test_a_signal_ends_the_launcher_in_order_and_not_its_jobs(number, raised, launch, tmp_path, caplog):
    caplog.set_level("INFO")

    def wait(at_slurm, received):
        os.kill(os.getpid(), number)
        while not received:
            time.sleep(0.01)

    with pytest.raises(raised):
        launch([job_of(tmp_path)], lambda *given: [Submitted(tmp_path, "7_0")], wait=wait)
    assert "the jobs go on in Slurm" in caplog.text and "scancel 7" in caplog.text
    assert Sweep(tmp_path).outcomes("l")["seed-0_x"].status == "submitted"
