"""Ctrl-C while a command starts: "interrupted" alone, and status 130, whatever is being imported."""

import os
import signal
import subprocess
import sys

import pytest

from dancepose import interrupt
from dancepose.interrupt import STATUS, WORD, in_order

# Ctrl-C in the midst of one import; `seen` proves that it came
SITE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where these tests run in the background
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r} and not os.path.exists({seen!r}):
            open({seen!r}, "w").close()
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""
MODULES = ["dancepose.errors", "hydra.main", "yaml", "torch", "dancepose.tasks.prediction"]


def run(tmp_path, *words, **kept):
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        **kept,
    )


@pytest.mark.parametrize("name", MODULES)
def test_while_a_module_is_imported(tmp_path, name):
    seen, out = tmp_path / "seen", tmp_path / "out"
    (tmp_path / "sitecustomize.py").write_text(SITE.format(name=name, seen=str(seen)))
    (tmp_path / "a.png").touch()
    done = run(
        tmp_path, "-m", "dancepose.predict", "pose=x", f"source={tmp_path}/a.png", f"hydra.run.dir={out}"
    )
    assert seen.exists(), done.stderr
    assert (done.returncode, done.stderr, done.stdout) == (STATUS, f"{WORD}\n", "")
    assert not out.exists(), "an empty folder would look like a run"


TASK = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "dancepose-browse"
from dancepose.entry import run
def task(cfg):
    try:
        exec("os.kill(os.getpid(), signal.SIGINT)")
    finally:
        print("ended in order")
run(task, "browse")
"""


def test_once_it_runs_a_command_ends_in_order(tmp_path):
    """Through a text that is executed Python would end by the signal, for which a caller has no status."""
    (tmp_path / "task.py").write_text(TASK)
    done = run(tmp_path, "task.py", "data.root=.", "hydra.run.dir=.", cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (STATUS, f"{WORD}\n", "ended in order\n")


@pytest.mark.parametrize(
    ("argv", "original", "expected"),
    [
        (["/bin/dancepose-train", "a=b"], ["python", "/bin/dancepose-train", "a=b"], True),
        (["-m"], ["python", "-m", "dancepose.train"], True),
        (["/usr/bin/pytest"], ["python", "-m", "pytest"], False),
        (["/bin/dancepose-train"], ["python", "-c", "from multiprocessing.spawn import spawn_main"], False),
        ([""], ["python"], False),
        (["-m"], ["python", "-X", "dev", "-m", "dancepose.predict"], True),
        (["-m"], ["python", "-mdancepose.predict"], True),
        (["-m"], ["python", "-m", "theirs.app"], False),  # which imports us
        (["/bin/dancepose-mine"], ["python", "/bin/dancepose-mine"], False),
        (["/bin/dancepose-train"], ["python", "-B", "-c", "from multiprocessing.spawn import x"], False),
        (["/bin/dancepose-train"], ["python", "-m", "joblib.externals.loky.backend.popen_loky"], False),
    ],
)
def test_only_commands_are_ended_at_once(monkeypatch, argv, original, expected):
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", original)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupt.end_at_once()
        assert (signal.getsignal(signal.SIGINT) is interrupt._handle) == expected
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a shell, in the background
        interrupt.end_at_once()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def state(monkeypatch):
    for name in ("_starting", "_ended", "_modules", "_tidy"):
        monkeypatch.setattr(interrupt, name, getattr(interrupt, name))
    monkeypatch.setattr(interrupt.os, "_exit", ended)


class Ended(Exception):
    """In place of the end of this process."""


def ended(status: int):
    raise Ended(status)


def interrupted_while_importing(tmp_path, importer: str):
    """Let a module import another, in the midst of which Ctrl-C comes."""
    (tmp_path / "inner.py").write_text(
        "import signal, sys\n"
        "from dancepose import interrupt\n"
        "interrupt._handle(signal.SIGINT, sys._getframe())\n"
    )
    code = compile(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport inner", importer, "exec")
    exec(code, {"__name__": importer})


@pytest.mark.parametrize(
    ("importer", "module", "expected"),
    [
        ("dancepose.predict", "dancepose.predict", Ended),
        ("dancepose.inference.video", "dancepose.predict", KeyboardInterrupt),  # may be writing
        ("dancepose.predict", None, KeyboardInterrupt),  # a launcher, which has to tell
    ],
)
def test_what_the_command_imports_first_ends_it_and_all_else_is_told(
    importer, module, expected, state, tmp_path, monkeypatch
):
    monkeypatch.delitem(sys.modules, "inner", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    in_order(module)
    with pytest.raises(expected):
        interrupted_while_importing(tmp_path, importer)


def test_without_an_import_it_is_told(state):
    in_order("dancepose.predict")
    with pytest.raises(KeyboardInterrupt):
        interrupt._handle(signal.SIGINT, sys._getframe())


def test_it_ends_where_nobody_reads_its_word(state, monkeypatch):
    tidied = []
    interrupt.tidying(lambda: tidied.append(1))

    def gone(*_):
        raise BrokenPipeError

    monkeypatch.setattr(interrupt.os, "write", gone)
    monkeypatch.setattr(interrupt, "_starting", True)
    with pytest.raises(Ended):
        interrupt._handle(signal.SIGINT, None)
    assert tidied == [1]
