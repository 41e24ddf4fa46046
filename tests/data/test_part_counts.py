"""The rows of counts of a run's data: `part_counts`."""

import json
from pathlib import Path

import numpy as np
import pytest

from dancepose.data.loaded_part import LoadedPart
from dancepose.data.part_counts import part_counts, told_leaks, unused_splits
from dancepose.data.parts import PartConfig
from dancepose.records import Frame, Group, Person


def frame(name: str, *people: Person, **more) -> Frame:
    return Frame(Path(name), (9, 9), list(people), "mpii15", name, **more)


@pytest.mark.parametrize("grouped", [False, True])
def test_a_row_for_each_part_with_groups_where_there_are_any(grouped):
    points = np.zeros((15, 3))
    points[:3] = [[1, 1, 2], [2, 2, 1], [3, 3, 2]]
    groups = {"groups": [Group([0]), Group([1])]} if grouped else {}
    frames = [frame("a", Person(points), Person(points), clip="x", **groups), frame("b", complete=False)]
    loaded = LoadedPart("dance", PartConfig("dance", "."), {"train": frames, "val": [], "test": []})
    train, val, test = part_counts([loaded])
    wanted = {"data": "dance", "part": "train", "images": 2, "groups": 3, "people": 2, "keypoints": 6}
    wanted |= {"occluded": 2, "incomplete": 1, "clips": 1}
    assert train == {name: count for name, count in wanted.items() if grouped or name != "groups"}
    assert list(train) == list(val) == list(test) and (val["images"], test["people"]) == (0, 0)


@pytest.mark.parametrize(("mixed", "key"), [(False, "data.split"), (True, "data.parts.own.split")])
def test_a_split_file_that_divides_nothing_is_named(tmp_path: Path, mixed, key):
    bare = {"own": PartConfig("dance", str(tmp_path))}
    assert unused_splits(bare, mixed) == []
    (tmp_path / "split.json").touch()
    used = {"own": PartConfig("dance", str(tmp_path), split="split.json")}
    path = tmp_path / "split.json"
    assert unused_splits(bare, mixed) == [f"not used: {path}; to divide by it: {key}=split.json"]
    assert unused_splits(used, mixed) == []


@pytest.mark.parametrize(("mixed", "key"), [(False, "data.split"), (True, "data.parts.own.split")])
@pytest.mark.parametrize(("by", "units"), [("image", "pictures"), ("clip", "clips")])
def test_pictures_of_a_test_that_are_trained_on_are_told(tmp_path: Path, mixed, key, by, units):
    head = "own/" if mixed else ""
    trained = [frame(f"{head}{name}", clip=f"{head}{name}") for name in ("a", "b", "c")]
    parts = {"train": trained, "val": [], "test": [frame(f"{head}d", clip=f"{head}d")]}
    loaded = LoadedPart("own", PartConfig("dance", str(tmp_path)), parts)
    assert told_leaks([loaded], mixed) == []
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": ["a", "d"], "test": ["b", "c", "e"], "by": by}))
    assert told_leaks([loaded], mixed) == [
        f"2 of the 3 {units} that {path} sets apart for the test are trained on: the file is not used; "
        f"to divide by it: {key}=split.json"
    ]
    path.write_text(json.dumps({"train": ["a", "b", "c"], "test": ["d"], "by": by}))
    assert told_leaks([loaded], mixed) == []


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize(
    "own", [{}, {"split": "mine.json"}, {"train_sources": ["x"]}, {"own_split": {"train": "x"}}, "official"]
)
def test_who_divides_the_data_otherwise_is_told_of_no_leak(tmp_path: Path, own, broken):
    official, keys = own == "official", {} if own == "official" else own
    (tmp_path / "split.json").write_text("{" if broken else json.dumps({"train": [], "test": ["a"]}))
    config = PartConfig("dance", str(tmp_path), **keys)
    loaded = LoadedPart("own", config, {"train": [frame("a")], "val": [], "test": []}, official=official)
    assert bool(told_leaks([loaded], mixed=False)) == (own == {} and not broken)
