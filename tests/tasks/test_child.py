"""A job's process: its command line, its environment, and how it ends with, and without, its launcher."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import wandb

from dancepose.errors import DataError
from dancepose.paths import config_dir
from dancepose.sweeps.ledger import JobTaken
from dancepose.tasks import child
from dancepose.tasks.child import (
    PARENT,
    TAKEN,
    Ended,
    is_job,
    job_command,
    job_environment,
    note_failure,
    run_child,
)
from dancepose.tasks.run_directory import RunDirectory

ORDERLY = """
import signal, sys, time
def end(number, frame):
    time.sleep(0.2)
    print("ended in order", number, flush=True)
    sys.exit(128 + number)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
time.sleep(60)
"""
LAUNCHER = """
import sys
from dancepose.tasks.child import job_environment, run_child
ended = run_child([sys.executable, "-c", sys.argv[1]], job_environment(), ".")
print("launcher", ended.status, ended.signal, flush=True)
"""
JOB = """
import os, time
from dancepose.tasks.child import die_with_launcher
die_with_launcher()
print(os.getpid(), flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def hydra(*sources: tuple[str, str], overrides: tuple[str, ...] = ()) -> SimpleNamespace:
    found = [SimpleNamespace(provider=provider, path=path) for provider, path in sources]
    return SimpleNamespace(
        job=SimpleNamespace(config_name="train"),
        runtime=SimpleNamespace(config_sources=found),
        overrides=SimpleNamespace(hydra=list(overrides)),
    )


def test_the_command_is_that_of_one_run(tmp_path):
    of_sweep = (
        "hydra.mode=MULTIRUN",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
        "hydra/sweeper=optuna",
        "hydra/sweeper/sampler=random",
        "hydra.sweep.dir=x",
    )
    given = hydra(
        ("main", str(config_dir())), ("command-line", "/my/conf"), overrides=(*of_sweep, "hydra.verbose=true")
    )
    command = job_command(given, ["model=hrnet", "seed=1"], tmp_path / "it's")
    assert command[:5] == [sys.executable, "-m", "dancepose.train", "--config-name", "train"]
    assert command[5:] == [
        *("--config-dir", "/my/conf", "model=hrnet", "seed=1", "hydra.verbose=true", "hydra.mode=RUN"),
        rf"hydra.run.dir='{tmp_path}/it\'s'",
    ]
    other = job_command(hydra(("main", "/other/conf")), [], tmp_path)
    assert other[5:7] == ["--config-path", "/other/conf"]


def test_no_rank_of_the_launcher_reaches_a_job(monkeypatch):
    for name in ("LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT", "PL_GLOBAL_SEED"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("MY_OWN", "kept")
    environment = job_environment({"CUDA_VISIBLE_DEVICES": "3"})
    assert not {"LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT", "PL_GLOBAL_SEED"} & environment.keys()
    assert environment["MY_OWN"] == "kept" and environment["CUDA_VISIBLE_DEVICES"] == "3"
    assert environment[PARENT] == str(os.getpid())


def test_a_job_has_a_server_of_its_own_for_weights_and_biases(monkeypatch):
    monkeypatch.setenv(wandb.env.SERVICE, "of the launcher")
    assert wandb.env.SERVICE not in job_environment()


def test_a_job_that_is_killed_is_told_and_leaves_no_process_behind(tmp_path):
    script = (
        "import os, signal, subprocess, sys\n"
        "worker = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(worker.pid))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = run_child([sys.executable, "-c", script], os.environ, str(tmp_path))
    assert ended.status == -9 and ended.cause.startswith("killed by SIGKILL")
    worker = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not alive(worker):
            break
        time.sleep(0.02)
    assert not alive(worker)


@pytest.mark.parametrize("killed, words", [(0, "by hand or for want of memory"), (1, "ran out of memory")])
def test_out_of_memory_is_named_where_the_kernel_counts_it(killed, words, tmp_path, monkeypatch):
    (tmp_path / "cgroup").write_text("0::/mine\n")
    (tmp_path / "mine").mkdir()
    events = tmp_path / "mine" / "memory.events"
    events.write_text("oom 0\noom_kill 3\n")
    monkeypatch.setattr(child, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(child, "CGROUPS", tmp_path)
    write = f"open({str(events)!r}, 'w').write('oom_kill {3 + killed}')"
    script = f"import os; {write}; os.kill(os.getpid(), 9)"
    assert words in run_child([sys.executable, "-c", script], os.environ, ".").cause


def test_other_ends():
    assert run_child([sys.executable, "-c", "exit(3)"], os.environ, ".") == Ended(3)
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    assert run_child([sys.executable, "-c", crash], os.environ, ".").cause == "killed by SIGSEGV"


def test_a_folder_that_a_dry_run_has_removed_while_it_was_empty_is_made_again(tmp_path):
    output = tmp_path / "job" / "output"
    assert run_child([sys.executable, "-c", "print(1)"], os.environ, ".", output) == Ended(0)
    assert output.read_text() == "1\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_handed_on_and_the_job_ends_in_order(number):
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, ORDERLY], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert launcher.stdout.readline() == "ready\n"
    os.killpg(launcher.pid, number)  # as a terminal does
    rest = launcher.communicate(timeout=20)[0]
    assert rest == f"ended in order {int(number)}\nlauncher {128 + number} {int(number)}\n"


def test_from_another_thread_signals_are_left_alone():
    before, found = signal.getsignal(signal.SIGTERM), []
    thread = threading.Thread(
        target=lambda: found.append(run_child([sys.executable, "-c", ""], os.environ, "."))
    )
    thread.start()
    thread.join()
    assert found == [Ended(0)] and signal.getsignal(signal.SIGTERM) == before


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own means")
def test_a_job_dies_with_a_launcher_that_is_killed():
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, JOB], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    pid = int(launcher.stdout.readline())
    assert alive(pid)
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    for _ in range(100):
        if not alive(pid):
            break
        time.sleep(0.02)
    assert not alive(pid)
    launcher.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own means")
def test_a_job_whose_launcher_died_before_it_began_ends_at_once():
    environment = {**os.environ, PARENT: "1"}
    assert subprocess.run([sys.executable, "-c", JOB], env=environment, timeout=20).returncode == -9


def test_what_went_wrong_before_a_training_is_left_in_metrics_json(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path)
    assert note_failure(DataError("no such folder"), str(tmp_path)) == 1
    assert run.read_metrics()["cause"] == "no such folder"
    note_failure(ValueError("later"), str(tmp_path))
    assert run.read_metrics()["cause"] == "no such folder", "the first word counts"
    run.write_metrics("running", hash="abc")
    note_failure(ValueError("odd"), str(tmp_path))
    assert run.read_metrics() == {**run.read_metrics(), "hash": "abc", "cause": "ValueError: odd"}
    assert note_failure(JobTaken("x"), str(tmp_path)) == TAKEN
    monkeypatch.setenv(PARENT, "1")
    assert is_job()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not is_job()
