"""Splits: from a file or drawn; reproducible, without overlap, and never through the middle of a clip."""

import json
from pathlib import Path

import numpy as np
import pytest
from factories import make_labelme
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.collection import PoseData
from dancepose.data.hashes import data_hash, split_hash
from dancepose.data.parts import PartConfig
from dancepose.data.problems import Problems
from dancepose.data.split_file import PARTS, read_split
from dancepose.data.splits import kept_split, pick, split_frames
from dancepose.errors import ConfigError, DataError
from dancepose.records import Frame, Group, Person
from dancepose.skeleton import load_skeleton


def frames(count: int, clips: int | None = None) -> list[Frame]:
    return [
        Frame(
            Path(f"{i}.jpg"),
            (8, 8),
            [],
            "mpii15",
            f"{i:03d}.jpg",
            clip=None if clips is None else f"v{i % clips}",
        )
        for i in range(count)
    ]


def names(parts: dict) -> dict[str, list[str]]:
    return {part: [frame.name for frame in found] for part, found in parts.items()}


def divide(data, file=None, val=0.1, test=0.1, seed=0, problems=None):
    return split_frames(data, file, val, test, seed, Problems() if problems is None else problems)


def write(path: Path, **content) -> Path:
    path.write_text(json.dumps(content))
    return path


@given(
    count=st.integers(3, 60),
    clips=st.none() | st.integers(3, 8),
    val=st.floats(0, 0.3),
    test=st.floats(0, 0.3),
    seed=st.integers(0, 3),
    order=st.randoms(use_true_random=False),
)
def test_drawn_splits_are_whole_disjoint_and_independent_of_order(count, clips, val, test, seed, order):
    data = frames(count, clips)
    parts = divide(data, val=val, test=test, seed=seed)
    every = [name for part in PARTS for name in names(parts)[part]]
    assert sorted(every) == [frame.name for frame in data] and parts["train"]
    shuffled = list(data)
    order.shuffle(shuffled)
    again = names(divide(shuffled, val=val, test=test, seed=seed))
    assert {part: sorted(found) for part, found in again.items()} == names(parts)
    if clips is not None:
        homes = {part: {frame.clip for frame in found} for part, found in parts.items()}
        assert not homes["train"] & homes["val"] and not homes["train"] & homes["test"]
        assert not homes["val"] & homes["test"]


def test_fraction_count_and_none():
    data = frames(100)
    assert [len(p) for p in divide(data, val=0.1, test=0.2).values()] == [72, 8, 20]
    assert [len(p) for p in divide(data, val=5, test=30).values()] == [65, 5, 30]
    assert [len(p) for p in divide(data, val="none", test=None).values()] == [100, 0, 0]
    assert [len(p) for p in divide(frames(3), val=0.01, test=0.01).values()] == [1, 1, 1]  # at least one each


def test_seeds_differ_and_zero_is_a_seed():
    first, same, other = (names(divide(frames(50), seed=seed)) for seed in (0, 0, 1))
    assert first == same and first["test"] != other["test"]


def test_one_more_frame_changes_little():
    before, after = (set(names(divide(frames(n), val="none", test=20))["test"]) for n in (100, 101))
    assert len(before & after) >= 19


@pytest.mark.parametrize("amount", [-0.1, 1.5, 100, 7.5, "half", True])
def test_impossible_amounts_name_the_key(amount):
    with pytest.raises(ConfigError, match=r"data\.test="):
        divide(frames(100), test=amount)


def test_nothing_left_to_train_on():
    with pytest.raises(ConfigError, match=r"lower data\.val or data\.test"):
        divide([], val=0.1)


def test_a_file_is_taken_at_its_word(tmp_path: Path):
    path = write(tmp_path / "s.json", train=["001.jpg", "004.jpg"], val=["002.jpg"], test=["000.jpg"], seed=3)
    problems = Problems()
    parts = divide(frames(5), read_split(path), problems=problems)
    assert names(parts) == {"train": ["001.jpg", "004.jpg"], "val": ["002.jpg"], "test": ["000.jpg"]}
    assert problems.counts() == {"in no part of the split": 1}
    assert names(divide(frames(5), read_split(path), val="none"))["val"] == []


def test_val_is_carved_from_train(tmp_path: Path):
    all_names = [frame.name for frame in frames(60)]
    path = write(tmp_path / "s.json", train=all_names[:50], test=all_names[50:])
    parts = names(divide(frames(60), read_split(path)))
    assert len(parts["val"]) == 5 and len(parts["train"]) == 45 and parts["test"] == all_names[50:]
    assert sorted(parts["train"] + parts["val"]) == all_names[:50]
    assert parts == names(divide(frames(60), read_split(path)))
    assert parts["val"] != names(divide(frames(60), read_split(path), seed=1))["val"]
    own = write(tmp_path / "t.json", train=all_names[:50], test=all_names[50:], seed=0)
    assert (
        names(divide(frames(60), read_split(own), seed=1)) == parts
    )  # a file's seed comes first, and 0 is one
    assert names(divide(frames(60), read_split(path), val="none")) == {
        "train": all_names[:50],
        "val": [],
        "test": all_names[50:],
    }


def test_carving_keeps_clips_together(tmp_path: Path):
    data = frames(40, clips=8)
    path = write(tmp_path / "s.json", by="clip", train=[f"v{i}" for i in range(6)], test=["v6", "v7"])
    problems = Problems()
    parts = divide(data, read_split(path), val=0.2, problems=problems)
    homes = {part: {frame.clip for frame in found} for part, found in parts.items()}
    assert homes["test"] == {"v6", "v7"} and not homes["train"] & homes["val"] and len(homes["val"]) == 2
    assert len(problems) == 0


def test_a_kept_split_has_its_own_order_and_lets_nothing_in():
    split = {"train": ["004.jpg", "001.jpg", "gone.jpg"], "val": [], "test": ["002.jpg"]}
    problems = Problems()
    parts = kept_split(frames(6, clips=2), split, problems)
    assert names(parts) == {"train": ["004.jpg", "001.jpg"], "val": [], "test": ["002.jpg"]}
    assert problems.counts() == {"clip in several parts": 1} and "v0: train, test" in problems.report()


@pytest.mark.parametrize(("options", "new"), [({}, 4), ({"min_people": 2}, 3), ({"limit": 2}, 0)])
def test_data_keep_a_split_and_count_what_came_later(options, new, tmp_path: Path):
    def data() -> PoseData:
        configs = {"dance": PartConfig("dance", str(tmp_path))}
        return PoseData(configs, load_skeleton("mpii15"), val=0.2, test=0.2, **options)

    make_labelme(tmp_path, frames=10)
    first = data()
    assert first.names["train"], "read before the others came"
    make_labelme(tmp_path, frames=3, folder="later")
    make_labelme(tmp_path, frames=1, people=1, folder="alone")
    again = data()
    assert data().split_hash != first.split_hash
    assert again.keep(first.split) == new
    assert again.names == first.names and again.split_hash == first.split_hash
    assert again.data_hash == first.data_hash


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("options", [{}, {"limit": 3}, {"overfit": True}, {"own": True}])
def test_what_comes_later_has_no_say_in_what_a_resumed_run_takes_for_labelled(
    options: dict, declared: bool, mixed: bool, tmp_path: Path
):
    """Nobody had a pelvis when the run began; now somebody has, whom the run does not use."""
    skeleton, file = load_skeleton("mpii15"), tmp_path.parent / f"{tmp_path.name}.json"
    options = dict(options)
    split = str(file) if options.pop("own", False) else None

    def data() -> PoseData:
        configs = {"dance": PartConfig("dance", str(tmp_path), split=split)}
        return PoseData(configs, skeleton, mixed=mixed, val=0.2, test=0.2, **options)

    if declared:
        (tmp_path / "dataset.yaml").write_text('sources: [{match: "frame_*", skeleton: mpii15}]')
    make_labelme(tmp_path, frames=10, without=("pelvis",))
    every = [f"frame_{number:03d}.jpg" for number in range(10)]
    write(file, train=every[:6], val=every[6:8], test=every[8:])
    first = data()
    masked = [frame.labelled for part in PARTS for frame in first.frames(part)]
    assert not any(labelled[skeleton.index("pelvis")] for labelled in masked)
    assert all(labelled.sum() == len(skeleton) - 1 for labelled in masked)
    never = {one.name: one.never_labelled for one in first.loaded}
    assert never == {"dance": {"frame_*" if declared else "": ["pelvis"]}}
    make_labelme(tmp_path, frames=1, folder="later")
    again = data()
    again.never_labelled = never
    again.keep(first.split)
    assert again.names == first.names and again.data_hash == first.data_hash
    found = again.problems.without("in no part of the split")  # what came later, where a file divides
    assert found.counts() == first.problems.counts() == {"keypoint never labelled": 1}
    anew = data()
    assert not len(anew.problems.of("keypoint never labelled")), "who begins anew learns from all"


def test_a_split_file_without_validation_says_whence_it_is_drawn(tmp_path: Path):
    make_labelme(tmp_path / "data", frames=10)
    every = [f"frame_{number:03d}.jpg" for number in range(10)]
    file = write(tmp_path / "mine.json", train=every[:8], test=every[8:])
    configs = {"dance": PartConfig("dance", str(tmp_path / "data"), split=str(file))}
    note = f"divided by {file}; it names no val, which is drawn from its train"
    assert note in PoseData(configs, load_skeleton("mpii15"), val=0.2).summary().splitlines()
    for val, more in (("none", {}), (0.2, {"val": every[6:8]})):
        write(file, train=every[:6], test=every[8:], **more)
        told = PoseData(configs, load_skeleton("mpii15"), val=val).summary().splitlines()
        assert f"divided by {file}" in told


def test_what_is_never_labelled_is_judged_by_the_whole_folder(tmp_path: Path):
    """Not by the few pictures in use, among which a keypoint may merely not show."""
    (tmp_path / "dataset.yaml").write_text('sources: [{match: "*", skeleton: mpii15}]')
    make_labelme(tmp_path, frames=6, people=1, without=("left_ankle", "right_ankle"))
    make_labelme(tmp_path, frames=1, people=2, folder="whole")
    configs = {"dance": PartConfig("dance", str(tmp_path))}
    skeleton = load_skeleton("mpii15")
    for options in ({}, {"limit": 1}, {"overfit": True, "limit": 2}, {"min_people": 2, "overfit": True}):
        data = PoseData(configs, skeleton, val=0.2, test=0.2, **options)
        assert all(frame.labelled.all() for part in PARTS for frame in data.frames(part))
        assert len(data.problems) == 0


def test_pictures_of_too_few_people_are_told_in_a_resumed_run_too(tmp_path: Path):
    def data() -> PoseData:
        configs = {"dance": PartConfig("dance", str(tmp_path))}
        return PoseData(configs, load_skeleton("mpii15"), val=0.2, test=0.2, min_people=2)

    make_labelme(tmp_path, frames=10)
    make_labelme(tmp_path, frames=3, people=1, folder="alone")
    first, again = data(), data()
    again.keep(first.split)
    assert first.left_out == again.left_out == 3 and not len(first.problems)
    assert first.summary() == again.summary()
    assert "left out by data.min_people=2: 3 pictures" in first.summary().splitlines()


def test_overfit_is_one_list_on_disk_and_three_parts_in_use(tmp_path: Path):
    make_labelme(tmp_path, frames=3)
    configs = {"dance": PartConfig("dance", str(tmp_path))}
    data = PoseData(configs, load_skeleton("mpii15"), overfit=True)
    every = [f"frame_00{i}.jpg" for i in range(3)]
    assert data.names == dict.fromkeys(PARTS, every)
    file = tmp_path / "split.json"
    write(file, **data.split)
    assert read_split(file).parts == {"train": tuple(every), "val": (), "test": ()}
    again = PoseData(configs, load_skeleton("mpii15"), overfit=True)
    again.keep(data.split)
    assert again.split_hash == data.split_hash and again.names == data.names


def test_a_clip_on_both_sides_is_reported(tmp_path: Path):
    path = write(tmp_path / "s.json", train=["000.jpg", "001.jpg"], test=["002.jpg", "003.jpg"])
    problems = Problems()
    divide(frames(4, clips=2), read_split(path), val="none", problems=problems)
    assert problems.counts() == {"clip in several parts": 2} and "v0: train, test" in problems.report()


def test_clips_that_nobody_named(tmp_path: Path):
    path = write(tmp_path / "s.json", by="clip", train=["v0"])
    with pytest.raises(DataError, match=r"s\.json.*data\.clip"):
        divide(frames(4), read_split(path))


def test_unknown_names_are_reported_with_a_suggestion(tmp_path: Path):
    path = write(tmp_path / "s.json", train=["000.jpg", "001.jpeg"], test=["002.jpg"])
    problems = Problems()
    parts = divide(frames(3), read_split(path), val="none", problems=problems)
    assert names(parts)["train"] == ["000.jpg"]
    assert problems.counts() == {"unknown name in split": 1, "in no part of the split": 1}
    assert "train: 001.jpeg Did you mean '001.jpg'?" in problems.report()
    foreign = write(tmp_path / "t.json", train=["a.jpg", "b.jpg"], test=["000.jpg"])
    with pytest.raises(DataError, match=r"t\.json: none of the 2 names in 'train'.*a\.jpg.*000\.jpg"):
        divide(frames(3), read_split(foreign))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"train": ["a"], "tset": ["b"]}, "unknown field 'tset'. Did you mean 'test'"),
        ({"test": ["b"]}, "field 'train' is missing"),
        ({"train": "a"}, "field 'train' must be a list"),
        ({"train": ["a"], "test": [3]}, "field 'test' must be a list"),
        ({"train": ["a", "b"], "test": ["b"]}, "b stands in 'train' and 'test'"),
        ({"train": ["a", "a"]}, "a stands in 'train' twice"),
        ({"train": ["a"], "by": "person"}, "field 'by'"),
        ({"train": ["a"], "seed": "x"}, "field 'seed'"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, content: dict, message: str):
    path = write(tmp_path / "s.json", **content)
    with pytest.raises(DataError, match=rf"data\.split=.*s\.json.*{message}"):
        read_split(path)


def test_missing_or_broken_file(tmp_path: Path):
    with pytest.raises(DataError, match=r"data\.split=.*is no file"):
        read_split(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('{"train": [')
    with pytest.raises(DataError, match=r"cut\.json.*whole JSON"):
        read_split(tmp_path / "cut.json")


def test_split_hash_is_of_names_in_parts():
    base = {"train": ["a", "b"], "val": ["c"], "test": []}
    assert split_hash(base) == split_hash({"test": [], "val": ["c"], "train": ["b", "a"]})
    assert split_hash(base) != split_hash({"train": ["a", "c"], "val": ["b"], "test": []})
    assert split_hash(base) != split_hash({"train": ["a", "b"], "val": [], "test": ["c"]})


def test_data_hash_is_of_annotations():
    def one(**changes) -> str:
        keypoints = np.full((2, 3), 2.0)
        keypoints[0, 0] = changes.pop("x", 2.0)
        own = {name: changes.pop(name, None) for name in ("head_box", "action", "box", "area")}
        person = Person(keypoints, **own)
        frame = Frame(Path("a.jpg"), (8, 8), [person], "mpii15", "a.jpg", np.ones(2, bool))
        for name, value in changes.items():
            setattr(frame, name, value)
        return data_hash([frame])

    changes = [
        {"x": 2.01},
        {"head_box": np.arange(4.0)},
        {"action": "wave"},
        {"box": np.arange(4.0)},
        {"area": 12.5},
        {"groups": [Group([0], np.arange(4.0), 1.0)]},
        {"groups": [Group([0], np.arange(4.0), 2.0)]},
        {"complete": False},
        {"labelled": np.array([True, False])},
        {"ignore": [[np.zeros((3, 2))]]},
        {"ignore": [[np.zeros((3, 2))] * 2]},
        {"ignore": [[np.zeros((3, 2))]] * 2},
        {"name": "b.jpg"},
        {"size": (8, 9)},
    ]
    assert len({one(), *(one(**change) for change in changes)}) == 1 + len(changes)
    assert one(image=Path("elsewhere/a.jpg")) == one()  # where it lies says nothing of what it is
    two = frames(2)
    assert data_hash(two) == data_hash(two[::-1])


def test_pick_keeps_the_order():
    chosen = pick(frames(30), 5, 0)
    assert [f.name for f in chosen] == sorted(f.name for f in chosen) and len(chosen) == 5
    assert [f.name for f in pick(frames(30)[::-1], 5, 0)] == [f.name for f in chosen][::-1]
    assert pick(frames(3), 5, 0) == frames(3)


@pytest.mark.shared
def test_real_split_files(shared: Path):
    data = shared / "data"
    assert {part: len(found) for part, found in read_split(data / "scenes_split.json").parts.items()} == {
        "train": 55,
        "test": 30,
    }
    people = read_split(data / "people_coco" / "split.json")
    assert {part: len(found) for part, found in people.parts.items()} == {"train": 3600, "test": 400}


def test_pick_keeps_whole_clips_of_each_class_and_then_as_many_as_fit():
    made = frames(60, clips=12)
    for number, frame in enumerate(made):
        frame.people = [Person(np.zeros((15, 3)), action=("wave", "walk")[number % 2])]
    before: set[str] = set()
    for count, clips in ((1, 2), (14, 2), (15, 3), (31, 6), (60, 12), (99, 12)):
        chosen = pick(made, count, 0, whole_clips=True)
        assert chosen == [frame for frame in made if frame.clip in {f.clip for f in chosen}]
        assert {frame.people[0].action for frame in chosen} == {"wave", "walk"}
        assert len({frame.clip for frame in chosen}) == clips
        names = {frame.name for frame in chosen}
        assert names >= before, "those of a smaller number are among those of a larger"
        before = names
    assert pick(made, 15, 0, True) == pick(made[::-1], 15, 0, True)[::-1] != pick(made, 15, 1, True)
    assert len(pick(frames(30, clips=3), 12, 0, True)) == 10 and pick([], 5, 0, True) == []
    assert pick(frames(30), 5, 0, whole_clips=True) == pick(frames(30), 5, 0), "a picture of no clip is alone"
