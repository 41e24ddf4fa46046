"""Every source of actions from its keys to divided frames: labels, gaps, sources, own splits, no pictures."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from factories import PointsCodec, blank_picture, make_actions, make_archive, make_labelme, pyskl_content

from dancepose.data.collection import PoseData
from dancepose.data.datamodules import PoseDataModule
from dancepose.data.images import check_images, read_image
from dancepose.data.loading import clip_of
from dancepose.data.parts import PartConfig
from dancepose.data.readers.actions import write_actions
from dancepose.data.readers.labelme import write_labelme
from dancepose.data.sheets import choose
from dancepose.data.split_file import PARTS
from dancepose.data.statistics import statistics
from dancepose.data.statistics_figure import draw_statistics
from dancepose.errors import ConfigError, DataError
from dancepose.skeleton import load_skeleton

OPENPOSE18 = load_skeleton("openpose18")


def data(kind: str, posed: bool = False, val=0.1, test=0.1, **values) -> PoseData:
    config = PartConfig.from_dict({"kind": kind, **values}, "data")
    made = PoseData({kind: config}, OPENPOSE18, val=val, test=test)
    made.posed = posed
    return made


@pytest.fixture
def archive(tmp_path) -> str:
    labels = ["UpwardSalute", "LeftArm", "RightArm", "wave", "Traffic_Left", "T", "stand"]
    make_archive(tmp_path / "mine.npz", labels, blocks=9, length=3)
    return str(tmp_path / "mine.npz")


@pytest.fixture
def clips(tmp_path) -> str:
    root = tmp_path / "pyskl"
    root.mkdir()
    (root / "mine.pkl").write_bytes(pickle.dumps(pyskl_content(clips=9)))
    (root / "classes.txt").write_text("wave\nwalk\nbow\n")
    return str(root / "mine.pkl")


LABELS = {"UpwardSalute": "hold_high", "*Arm": "single_arm_open", "wave": "wave", "T*": None, "*": "other"}


def test_labels_gap_and_what_they_cost(archive):
    made = data("skeletons", annotations=archive, labels=LABELS, gap=1)
    counts = made.action_counts()
    assert list(counts) == ["hold_high", "single_arm_open", "wave", "other"]
    total = sum(row[part]["samples"] for row in counts.values() for part in PARTS)
    assert total == sum(len(made.frames(part)) for part in PARTS)
    assert all(row[part]["clips"] for row in counts.values() for part in PARTS), "each class in each part"
    lines = made.summary().splitlines()
    left_out = 5 * 9 * 3 - total
    cost = f"{left_out} frames of {left_out // 3} clips (3 each, a clip counts however short)"
    assert f"left out by data.gap=1, clips beside one of another part: {cost}" in lines
    assert "left out by data.labels: 54 samples (T 27, Traffic_Left 27)" in lines
    assert f"without pictures (skeletons): {total} frames" in lines and left_out > 0
    assert not len(made.problems)


def test_blocks_of_left_out_labels_keep_others_apart(archive):
    """wave, Traffic_Left, T, stand stand in this order: the last of wave is not beside the first of stand."""
    made = data("skeletons", annotations=archive, labels=LABELS, gap=1)
    frames = [f for part in PARTS for f in made.frames(part)]
    near = made.loaded[0].gap.near
    assert near(f for f in frames if f.clip.startswith("wave/")) <= {"RightArm/8", "Traffic_Left/0"} | {
        f"wave/{b}" for b in range(9)
    }
    assert near(f for f in frames if f.clip.startswith("stand/")) <= {"T/8"} | {
        f"stand/{b}" for b in range(9)
    }


def test_a_run_that_goes_on_keeps_its_split(archive):
    def made():
        return data("skeletons", annotations=archive, labels=LABELS, gap=1)

    first, again = made(), made()
    assert again.keep(first.split) == 0 and again.names == first.names
    assert again.summary() == first.summary() and again.data_hash == first.data_hash


def test_a_gap_that_takes_all_of_a_class_is_told(tmp_path):
    """bow is between two clips of wave and nowhere else: a test with both leaves none of it."""
    labels = np.repeat(["wave", "bow", "wave", "walk", "walk", "walk"], 2)
    make_archive(
        tmp_path / "a.npz",
        ["wave", "walk"],
        blocks=3,
        length=2,
        label=labels,
        clip=np.repeat([f"c{i}" for i in range(6)], 2),
    )
    (tmp_path / "split.json").write_text('{"train": ["c1", "c3", "c5"], "test": ["c0", "c2"], "by": "clip"}')
    made = data("skeletons", annotations=str(tmp_path / "a.npz"), gap=1, split="split.json", val="none")
    assert {f.clip for f in made.frames("train")} == {"c5"}
    told = {problem.subject: problem.detail for problem in made.problems.of("class without samples")}
    assert told == dict.fromkeys(("'bow'", "'wave'"), "none is left in train")


def test_a_leaky_split_can_be_asked_for_and_is_told(archive):
    made = data("skeletons", annotations=archive, labels=LABELS, split_by="image")
    torn = {f.clip for f in made.frames("train")} & {f.clip for f in made.frames("test")}
    assert torn and len(made.problems.of("clip in several parts")) >= len(torn)
    assert "clips with frames in several parts: " in made.summary()
    assert "clips with frames in several parts" not in data("skeletons", annotations=archive).summary()


def test_from_one_source_to_another(tmp_path):
    sources = np.repeat(["chenge", "lzq", "pck"], 20)
    make_archive(tmp_path / "a.npz", ["wave", "walk", "bow"], blocks=5, length=4, source=sources)
    values = {"annotations": str(tmp_path / "a.npz"), "labels": {"*": "any"}}
    made = data("skeletons", train_sources=["chenge"], test_sources=["lzq"], **values)
    assert {f.source for f in made.frames("test")} == {"lzq"} and len(made.frames("test")) == 20
    assert {f.source for part in ("train", "val") for f in made.frames(part)} == {"chenge"}
    assert "of sources that neither train nor test (data): frames of pck 20" in made.summary().splitlines()
    again = data("skeletons", train_sources=["chenge"], test_sources=["lzq"], **values)
    assert again.keep(made.split) == 0 and again.names == made.names


def test_own_splits_of_pyskl(clips):
    made = data("pyskl", annotations=clips, own_split={"train": "sub_train", "test": ["sub_val"]}, val="none")
    assert {f.clip for f in made.frames("test")} == {"clip_7", "clip_8"}
    assert len({f.clip for f in made.frames("train")}) == 7 and made.frames("train")[0].classes[0] == "wave"
    again = data(
        "pyskl", annotations=clips, own_split={"train": "sub_train", "test": ["sub_val"]}, val="none"
    )
    assert again.keep(made.split) == 0 and again.split_hash == made.split_hash
    drawn = data("pyskl", annotations=clips)
    assert all({f.clip for f in drawn.frames(part)} for part in PARTS), "without the key it is drawn, by clip"
    words = r"data\.own_split\.test: 'sub_vall' is no division of .*mine\.pkl, which has sub_train, sub_val\."
    with pytest.raises(DataError, match=words):
        data("pyskl", annotations=clips, own_split={"train": "sub_train", "test": "sub_vall"}).frames("train")


def test_folders_of_classes(tmp_path):
    for c in range(6):
        for name in ("wave", "walk"):
            for i in range(3):
                blank_picture(tmp_path / name / f"v{c}" / f"{i}.jpg")
    blank_picture(tmp_path / "wave" / "alone.jpg")
    (tmp_path / "classes.txt").write_text("walk\nwave\n")
    made = data("action_folder", root=str(tmp_path), clip="folder")
    frames = {f.name: f for part in PARTS for f in made.frames(part)}
    assert len(frames) == 37 and frames["wave/v0/1.jpg"].clip == "wave/v0"
    assert frames["wave/alone.jpg"].clip is None, "a class is no video"
    assert list(made.action_counts()) == ["walk", "wave"]
    single = data("action_folder", root=str(tmp_path))
    assert all(f.clip is None for f in single.frames("train"))
    named = data("action_folder", root=str(tmp_path), clip="(w.*/v[0-9])", labels={"walk": "wave"})
    assert named.frames("train")[0].classes == ("wave",)


@pytest.mark.parametrize(
    ("name", "rule", "folders", "clip"),
    [
        ("a/b/c.jpg", "folder", 0, "a/b"),
        ("a/b/c.jpg", "folder", 1, "a/b"),
        ("a/c.jpg", "folder", 1, None),
        ("a/c.jpg", "folder", 0, "a"),
        ("a/c.jpg", None, 1, None),
        ("a/c_12.jpg", "(c)_", 1, "c"),
        ("a/d_12.jpg", "(c)_", 1, None),
    ],
)
def test_clips_by_name(name, rule, folders, clip):
    assert clip_of(name, rule, folders) == clip


def test_labels_of_an_actions_json(tmp_path):
    make_actions(tmp_path, clips=6)
    made = data("action", root=str(tmp_path), labels={"walk": None, "wave": "bow"})
    assert list(made.action_counts()) == ["bow", "other"]
    assert "left out by data.labels: 8 samples (walk 8)" in made.summary().splitlines()
    assert made.frames("train")[0].classes == ("bow", "other")


def test_a_mix_has_keys_of_its_own_for_each_part(tmp_path, archive):
    make_actions(tmp_path / "clips", clips=9, classes=("wave", "other"))
    parts = {
        "skeletons": {"kind": "skeletons", "annotations": archive, "labels": LABELS, "gap": 1},
        "clips": {"kind": "action", "root": str(tmp_path / "clips"), "labels": {"other": "hold_high"}},
    }
    configs = {name: PartConfig.from_dict(values, f"data.parts.{name}") for name, values in parts.items()}

    def made():
        found = PoseData(configs, OPENPOSE18, mixed=True)
        found.posed = False
        return found

    first, again = made(), made()
    assert list(first.action_counts()) == ["hold_high", "single_arm_open", "wave", "other"]
    assert "left out by data.parts.skeletons.gap=1" in first.summary()
    assert again.keep(first.split) == 0 and again.summary() == first.summary()


# without pictures


def test_poses_cannot_be_learnt_without_pictures(archive):
    words = (
        r"data\.kind=skeletons \(.*mine\.npz\): its frames have .* a network for poses needs pictures\. Give"
    )
    with pytest.raises(DataError, match=words):
        data("skeletons", posed=True, annotations=archive).frames("train")
    module = PoseDataModule(
        OPENPOSE18, PointsCodec(OPENPOSE18), kind="skeletons", annotations=archive, batch_size=2, size=64
    )
    with pytest.raises(DataError, match=words):
        module.setup("fit")


def test_nothing_opens_a_picture_that_is_not_there(archive, tmp_path):
    made = data("skeletons", annotations=archive, labels=LABELS)
    frames = made.frames("train")
    assert not len(made.unusable(*PARTS)) and not len(check_images(frames))
    assert choose(frames, 5, 0, made.problems)[0] == []
    with pytest.raises(DataError, match="has no picture, only keypoints"):
        read_image(frames[0].image)
    with pytest.raises(DataError, match="has no picture"):
        write_actions(frames, OPENPOSE18, tmp_path / "a.json")
    with pytest.raises(DataError, match="has no picture"):
        write_labelme(frames[0], OPENPOSE18, tmp_path / "a.json")


@pytest.mark.slow
def test_statistics_without_sizes(archive, clips):
    for kind, path, sized in (("skeletons", archive, False), ("pyskl", clips, True)):
        made = data(kind, annotations=path)
        module = PoseDataModule(OPENPOSE18, PointsCodec(OPENPOSE18), kind=kind, annotations=path, size=64)
        parts = {part: made.frames(part) for part in PARTS}
        found = statistics(parts, OPENPOSE18, module.geometry)
        people = sum(len(f.people) for f in parts["train"])
        assert found["train"]["people"] == people
        assert found["train"]["person_size"]["measured"] == (people if sized else 0)
        width = [[160, 120, len(parts["train"])]]
        assert found["train"]["picture_sizes"] == (width if sized else [])
        assert draw_statistics(found, OPENPOSE18, kind).startswith(b"\x89PNG")


# keys


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "skeletons"}, r"data\.annotations is not set: give the \.npz"),
        ({"kind": "pyskl", "root": "x"}, r"data\.annotations is not set: give PYSKL's pickle"),
        (
            {"kind": "action_folder"},
            r"data\.root is not set: give the folder that holds a folder of pictures",
        ),
        (
            {"kind": "action_folder", "root": "x", "annotations": "y"},
            r"data\.annotations belongs to kind=coco",
        ),
        (
            {"kind": "action", "root": "x", "classes": ["a"]},
            r"data\.classes belongs to kind=dance, kind=action_f",
        ),
        (
            {"kind": "dance", "root": "x", "own_split": {"train": "a"}},
            r"data\.own_split belongs to kind=pyskl",
        ),
        (
            {"kind": "dance", "root": "x", "source_skeleton": "a"},
            r"data\.source_skeleton belongs to kind=skel",
        ),
        ({"labels": {}}, r"data\.labels=\{\}: give"),
        ({"labels": {"a": 3}}, r"data\.labels\.a=3: give the name of a class, or null"),
        ({"classes": []}, r"data\.classes=\[\]: give different names"),
        ({"classes": ["a", "a"]}, r"data\.classes=.*: give different names"),
        ({"classes": ["a", 3]}, r"data\.classes=\['a', 3\]"),
        ({"split_by": "frame"}, r"data\.split_by=frame: choose one of clip, image"),
        ({"gap": -1}, r"data\.gap=-1: give a whole number"),
        ({"gap": 1, "split_by": "image"}, r"data\.gap=1 is between clips: data\.split_by=image tears them"),
        ({"train_sources": ["a"], "test_sources": ["b", "a"]}, r"data\.train_sources and .* both name 'a'"),
        ({"own_split": {"trian": "a"}}, r"unknown key data\.own_split\.trian.* Did you mean 'train'"),
        ({"own_split": {"test": "a"}}, r"data\.own_split=.*train some at least"),
        ({"own_split": {"train": "a", "test": "a"}}, r"data\.own_split=.*give each part other divisions"),
        ({"own_split": {"train": 3}}, r"data\.own_split\.train=3: give the name of a division"),
        ({"own_split": {"train": "a"}, "test_sources": ["b"]}, r"data\.own_split divides the data: leave"),
    ],
    ids=str,
)
def test_wrong_keys_are_named(values, words):
    with pytest.raises(ConfigError, match=words):
        PartConfig.from_dict(
            {"kind": "pyskl", "annotations": "a.pkl"} | values if "kind" not in values else values, "data"
        )


def test_the_keys_of_one_data_set_do_not_belong_to_a_mix(tmp_path):
    parts = {"a": {"kind": "dance", "root": str(tmp_path)}}
    for name, value in {"gap": 1, "labels": {"a": "b"}, "split_by": "image"}.items():
        with pytest.raises(ConfigError, match=rf"data\.{name}: in a mix each part has its own, data\.parts"):
            PoseDataModule(OPENPOSE18, PointsCodec(OPENPOSE18), kind="mix", parts=parts, **{name: value})
    PoseDataModule(OPENPOSE18, PointsCodec(OPENPOSE18), kind="mix", parts=parts, gap=0, split_by="clip")


@pytest.mark.parametrize("kind", ["skeletons", "pyskl"])
def test_root_may_be_left_out(kind, archive, clips, monkeypatch):
    path = Path({"skeletons": archive, "pyskl": clips}[kind])
    expected = data(kind, annotations=str(path)).split_hash
    assert data(kind, annotations=path.name, root=str(path.parent)).split_hash == expected
    monkeypatch.chdir(path.parent)
    assert data(kind, annotations=path.name).split_hash == expected


def test_classes_from_a_file(clips, tmp_path):
    assert data("pyskl", annotations=clips).frames("train")[0].classes == ("wave", "walk", "bow")
    (tmp_path / "pyskl" / "mine.txt").write_text("a\nb\nc\n")
    made = data("pyskl", annotations=clips, classes="mine.txt")
    assert made.frames("train")[0].classes == ("a", "b", "c")
    with pytest.raises(DataError, match=r"data\.classes=none\.txt cannot be read"):
        data("pyskl", annotations=clips, classes="none.txt").frames("train")


def test_poses_of_labelme_are_unchanged_by_actions(tmp_path):
    make_labelme(tmp_path, frames=6)
    made = data("dance", posed=True, root=str(tmp_path))
    assert not made.action_counts() and made.frames("train")[0].classes == ()


@pytest.mark.shared
def test_real_skeletons_are_divided_as_their_readme_says(shared):
    import yaml

    from dancepose.paths import config_dir

    labels = yaml.safe_load((config_dir() / "data" / "skeletons_openpose18.yaml").read_text())["labels"]
    path = str(shared / "data" / "actions" / "skeletons_openpose18.npz")
    made = data("skeletons", annotations=path, labels=labels, gap=1)
    assert list(made.action_counts()) == ["hold_high", "single_arm_open", "wave", "walk", "other"]
    assert all(row[part]["clips"] for row in made.action_counts().values() for part in PARTS)
    assert sum(made.loaded[0].labels_left_out.values()) == 4790
    near = made.loaded[0].gap.near
    homes = {part: {f.clip for f in made.frames(part)} for part in PARTS}
    for part in PARTS:
        beside = near(made.frames(part))
        assert not any(beside & homes[other] for other in PARTS if other != part)
