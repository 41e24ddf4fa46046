"""Commands of `dancepose-train` as forks of one process that has imported everything already.

A command starts in a tenth of the time of a new interpreter, so that tests can afford many. All else is real:
the command line is read by Hydra, a sweep's launcher is a process that can be killed, and so are its jobs.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

PREPARED = (
    *("lightning.pytorch", "matplotlib.backends.backend_agg", "dancepose.entry", "dancepose.train"),
    *(f"dancepose.tasks.{name}" for name in ("families", "rate_test", "resuming", "sweep_job", "dry_run")),
    *(f"dancepose.callbacks.{name}" for name in ("sweep_report", "ema", "csv_log", "progress")),
    *(f"dancepose.data.{name}" for name in ("datamodules", "motion_datamodule")),
    "dancepose.inference.action_charts",
)


class ForkedPopen:
    """What the launcher needs of `subprocess.Popen`; runs `python -m dancepose.train` in a fork."""

    def __init__(self, command, env, cwd, start_new_session=False, stdout=None, stderr=None):
        assert command[1:3] == ["-m", "dancepose.train"]
        self.returncode = None
        self.pid = os.fork()
        if self.pid == 0:
            for file, target in ((stdout, 1), (stderr, 2)):
                if file is not None:
                    os.dup2(file.fileno(), target)
            run_forked(command[3:], env, cwd, start_new_session)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self):
        while self.poll() is None:
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)


def run_forked(arguments, environment, cwd, session=False):
    """In a fork, run `dancepose-train` to its end."""
    import importlib.util

    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    from dancepose.callbacks.sweep_report import SweepReport

    status = 1
    try:
        if session:
            os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None
        SweepReport.unfinished = None
        sys.argv = ["dancepose-train", *arguments]
        # what Lightning starts further processes from
        sys.modules["__main__"].__spec__ = importlib.util.find_spec("dancepose.train")
        import dancepose.tasks.child as child
        from dancepose.train import main

        child.subprocess = types.SimpleNamespace(Popen=ForkedPopen)  # in that module alone
        main()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def serve():
    """Fork a command for each line of JSON on the standard input; tell its process, then its status."""
    import importlib

    for name in PREPARED:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for own, target in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(own, target)
            run_forked(asked["arguments"], {**os.environ, **asked["environment"]}, asked["cwd"], session=True)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


class Launched:
    """A command that is running."""

    def __init__(self, server: "Server", pid: int, output: Path):
        self._server, self.pid, self._output = server, pid, output
        self._status: int | None = None

    def kill(self, number: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        if self._status is None:
            self._status = int(self._server.read())
        return self._status

    @property
    def output(self) -> str:
        return self._output.read_text() if self._output.exists() else ""


class Server:
    """The process that is forked."""

    def __init__(self):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import forked; forked.serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._number = 0
        assert self.read() == "ready"

    def read(self) -> str:
        line = self._process.stdout.readline().strip()
        assert line, "the forked process has died"
        return line

    def start(self, *arguments: str, cwd: Path, **environment: str) -> Launched:
        """Start `dancepose-train` with these arguments; one at a time."""
        self._number += 1
        output = cwd / f"output_{self._number}.txt"
        asked = {"arguments": list(arguments), "cwd": str(cwd), "output": str(output)}
        print(json.dumps({**asked, "environment": environment}), file=self._process.stdin, flush=True)
        return Launched(self, int(self.read()), output)

    def run(self, *arguments: str, cwd: Path, **environment: str) -> Launched:
        """Run `dancepose-train` to its end."""
        launched = self.start(*arguments, cwd=cwd, **environment)
        launched.wait()
        return launched

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
