"""What of Slurm's launcher needs no Slurm; with one: tests/slurm."""

import re
import subprocess
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir

from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.sweeps.ledger import JobTaken, Outcome, Sweep
from dancepose.tasks import slurm
from dancepose.tasks.child import TAKEN, Ended
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.slurm import check_tasks
from dancepose.tasks.slurm_job import cluster_plugins, in_slurm_job, rank, run_here

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
    assert in_slurm_job() and rank() == 3
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


@pytest.mark.parametrize(("printed", "found"), [("7_1\n8\n", {"7_1", "8", "7_1_0", "8_0"}), ("", set())])
def test_what_slurm_says_of_its_queue(printed, found, monkeypatch):
    done = subprocess.CompletedProcess([], 0, printed)
    monkeypatch.setattr(slurm.subprocess, "run", lambda *given, **more: done)
    assert slurm._queue() == found


def test_a_queue_that_does_not_answer_says_nothing(monkeypatch):
    def run(*given, **more):
        raise subprocess.CalledProcessError(1, "squeue")

    monkeypatch.setattr(slurm.subprocess, "run", run)
    assert slurm._queue() is None


@pytest.mark.parametrize(
    ("recorded", "metrics", "status", "cause"),
    [
        (Outcome("done", objective=0.5), {}, "done", ""),
        (None, {"status": "failed", "cause": "ValueError: x"}, "failed", "ValueError: x"),
        (None, {"status": "running"}, "failed", "Slurm ended job 7_0; its last words: .*7_0.err"),
    ],
)
def test_what_became_of_a_job(recorded, metrics, status, cause, tmp_path):
    run, sweep = RunDirectory(tmp_path / "seed-0_x"), Sweep(tmp_path)
    run.path.mkdir()
    if recorded is not None:
        sweep.record("seed-0_x", "l", recorded)
    if metrics:
        run.write_metrics(**metrics)
    found = slurm._outcome(SimpleNamespace(run=run, launch="l"), Submitted(tmp_path, "7_0"))
    assert found.status == status and re.fullmatch(cause, found.cause)
    assert sweep.outcomes("l")["seed-0_x"] == found
