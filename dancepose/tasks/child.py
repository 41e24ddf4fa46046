"""A job of a sweep as a process of its own: its command, its environment, its end.

Processes of DDP are started from the command line of their parent. Started from that of a sweep each of them
would run the whole sweep again; a child for each job has the command line of one run, leaves no rank
variables behind, frees its memory, and takes nothing along when it dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

PARENT = "DANCEPOSE_LAUNCHER"  # in a job's environment: the process that started it and watches over it
TAKEN = 75  # exit status of a job that another process is running already (EX_TEMPFAIL)
# what an earlier training, or torchrun, may have left in the environment of the launcher
RANKS = (
    *("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"),
    *("MASTER_ADDR", "MASTER_PORT", "PL_GLOBAL_SEED", "PL_SEED_WORKERS"),
)
# W&B's server of the launcher's own process: it holds the run of a job that was killed for in use, and no
# machine of Slurm's reaches it
SERVER = "WANDB_SERVICE"
# of Hydra's keys, those that make a command a sweep
OF_SWEEPS = (
    *("hydra.mode", "hydra.run", "hydra.sweep", "hydra.sweeper", "hydra.launcher", "hydra.callbacks"),
    *("hydra/sweeper", "hydra/launcher", "hydra/callbacks"),
)
CGROUP, CGROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_children: list["subprocess.Popen[bytes]"] = []  # that are running
_received: list[int] | None = None  # signals that came while they are handed on


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        status: exit status; negative: the signal that killed it.
        signal: that the launcher was given meanwhile and handed on; 0: none.
        cause: in words, of a child that was killed; empty otherwise.
    """

    status: int
    signal: int = 0
    cause: str = ""


def job_command(hydra: Any, overrides: Sequence[str], run_dir: Path) -> list[str]:
    """Return the command line of one job of a sweep.

    Args:
        hydra: Hydra's configuration of the job.
        overrides: of the job's own configuration.
        run_dir: where it writes.
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    from dancepose.paths import config_dir
    from dancepose.sweeps.names import key_of

    command = [sys.executable, "-m", "dancepose.train", "--config-name", str(hydra.job.config_name)]
    for source in hydra.runtime.config_sources:
        if source.provider == "command-line":
            command += ["--config-dir", str(source.path)]
        elif source.provider == "main" and Path(source.path) != config_dir():
            command += ["--config-path", str(source.path)]
    kept = [
        override
        for override in hydra.overrides.hydra
        if not f"{key_of(override)}.".startswith(tuple(key + end for key in OF_SWEEPS for end in "./"))
    ]
    quoted = QuotedString(str(run_dir), Quote.single).with_quotes()
    return [*command, *overrides, *kept, "hydra.mode=RUN", f"hydra.run.dir={quoted}"]


def job_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child: that of the launcher without ranks or server, and what it is given.

    The one place where a job gets its devices and threads.

    Args:
        given: `CUDA_VISIBLE_DEVICES`, `OMP_NUM_THREADS` and the like.
    """
    kept = {key: value for key, value in os.environ.items() if key not in (*RANKS, SERVER)}
    return {**kept, PARENT: str(os.getpid()), **(given or {})}


def run_child(
    command: Sequence[str], environment: Mapping[str, str], cwd: str, output: Path | None = None
) -> Ended:
    """Run a job to its end; SIGINT and SIGTERM are handed on to it, and it ends in order.

    Threads may run several at once (`handing_on`).

    Args:
        command: its command line.
        environment: all of it.
        cwd: where it starts.
        output: what it prints is added to this file; None: it goes where the launcher's goes.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    killed = _out_of_memory_kills()
    with handing_on() as received:
        if received:  # while it was made ready
            return Ended(128 + received[0], received[0])
        if output:  # a dry run that ended has removed the folder, if it was still empty
            output.parent.mkdir(parents=True, exist_ok=True)
        # a session of its own: Ctrl-C in a terminal reaches it once, through us; what it leaves can be ended
        with output.open("ab") if output else nullcontext() as out:
            child = subprocess.Popen(
                command, env=dict(environment), cwd=cwd, start_new_session=True, stdout=out, stderr=out
            )
        _children.append(child)
        if received:  # before it was among them
            child.send_signal(received[-1])
        status = child.wait()
        _children.remove(child)
    try:
        os.killpg(child.pid, signal.SIGKILL)  # processes of DDP and data workers that outlive a killed job
    except (ProcessLookupError, PermissionError):
        pass
    out_of_memory = status == -signal.SIGKILL and _out_of_memory_kills() > killed
    return Ended(status, received[0] if received else 0, _told(status, out_of_memory))


@contextmanager
def handing_on() -> Iterator[list[int]]:
    """Hand SIGINT and SIGTERM on to all children; yield those that came.

    Only the main thread can. In another thread, and within itself, this is what goes on in the main thread
    already.
    """
    global _received
    if _received is not None or threading.current_thread() is not threading.main_thread():
        yield [] if _received is None else _received
        return
    received = _received = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for child in list(_children):
            if child.poll() is None:
                child.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        _received = None
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(status: int, out_of_memory: bool) -> str:
    """Return what killed a child; nothing where it ended by itself."""
    if status >= 0:
        return ""
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if out_of_memory:
        return f"killed by {name}: the machine ran out of memory (data.batch_size, data.workers less)"
    return f"killed by {name}" + (", by hand or for want of memory" if -status == signal.SIGKILL else "")


def _out_of_memory_kills() -> int:
    """Return how many processes of this control group the kernel has killed for want of memory."""
    try:
        own = CGROUP.read_text().strip().rpartition("::")[2].lstrip("/")
        events = dict(line.split() for line in (CGROUPS / own / "memory.events").read_text().splitlines())
        return int(events.get("oom_kill", 0))
    except (OSError, ValueError):
        return 0


def die_with_launcher() -> None:
    """In a job: die when the launcher dies, even by SIGKILL; in a further process of DDP: with the first.

    Else a sweep that is launched again would find the job still running. Where the system has no such means
    (it is Linux's), the job's lock keeps a second one away.
    """
    launcher = os.environ.get(PARENT)
    if launcher is None or sys.platform != "linux":
        return
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    parent = int(launcher) if first else os.getppid()
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os.kill(os.getpid(), signal.SIGKILL)


def is_job() -> bool:
    """Tell whether this process was started as a job, as its first."""
    return PARENT in os.environ and os.environ.get("LOCAL_RANK", "0") == "0"


def note_failure(error: Exception, run_dir: str, anew: str | None = None) -> int:
    """Leave word of an error that no training has told of yet: in a job's metrics.json.

    If the job was to begin anew and has not begun, the folder holds another run, of which nothing is changed.

    Args:
        error: what went wrong.
        run_dir: the job's.
        anew: its key of this name.

    Returns:
        The exit status by which the launcher knows.
    """
    from dancepose.errors import DanceposeError
    from dancepose.sweeps.ledger import JobTaken
    from dancepose.tasks.run_directory import RunDirectory

    if isinstance(error, JobTaken):
        return TAKEN
    run = RunDirectory(run_dir, anew)
    cause = f"{'' if isinstance(error, DanceposeError) else f'{type(error).__name__}: '}{error}"
    if run.makes_way:
        run.leave_word(cause)
    elif run.read_metrics().get("status") != "failed":
        run.note_failure(cause)
    return 1
