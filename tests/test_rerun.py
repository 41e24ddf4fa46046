"""A run that begins anew in the folder of another takes its place once it has come to something."""

import json
import shutil
from pathlib import Path

import pytest
from factories import make_archive
from kills import SMALL
from running import run_task

from dancepose.errors import DanceposeError
from dancepose.tasks.run_directory import RunDirectory
from dancepose.train import train

JOB = [*SMALL, "test=false", "reuse=true"]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with data and a finished run."""
    folder = tmp_path_factory.mktemp("rerun")
    make_archive(folder / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        run_task(train, "train", folder / "run", *JOB)
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch) -> RunDirectory:
    monkeypatch.chdir(made)
    return RunDirectory(shutil.copytree(made / "run", tmp_path / "run"))


def files(run: RunDirectory) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in run.path.rglob("*") if p.is_file() and p.name != ".word"}


def test_it_takes_the_place_when_it_is_done(run):
    before = (run.path / "metrics.csv").read_text()
    (run.path / "left.txt").write_text("")
    run_task(train, "train", run.path, *JOB, "seed=1", "anew=l1")
    assert run.read_config()["seed"] == 1 and run.read_metrics()["status"] == "done"
    assert not (run.path / "left.txt").exists() and run.is_unsettled
    assert not run.settle() and not run.is_unsettled
    after = (run.path / "metrics.csv").read_text()
    assert after != before and len(after.splitlines()) == len(before.splitlines()), "rows of its own alone"
    stamp = json.loads((run.path / "metrics.json").read_text())
    run_task(train, "train", run.path, *JOB, "seed=1", "anew=l1")  # put back into a cluster's queue
    assert json.loads((run.path / "metrics.json").read_text()) == stamp, "it is done"


@pytest.mark.parametrize("wrong", ["data.annotations=gone.npz", "optimizer.lr=-1"])
def test_what_is_wrong_before_it_begins_changes_nothing(wrong, run):
    before = files(run)
    with pytest.raises(DanceposeError):
        run_task(train, "train", run.path, *JOB, wrong, "anew=l1")
    assert files(run) == before


def test_what_goes_wrong_in_the_first_epoch_brings_the_old_run_back(run):
    before = files(run)
    with pytest.raises(DanceposeError, match="not a finite number"):
        run_task(train, "train", run.path, *JOB, "optimizer.lr=1e30", "anew=l1")
    assert run.read_metrics()["status"] == "failed" and run.is_unsettled
    assert run.settle() and files(run) == before and "not a finite number" in run.take_word()
