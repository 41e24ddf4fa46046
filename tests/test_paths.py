"""Commands that messages tell."""

import json
import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from dancepose.paths import EVALUATION, EVALUATIONS, evaluate_again, evaluate_by_name


@pytest.mark.parametrize(
    "run", ["outputs/sweeps/a/b_1", "/tmp/model.attention=none,seed=0", "it's (here) $x"]
)
def test_a_told_command_can_be_typed(run):
    program, *overrides = shlex.split(evaluate_again(run))
    assert program == "dancepose-evaluate"
    parsed = OverridesParser.create().parse_overrides(overrides)
    assert {one.key_or_group: one.value() for one in parsed} == {"run": run, "hydra.run.dir": run}


SETTINGS = {"which": "last", "flip": True, "scales": [1.0, 0.5], "precision": "bf16-mixed"}


def typed(command: str) -> dict:
    program, *overrides = shlex.split(command)
    assert program == "dancepose-evaluate"
    parsed = OverridesParser.create().parse_overrides(overrides)
    return {one.key_or_group: one.value() for one in parsed}


@pytest.mark.parametrize("name", ["a/b_1", "model.attention=none,seed=0", "it's (here) $x"])
def test_an_evaluation_is_made_again_by_its_own_settings(tmp_path: Path, name: str):
    run = tmp_path / name
    folder = run / EVALUATIONS / "flip"
    folder.mkdir(parents=True)
    (run / "config.yaml").touch()
    told = {"run": str(run), "evaluation": "flip"}
    assert typed(evaluate_by_name(run, "flip", SETTINGS)) == told | SETTINGS
    for content in ("", "[]", '{"settings": 3}', None):
        if content is not None:
            (folder / EVALUATION).write_text(content)
        assert typed(evaluate_again(folder)) == told
        (folder / EVALUATION).unlink(missing_ok=True)
    (folder / EVALUATION).write_text(json.dumps({"settings": SETTINGS}))
    assert typed(evaluate_again(folder)) == told | SETTINGS


def test_a_run_of_a_sweep_that_is_called_evaluations_is_a_run(tmp_path: Path):
    run = tmp_path / EVALUATIONS / "job"
    run.mkdir(parents=True)
    assert typed(evaluate_again(run)) == {"run": str(run), "hydra.run.dir": str(run)}
