"""`dancepose-... | head`: whoever reads closes the pipe early, and the command ends without a word."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dancepose import closed_pipe
from dancepose.closed_pipe import STATUS, quiet_end

TASK = """
import logging, sys
from dancepose.entry import run
def task(cfg):
    for number in range(5):
        {say}
    print("done", file=open("done", "w"))
run(task, "browse")
"""


def piped(folder: Path, *words: str, both: bool = False) -> subprocess.CompletedProcess[str]:
    """Run Python with an output that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdout=writer,
            stderr=writer if both else subprocess.PIPE,
            text=True,
            timeout=100,
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    ("say", "both"),
    [
        ("print('a line')", False),
        ("logging.getLogger('x').info('a line')", True),
        pytest.param("logging.getLogger('x').info('a line')", False, marks=pytest.mark.slow),
        pytest.param("print('a line', flush=True)", True, marks=pytest.mark.slow),
    ],
)
def test_a_command_ends_quietly(tmp_path, say, both):
    (tmp_path / "task.py").write_text(TASK.format(say=say))
    done = piped(tmp_path, "task.py", "data.root=.", "hydra.run.dir=.", both=both)
    assert (done.returncode, done.stderr or "") == (STATUS, "")
    held_back = say == "print('a line')"  # until the end
    assert (tmp_path / "done").exists() == held_back


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"]], ids=" ".join)
def test_what_is_only_shown_ends_quietly(tmp_path, arguments):
    done = piped(tmp_path, "-m", "dancepose.train", *arguments)
    assert (done.returncode, done.stderr) == (STATUS, "")


def test_an_error_that_nobody_reads_ends_quietly(tmp_path):
    assert piped(tmp_path, "-m", "dancepose.train", "optimizer.lrr=3", both=True).returncode == STATUS


def test_other_broken_pipes_are_errors_as_ever(capfd):
    """Of a program that was to take pictures, say: standard output is still read."""
    before = logging.Handler.handleError
    with pytest.raises(BrokenPipeError), quiet_end():
        raise BrokenPipeError
    assert logging.Handler.handleError is before


def test_a_stream_without_a_file_is_not_closed(monkeypatch):
    monkeypatch.setattr(closed_pipe.sys, "stdout", None)
    with pytest.raises(BrokenPipeError), quiet_end():
        raise BrokenPipeError
