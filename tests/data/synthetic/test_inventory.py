"""Folders of drawn scenes that are damaged: what is missing is drawn again, and nothing else."""

import json
import os
import shutil
import stat

import pytest

from dancepose.data.synthetic import dataset, inventory
from dancepose.data.synthetic.cache import scene_folder
from dancepose.data.synthetic.dataset import write_scenes
from dancepose.data.synthetic.inventory import MANIFEST, is_drawn, is_whole
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.errors import DataError

SCENES = SceneSet(train=1, val=1, test=1, difficulty="easy", seed=3)
PICTURE, LABELS, RECORD = "train_00000.jpg", "train_00000.json", ".records/train_00000.json"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_scenes(SCENES, tmp_path_factory.mktemp("scenes") / "set", workers=1)


@pytest.fixture
def copied(drawn, tmp_path):
    return shutil.copytree(drawn, tmp_path / "set")


@pytest.fixture
def calls(monkeypatch):
    """Of the drawing of a scene."""
    draw, calls = dataset.draw_scene, []
    monkeypatch.setattr(dataset, "draw_scene", lambda *arguments: calls.append(1) or draw(*arguments))
    return calls


def files(root):
    return {p.relative_to(root): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("damage", "name", "count"),
    [
        (os.remove, PICTURE, 1),
        (cut, PICTURE, 1),
        (os.remove, LABELS, 1),
        (cut, LABELS, 1),
        (os.remove, RECORD, 1),
        (cut, RECORD, 1),
        (os.remove, "split.json", 0),
        (cut, "split.json", 0),
        (os.remove, "dataset.yaml", 0),
        (os.remove, MANIFEST, 0),
        (cut, MANIFEST, 0),
    ],
)
def test_what_is_missing_or_cut_is_made_again_and_nothing_else(
    damage, name, count, drawn, copied, calls, caplog
):
    damage(copied / name)
    assert not is_whole(SCENES, copied)
    assert files(write_scenes(SCENES, copied, workers=1)) == files(drawn)
    assert len(calls) == count
    assert f"{copied}: {name} missing or no longer as drawn: made again" in caplog.text
    caplog.clear()
    assert is_whole(SCENES, write_scenes(SCENES, copied)) and len(calls) == count and not caplog.text


def test_without_records_all_is_drawn_again(drawn, copied, calls, caplog):
    shutil.rmtree(copied / ".records")
    assert files(write_scenes(SCENES, copied, workers=1)) == files(drawn)
    assert len(calls) == 3 and "train_00000.json and 2 more missing" in caplog.text


def test_an_unfinished_set_is_looked_through_too(drawn, copied, calls):
    manifest = json.loads((copied / MANIFEST).read_text())
    del manifest["files"]
    (copied / MANIFEST).write_text(json.dumps(manifest | {"complete": False}))
    (copied / PICTURE).unlink()
    assert files(write_scenes(SCENES, copied, workers=1)) == files(drawn) and len(calls) == 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (LABELS, lambda text: json.dumps(json.loads(text) | {"note": "mine"})),
        ("split.json", lambda text: json.dumps(json.loads(text) | {"note": "mine"})),
        (LABELS, lambda text: text.replace("action:", "actiom:")),  # as long as before
        (LABELS, lambda text: text + "}"),  # a slip of the hand: no JSON any more
        ("dataset.yaml", lambda text: text.replace("true", "no  ")),
        ("dataset.yaml", lambda text: text.replace("complete: true", "complete: false")),
        ("dataset.yaml", lambda text: text.replace(", complete: true", "")),
    ],
)
def test_what_somebody_has_changed_is_not_drawn_over(name, change, drawn, copied, calls):
    mine = change((copied / name).read_text())
    assert mine != (copied / name).read_text()
    (copied / name).write_text(mine)
    with pytest.raises(DataError, match=rf"{name} has been changed since it was drawn\. Remove it"):
        write_scenes(SCENES, copied, workers=1)
    assert (copied / name).read_text() == mine
    (copied / name).unlink()  # the remedy
    assert files(write_scenes(SCENES, copied, workers=1)) == files(drawn)


def test_scenes_of_two_data_sets_are_not_mixed_where_the_manifest_is_lost(copied):
    (copied / MANIFEST).unlink()
    assert is_drawn(copied) and scene_folder({}, str(copied)) == copied
    with pytest.raises(DataError, match="holds scenes of another drawn data set"):
        write_scenes(SceneSet(train=1, val=1, test=1, difficulty="easy", seed=4), copied, workers=1)


def test_a_manifest_of_something_else_is_none_of_ours(tmp_path):
    (tmp_path / MANIFEST).write_text('{"name": "a site"}')
    with pytest.raises(DataError, match="holds another drawn data set"):
        write_scenes(SCENES, tmp_path, workers=1)


def test_what_killed_processes_have_left_half_written_goes(drawn, copied):
    left = [copied / f"{folder}.a.jpg.abcd_123.dancepose_partial" for folder in ("", ".records/")]
    for path in left:
        path.write_bytes(b"half")
    (copied / PICTURE).unlink()
    assert files(write_scenes(SCENES, copied, workers=1)) == files(drawn)


def test_looking_through_a_whole_set_opens_no_file_but_the_manifest(drawn, monkeypatch):
    read, opened = json.loads, []
    monkeypatch.setattr(json, "loads", lambda text: opened.append(1) or read(text))
    for name in (LABELS, "split.json", "dataset.yaml"):
        os.utime(drawn / name, ns=(0, 0))  # of before the manifest
    monkeypatch.setattr(inventory, "_digests", lambda root, names: opened.extend(names) or {})
    assert is_whole(SCENES, drawn) and len(opened) == 1
    assert stat.S_ISREG((drawn / MANIFEST).stat().st_mode)
