"""How a training ends: exit status, cause, figures for JSON, and the W&B run that is closed."""

import json
import sys
from types import SimpleNamespace

import pytest
from lightning.pytorch.utilities.exceptions import SIGTERMException
from wandb.errors import CommError

from dancepose.errors import DanceposeError, DataError
from dancepose.tasks.ending import cause, exit_status, finish_wandb, finite, leave, raising_interrupts
from dancepose.tasks.run_directory import RunDirectory


def by_lightning() -> SystemExit:
    """Return what Lightning makes of Ctrl-C."""
    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise SystemExit(1)  # noqa: B904
    except SystemExit as error:
        return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), 130),
        (by_lightning(), 130),
        (SIGTERMException(), 143),
        (SystemExit(1), None),
        (SystemExit(-1), 143),
        (ValueError("x"), None),
        (DataError("x"), None),
    ],
)
def test_exit_status(error, status):
    assert exit_status(error) == status


def test_what_goes_wrong_after_sigterm_is_an_interruption():
    assert exit_status(ConnectionResetError("of W&B, whose process has ended"), terminated=True) == 143


@pytest.mark.parametrize("error", [None, RuntimeError("DataLoader worker is killed"), SIGTERMException()])
def test_a_trial_that_was_given_sigterm_ends_the_command(error):
    """Also where Lightning has come to the trial's end before it looked, or workers have died of it."""
    trainer = SimpleNamespace(received_sigterm=True, interrupted=False)
    with pytest.raises(SystemExit) as caught, raising_interrupts(trainer):
        if error is not None:
            raise error
    assert caught.value.code == 143


def test_a_trial_raises_what_goes_wrong_and_ctrl_c():
    trainer = SimpleNamespace(received_sigterm=False, interrupted=False)
    with pytest.raises(RuntimeError, match="x"), raising_interrupts(trainer):
        raise RuntimeError("x")
    with pytest.raises(KeyboardInterrupt), raising_interrupts(trainer):
        raise by_lightning()
    trainer.interrupted = True
    with pytest.raises(KeyboardInterrupt), raising_interrupts(trainer):
        pass


@pytest.mark.parametrize("error", [ConnectionResetError, OSError, CommError])
def test_a_run_whose_wandb_has_died_is_closed_all_the_same(monkeypatch, caplog, error):
    def finish():
        raise error("Connection lost")

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(finish=finish))
    finish_wandb()
    assert "Connection lost" in caplog.text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DataError("a.json is broken"), "DataError: a.json is broken"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_cause(error, told):
    assert cause(error) == told


def test_figures_are_json():
    values = finite({"a": 1.5, "b": float("nan"), "c": float("inf"), "d": None})
    assert values == {"a": 1.5, "b": None, "c": None, "d": None}
    assert json.dumps(values, allow_nan=False)


def test_wandb_is_finished_where_it_is_in_use(monkeypatch):
    finished = []
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(finish=lambda: finished.append(1)))
    finish_wandb()
    assert finished == [1]
    monkeypatch.delitem(sys.modules, "wandb")
    finish_wandb()
    assert "wandb" not in sys.modules, "it is not imported for this"


@pytest.mark.parametrize(
    ("error", "raised", "status"),
    [
        (ValueError("x"), ValueError, "failed"),
        (KeyboardInterrupt(), SystemExit, "interrupted"),
        (SystemExit(-1), SystemExit, "interrupted"),
    ],
)
def test_what_ended_a_training_is_written_down(error, raised, status, tmp_path):
    run, trainer = RunDirectory(tmp_path), SimpleNamespace(received_sigterm=False, world_size=1)
    with pytest.raises(raised):
        leave(error, run, trainer, True, {"hash": "h"}, True)
    assert (run.read_metrics()["status"], run.read_metrics()["hash"]) == (status, "h")


def test_a_training_that_never_began_leaves_no_word(tmp_path):
    trainer = SimpleNamespace(received_sigterm=False, world_size=1)
    with pytest.raises(ValueError, match="x"):
        leave(ValueError("x"), RunDirectory(tmp_path), trainer, True, None, True)
    assert not list(tmp_path.iterdir())


def test_of_several_processes_one_tells(tmp_path):
    run, trainer = RunDirectory(tmp_path), SimpleNamespace(received_sigterm=False, world_size=2)
    with pytest.raises(DanceposeError):
        leave(DanceposeError("mine"), run, trainer, False, {}, False)
    assert run.read_metrics()["cause"] == "DanceposeError: mine"
    with pytest.raises(SystemExit) as caught:
        leave(DanceposeError("peer lost"), run, trainer, True, {}, True)
    assert caught.value.code == 1 and run.read_metrics()["cause"] == "DanceposeError: mine"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [(by_lightning(), 130, "Ctrl-C (SIGINT)"), (SIGTERMException(), 143, "SIGTERM")],
)
def test_an_interruption_is_told_in_words(error, status, words, tmp_path):
    run, trainer = RunDirectory(tmp_path), SimpleNamespace(received_sigterm=False, world_size=1)
    with pytest.raises(SystemExit) as caught:
        leave(error, run, trainer, True, {}, True)
    assert caught.value.code == status
    assert run.read_metrics()["status"] == "interrupted" and run.read_metrics()["cause"] == words
