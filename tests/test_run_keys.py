"""What each key that does not decide on a result is left out of."""

from pathlib import Path

import yaml

from dancepose.paths import config_dir
from dancepose.run_keys import KEYS, keys_not
from dancepose.tasks.config_hash import config_hash

CONFIG = {"seed": 0, "model": {"width": 8}, "data": {"root": "/a", "workers": 2}, "trust": [], "rerun": None}


def test_every_key_is_one_of_a_training():
    known = yaml.safe_load((Path(config_dir()) / "train.yaml").read_text())
    groups = {next(iter(entry)) for entry in known["defaults"] if isinstance(entry, dict)}
    assert set(KEYS) <= {*known, *groups}


def test_what_only_starts_a_run_makes_no_other_run():
    for key in keys_not("hashed"):
        assert config_hash({**CONFIG, key: "changed"}, "d") == config_hash(CONFIG, "d"), key
    assert "trust" in keys_not("hashed") and "test" not in keys_not("hashed")
    for key in ("seed", "test", "model"):
        assert config_hash({**CONFIG, key: "changed"}, "d") != config_hash(CONFIG, "d"), key
    assert config_hash({**CONFIG, "data": {"root": "/b", "workers": 3}}, "d") == config_hash(CONFIG, "d")


def test_what_a_launcher_has_done_itself_is_neither_handed_on_nor_saved():
    assert set(keys_not("handed_on")) == {"reuse", "sweep", "rerun", "dry_run", "anew"}
    assert set(keys_not("saved")) == {*keys_not("handed_on"), "resume", "trust"}
    assert "logger" in keys_not("named") and "objective" not in keys_not("named")
