"""PYSKL's pickles: clips of keypoints over time, their labels and their own splits."""

import pickle
import weakref
from dataclasses import replace

import numpy as np
import pytest
from factories import pyskl_content
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.data.actions import sequences
from dancepose.data.hashes import data_hash
from dancepose.data.readers.keypoint_columns import Columns
from dancepose.data.readers.pyskl import read_pyskl
from dancepose.errors import DataError
from dancepose.skeleton import load_skeleton

COCO17, OPENPOSE18, MPII15 = map(load_skeleton, ("coco17", "openpose18", "mpii15"))
CLASSES = ("wave", "walk", "bow")


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, run=COCO17, classes=CLASSES, **options):
        path = tmp_path / "mine.pkl"
        path.write_bytes(pickle.dumps(content))
        return read_pyskl(path, run, classes=classes, **options)

    return write_and_read


def test_reads_what_was_written(read):
    content = pyskl_content(clips=4, people=2, length=3)
    frames, problems, splits = read(content)[:3]
    assert len(frames) == 12 and not len(problems)
    assert splits == {"sub_train": ("clip_0", "clip_1"), "sub_val": ("clip_2", "clip_3")}
    found = sequences(frames)
    assert len(found) == 8, "two people in each clip"
    for sequence in found:
        entry = content["annotations"][int(sequence.clip[-1])]
        assert [f.name for f, _ in sequence.steps] == [f"{sequence.clip}/{t:05d}" for t in range(3)]
        for t, (frame, person) in enumerate(sequence.steps):
            assert frame.image is None and frame.size == (160, 120) and frame.classes == CLASSES
            assert person.action == CLASSES[entry["label"]] and not frame.complete
            np.testing.assert_array_equal(person.keypoints[:, :2], entry["keypoint"][person.id, t])
            np.testing.assert_array_equal(person.scores, entry["keypoint_score"][person.id, t])


@pytest.mark.parametrize("run", [OPENPOSE18, MPII15], ids=lambda s: s.name)
def test_seventeen_points_are_those_of_coco(read, run):
    frames = read(pyskl_content(clips=3), run)[0]
    mapped = COCO17.map_to(run)
    np.testing.assert_array_equal(frames[0].labelled, mapped.covered)
    assert not frames[0].people[0].present[~mapped.covered].any(), "no neck is made up"


@pytest.mark.parametrize(
    ("kind", "kept"), [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64)]
)
def test_numbers_stay_as_exact_as_the_file_and_grow_no_larger(read, kind, kept):
    content = pyskl_content(clips=3)
    for entry in content["annotations"]:
        entry["keypoint"] = (entry["keypoint"] + 0.1).astype(kind)
        entry["keypoint_score"] = entry["keypoint_score"].astype(kind)
    entry, (frames, *_) = content["annotations"][0], read(content)
    person = frames[0].people[0]
    assert person.keypoints.dtype == person.scores.dtype == kept
    np.testing.assert_array_equal(person.keypoints[:, :2], entry["keypoint"][0, 0])
    np.testing.assert_array_equal(person.scores, entry["keypoint_score"][0, 0])
    as_double = [
        replace(f, people=[replace(p, keypoints=p.keypoints.astype(np.float64)) for p in f.people])
        for f in frames
    ]
    assert data_hash(frames) == data_hash(as_double), "what was trained on them is not out of date"


def test_what_a_clip_was_read_from_is_kept_no_longer(read, monkeypatch):
    seen, apply = [], Columns.apply

    def watched(self, xy, conf):
        assert not [earlier for earlier in seen[:-1] if earlier() is not None]
        seen.append(weakref.ref(xy))
        return apply(self, xy, conf)

    monkeypatch.setattr(Columns, "apply", watched)
    read(pyskl_content(clips=5))
    assert len(seen) == 5


def test_other_numbers_of_points_need_a_name(read):
    content = pyskl_content(clips=3)
    for entry in content["annotations"]:
        entry["keypoint"] = np.ones((1, 3, 18, 2))
        entry["keypoint_score"] = np.ones((1, 3, 18))
    with pytest.raises(DataError, match=r"18 keypoints without names.*coco17 has 17.*data\.source_skeleton="):
        read(content)
    assert read(content, source_skeleton="openpose18").frames[0].labelled.all()
    assert read(content, OPENPOSE18).frames[0].labelled.all()


def test_people_who_are_not_there_and_empty_pictures(read):
    content = pyskl_content(clips=3)
    first = content["annotations"][0]
    first["keypoint_score"][1, 0] = 0
    first["keypoint_score"][:, 1] = 0
    first["keypoint"][0, 2, 4] = np.nan
    del content["annotations"][1]["keypoint_score"], content["annotations"][1]["img_shape"]
    frames, problems, _ = read(content)[:3]
    shown = [(f.name, [p.id for p in f.people]) for f in frames[:2]]
    assert shown == [("clip_0/00000", [0]), ("clip_0/00002", [0, 1])]
    assert [str(p).split(" ", 1)[1] for p in problems] == ["annotations[0].keypoint[0, 2, 4] (right_ear)"]
    assert problems.counts() == {"not a number": 1} and not frames[1].people[0].present[4]
    assert frames[2].size == (0, 0) and frames[2].people[1].present.all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (3, r"annotations\[1\] must be a mapping, not a int"),
        ({"frame_dir": None}, r"annotations\[1\]\.frame_dir is missing"),
        ({"frame_dir": "clip_0"}, r"annotations\[1\]\.frame_dir 'clip_0' is there already"),
        ({"label": 3}, r"annotations\[1\]\.label 3 must be a number from 0 to 2"),
        ({"label": -1}, r"annotations\[1\]\.label -1"),
        ({"label": "wave"}, r"annotations\[1\]\.label 'wave'"),
        ({"label": True}, r"annotations\[1\]\.label True"),
        ({"keypoint": None}, r"annotations\[1\]\.keypoint must be an array"),
        ({"keypoint": np.zeros((2, 3, 17))}, r"annotations\[1\]\.keypoint must be an array"),
        ({"keypoint": np.zeros((2, 3, 17, 3))}, r"annotations\[1\]\.keypoint has 3 numbers for a point"),
        ({"keypoint": np.full((2, 3, 17, 2), "a")}, r"annotations\[1\]\.keypoint must be an array"),
        (
            {"keypoint_score": np.zeros((2, 3, 16))},
            r"annotations\[1\]\.keypoint_score must be .*\(2, 3, 17\)",
        ),
        ({"total_frames": 7}, r"annotations\[1\]\.total_frames is 7, but keypoint has 3"),
        ({"total_frames": np.arange(3)}, r"annotations\[1\]\.total_frames is array"),
        ({"img_shape": (0, 4)}, r"annotations\[1\]\.img_shape \(0, 4\) must be height and width"),
        ({"img_shape": "big"}, r"annotations\[1\]\.img_shape 'big'"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
def test_a_broken_annotation_is_listed_and_the_others_are_read(read, changes, words):
    content = pyskl_content(clips=4)
    entry = content["annotations"][1]
    content["annotations"][1] = {**entry, **changes} if isinstance(changes, dict) else changes
    frames, problems, _ = read(content)[:3]
    assert problems.counts()["annotation broken"] == 1 and {f.clip for f in frames} >= {"clip_2", "clip_3"}
    with pytest.raises(DataError, match=rf"mine\.pkl {words}"):
        problems.raise_fatal()


@pytest.mark.parametrize("content", [3, {}, {"annotations": []}, {"annotations": "x"}, {"annotations": {}}])
def test_files_of_another_kind_are_refused(read, content):
    with pytest.raises(DataError, match=r"mine\.pkl: 'annotations', a list of clips, is missing or empty"):
        read(content)


def test_other_refusals(read, tmp_path):
    content = pyskl_content(clips=3)
    with pytest.raises(DataError, match=r"labels are numbers: name them .*data\.classes=\[\.\.\.\]"):
        read(content, classes=None)
    with pytest.raises(DataError, match=r"split\['sub_val'\] must be a list of frame_dir"):
        read({**content, "split": {"sub_val": [1]}})
    with pytest.raises(DataError, match="none of its 2 annotations has people\nannotation broken: 2"):
        read({"annotations": [1, 2]})
    with pytest.raises(DataError, match=r"data\.annotations=.*none\.pkl is no file"):
        read_pyskl(tmp_path / "none.pkl", COCO17, classes=CLASSES)


def test_a_bare_list_has_no_splits(read):
    frames, _, splits = read(pyskl_content(clips=3)["annotations"])[:3]
    assert len(frames) == 9 and splits == {}


values = st.none() | st.booleans() | st.integers(-2, 4) | st.text(max_size=3) | st.just(float("nan"))
values |= (
    st.just(np.zeros((1, 2, 17, 2)))
    | st.just(np.full((2, 3, 17), np.inf))
    | st.lists(st.integers(), max_size=2)
)
fields = st.sampled_from(["frame_dir", "label", "img_shape", "total_frames", "keypoint", "keypoint_score"])


@settings(max_examples=100)
@given(changes=st.dictionaries(fields, values, max_size=4), split=values | st.dictionaries(fields, values))
def test_nonsense_is_read_or_refused_but_never_crashes(tmp_path_factory, changes, split):
    content = pyskl_content(clips=2, length=2)
    content["annotations"][0] |= changes
    content["split"] = split
    path = tmp_path_factory.mktemp("nonsense") / "mine.pkl"
    path.write_bytes(pickle.dumps(content))
    try:
        frames = read_pyskl(path, COCO17, classes=CLASSES).frames
    except DataError as error:
        assert "mine.pkl" in str(error)
    else:
        assert all(np.isfinite(p.keypoints).all() for f in frames for p in f.people)
