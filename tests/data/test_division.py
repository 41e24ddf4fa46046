"""What divides folders of drawn scenes."""

import json
from pathlib import Path

import pytest
from factories import make_labelme

from dancepose.data.collection import PoseData
from dancepose.data.parts import PartConfig
from dancepose.errors import DataError
from dancepose.skeleton import load_skeleton

PARTS = {"train": ["frame_001.jpg", "frame_002.jpg"], "val": ["frame_003.jpg"], "test": ["frame_000.jpg"]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks like one of drawn scenes."""
    make_labelme(tmp_path / "drawn", frames=4, size=(64, 48))
    (tmp_path / "drawn" / ".manifest.json").write_text("{}")
    (tmp_path / "drawn" / "split.json").write_text(json.dumps(PARTS))
    return tmp_path / "drawn"


def data(root: Path, **keys) -> PoseData:
    return PoseData({"dance": PartConfig("dance", str(root), **keys)}, load_skeleton("mpii15"), test=2)


@pytest.mark.parametrize("keys", [{}, {"split": "split.json"}], ids=["unnamed", "named"])
def test_drawn_scenes_are_divided_by_their_own_split(root: Path, keys):
    found = data(root, **keys)
    assert found.names == PARTS
    lines = found.summary().splitlines()
    assert f"divided by {root / 'split.json'}" in lines
    assert "not used" not in found.summary() and "frames of a video" not in found.summary()


def test_a_split_of_ones_own_and_other_keys_come_first(root: Path, tmp_path: Path):
    own = {"train": ["frame_000.jpg", "frame_002.jpg"], "val": ["frame_001.jpg"], "test": ["frame_003.jpg"]}
    (tmp_path / "own.json").write_text(json.dumps(own))
    assert data(root, split=str(tmp_path / "own.json")).names == own
    drawn = data(root, split_by="image")
    assert len(drawn.names["test"]) == 2 and "not used" in drawn.summary()


@pytest.mark.parametrize("keys", [{}, {"split": "split.json"}], ids=["unnamed", "named"])
def test_without_their_split_nothing_is_drawn_in_its_place(root: Path, keys):
    (root / "split.json").unlink()
    with pytest.raises(DataError, match=rf"dancepose-synthesize root={root} with the keys.* writes it again"):
        data(root, **keys).names  # noqa: B018
    with pytest.raises(DataError, match="or null"):  # some other file
        data(root, split="mine.json").names  # noqa: B018


def test_a_run_that_goes_on_keeps_its_division(root: Path):
    before = {
        "train": ["frame_000.jpg", "frame_003.jpg"],
        "val": ["frame_002.jpg"],
        "test": ["frame_001.jpg"],
    }
    found = data(root)
    assert found.keep(before) == 0 and found.names == before
