"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import pickle
import resource
import subprocess
import sys

import pytest

from dancepose.errors import DanceposeError
from dancepose.files import PARTIAL, Appended, proving, remove_partial, replacing, unwritable, write_text


def test_a_file_that_is_not_completed_leaves_the_old_one(tmp_path):
    path = tmp_path / "folder" / "a.txt"
    write_text(path, "old")
    with pytest.raises(KeyError), replacing(path) as file:
        file.write(b"half")
        raise KeyError
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_none_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DanceposeError, match="cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "new")


@pytest.mark.parametrize(("number", "full"), [(errno.ENOSPC, True), (errno.EACCES, False)])
def test_what_cannot_be_written_is_told_alike_from_another_process(number, full, tmp_path):
    error = unwritable(tmp_path / "a.txt", OSError(number, os.strerror(number)))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.full == full and again.path == tmp_path / "a.txt"
    assert ("Make room there" in str(error)) == full


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
@pytest.mark.parametrize("mask, mode", [("002", 0o664), ("077", 0o600)])
def test_others_may_read_and_write_what_the_user_lets_them(mask, mode, tmp_path):
    code = "from pathlib import Path; from dancepose.files import write_text; write_text(Path('a'), '')"
    subprocess.run(
        ["sh", "-c", f'umask {mask}; "$0" -c "$1"', sys.executable, code], cwd=tmp_path, check=True
    )
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


WRITER = """
import os, sys
from pathlib import Path
from dancepose.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_what_a_killed_writer_leaves_is_known_by_its_name(tmp_path):
    mine = [tmp_path / ".per_sample.npz", tmp_path / ".notes.a1b2c3_x.partial", tmp_path / "below" / "a.txt"]
    mine[-1].parent.mkdir()
    for path in mine:
        path.write_text("whole")
    places = [tmp_path / name for name in ("per_sample.npz", "wandb_id", ".begun")] + [mine[-1]]
    for path in places:
        assert subprocess.run([sys.executable, "-c", WRITER, str(path)]).returncode == -9
    left = {path for path in tmp_path.rglob("*") if path.is_file()} - set(mine)
    assert len(left) == 4 and all(PARTIAL.fullmatch(path.name) for path in left)
    remove_partial(tmp_path)
    assert [path.parent.name for path in left if path.exists()] == ["below"]
    remove_partial(tmp_path / "below")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(mine)
    remove_partial(tmp_path / "absent")


def test_two_processes_that_prove_a_file_do_not_take_each_others(tmp_path):
    path = tmp_path / "model.onnx"
    with proving(path) as first, proving(path) as second:
        assert first != second and {first.suffix, second.suffix} == {".onnx"}
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]


@contextlib.contextmanager
def room_for(size: int):
    """Let no file grow beyond a size, as a full disk does: what fits of a piece is written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_piece_that_does_not_fit_leaves_no_trace(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        grown = Appended(path, file, b"]")
        grown.append(b"[1")
        with room_for(8):
            with pytest.raises(DanceposeError, match=r"a\.json cannot be written: File too large"):
                grown.append(b", 22222222")
            assert path.read_bytes() == b"[1]" and not grown.broken
            grown.append(b", 3")
        assert path.read_bytes() == b"[1, 3]"
        grown.take_back()
        assert path.read_bytes() == b"[1]"
        grown.append(b", 4")
    assert path.read_bytes() == b"[1, 4]"


@pytest.mark.parametrize("name", ["a" * 255, "舞" * 85, "ж" * 127 + "a"])
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path, name):
    path = tmp_path / name
    write_text(path, "old")
    with pytest.raises(KeyError), replacing(path) as file:
        (partial,) = [other for other in tmp_path.iterdir() if other != path]
        assert PARTIAL.fullmatch(partial.name)
        file.write(b"half")
        raise KeyError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
