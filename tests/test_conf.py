from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir

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
def test_a_config_file_says_in_its_first_line_what_it_is(path: Path):
    lines = [line for line in path.read_text().splitlines() if "@package" not in line]
    assert lines[0].startswith("# ") and not lines[0].endswith(":")


def test_attention_files_hold_the_same_keys():
    files = [
        yaml.safe_load(p.read_text()) for p in sorted((config_dir() / "model" / "attention").glob("*.yaml"))
    ]
    assert len(files) >= 4
    assert all(list(f) == ["order", "reduction", "kernel", "spatial_norm", "gate_scale"] for f in files)
