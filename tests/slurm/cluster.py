"""A Slurm of one node, whose daemons the tests start by hand: munged, slurmctld, slurmd."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
CPUS = 4  # as many processes as two jobs of two have, whatever the machine has
CONF = """
ClusterName=dancepose
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={slurmd_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""

# Starts the daemons and waits for what loses its parent. Not every first process of a container does: what
# has ended would stay among the processes, and Slurm take its job for one that still runs.
KEEPER = """
import ctypes, json, os, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
for command in json.loads(sys.argv[1]):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stdout}")
print("started", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.05)
"""


def missing() -> str:
    """Return why no Slurm can be started here; empty if one can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if absent:
        return f"needs Slurm, of which there is no {', '.join(absent)}: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "a Slurm of one's own needs root"


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class Cluster:
    """The daemons, and what a test asks of them.

    Args:
        root: an empty folder.
    """

    def __init__(self, root: Path):
        self.root = root
        self.environment = {"SLURM_CONF": str(root / "slurm.conf"), "PATH": _path()}
        self._keeper: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start; fail with the daemons' last words where they do not come up."""
        (self.root / "state").mkdir()
        (self.root / "spool").mkdir()
        key = self.root / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        host, ports = socket.gethostname().partition(".")[0], free_ports(2)
        conf = CONF.format(host=host, cpus=CPUS, root=self.root, port=ports[0], slurmd_port=ports[1])
        (self.root / "slurm.conf").write_text(conf)
        files = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munged.pid"}
        files |= {"log-file": "munged.log", "seed-file": "munged.seed"}
        munged = ["munged", "--force", *(f"--{name}={self.root / file}" for name, file in files.items())]
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", KEEPER, json.dumps([munged, ["slurmctld"], ["slurmd"]])],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._keeper.stdout.readline() == "started\n", "the daemons did not start: see above"
        end = time.monotonic() + 20
        while "idle" not in self.run("sinfo", "--noheader", check=False):
            if time.monotonic() > end:
                raise AssertionError("\n".join(p.read_text()[-2000:] for p in self.root.glob("*.log")))
            time.sleep(0.1)

    def stop(self) -> None:
        """End all jobs and daemons."""
        self.run("scancel", "--user=root", check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            with contextlib.suppress(OSError, ValueError):
                end(int((self.root / f"{name}.pid").read_text()))
        ours = f"SLURM_CONF={self.root / 'slurm.conf'}"
        for path in Path("/proc").glob("[0-9]*"):  # what would tell slurmctld for ever that a job has ended
            with contextlib.suppress(OSError):
                if ours in (path / "environ").read_text().split("\0"):
                    os.kill(int(path.name), signal.SIGKILL)
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait()
            self._keeper.stdout.close()

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command of Slurm; return what it prints."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}"
        return done.stdout

    def state(self, job: str) -> str:
        """Return how a job stands: PENDING, RUNNING, ...; empty if Slurm no longer knows it."""
        told = self.run("squeue", "--noheader", "--array", "--format=%i %T", check=False)
        return dict(line.split() for line in told.splitlines() if line.count(" ") == 1).get(job, "")


def end(pid: int, patience: float = 2.0) -> None:
    """End a daemon: SIGTERM, and if it is still there after some seconds, SIGKILL."""
    os.kill(pid, signal.SIGTERM)
    last = time.monotonic() + patience
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > last:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def process(job: str, rank: int) -> int:
    """Return the process of a job, `<array>_<number>`, that has this number among those of the job."""
    array, _, number = job.partition("_")
    wanted = {f"SLURM_ARRAY_JOB_ID={array}", f"SLURM_ARRAY_TASK_ID={number}", f"SLURM_PROCID={rank}"}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted <= set((path / "environ").read_text().split("\0")):
                if b"submitit" in (path / "cmdline").read_bytes():
                    return int(path.name)
    raise AssertionError(f"job {job} has no process {rank}")


def free_ports(number: int) -> list[int]:
    """Return ports of this machine that nobody uses."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
