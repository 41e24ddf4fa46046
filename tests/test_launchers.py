"""Sweeps by other launchers than Hydra's own."""

import json
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest
import yaml
from factories import make_archive
from kills import SMALL
from running import fresh_command
from sweeping import alive, children, statuses, until

from dancepose.sweeps.leases import FOLDER

pytestmark = pytest.mark.slow

JOB = [*SMALL, "test=false", "sweep=mine"]


@pytest.fixture
def folder(tmp_path) -> Path:
    make_archive(tmp_path / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    return tmp_path


def mine(folder: Path) -> Path:
    return folder / "outputs" / "sweeps" / "mine"


def jobs_at_work(folder: Path) -> int:
    """Return how many jobs have begun to train, or have done so."""
    return len(list(mine(folder).glob("*/metrics.json")))


def test_a_pool_runs_jobs_side_by_side_on_devices_of_their_own(folder, server):
    """Broken off and launched again, then a job killed: its device goes to the next."""
    arguments = [
        "-m",
        *JOB,
        "hydra/launcher=pool",
        "hydra.launcher.devices=[7,8]",
        "trainer.accelerator=auto",
    ]
    arguments += ["trainer.max_epochs=5", "seed=0,1,2"]
    environment = {FOLDER: str(folder / "leases")}
    launched = server.start(*arguments, cwd=folder, **environment)
    until(lambda: jobs_at_work(folder) == 2)
    launched.kill(signal.SIGTERM)
    assert launched.wait() == 143, launched.output
    assert statuses(mine(folder)) == {"seed-0": "interrupted", "seed-1": "interrupted"}
    assert "Launching 3 jobs, 2 at a time (7, 8)" in launched.output
    assert "2 jobs: 2 interrupted" in launched.output

    launched = server.start(*arguments, cwd=folder, **environment)
    until(lambda: len(children(launched.pid)) == 2)
    victim = children(launched.pid)[0]
    os.kill(victim, signal.SIGKILL)
    assert launched.wait() == 1, launched.output
    found = statuses(mine(folder))
    assert sorted(found.values()) == ["done", "done", "failed"]
    started = re.findall(r"^(seed-\d)_\w+: started on GPU (\d)$", launched.output, re.M)
    assert [job for job, _ in started][2] == "seed-2" and {gpu for _, gpu in started[:2]} == {"7", "8"}
    assert found[next(job for job, gpu in started if gpu == started[2][1])] == "failed"
    assert "killed by SIGKILL" in launched.output and "epoch 1/5" not in launched.output
    (output,) = mine(folder).glob("seed-2_*/output")
    assert "epoch 5/5" in output.read_text()


def test_leases_outlive_neither_launcher_nor_job(folder, server):
    """A launcher that is killed takes its job along, and what the job had is free at once."""
    arguments = ["-m", *JOB, "hydra/launcher=pool", "hydra.launcher.n_jobs=1", "seed=0"]
    environment = {FOLDER: str(folder / "leases")}
    launched = server.start(*arguments, "trainer.max_epochs=500", cwd=folder, **environment)
    until(lambda: jobs_at_work(folder) == 1)
    (job,) = children(launched.pid)
    launched.kill(signal.SIGKILL)
    assert launched.wait() == -signal.SIGKILL
    until(lambda: not alive(job))
    assert server.run(*arguments, "hydra.launcher.threads=64", cwd=folder, **environment).wait() == 0


def test_jobs_on_a_local_ray(folder):
    """One fails, which stops nobody."""
    pytest.importorskip("hydra_plugins.hydra_ray_launcher", reason="needs dancepose[ray]")
    with tempfile.TemporaryDirectory(prefix="ray") as own:  # pytest's folders are too deep for Ray's sockets
        ray = ["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"]
        ray += [f"+hydra.launcher.ray.init._temp_dir={own}"]
        environment = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
        done = fresh_command("train", "-m", *JOB, *ray, "optimizer.lr=1e30,0.001", cwd=folder, **environment)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert statuses(mine(folder)) == {"lr-1e30": "failed", "lr-0.001": "done"}
    assert "2 jobs: 1 done, 1 failed" in done.stdout


def test_optuna_looks_for_the_best_objective(folder, server):
    """On the pool; launched again, it asks for the same trials, which are done, and one more."""
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="needs dancepose[optuna]")
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_jobs=2", "hydra.sweeper.sampler.seed=0"]
    search += ["hydra/launcher=pool", "optimizer.lr=tag(log, interval(1e-9, 1e-1))", "objective=val/accuracy"]
    arguments = ["-m", *JOB, *search, "hydra.sweeper.direction=maximize"]
    environment = {FOLDER: str(folder / "leases")}
    sweep = mine(folder)

    first = server.run(*arguments, "hydra.sweeper.n_trials=2", cwd=folder, **environment)
    assert first.wait() == 0 and "2 jobs: 2 done" in first.output, first.output
    names = set(statuses(mine(folder)))
    assert all(re.fullmatch(r"lr-[0-9.]+(e-\d+)?", name) for name in names) and len(names) == 2
    again = server.run(*arguments, "hydra.sweeper.n_trials=3", cwd=folder, **environment)
    assert again.wait() == 0 and "3 jobs: 1 done, 2 skipped" in again.output, again.output
    found = json.loads((sweep / "sweep.json").read_text())
    best = yaml.safe_load((sweep / "optimization_results.yaml").read_text())
    assert best["best_value"] == max(entry["objective"] for entry in found.values())

    drawn = ["hydra/sweeper=optuna", "hydra/sweeper/sampler=random", "hydra.sweeper.direction=maximize"]
    drawn += ["hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=1", "hydra.sweeper.sampler.seed=0"]
    mixed = server.run("-m", *JOB, *drawn, "optimizer.lr=choice(1e30,0.001)", cwd=folder)
    assert mixed.wait() == 1 and "Traceback" not in mixed.output, mixed.output
    found = statuses(mine(folder))
    assert (found["lr-1e30"], found["lr-0.001"]) == ("failed", "skipped")  # done, and asked for again
    best = yaml.safe_load((sweep / "optimization_results.yaml").read_text())
    assert best["best_params"]["optimizer.lr"] == 0.001, "a trial that fails has no value and ends nothing"

    wrong = server.run("-m", *JOB, *search, cwd=folder)
    assert wrong.wait() == 1 and "give hydra.sweeper.direction=maximize" in wrong.output
