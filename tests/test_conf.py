from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import get_object
from omegaconf import OmegaConf

from dancepose.build import model_config
from dancepose.paths import config_dir

FILES = sorted(config_dir().rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(config_dir())))
def test_a_config_file_is_short_and_valid(path: Path):
    text = path.read_text()
    assert len(text.splitlines()) < 40
    yaml.safe_load(text)


@pytest.mark.parametrize(
    "name", ["train", "evaluate", "browse", "benchmark", "synthesize", "compare", "predict", "export"]
)
def test_entry_points_compose(name):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        compose(name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(config_dir())))
def test_every_group_option_composes_and_its_targets_exist(path: Path):
    group, option = str(path.parent.relative_to(config_dir())), path.stem
    if group == "." or group.startswith("hydra"):
        pytest.skip("an entry point, or Hydra's own: composed above")
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose("train", overrides=[f"{group}={option}"])
    plain = OmegaConf.to_container(cfg, resolve=False)

    def targets(node):
        if isinstance(node, dict):
            if "_target_" in node:
                yield node["_target_"]
            for value in node.values():
                yield from targets(value)

    for target in targets(plain):
        assert callable(get_object(target)), target
    model_config(plain["model"])


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(config_dir())))
def test_a_config_file_says_in_its_first_line_what_it_is(path: Path):
    lines = [line for line in path.read_text().splitlines() if "@package" not in line]
    assert lines[0].startswith("# ") and not lines[0].endswith(":")


def test_attention_files_hold_the_same_keys():
    files = [
        yaml.safe_load(p.read_text()) for p in sorted((config_dir() / "model" / "attention").glob("*.yaml"))
    ]
    assert len(files) >= 4
    assert all(list(f) == ["order", "reduction", "kernel", "spatial_norm", "gate_scale"] for f in files)
