import signal

import pytest
from factories import make_archive, make_labelme
from kills import SMALL
from running import SMALL as POSES
from running import run_task

from dancepose.callbacks.own_folder import OwnFolder
from dancepose.errors import DataError
from dancepose.skeleton import load_skeleton
from dancepose.tasks import dry_run, planning, time_budget
from dancepose.tasks.dry_run import _length, epochs_done
from dancepose.tasks.run_directory import RunDirectory
from dancepose.train import train


@pytest.mark.parametrize(
    ("trainer", "steps", "epochs", "seconds"),
    [
        ({"max_epochs": 3}, 10, 3, 15.0),
        ({"max_epochs": 3, "limit_train_batches": 4}, 4, 3, 6.0),
        ({"max_epochs": 3, "limit_train_batches": 0.5}, 5, 3, 7.5),
        ({"max_epochs": -1, "max_steps": 7}, 10, None, 3.5),
        ({"max_epochs": 3, "max_steps": 7, "accumulate_grad_batches": 2}, 10, 3, 7.0),
        ({"max_epochs": -1}, 10, None, None),
    ],
)
def test_the_length_of_a_training(trainer, steps, epochs, seconds):
    found = _length(trainer, 10, 0.5)
    assert found == {"epochs": epochs, "steps": steps, "step": 0.5, "seconds": seconds}


@pytest.mark.parametrize(
    ("trainer", "done", "epochs", "seconds"),
    [
        ({"max_epochs": 3}, 2, 1, 5.0),
        ({"max_epochs": 3}, 3, 0, 0.0),
        ({"max_epochs": 3, "max_steps": 25}, 2, 1, 2.5),
        ({"max_epochs": -1, "max_steps": 7}, 1, None, 0.0),
    ],
)
def test_what_is_left_of_a_training_that_goes_on(trainer, done, epochs, seconds):
    found = _length(trainer, 10, 0.5, done)
    assert found == {"epochs": epochs, "steps": 10, "step": 0.5, "seconds": seconds}


def test_what_could_not_be_timed():
    assert _length({"max_epochs": 3}, None, 0.0) == {
        "epochs": 3,
        "steps": None,
        "step": None,
        "seconds": None,
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    make_archive(tmp_path / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dry_run, "_measured", {})
    monkeypatch.setattr(planning, "_told", set())
    monkeypatch.setattr(OwnFolder, "made", [tmp_path / "run"])  # as by the command
    return tmp_path


def test_epochs_that_a_run_has_behind_it_are_those_after_which_it_goes_on(folder, caplog, capsys):
    run, job = RunDirectory(folder / "run"), [*SMALL, "test=false", "logger=none"]
    run_task(train, "train", run.path, *job, "trainer.max_epochs=2")
    assert epochs_done(run) == 2
    more = [*job, "trainer.max_epochs=5", f"resume={run.path}"]
    capsys.readouterr()
    run_task(train, "train", run.path, *more, "dry_run=true")
    assert "goes on after epoch 2" in (told := capsys.readouterr().out)
    assert told.splitlines()[2].split()[4] == "3", "epochs that are left"
    with caplog.at_level("INFO"):
        run_task(train, "train", run.path, *more)
    assert "goes on after epoch 2 of 5" in caplog.text


def test_a_network_that_is_fitted_to_the_data_is_counted_and_timed(folder, capsys):
    """9-15-3, and 3 groups x 3 classes of centres with 24 numbers each."""
    small = [o for o in SMALL if not o.startswith("model.branches")]
    run_task(train, "train", folder / "run", *small, "model=motion_qes", "dry_run=true")
    row = capsys.readouterr().out.splitlines()[2].split()
    assert row[:4] == ["run", "missing", "198", "0.000396"] and float(row[6]) > 0
    assert not (folder / "run").exists()


@pytest.mark.parametrize("devices", [[], ["trainer.devices=2", "trainer.strategy=ddp"]], ids=["one", "two"])
class TestKeypointsThatTheDataLack:
    """What the training itself would say of them is said before, also where nothing can be timed."""

    def dry(self, folder, labelme, *more: str) -> None:
        run_task(train, "train", folder / "run", *POSES, f"data.root={labelme}", *more, "dry_run=true")

    def test_some(self, devices, folder, labelme, caplog):
        self.dry(folder, labelme, "skeleton=openpose18", *devices)
        assert "no training picture labels nose, neck, " in caplog.text

    def test_all(self, devices, folder):
        mpii, openpose = load_skeleton("mpii15"), load_skeleton("openpose18")
        make_labelme(
            folder / "d", without=[name for name in mpii.keypoints if openpose.find(name) is not None]
        )
        with pytest.raises(DataError, match="nobody is labelled in its 6 Labelme files"):
            self.dry(folder, folder / "d", "skeleton=openpose18", *devices)


def test_one_step_an_epoch_is_no_time_and_a_word_why(folder, capsys):
    job = [*SMALL, "data.batch_size=40", "seed=3", "minutes=1"]
    run_task(train, "train", folder / "run", *job, "dry_run=true")
    row = capsys.readouterr().out.splitlines()[2].split()
    assert row[4:8] == ["1", "1", "-", "-"] and "one step an epoch, which cannot be timed" in " ".join(row)


@pytest.mark.parametrize(
    ("error", "raised", "status"),
    [(KeyboardInterrupt, KeyboardInterrupt, None), (SystemExit, SystemExit, 7)],
)
def test_ctrl_c_while_steps_are_timed_is_no_failure(error, raised, status, folder, monkeypatch):
    """Lightning makes an exit with status 1 of it."""

    def interrupted(self, *given):
        raise error(*filter(None, [status]))

    monkeypatch.setattr(time_budget.StepTimes, "on_train_batch_end", interrupted)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(raised) as caught:
            run_task(train, "train", folder / "run", *SMALL, "optimizer.lr=0.5", "dry_run=true", "seed=9")
    finally:
        signal.signal(signal.SIGINT, before)  # which it no longer listens to
    assert getattr(caught.value, "code", None) == status
    assert not (folder / "run").exists()
