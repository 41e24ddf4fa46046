"""A comparison in W&B, where W&B refuses it; `tests/test_compare.py` reads what it logs."""

from types import SimpleNamespace

import pytest
import wandb

from dancepose.errors import DanceposeError
from dancepose.tasks.comparison_log import log_comparison


def test_a_refusal_is_one_clear_error(tmp_path, monkeypatch):
    asked = {}

    def refuse(**settings):
        asked.update(settings)
        raise wandb.errors.UsageError("no permission")

    monkeypatch.setattr(wandb, "init", refuse)
    comparison = SimpleNamespace(
        sweeps=[str(tmp_path / "mine")], title="model/attention", by=["model/attention"], against="none"
    )
    with pytest.raises(DanceposeError, match="refused the run: no permission .*WANDB_MODE=offline"):
        log_comparison(comparison, tmp_path, "dancepose", "team")
    assert asked["group"] == "mine" and asked["job_type"] == "comparison" and asked["entity"] == "team"
