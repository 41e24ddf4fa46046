"""Commands that messages tell."""

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from dancepose.paths import evaluate_again


@pytest.mark.parametrize(
    "run", ["outputs/sweeps/a/b_1", "/tmp/model.attention=none,seed=0", "it's (here) $x"]
)
def test_a_told_command_can_be_typed(run):
    program, *overrides = shlex.split(evaluate_again(run))
    assert program == "dancepose-evaluate"
    parsed = OverridesParser.create().parse_overrides(overrides)
    assert {one.key_or_group: one.value() for one in parsed} == {"run": run, "hydra.run.dir": run}
