"""A run of W&B without a key is refused by `preparation` before any data are read."""

import sys
from types import SimpleNamespace

import pytest
import wandb

from dancepose.errors import ConfigError
from dancepose.tasks.preparation import make_loggers
from dancepose.tasks.run_directory import RunDirectory


@pytest.fixture
def loggers(tmp_path, monkeypatch):
    """Make the loggers of a training with `logger=wandb`, in a mode of W&B, where nobody is asked."""

    def make(mode: str, key: bool, asked: bool = False, **node):
        monkeypatch.setattr(wandb, "setup", lambda: SimpleNamespace(settings=SimpleNamespace(mode=mode)))
        monkeypatch.setattr(wandb, "login", lambda prompt, verify: key)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: asked))
        node = {"_target_": "lightning.pytorch.loggers.WandbLogger", "name": "x", **node}
        config = {"name": "x", "trainer": {}, "logger": {"wandb": node}}
        return make_loggers(config, RunDirectory(tmp_path), main_rank=True)

    return make


def test_without_a_key_it_is_refused_with_both_remedies(loggers, tmp_path):
    with pytest.raises(ConfigError, match="no API key.*wandb login.*WANDB_MODE=offline"):
        loggers("online", key=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("mode", "key", "asked", "node"),
    [
        ("online", True, False, {}),
        ("online", False, True, {}),  # W&B asks for the key itself
        ("online", False, False, {"offline": True}),
        ("offline", False, False, {}),
        ("disabled", False, False, {}),
    ],
)
def test_who_has_a_key_or_needs_none_goes_on(loggers, mode, key, asked, node):
    assert len(loggers(mode, key, asked, **node)) == 1
