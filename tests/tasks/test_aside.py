"""A run that made way for another comes back or goes, whenever the process is killed."""

import shutil
from pathlib import Path

import pytest

from dancepose.tasks.aside import Aside
from dancepose.tasks.run_directory import RunDirectory

OPERATIONS = ("rename", "mkdir", "rmdir")  # all that changes names, but for what is thrown away
OWN = {name: getattr(Path, name) for name in OPERATIONS}


class Killed(BaseException):
    """Stands for SIGKILL: nothing but what is on the disk is left."""


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "run"
    fill(made, "old")
    (made / "log").write_text("began\n")
    return made


def fill(folder: Path, word: str) -> None:
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints" / "best.ckpt").write_text(word)
    (folder / "metrics.json").write_text(word)
    (folder / f"only_{word}").write_text(word)


def content(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def killed_at(number: int, monkeypatch, do) -> bool:
    """Do something and be killed before the operation of a number; return whether it came to that."""
    count = 0
    with monkeypatch.context() as patched:
        for name in OPERATIONS:

            def watched(self, *given, _own=OWN[name], **more):
                nonlocal count
                count += 1
                if count == number:
                    raise Killed
                return _own(self, *given, **more)

            patched.setattr(Path, name, watched)
        patched.setattr(shutil, "rmtree", lambda path, **more: None)  # killed before it has removed anything
        try:
            do()
        except Killed:
            return True
    return False


def kills(monkeypatch, prepare, do):
    """Yield after a kill at each operation in turn."""
    number = 1
    while True:
        prepare()
        if not killed_at(number, monkeypatch, do):
            break
        yield number
        number += 1
    assert number > 4, "there was something to be killed in"


def test_a_kill_while_it_is_put_away_loses_nothing(folder, monkeypatch):
    before = content(folder)
    for _ in kills(monkeypatch, lambda: None, Aside(folder).put_away):
        Aside(folder).settle(lambda: False)
        assert content(folder) == before and not Aside(folder).is_left


def test_a_kill_while_it_comes_back_loses_nothing(folder, monkeypatch):
    before = content(folder)

    def prepare():
        Aside(folder).settle(lambda: False)
        Aside(folder).put_away()
        fill(folder, "new")

    for number in kills(monkeypatch, prepare, lambda: Aside(folder).settle(lambda: False)):
        killed_at(number + 1, monkeypatch, lambda: Aside(folder).settle(lambda: False))  # and once more
        Aside(folder).settle(lambda: False)
        assert content(folder) == before and not Aside(folder).is_left


def test_a_kill_while_it_goes_loses_nothing_of_the_new_run(folder, monkeypatch):
    def prepare():
        shutil.rmtree(folder)
        fill(folder, "old")
        Aside(folder).put_away()
        fill(folder, "new")

    number = 1
    while True:
        prepare()
        killed = killed_at(number, monkeypatch, lambda: Aside(folder).settle(lambda: True))
        assert not Aside(folder).settle(lambda: True)
        assert set(content(folder).values()) == {"new"} and not Aside(folder).is_left
        if not killed:
            break
        number += 1
    assert number > 2


def test_what_is_written_meanwhile_stays_where_it_is(folder):
    with (folder / "log").open("a") as log:
        Aside(folder).put_away()
        assert {p.name for p in folder.iterdir()} == {"log", ".old"} and Aside(folder).is_whole
        log.write("more\n")
    Aside(folder).settle(lambda: False)
    assert (folder / "log").read_text() == "began\nmore\n"


def test_nothing_aside_is_nothing_to_do(tmp_path):
    assert not Aside(tmp_path / "none").settle(lambda: False) and not (tmp_path / "none").exists()


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    made = RunDirectory(tmp_path / "job")
    made.write_metrics("done", objective=0.5)
    made.wandb_id()
    made.keep_wandb_id()
    return made


def test_a_run_makes_way_once_for_each_launch(run):
    anew = RunDirectory(run.path, "l1")
    assert run.occupied and anew.makes_way and not anew.occupied
    assert anew.wandb_id() != run.wandb_id(), "a run of its own in W&B"
    anew.make_way()
    anew.write_metrics("running")
    anew.keep_wandb_id()
    assert RunDirectory(run.path).wandb_id() == anew.wandb_id()
    again = RunDirectory(run.path, "l1")  # put back into a cluster's queue, say
    assert not again.makes_way and again.occupied
    again.make_way()
    assert again.read_metrics()["status"] == "running"
    assert RunDirectory(run.path, "l2").makes_way


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_a_run_that_came_to_nothing_gives_the_place_back(status, run):
    anew = RunDirectory(run.path, "l1")
    anew.make_way()
    anew.write_metrics(status, cause="no memory")
    assert anew.settle() and run.read_metrics()["objective"] == 0.5 and anew.makes_way
    assert run.take_word() == "no memory" and run.take_word() == ""
    assert not run.is_unsettled


def test_a_run_that_came_to_something_keeps_the_place(run):
    anew = RunDirectory(run.path, "l1")
    anew.make_way()
    (run.checkpoints).mkdir()
    (run.checkpoints / "last.ckpt").write_text("")
    anew.write_metrics("failed", cause="no memory")
    assert not anew.settle() and run.read_metrics()["cause"] == "no memory" and not run.is_unsettled


def test_what_is_worth_nothing_does_not_come_back(run):
    run.note_failure("first")
    anew = RunDirectory(run.path, "l1")
    anew.make_way()
    assert not run.is_unsettled
    anew.note_failure("second")
    assert not anew.settle() and run.read_metrics()["cause"] == "second"


def test_what_an_earlier_launch_left_is_put_back_before_it_makes_way_again(run):
    RunDirectory(run.path, "l1").make_way()
    RunDirectory(run.path, "l2").make_way()
    assert RunDirectory(run.path).settle() and run.read_metrics()["objective"] == 0.5
