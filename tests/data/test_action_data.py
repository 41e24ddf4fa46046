"""Action data from file to data module: sequences, table 1, clips, and what a training of poses takes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import PointsCodec, make_actions, make_labelme

from dancepose.data.actions import (
    action_counts,
    action_table,
    class_names,
    for_poses,
    has_keypoints,
    sequences,
)
from dancepose.data.collection import PoseData
from dancepose.data.datamodules import PoseDataModule
from dancepose.data.hashes import data_hash
from dancepose.data.parts import PartConfig
from dancepose.data.split_file import PARTS
from dancepose.errors import ConfigError, DataError
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

OPENPOSE18 = load_skeleton("openpose18")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Nine clips of two pictures, three classes, two people in each."""
    root = tmp_path_factory.mktemp("actions")
    make_actions(root, clips=9)
    return root


def module(root: Path | None, **changes) -> PoseDataModule:
    values = {"root": None if root is None else str(root), "kind": "action", "batch_size": 2, "workers": 0}
    return PoseDataModule(OPENPOSE18, PointsCodec(OPENPOSE18), **{**values, "size": 64, **changes})


def rewritten(root: Path, folder: Path, change, **fields) -> Path:
    """Write the file anew, each sample as `change(index, sample)` returns it; the pictures stay."""
    content = json.loads((root / "actions.json").read_text()) | fields
    content["samples"] = [change(i, sample) for i, sample in enumerate(content["samples"])]
    path = folder / "changed.json"
    path.write_text(json.dumps(content))
    return path


# over time, and counted


def test_sequences_are_of_one_person_in_one_clip(root):
    data = PoseData({"action": PartConfig("action", str(root), str(root / "actions.json"))}, OPENPOSE18)
    frames = [frame for part in PARTS for frame in data.frames(part)]
    alone = replace(frames[0], clip=None)
    found = sequences([*frames[:4], alone, *frames[4:]])
    assert len(found) == 18 and {(s.clip, s.person) for s in found} == {
        (f"clip_{c}", p) for c in range(9) for p in range(2)
    }
    for sequence in found:
        assert [frame.name for frame, _ in sequence.steps] == [
            f"{sequence.clip}/frame_{i:03d}.jpg" for i in range(2)
        ]
        assert len({person.action for _, person in sequence.steps}) == 1
        assert all(person.id == sequence.person for _, person in sequence.steps)
    assert sequences([]) == sequences([alone]) == []


def test_a_person_may_be_missing_from_a_frame(root):
    frames = PoseData(
        {"action": PartConfig("action", str(root), str(root / "actions.json"))},
        OPENPOSE18,
        val="none",
        test="none",
    ).frames("train")[:2]
    frames[1] = replace(frames[1], people=frames[1].people[1:])
    assert [len(sequence.steps) for sequence in sequences(frames)] == [1, 2]


def frame(name: str, actions: list[str], clip: str | None = None, classes=("b", "a")) -> Frame:
    people = [Person(np.zeros((18, 3)), action=action, id=i) for i, action in enumerate(actions)]
    return Frame(Path(name), (8, 8), people, "openpose18", name, clip=clip, classes=classes)


def test_table_1():
    parts = {
        "train": [frame("1", ["a", "a"], "v"), frame("2", ["a", "b"], "v"), frame("3", ["b"])],
        "val": [frame("4", ["b"]), frame("5", ["b"])],
        "test": [frame("6", ["a"], classes=())],  # a source that names no classes
    }
    counts = action_counts(parts)
    assert list(counts) == ["b", "a"], "in the file's order"
    assert counts["b"]["train"] == {"samples": 2, "clips": 2}
    assert counts["a"]["train"] == {"samples": 3, "clips": 1}
    assert action_table(counts).splitlines() == [
        "samples (clips)  train    val   test",
        "b                2 (2)  2 (2)  0 (0)",
        "a                3 (1)  0 (0)  0 (0)",
        "all                  5      2      0",
    ]
    assert action_counts({"train": [frame("6", ["a"], classes=())]}) == {} and action_table({}) == ""
    alone = {part: [replace(f, clip=None) for f in found] for part, found in parts.items()}
    assert action_table(action_counts(alone), clips=False).splitlines() == [
        "samples  train  val  test",
        "b            2    2     0",
        "a            3    0     0",
        "all          5    2     0",
    ]
    assert class_names([*parts["train"], frame("7", [], classes=("c", "a"))]) == ("b", "a", "c")


def test_the_summary_has_the_table_and_only_where_there_are_classes(root, labelme):
    summary = module(root, val=0.2, test=0.2).summary()
    assert "samples (clips)" in summary and "all " in summary
    walk = next(line for line in summary.splitlines() if line.startswith("walk"))
    assert walk.count("(") == 3 and " 0 (0)" not in walk
    assert "samples" not in module(labelme, kind="dance").summary()


def test_boxes_classes_and_numbers_are_in_the_hash_of_the_data():
    def one(box=1.0, number=0, classes=("b", "a")):
        made = frame("1", ["a"], classes=classes)
        made.people[0].box, made.people[0].id = np.full(4, box), number
        return data_hash([made])

    assert len({one(), one(box=2.0), one(number=1), one(classes=("a", "b"))}) == 4


# where the file lies


def test_root_and_annotations_follow_from_each_other(root, tmp_path, monkeypatch):
    (tmp_path / "actions.json").write_text("another file of the usual name")
    monkeypatch.chdir(tmp_path)
    configs = [
        module(root).data.configs["action"],
        module(None, annotations=str(root / "actions.json")).data.configs["action"],
        module(root, annotations=str(root / "actions.json")).data.configs["action"],
    ]
    assert {(c.root, c.annotations) for c in configs} == {(str(root), str(root / "actions.json"))}
    assert len(module(root).frames("train")) == 10
    with pytest.raises(
        ConfigError, match=r"data\.root is not set: give the folder with the pictures and act"
    ):
        module(None)
    with pytest.raises(DataError, match=r"data\.annotations=.*actions\.json is no file"):
        module(root / "clip_0").frames("train")


def test_the_pictures_may_lie_elsewhere(root, tmp_path):
    path = rewritten(root, tmp_path, lambda i, sample: sample)
    assert len(module(root, annotations=str(path)).frames("train")) == 10
    with pytest.raises(
        DataError, match=rf"none of its 18 pictures is in {tmp_path}, the first is clip_0/fra"
    ):
        module(None, annotations=str(path)).frames("train")


def test_a_part_of_a_mix(root, tmp_path):
    make_labelme(tmp_path / "dance", frames=6, skeleton="openpose18")
    parts = {
        "act": {"kind": "action", "annotations": f"{root.name}/actions.json"},
        "dance": {"kind": "dance", "root": str(tmp_path / "dance")},
    }
    data = module(root.parent, kind="mix", parts=parts)
    assert {frame.source for frame in data.frames("train")} == {"act", "dance"}
    clips = {frame.clip for frame in data.frames("train")} - {None}
    assert clips and all(clip.startswith("act/clip_") for clip in clips)
    assert "walk " in data.summary() and not data.problems.counts()


# clips


def test_clips_come_from_the_file_and_are_not_divided(root):
    data = module(root, val=0.2, test=0.2)
    homes = [{frame.clip for frame in data.frames(part)} for part in PARTS]
    assert len(set.union(*homes)) == 9 == sum(map(len, homes)) and all(homes)
    assert not data.problems.counts()


def test_a_split_file_by_clip_and_one_by_image(root, tmp_path):
    clips = {"train": [f"clip_{i}" for i in range(6)], "val": ["clip_6"], "test": ["clip_7", "clip_8"]}
    (tmp_path / "clips.json").write_text(json.dumps({**clips, "by": "clip"}))
    data = module(root, split=str(tmp_path / "clips.json"))
    assert {part: sorted({f.clip for f in data.frames(part)}) for part in PARTS} == clips
    through = {"train": ["clip_0/frame_000.jpg"], "test": ["clip_0/frame_001.jpg", "clip_1/frame_000.jpg"]}
    (tmp_path / "images.json").write_text(json.dumps(through))
    data = module(root, split=str(tmp_path / "images.json"), val="none")
    assert data.problems.counts()["clip in several parts"] == 1
    assert "clip in several parts 1" in data.summary()


def test_the_rule_for_clips_is_for_what_the_file_leaves_open(root, tmp_path):
    path = rewritten(root, tmp_path, lambda i, s: s | ({"clip": None} if i < 8 else {}))
    for rule, clips in ((None, {None}), ("folder", {"clip_0", "clip_1"}), ("p_(.)/", {"0", "1"})):
        data = module(root, annotations=str(path), clip=rule, val="none", test="none")
        assert {f.clip for f in data.frames("train")[:4]} == clips
        assert {f.clip for f in data.frames("train")[4:]} == {f"clip_{i}" for i in range(2, 9)}


# poses


def test_people_without_keypoints_are_no_background():
    there, box = np.zeros((18, 3)), np.array([1.0, 2, 3, 4])
    there[3] = 5, 5, 2
    seen, boxed, lost = Person(there), Person(there * 0, box=box), Person(there * 0)
    mixed = Frame(Path("a"), (9, 9), [seen, boxed, lost], "openpose18", complete=True)
    posed = for_poses(mixed)
    assert posed.people == [seen] and not posed.complete
    np.testing.assert_array_equal(posed.ignore[0][0], [[1, 2], [4, 2], [4, 6], [1, 6]])
    assert len(mixed.people) == 3 and mixed.ignore == [] and len(posed.ignore) == 1
    assert for_poses(posed) is posed
    assert has_keypoints(mixed) and has_keypoints(replace(mixed, people=[]))
    assert not has_keypoints(replace(mixed, people=[boxed, lost]))


def test_a_training_of_poses_leaves_out_what_has_no_keypoints(root, tmp_path):
    """Nobody in clips 0 and 1 has keypoints, nor has one person in a picture of clip 2."""
    path = rewritten(root, tmp_path, lambda i, s: s | ({"keypoints": None} if i < 9 else {}))
    data = module(root, annotations=str(path), val="none", test="none")
    data.setup("fit")
    frames = data.frames("train")
    assert len(frames) == 14 and "clip_1" not in {frame.clip for frame in frames}
    assert "\nwithout keypoints (left out): 4 pictures\n" in data.summary()
    assert len(frames[0].people) == 1 and len(frames[0].ignore) == 1
    everything = module(root, annotations=str(path), val="none", test="none")
    everything.data.posed = False
    assert len(everything.frames("train")) == 18 and len(everything.frames("train")[4].people) == 2
    assert "\nwithout keypoints (a training of poses leaves them out): 4 pictures\n" in everything.summary()
    again = module(root, annotations=str(path))
    assert again.data.keep(data.split) == 0, "what was left out has not come since"
    assert again.split_hash == data.split_hash and again.data_hash == data.data_hash


def test_nothing_left_to_learn_is_refused(root, tmp_path):
    path = rewritten(root, tmp_path, lambda i, s: s | {"keypoints": None}, skeleton=None)
    words = r"data\.root=.*: in none of its 18 pictures has anybody keypoints \(.*changed\.json\)"
    with pytest.raises(DataError, match=words):
        module(root, annotations=str(path)).setup("fit")
    path = rewritten(root, tmp_path, lambda i, s: s | ({"keypoints": None} if i >= 4 else {}))
    split = {"test": ["clip_0"], "train": [f"clip_{i}" for i in range(1, 9)], "by": "clip"}
    (tmp_path / "split.json").write_text(json.dumps(split))
    data = module(root, annotations=str(path), split=str(tmp_path / "split.json"), val="none")
    with pytest.raises(DataError, match=r"nobody in the training part has keypoints.*: 16"):
        data.setup("fit")
    data.setup("test")
