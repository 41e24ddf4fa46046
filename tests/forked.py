"""Commands as forks of one process that has imported everything already.

A command starts in a tenth of the time of a new interpreter, so that tests can afford many. All else is real:
the command line is read by Hydra, a sweep's launcher is a process that can be killed, and so are its jobs.
"""

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

SECONDS = 300  # that a command may take
# a test that trains in this process leaves it here; a command has a server of W&B of its own, as in a shell
SERVER = "WANDB_SERVICE"
ENTRY_POINTS = ("train", "evaluate", "browse", "benchmark", "synthesize", "compare")
PREPARED = (
    *(f"dancepose.{name}" for name in ENTRY_POINTS),
    *("lightning.pytorch", "matplotlib.backends.backend_agg", "dancepose.entry"),
    *(f"dancepose.tasks.{name}" for name in ("families", "training", "sweep_job", "dry_run")),
    *(f"dancepose.callbacks.{name}" for name in ("sweep_report", "ema", "csv_log", "progress")),
    *(f"dancepose.data.{name}" for name in ("datamodules", "motion_datamodule")),
    "dancepose.inference.action_charts",
    *("wandb", "wandb.apis.public"),  # which it imports when a run begins
)


def inherited_environment() -> dict[str, str]:
    """Return what a command has of this process's environment."""
    return {**{k: v for k, v in os.environ.items() if k != SERVER}, "OMP_NUM_THREADS": "1"}


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
            run_forked("train", command[3:], env, cwd, start_new_session)

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


def run_forked(module, arguments, environment, cwd, session=False):
    """In a fork, run an entry point to its end."""
    import faulthandler
    import gc
    import importlib.util

    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    from dancepose.callbacks.sweep_report import SweepReport

    status = 1
    gc.enable()
    try:
        if session:
            os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        faulthandler.enable()  # see Launched.wait
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = None  # by the environment of now
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None
        SweepReport.unfinished = None
        sys.argv = [f"dancepose-{module}", *arguments]
        # what Lightning starts further processes from
        sys.modules["__main__"].__spec__ = importlib.util.find_spec(f"dancepose.{module}")
        import dancepose.tasks.child as child

        child.subprocess = types.SimpleNamespace(Popen=ForkedPopen)  # in that module alone
        importlib.import_module(f"dancepose.{module}").main()
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
    import gc
    import importlib

    gc.disable()
    for name in PREPARED:
        importlib.import_module(name)
    gc.freeze()  # a fork shares what nobody walks through
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for path, target in ((asked["stdout"], 1), (asked["stderr"], 2)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), target)
            run_forked(asked["module"], asked["arguments"], asked["environment"], asked["cwd"], session=True)
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
        """Wait for its end; return the exit status, negative for a signal; one that hangs says where."""
        if self._status is None:
            hangs = not self._server.answers(SECONDS)
            if hangs:
                os.killpg(self.pid, signal.SIGABRT)
            self._status = int(self._server.read())
            assert not hangs, f"did not end within {SECONDS} s: {self.output}"
        return self._status

    @property
    def output(self) -> str:
        return self._output.read_text() if self._output.exists() else ""


class Server:
    """The process that is forked."""

    def __init__(self):
        self._environment = inherited_environment()
        path = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import forked; forked.serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**self._environment, "PYTHONPATH": os.pathsep.join(path)},
        )
        self._number = 0
        assert self.read() == "ready"

    def read(self) -> str:
        line = self._process.stdout.readline().strip()
        assert line, "the forked process has died"
        return line

    def answers(self, seconds: float) -> bool:
        """Return whether it has something to say before so many seconds are over."""
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def start(self, *arguments: str, cwd: Path, **environment: str) -> Launched:
        """Start `dancepose-train` with these arguments; one at a time."""
        self._number += 1
        output = cwd / f"output_{self._number}.txt"
        environment = {**self._environment, **environment}
        return Launched(self, self._ask("train", arguments, cwd, environment, output, output), output)

    def _ask(self, module, arguments, cwd, environment, stdout, stderr) -> int:
        """Start an entry point; return the number of its process."""
        asked = {"module": module, "arguments": list(arguments), "cwd": str(cwd), "environment": environment}
        print(json.dumps({**asked, "stdout": str(stdout), "stderr": str(stderr)}), file=self._process.stdin)
        self._process.stdin.flush()
        return int(self.read())

    def run(self, *arguments: str, cwd: Path, **environment: str) -> Launched:
        """Run `dancepose-train` to its end."""
        launched = self.start(*arguments, cwd=cwd, **environment)
        launched.wait()
        return launched

    def command(
        self, module: str, *arguments: str, cwd: Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `dancepose-<module>` to its end; what it prints is kept apart, outside of its folder."""
        with tempfile.TemporaryDirectory() as folder:
            told = [Path(folder) / name for name in ("stdout", "stderr")]
            whole = {**inherited_environment(), **environment}
            pid = self._ask(module, arguments, cwd, whole, *told)
            in_time = self.answers(SECONDS)
            if not in_time:
                os.killpg(pid, signal.SIGABRT)
            status = int(self.read())
            output = [path.read_text() for path in told]
        assert in_time, f"{module} did not end within {SECONDS} s: {output}"
        return subprocess.CompletedProcess([f"dancepose-{module}", *arguments], status, *output)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


@functools.cache
def shared_server() -> Server:
    """Return the one server of this process; it ends with it."""
    server = Server()
    atexit.register(server.close)
    return server
