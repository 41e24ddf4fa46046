"""A run directory is held by one process: `holding`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dancepose.errors import ConfigError
from dancepose.tasks.holding import holding_run


def test_a_run_that_is_running_is_not_run_beside(tmp_path: Path):
    with holding_run(tmp_path), pytest.raises(ConfigError, match=r"is being run by another process.*stop it"):
        with holding_run(tmp_path):
            pass
    with holding_run(tmp_path):  # it has ended
        pass
    assert not list(tmp_path.iterdir()), "a lock that would make an empty folder look like a run"


def test_a_folder_that_is_not_there_is_held_by_nobody(tmp_path: Path):
    with holding_run(tmp_path / "none"):
        assert not (tmp_path / "none").exists()


HOLDER = """
import os, sys, time
from pathlib import Path
from dancepose.tasks.holding import holding_run
with holding_run(Path(sys.argv[1])):
    if os.fork() == 0:  # a worker
        time.sleep(60)
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_lets_go_though_its_workers_live(tmp_path: Path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, process_group=0
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError), holding_run(tmp_path):
            pass
        holder.kill()
        holder.wait()
        os.killpg(holder.pid, 0)  # the worker is there
        with holding_run(tmp_path):
            pass
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
