"""How a training ends: exit status, cause, figures for JSON, and the W&B run that is closed."""

import json
import sys
from types import SimpleNamespace

import pytest
from lightning.pytorch.utilities.exceptions import SIGTERMException

from dancepose.errors import DataError
from dancepose.tasks.ending import cause, exit_status, finish_wandb, finite


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


def test_a_run_whose_wandb_has_died_is_closed_all_the_same(monkeypatch, caplog):
    def finish():
        raise ConnectionResetError("Connection lost")

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
