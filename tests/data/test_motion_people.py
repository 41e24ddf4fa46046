import json
import re
import shlex
from copy import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from factories import make_actions, make_archive
from hydra.core.override_parser.overrides_parser import OverridesParser

from dancepose.data.collection import PoseData
from dancepose.data.loaded_part import LoadedPart, leaving_out
from dancepose.data.motion_datamodule import MotionDataModule
from dancepose.data.motion_people import HOLDOUT, MotionPeople
from dancepose.data.parts import PartConfig
from dancepose.encoders import ImageOnly, SequenceEncoder
from dancepose.errors import ConfigError, DataError
from dancepose.features import KeypointFeatures
from dancepose.override_keys import as_key
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> PoseData:
    root = tmp_path_factory.mktemp("actions")
    made = make_actions(root, clips=24, length=2)
    assert made[0].classes == ("wave", "walk", "other")
    config = PartConfig.from_dict({"kind": "action", "root": str(root)}, "data")
    found = PoseData({"action": config}, load_skeleton("openpose18"), val=0.2, test=0.2)
    found.posed = False
    for number, frame in enumerate(found.frames("train") + found.frames("val") + found.frames("test")):
        frame.source = "ab"[number % 2]
    return found


def people(data: PoseData, **changes) -> MotionPeople:
    return MotionPeople(data, ImageOnly(), **{"step": 1, "holdout": 0.1, "sampler": "none", **changes})


def test_every_sample_is_in_one_part(data):
    made = people(data)
    ids = {part: {s.id for s in made.samples(part)} for part in ("train", HOLDOUT, "val", "test")}
    assert sum(map(len, ids.values())) == len(set().union(*ids.values())) == 96
    assert {s.clip for s in made.samples("train")}.isdisjoint({s.clip for s in made.samples(HOLDOUT)})
    told = made.told()
    held = {name: sum(s.label == i for s in made.samples(HOLDOUT)) for i, name in enumerate(made.actions)}
    assert f"{len(ids[HOLDOUT])} samples, {len(ids['train'])} left (wave {held['wave']} of " in told
    assert sum(int(n) for n in re.findall(r"(\d+) of", told)) == len(ids[HOLDOUT]) > 0


def test_a_class_of_which_nothing_can_be_held_out_is_named(tmp_path):
    """By each class's only clip nothing would be measured: in silence the sampler would be another one."""
    make_actions(tmp_path, clips=3, length=4)
    config = PartConfig.from_dict({"kind": "action", "root": str(tmp_path)}, "data")
    found = PoseData({"action": config}, load_skeleton("openpose18"), val="none", test="none")
    found.posed = False
    people(found, sampler="balanced").check_training(1)
    with pytest.raises(ConfigError, match="of walk no clip can be held out .*=balanced"):
        people(found, sampler="confusion").check_training(1)


def test_frames_without_an_action_need_no_source(data):
    """Where nobody does anything that is known, there is no sample, whose source would be asked for."""
    idle = [replace(frame, people=[], source="") for frame in data.frames("train")[:2]]
    other = copy(data)
    other.frames = lambda part: [*idle, *data.frames(part)] if part == "train" else data.frames(part)
    assert set(people(other, target="source").actions) == {"a", "b"}


def test_training_samples_stand_by_class_and_weights_follow(data):
    made = people(data, sampler="balanced")
    assert [sample.label for sample in made.samples("train")] == sorted(
        s.label for s in made.samples("train")
    )
    assert made.weights.counts == tuple(len(group) for group in made.groups)
    shares = [w * len(g) for w, g in zip(made.group_weights(), made.groups, strict=True)]
    assert shares == pytest.approx([shares[0]] * 3)


def test_the_source_in_place_of_the_action(data):
    made = people(data, target="source")
    assert set(made.actions) == {"a", "b"}
    for sample in made.samples("test"):
        assert made.actions[sample.label] == sample.middle[0].source


def test_a_trained_networks_actions_come_in_its_order(data):
    assert people(data, known_actions=["other", "walk", "wave"]).actions == ("other", "walk", "wave")
    with pytest.raises(DataError, match="the data show walk, and the network tells apart other, wave"):
        _ = people(data, known_actions=["other", "wave"]).actions


def test_a_batch_larger_than_the_part_is_refused(data):
    with pytest.raises(ConfigError, match=r"data\.batch_size=999"):
        people(data).check_training(999)


def test_a_parts_samples_are_made_once(data):
    made = people(data)
    for part in ("train", HOLDOUT, "val", "test"):
        assert made.samples(part) is made.samples(part)


def test_keypoints_are_taken_away_in_the_test_alone(data):
    made, plain = people(data, test_without=["nose", "left_wrist"]), people(data)
    gone = data.skeleton.indices(["nose", "left_wrist"])
    assert made.taken_away("test") == ("nose", "left_wrist") and made.taken_away("val") == ()
    for part in ("train", HOLDOUT, "val", "test"):
        assert [sample.id for sample in made.samples(part)] == [sample.id for sample in plain.samples(part)]
        for one, other in zip(made.samples(part), plain.samples(part), strict=True):
            wanted = other.keypoints.copy()
            wanted[:, gone] = 0 if part == "test" else wanted[:, gone]
            assert np.array_equal(one.keypoints, wanted) and other.keypoints[:, gone].any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sampler": "confusion", "holdout": 0}, "data.holdout=0.1"),
        ({"holdout": 1}, "data.holdout=1"),
        ({"target": "sourc"}, "Did you mean 'source'"),
        ({"test_without": ["nos"]}, "data.test_without: .*'nos'.* Did you mean 'nose'"),
    ],
)
def test_impossible_values_are_refused(data, changes, words):
    with pytest.raises(ConfigError, match=words):
        people(data, **changes)


def archive(path, arrays=None, **more) -> PoseData:
    """Two sources that are divided by, one of which has no c."""
    labels = ["x", "z", "c"]
    source = np.where(np.arange(60) % 2 == 0, "b", np.repeat(["a", "a", "b"], 20))
    clips = np.array([f"clip {i}" for i in range(60)])
    make_archive(path, labels, source=source, clip=clips, **(arrays or {}))
    node = {"kind": "skeletons", "annotations": str(path), "train_sources": ["a"], "test_sources": ["b"]}
    config = PartConfig.from_dict({**node, **more}, "data")
    found = PoseData({"skeletons": config}, load_skeleton("openpose18"), val="none")
    found.posed = False
    return found


@pytest.mark.parametrize("labels", [None, {"c": "third"}])
def test_a_class_that_cannot_be_learnt_is_told_with_what_leaves_it_out(tmp_path, labels):
    with pytest.raises(DataError, match=r"no sample of (c|third): ") as caught:
        people(archive(tmp_path / "a.npz", labels=labels)).check_training(1)
    assert str(caught.value).endswith("or leave them out of all parts: 'data.labels={c: null}'")
    people(archive(tmp_path / "b.npz", labels={"c": None})).check_training(1)


@pytest.mark.parametrize("name", ["Tänze", "it's so", 'a "b"', "x=[y, z:]", "50 % *", " spaced"])
def test_what_leaves_a_class_out_is_taken_whatever_its_name(name, tmp_path):
    """The command line takes few characters in a key; a file takes all."""
    config = PartConfig.from_dict({"kind": "action", "root": str(tmp_path)}, "data")
    frame = Frame(tmp_path, (9, 9), [Person(np.ones((15, 3)), action=name)], "mpii15", "a", classes=(name,))
    loaded = LoadedPart("mine", config, {"train": [frame], "val": [], "test": []})
    for mixed, path in ((False, "data.labels"), (True, "data.parts.mine.labels")):
        (told,) = leaving_out([loaded], [name], mixed)
        if told.startswith("'data."):
            (argument,) = shlex.split(told)
            override = OverridesParser.create().parse_override(argument)
            key, value = override.key_or_group, override.value()
        else:
            content, _, where = told.partition(" in a file data/mine.yaml ")
            assert "--config-dir <that folder> data=mine" in where
            key, value = "data", yaml.safe_load(content)
            while list(value) != [name]:
                ((word, value),) = value.items()
                key += f".{word}"
        assert (key, value) == (path, {name: None})
    assert told.startswith("'data.") == bool(as_key(name)) == (name in ("x=[y, z:]", "50 % *"))


SEES_KEYPOINTS = SimpleNamespace(inputs=("features",), frames=None)


def test_nobody_with_keypoints_and_no_pictures_is_told_what_can_help(tmp_path):
    data = archive(tmp_path / "none.npz", {"conf": np.zeros((60, 18))})
    with pytest.raises(DataError, match=r"none\.npz: none of the .* train part has keypoints") as caught:
        MotionPeople(data, SEES_KEYPOINTS, 1, 0, "none").check_keypoints("train")
    told = str(caught.value)
    assert "confidences are above 0" in told and "pose_run" not in told and "[image]" not in told


@pytest.mark.parametrize("sought", [False, True])
def test_nobody_with_keypoints_in_pictures_is_told_what_can_help(tmp_path, sought):
    make_actions(tmp_path, clips=12, length=1)
    blank(tmp_path / "actions.json")
    data = PoseData(
        {"action": PartConfig.from_dict({"kind": "action", "root": str(tmp_path)}, "data")},
        load_skeleton("openpose18"),
    )
    data.posed = False
    filler = SimpleNamespace(fill=list) if sought else None
    with pytest.raises(DataError, match=r"or look at the picture alone \(model\.branches=.*\)$") as caught:
        MotionPeople(data, SEES_KEYPOINTS, 1, 0, "none", filler=filler).check_keypoints("train")
    told = str(caught.value)
    assert ("that of data.pose_run finds nobody" in told) == sought
    assert ("data.pose_run=<run directory> has a trained" in told) != sought
    over_time = SimpleNamespace(inputs=("sequence",), frames=None)
    with pytest.raises(DataError) as caught:
        MotionPeople(data, over_time, 1, 0, "none").check_keypoints("train")
    assert "model.branches" not in str(caught.value), "a network that has no other branch"


def blank(path) -> None:
    content = json.loads(path.read_text())
    for sample in content["samples"]:
        sample["keypoints"] = None
    path.write_text(json.dumps(content))


def test_the_table_counts_what_is_told_apart(data):
    assert people(data).table().splitlines()[1].startswith("wave")
    lines = people(data, target="source").table().splitlines()
    assert [line.split()[0] for line in lines] == ["samples", "a", "b", "all"]
    per_part = [len(data.frames(part)) for part in ("train", "val", "test")]
    assert [int(cell) for cell in lines[-1].split()[1:]] == [2 * count for count in per_part]


def test_over_time_the_table_counts_windows_and_a_limit_keeps_whole_clips(tmp_path):
    make_archive(tmp_path / "mine.npz", ["wave", "walk"], blocks=12, length=7)
    skeleton = load_skeleton("openpose18")
    encoder = SequenceEncoder(KeypointFeatures(skeleton, ["relative_position"]), 4)
    values = {"kind": "skeletons", "annotations": str(tmp_path / "mine.npz"), "images": False, "val": 2}
    made = MotionDataModule(skeleton, encoder, test=14, limit={"train": 30, "val": 1}, **values)
    samples = {part: made.samples(part) for part in ("train", HOLDOUT, "val", "test")}
    assert all(len(sample.steps) == sample.pictures == 4 for part in samples.values() for sample in part)
    assert [len(made.frames(part)) for part in ("train", "val", "test")] == [28, 14, 14]
    lines = made.summary().splitlines()
    assert "windows (clips)  train    val   test" in lines and "wave             4 (2)  2 (1)  2 (1)" in lines
    held = len(samples[HOLDOUT])
    of_each = [sum(s.label == label for s in samples[HOLDOUT]) for label in (0, 1)]
    told = ", ".join(f"{name} {n} of 4" for name, n in zip(made.people.actions, of_each, strict=True))
    counts = f"{held} windows, {8 - held} left ({told})"
    told = f"held out of training (data.holdout=0.1): {counts}; for any sampler alike. That is much, "
    assert any(line.startswith(told) for line in lines)
    told = "data.limit=1 holds less than a clip of each class, and a clip is not cut: val has 14 pictures"
    assert told in lines and not any("train has" in line for line in lines)
