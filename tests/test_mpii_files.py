"""The whole path on drawn pictures in MPII's layout: synthesize, browse, train, evaluate."""

import json

import numpy as np
import pytest
from factories import make_coco
from mpii_files import image, person, write_mpii
from running import SMALL, run_task

from dancepose.browse import browse
from dancepose.data.collection import PoseData
from dancepose.data.frame_datamodule import FrameDataModule
from dancepose.data.left_out import beside_figures
from dancepose.data.parts import PartConfig
from dancepose.errors import ConfigError, DataError
from dancepose.evaluate import evaluate
from dancepose.files import write_text
from dancepose.skeleton import load_skeleton
from dancepose.synthesize import synthesize
from dancepose.tasks.resuming import keep_data
from dancepose.tasks.run_directory import RunDirectory
from dancepose.train import train


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))


@pytest.mark.slow
def test_from_drawing_to_figures(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("dancepose.data.statistics_figure.draw_statistics", lambda *args: b"no figure")
    root = tmp_path / "mpii"
    few = ["train=4", "val=1", "test=1", "difficulty=easy", "seed=4", "samples=0", "workers=1"]
    with caplog.at_level("INFO"):
        run_task(synthesize, "synthesize", tmp_path / "drawn", f"root={root}", "format=mpii", *few)
        told = caplog.text.partition("to train on it: dancepose-train ")[2].splitlines()[0].split()
        told = [word.replace("'", "") for word in told]
        assert told[:2] == ["data=mpii", f"data.root={root}"]
        run_task(browse, "browse", tmp_path / "browse", *told, "count=1", "data.workers=0")
    assert "groups: of " in caplog.text and "test: the official list" not in caplog.text
    assert f"divided by {root / 'split.json'}, not by the official lists" in caplog.text
    listing = json.loads((tmp_path / "browse" / "browse.json").read_text())
    assert sum(row["images"] for row in listing["counts"]) >= 4 and "groups" in listing["counts"][0]
    assert (tmp_path / "browse" / "pictures" / "train.jpg").is_file()
    steps = ["trainer.max_epochs=1"]
    small = [override for override in SMALL if override != "data=dance"]
    run_task(train, "train", tmp_path / "run", "experiment=pose_mpii", *small, *told, *steps)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "done"
    run_task(evaluate, "evaluate", tmp_path / "evaluated", f"run={tmp_path / 'run'}")
    own, report = (json.loads((tmp_path / name / "test.json").read_text()) for name in ("run", "evaluated"))
    for row in (*own["rows"].values(), *report["rows"].values()):
        assert f"groups: of {root / 'groups_v12.mat'}" in row["notes"]
        assert f"divided by {root / 'split.json'}, not by the official lists" in row["notes"]
    assert report["images"] == 1 and {"Head", "Ankle", "mAP"} <= set(report["rows"]["mAP"]["columns"])
    assert report["rows"]["mAP"]["counts"]["groups"] >= 1


def pairs(names, **changes):
    """Return pictures of a group of two each."""
    return [image(name, [person(), person(28.0)], **changes) for name in names]


def data(root, **changes):
    own = {key: changes.pop(key) for key in ("split", "test_sources") if key in changes}
    config = PartConfig.from_dict({"kind": "mpii", "root": str(root), **own}, "data")
    return PoseData({"mpii": config}, load_skeleton("mpii15"), **{"val": 2, "test": 0.3138} | changes)


def test_a_hold_out_by_groups_leaves_single_people_to_train(tmp_path):
    single = [image(f"s{i}.jpg", person()) for i in range(5)]
    found = data(write_mpii(tmp_path, [*pairs([f"p{i}.jpg" for i in range(10)]), *single]))
    counts = {row["part"]: (row["images"], row["groups"]) for row in found.counts()}
    assert counts == {"train": (10, 5), "val": (2, 2), "test": (3, 3)}
    assert {f"s{i}.jpg" for i in range(5)} < set(found.names["train"])
    assert found.names == data(tmp_path).names != data(tmp_path, split_seed=1).names
    assert "held out" in found.summary()
    with pytest.raises(ConfigError, match=r"data\.val=350: .* below the 7 groups there are"):
        data(tmp_path, val=350).summary()


def official(root):
    """Two pictures for training, each with a group of two, and one of the test."""
    return write_mpii(root, pairs(["a.jpg", "b.jpg", "c.jpg"]), [1, 1, 0])


def test_what_divides_is_told(tmp_path):
    root = official(tmp_path)
    assert "test: the official list" in data(root, val=1).summary()
    (root / "mine.json").write_text(json.dumps({"train": ["a.jpg"], "val": ["b.jpg"], "test": ["c.jpg"]}))
    told = data(root, split="mine.json").summary()
    assert f"divided by {root / 'mine.json'}, not by the official lists" in told and "test: the" not in told
    act = [{"cat_name": name} for name in ("dancing", "sports", "dancing")]
    write_mpii(root, pairs(["a.jpg", "b.jpg", "c.jpg"]), [1, 1, 0], act=act)
    told = data(root, val="none", test_sources=["dancing"]).summary()
    assert "divided by data.train_sources and data.test_sources, not by the official lists" in told


def test_what_stands_beside_figures(tmp_path):
    """Whence groups are, and what divides, unless the training part is the test."""
    found = data(official(tmp_path), val=1)
    notes, divided = beside_figures(found.loaded, mixed=False)
    assert len(notes) == 1 and notes[0].endswith("figures are not comparable")
    assert divided == ["test: the official list"]
    assert beside_figures(found.loaded, mixed=True)[1] == ["mpii: test: the official list"]
    kept = data(tmp_path, val=1)
    kept.keep(found.split)
    assert beside_figures(kept.loaded, mixed=False) == (notes, divided)
    assert beside_figures(data(tmp_path, overfit=True).loaded, mixed=False) == (notes, [])
    whole = data(tmp_path, val=350)
    whole.leave_whole()
    assert "test: the official list" not in whole.summary()


def test_whose_figures_say_what_divides(tmp_path):
    """Those of the test, and only of data that have official lists."""
    module = FrameDataModule(seed=0, batch_size=2, test_batch_size=None, workers=0)
    module.data = data(official(tmp_path), val=1)
    notes, divided = beside_figures(module.data.loaded, mixed=False)
    assert module.figure_notes("val") == notes and module.figure_notes("test") == [*notes, *divided]
    module.data.divided_by = ["as the run says"]
    assert module.figure_notes("test") == [*notes, "as the run says"] and module.figure_notes("val") == notes
    make_coco(tmp_path / "coco", frames=9)
    node = {"kind": "coco", "root": str(tmp_path / "coco"), "annotations": "annotations.json"}
    configs = {"coco": PartConfig.from_dict(node, "data")}
    module.data = PoseData(configs, load_skeleton("mpii15"))
    module.data.divided_by = ["as the run says"]
    assert module.figure_notes("test") == [] and "as the run says" not in module.data.summary()


def test_a_part_of_the_official_list_is_told(tmp_path):
    write_mpii(tmp_path, pairs([f"{n}.jpg" for n in "abcde"]), [1, 1, 0, 0, 0])
    limited = data(tmp_path, val=1, limit=1)
    _, divided = beside_figures(limited.loaded, mixed=False)
    words = "only 1 of its 3 pictures are tested (data.limit, data.min_people): figures are not comparable"
    assert divided[1] == words
    bare, groups = person() | {"annopoints": []}, [[np.array([1.0, 2.0])]] * 5
    for people, told in (
        ([bare, bare], "test: 2 of the 3 pictures of the official list that have a group"),
        ([bare], "test: the official list"),  # of no group, and so in no test
    ):
        images = [*pairs([f"{n}.jpg" for n in "abcd"]), image("e.jpg", people)]
        own = groups if len(people) > 1 else [*groups[:4], []]
        write_mpii(tmp_path, images, [1, 1, 0, 0, 0], groups=own)
        assert told in data(tmp_path, val=1).summary()


def test_a_run_that_goes_on_says_what_divided_it(tmp_path):
    """The file may have got points of its test images since: the split is that of the run all the same."""
    bare = [[person() | {"annopoints": []}, person(28.0) | {"annopoints": []}] for _ in range(2)]
    names = [f"{n}.jpg" for n in "abcdef"]
    hidden = [image(name, people) for name, people in zip(("g.jpg", "h.jpg"), bare, strict=True)]
    began = data(write_mpii(tmp_path, [*pairs(names), *hidden], [1] * 6 + [0] * 2))
    (divided,) = beside_figures(began.loaded, mixed=False)[1]
    assert divided.startswith("test: held out of the training images, since 2 of the 2")
    now = data(write_mpii(tmp_path, pairs([*names, "g.jpg", "h.jpg"]), [1] * 6 + [0] * 2))
    run = RunDirectory(tmp_path / "run")
    write_text(run.path / "config.yaml", "data: {}\n")
    run.write_split(began.split, {})
    run.write_metrics("running", split=began.split_hash, data=began.data_hash, division=[divided])
    keep_data(run, {}, now)
    assert now.names == began.names
    assert divided in now.summary() and "the official list" not in now.summary()


def test_an_empty_part_is_told(tmp_path):
    """One video can be on one side alone, and a picture without a group is never drawn."""
    told = data(write_mpii(tmp_path, pairs(["a.jpg", "b.jpg"], clip=1)), val="none").summary()
    empty = "the test part is empty, though data.test=0.3138 asks for one: nothing could be drawn"
    assert empty in told and "val part" not in told
    told = data(tmp_path, val="none", test="none").summary()
    assert "part is empty" not in told
    singles = [image(f"{n}.jpg", person()) for n in "de"]
    root = write_mpii(tmp_path, [*pairs(["a.jpg"]), *singles], [1, 0, 0])
    assert "the test part is empty: of the pictures that the data set apart" in data(root, val=0).summary()
    assert "part is empty" not in data(official(tmp_path), val=1).summary()


def test_a_part_of_a_file_without_any_group_is_told(tmp_path):
    """Nothing of it is scored; where some have a group the others are passed over."""
    root = write_mpii(tmp_path, [*pairs(["a.jpg", "b.jpg"]), image("s.jpg", person())])
    (root / "mine.json").write_text(json.dumps({"train": ["a.jpg"], "val": ["s.jpg"], "test": ["b.jpg"]}))
    told = data(root, split="mine.json").summary()
    assert "no picture of the val part has a group of people: nothing of it is scored" in told
    assert "of the test part" not in told


def test_where_a_split_file_is_looked_for(tmp_path, monkeypatch):
    (tmp_path / "mpii").mkdir()
    root = official(tmp_path / "mpii")
    monkeypatch.chdir(tmp_path)
    places = rf"data\.split=no\.json is no file: neither {tmp_path / 'no.json'} nor {root / 'no.json'}"
    with pytest.raises(DataError, match=places):
        data(root, split="no.json").summary()
    with pytest.raises(DataError, match=rf"data\.split={tmp_path / 'no.json'} is no file: give"):
        data(root, split=str(tmp_path / "no.json")).summary()


def test_a_split_file_that_lies_there_is_named_where_none_can_be_drawn(tmp_path):
    root = official(tmp_path)
    with pytest.raises(ConfigError, match=r"below the 2 groups there are") as caught:
        data(root, val=350).summary()
    assert "split.json" not in str(caught.value)
    (root / "split.json").write_text("{}")
    with pytest.raises(ConfigError, match=rf"{root / 'split.json'} lies there: data\.split=split\.json"):
        data(root, val=350).summary()


def test_what_cannot_be_divided_is_browsed_all_the_same(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("dancepose.data.statistics_figure.draw_statistics", lambda *args: b"no figure")
    root, run = official(tmp_path), tmp_path / "browse"
    with caplog.at_level("INFO"), pytest.raises(ConfigError) as caught:
        run_task(browse, "browse", run, "data=mpii", f"data.root={root}", "count=1", "data.workers=0")
    assert str(caught.value).startswith("training would refuse to start: data.val=350: ")
    assert "not divided, all is shown as train" in caplog.text
    listing = json.loads((run / "browse.json").read_text())
    assert [row["images"] for row in listing["counts"]] == [3, 0, 0]
    assert (run / "pictures" / "train.jpg").is_file()


def test_clips_never_straddle_and_their_single_people_go_with_them(tmp_path):
    images = []
    for clip in range(1, 9):
        images += pairs([f"{clip}{n}.jpg" for n in "ab"], clip=clip)
        images.append(image(f"{clip}s.jpg", person(), clip))
    found = data(write_mpii(tmp_path, images))
    homes = {part: {frame.clip for frame in found.frames(part)} for part in ("train", "val", "test")}
    assert not homes["train"] & homes["test"] and not homes["train"] & homes["val"]
    assert not homes["val"] & homes["test"] and all(homes.values())
    assert all(frame.evaluated for part in ("val", "test") for frame in found.frames(part))
    kept = data(tmp_path)
    assert kept.keep(found.split) == 0 and kept.names == found.names


def test_the_official_test_list_where_it_has_points(tmp_path):
    images = [
        *pairs(["a.jpg", "b.jpg", "c.jpg", "d.jpg"]),
        *pairs(["e.jpg"], clip=1),
        *pairs(["t.jpg"], clip=1),
        image("u.jpg", person()),
    ]
    found = data(write_mpii(tmp_path, images, train=[1, 1, 1, 1, 1, 0, 0]))
    assert found.names["test"] == ["t.jpg"]
    assert sorted(found.names["train"] + found.names["val"]) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert len(found.names["val"]) == 2
    kept = data(tmp_path)
    assert kept.keep(found.split) == 0 and kept.names == found.names


def test_lists_are_replaced_by_a_file(tmp_path):
    write_mpii(tmp_path, pairs(["a.jpg", "b.jpg", "c.jpg"]))
    lists = {"train": ["c.jpg"], "val": ["a.jpg"], "test": ["b.jpg"]}
    (tmp_path / "mine.json").write_text(json.dumps(lists))
    assert data(tmp_path, split="mine.json").names == lists


def test_a_part_of_a_mix(tmp_path):
    """Its frames train beside others', and each part keeps the keypoints that it labels."""
    write_mpii(tmp_path / "mpii", [*pairs([f"p{i}.jpg" for i in range(9)]), image("s.jpg", person())])
    make_coco(tmp_path / "coco", frames=5)
    parts = {
        "mpii": {"kind": "mpii", "root": str(tmp_path / "mpii")},
        "other": {"kind": "coco", "root": str(tmp_path / "coco"), "annotations": "annotations.json"},
    }
    configs = {name: PartConfig.from_dict(part, f"data.parts.{name}") for name, part in parts.items()}
    found = PoseData(configs, load_skeleton("mpii16"), val=2, test=0.3138)
    homes = {part: [f for f in found.frames(part) if f.source == "mpii"] for part in found.names}
    assert [len(homes[part]) for part in ("train", "val", "test")] == [5, 2, 3]
    assert "s.jpg" in found.names["train"]
    for frame in found.frames("train"):
        mpii = frame.source == "mpii"
        assert bool(frame.groups) == (mpii and frame.evaluated) and frame.excuses == (not mpii)
        assert frame.labelled is None or frame.labelled.all() == mpii
    kept = PoseData(configs, load_skeleton("mpii16"), val=2, test=0.3138)
    assert kept.keep(found.split) == 0 and kept.names == found.names


def test_a_folder_without_the_file_names_the_key(tmp_path):
    with pytest.raises(DataError, match=r"data\.annotations=.*mpii_human_pose_v1_u12_1\.mat is no file"):
        data(tmp_path).summary()
    with pytest.raises(DataError, match=r"data\.root=.* is no folder: give the folder with mpii_human"):
        data(tmp_path / "nowhere").summary()
    with pytest.raises(ConfigError, match=r"data\.root is not set"):
        data("")
