"""`--help` says what every key and option means."""

import re

import pytest
import yaml

from dancepose.help_text import help_text
from dancepose.key_comments import key_comments
from dancepose.paths import config_dir


def rows(text: str) -> dict[str, str]:
    """Dotted key -> the rest of its line, of the part that lists the keys."""
    found, parents = {}, []
    for line in text.split("Keys, key=value:")[1].splitlines():
        if match := re.match(r"^  ( *)(\w+):(.*)$", line):
            depth = len(match[1]) // 2
            parents = [*parents[:depth], match[2]]
            found[".".join(parents)] = match[3].strip()
    return found


@pytest.mark.parametrize("name", ["train", "evaluate", "browse", "benchmark"])
def test_every_option_of_every_group_is_told_with_what_it_is(name):
    told = help_text(name, [])
    groups = re.findall(r"^  ([a-z/]+)$", told, re.M)
    assert groups
    for group in groups:
        for path in (config_dir() / group).glob("[!_]*.yaml"):
            assert re.search(rf"^   [* ] {path.stem} +\S", told, re.M), path


@pytest.mark.parametrize("name", ["compare", "predict", "export"])
def test_a_command_without_groups_tells_its_keys_alone(name):
    told = help_text(name, [])
    assert "Groups" not in told and f"dancepose-{name}" in told.splitlines()[0]
    keys = rows(told)
    unsaid = [key for key, said in keys.items() if "#" not in said and not key.startswith(("hydra", "name"))]
    assert unsaid == [] and (name != "compare" or keys["by"].startswith("null"))


def test_keys_stand_with_their_default_and_comment():
    assert rows(help_text("train", []))["data.root"].startswith("null  ")  # drawn scenes
    keys = rows(help_text("train", ["data=dance"]))
    assert keys["seed"] == "0" and keys["data.root"].startswith("???  ")
    assert "Labelme" in keys["data.root"] and "of all devices" in keys["data.batch_size"]  # inherited
    assert "short or long" in keys["data.resize"]  # not what the key means in other data
    assert keys["model.codec.sigma"].startswith("2.0") and "Gaussian" in keys["model.codec.sigma"]
    assert keys["skeleton"].startswith("mpii15") and "skeleton.sigmas" not in keys


def test_chosen_options_are_described():
    told = help_text("train", ["optimizer=sgd", "model/attention=cbam2", "data=coco"])
    keys = rows(told)
    assert "optimizer.momentum" in keys and "optimizer.betas" not in keys
    assert re.search(r"^   \* sgd ", told, re.M) and re.search(r"^     adam ", told, re.M)
    assert "COCO" in keys["data.annotations"]


def test_what_a_file_says_of_a_key_is_found_in_nested_nodes():
    comments = key_comments("train", {"callbacks": "default", "scheduler": "cosine"})
    inference = yaml.safe_load((config_dir() / "train.yaml").read_text())["inference"]
    assert {f"inference.{key}" for key in inference} <= set(comments)
    assert comments["callbacks.ema.decay"].startswith("0 switches")
