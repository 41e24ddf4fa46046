"""A launcher whose extra is not installed is refused in one line, before anything starts."""

from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from dancepose.callbacks.sweep_report import SweepReport
from dancepose.errors import ConfigError
from dancepose.tasks import extras
from dancepose.tasks.extras import EXTRAS, check_direction, check_extras


@pytest.mark.parametrize("choice", list(EXTRAS))
def test_a_missing_extra_is_named(choice, monkeypatch):
    (group, _, option), extra = choice.partition("="), EXTRAS[choice][1]
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError,
        match=rf"^{choice} needs \w+, .*: python -m pip install -c requirements.lock.txt -e '.\[{extra}\]'",
    ):
        check_extras({group: option})
    monkeypatch.setattr(extras, "find_spec", lambda name: object())
    check_extras({group: option})


def test_what_comes_with_hydra_needs_none(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    check_extras({"hydra/launcher": "basic", "hydra/sweeper": "basic"})
    check_extras({})


def test_the_sweep_does_not_start(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    choices = {"hydra/launcher": "ray"}
    hydra = SimpleNamespace(
        runtime=SimpleNamespace(choices=choices), sweep=SimpleNamespace(dir=str(tmp_path))
    )
    with pytest.raises(SystemExit):
        SweepReport("l", []).on_multirun_start(SimpleNamespace(objective="val/mAP", hydra=hydra))
    assert capsys.readouterr().err.startswith("error: hydra/launcher=ray needs hydra_ray_launcher")


def test_a_launcher_that_lends_nothing_is_refused():
    with pytest.raises(ConfigError, match="hydra/launcher=joblib: .* give hydra/launcher=pool"):
        check_extras({"hydra/launcher": "joblib"})


def searching(direction, objective, sweeper="optuna"):
    hydra = {"runtime": {"choices": {"hydra/sweeper": sweeper}}, "sweeper": {"direction": direction}}
    return OmegaConf.create({"hydra": hydra, "objective": objective})


def test_optuna_looks_for_what_the_best_checkpoint_is_chosen_by():
    with pytest.raises(
        ConfigError, match="of val/mAP the maximum is the best: give hydra.sweeper.direction=maximize"
    ):
        check_direction(searching("minimize", "val/mAP"))
    with pytest.raises(
        ConfigError, match="of val/loss the minimum is the best: give hydra.sweeper.direction=minimize"
    ):
        check_direction(searching("maximize", "val/loss"))
    check_direction(searching("maximize", "val/mAP"))
    check_direction(searching("minimize", "val/ECE"))
    check_direction(searching("minimize", "val/mAP", sweeper="basic"))
