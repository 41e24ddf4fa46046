"""`actions.json`: what is read, mapped, reported and refused; what is written comes back."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from factories import make_actions
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.data.images import check_images
from dancepose.data.readers.actions import read_actions, write_actions
from dancepose.errors import DataError
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton

OPENPOSE18, MPII15 = load_skeleton("openpose18"), load_skeleton("mpii15")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> tuple[Path, list[Frame]]:
    """Two clips of two pictures with two people: eight samples."""
    root = tmp_path_factory.mktemp("actions")
    return root, make_actions(root, clips=2, length=2)


def without(values: dict) -> dict:
    return {name: value for name, value in values.items() if value is not ...}


@pytest.fixture
def changed(drawn, tmp_path):
    """Read the file after a change of samples, by index, and of its own fields; `...` leaves one out."""

    def read(samples=None, fields=None, run=OPENPOSE18, root=drawn[0]):
        content = json.loads((drawn[0] / "actions.json").read_text())
        for index, value in (samples or {}).items():
            entry = content["samples"][index]
            content["samples"][index] = without(entry | value) if isinstance(value, dict) else value
        path = tmp_path / "actions.json"
        path.write_text(json.dumps(without(content | (fields or {}))))
        return read_actions(path, run, root)

    return read


def test_reads_what_was_drawn(drawn):
    root, truth = drawn
    frames, problems = read_actions(root / "actions.json", OPENPOSE18, root)
    assert len(problems) == 0 and not len(check_images(frames))
    for frame, true in zip(frames, truth, strict=True):
        assert (frame.name, frame.image, frame.size) == (true.name, true.image, (96, 64))
        assert (frame.clip, frame.classes) == (true.clip, ("wave", "walk", "other"))
        assert not frame.complete and frame.labelled.all() and frame.skeleton == "openpose18"
        np.testing.assert_array_equal(frame.keypoint_array(), true.keypoint_array())
        for person, one in zip(frame.people, true.people, strict=True):
            assert (person.action, person.id) == (one.action, one.id)
            np.testing.assert_array_equal(person.box, one.box)


def test_frames_come_in_the_order_of_the_file(drawn, changed):
    samples = json.loads((drawn[0] / "actions.json").read_text())["samples"]
    frames, _ = changed(fields={"samples": samples[::-1]})
    assert [f.name for f in frames] == [f.name for f in drawn[1]][::-1]


def test_keypoints_are_mapped_to_the_runs_skeleton(changed):
    frames, problems = changed(run=MPII15)
    assert len(problems) == 0
    labelled = dict(zip(MPII15.keypoints, frames[0].labelled.tolist(), strict=True))
    assert labelled["left_wrist"] and not labelled["head_top"] and not labelled["upper_neck"]
    ours, theirs = frames[0].people[0].keypoints, changed()[0][0].people[0].keypoints
    for name in ("left_wrist", "right_knee"):
        np.testing.assert_array_equal(ours[MPII15.index(name)], theirs[OPENPOSE18.index(name)])
    assert not ours[~frames[0].labelled].any()


def test_what_is_null_is_unknown(changed):
    nothing = dict.fromkeys(("box", "keypoints", "clip", "person", "source"))
    frames, problems = changed({0: nothing, 1: "dropped"}, run=MPII15)
    person = frames[0].people[0]
    assert (person.box, frames[0].clip, frames[0].source, person.id) == (None, None, "", 0)
    assert person.keypoints.shape == (15, 3) and not person.present.any()
    assert problems.counts() == {"annotation broken": 1}, "the one that was dropped"


def test_a_file_without_keypoints_need_not_name_a_skeleton(changed):
    none = {i: {"keypoints": None, "source": "mine"} for i in range(8)}
    frames, problems = changed(none, {"skeleton": None})
    assert not len(problems) and not frames[0].labelled.any() and frames[0].source == "mine"
    frames, _ = changed(none)
    assert frames[0].labelled.all() and not frames[0].keypoint_array().any()


def test_keypoints_of_an_unnamed_skeleton_are_refused(changed):
    remedy = r"none of its 8 samples(.|\n)*samples\[0\]\.keypoints .*name it in the file's field 'skeleton'"
    with pytest.raises(DataError, match=remedy):
        changed(fields={"skeleton": None})


def test_a_users_own_skeleton_lies_beside_the_file(changed, tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(OPENPOSE18.to_dict()))
    frames, problems = changed(fields={"skeleton": "mine.yaml"}, run=MPII15)
    assert not len(problems) and frames[0].people[0].present.any()


def test_a_skeleton_with_nothing_in_common_is_refused(changed):
    other = {"name": "tail", "keypoints": ["tip"], "pairs": [], "limbs": [], "grouping_order": ["tip"]}
    with pytest.raises(DataError, match=r"openpose18 has nothing in common with .* tail\..*skeleton="):
        changed(run=Skeleton.from_dict(other | {"sigmas": [0.1]}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (3, r"samples\[5\] must be a mapping, not 3"),
        ({"image": ...}, r"samples\[5\]\.image is missing: give the path"),
        ({"image": ""}, r"samples\[5\]\.image '' must be the path"),
        ({"label": ...}, r"samples\[5\]\.label is missing: give one of wave, walk, other"),
        ({"label": "wawe"}, r"samples\[5\]\.label 'wawe' is none of .* Did you mean 'wave'\?"),
        ({"label": "jump"}, r"samples\[5\]\.label 'jump' is none of .*\(wave, walk, other\)\. Add it there"),
        ({"label": 2}, r"samples\[5\]\.label 2 must be one of"),
        ({"clip": 4}, r"samples\[5\]\.clip 4 must be the name of the video, or null"),
        ({"clip": "clip_1_1"}, r"samples\[5\]\.clip 'clip_1_1' is another.*samples\[4\].*video.*'person'"),
        ({"clip": None}, r"samples\[5\]\.clip null is another than 'clip_1'"),
        ({"person": -1}, r"samples\[5\]\.person -1 must be the person's number"),
        ({"person": True}, r"samples\[5\]\.person True must be"),
        ({"person": 0}, r"samples\[5\]\.person 0 does not tell it from samples\[4\].*different numbers"),
        ({"person": None}, r"samples\[5\]\.person null does not tell it from samples\[4\]"),
        ({"box": [1, 2, 3]}, r"samples\[5\]\.box must be x, y, width and height"),
        ({"box": [1, 2, 0, 4]}, r"samples\[5\]\.box must be .*above 0"),
        ({"box": "1 2 3 4"}, r"samples\[5\]\.box must be"),
        (
            {"box": [1000, 1000, 50, 50]},
            r"samples\[5\]\.box lies outside of .* 96 x 64 pixels: .* or null",
        ),
        ({"box": [-9, 0, 9, 9]}, r"samples\[5\]\.box lies outside of its picture"),
        ({"keypoints": [[1, 2, 2]]}, r"samples\[5\]\.keypoints must be 18 times \[x, y, v\].*there are 1"),
        ({"keypoints": [[1, 2]] * 18}, r"samples\[5\]\.keypoints must be 18 times"),
        ({"keypoints": 7}, r"samples\[5\]\.keypoints must be 18 times \[x, y, v\], .* openpose18"),
        ({"source": 7}, r"samples\[5\]\.source 7 must be a name, or null"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_broken_sample_is_listed_and_the_others_are_read(changed, changes, words):
    frames, problems = changed({5: changes})
    assert problems.counts() == {"annotation broken": 1}
    assert sum(len(frame.people) for frame in frames) == 7
    with pytest.raises(DataError, match=rf"actions\.json {words}"):
        problems.raise_fatal()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"samples": ...}, "field 'samples', a list, is missing"),
        ({"samples": []}, "none of its 0 samples can be read"),
        ({"samples": [3, 4]}, r"none of its 2 samples can be read\nannotation broken: 2"),
        ({"classes": ...}, "field 'classes' must be a list of the actions' names, not None"),
        ({"classes": []}, "field 'classes' is empty"),
        ({"classes": ["wave", 3]}, "field 'classes' must be a list"),
        ({"classes": ["wave", "walk", "wave"]}, "field 'classes' names 'wave' twice"),
        ({"skeleton": "openpose"}, "field 'skeleton': no skeleton 'openpose'. Did you mean 'openpose18'"),
        ({"skeleton": 18}, "field 'skeleton' must be a skeleton's name or null, not 18"),
    ],
)
def test_a_file_of_another_kind_is_refused(changed, fields, words):
    with pytest.raises(DataError, match=rf"actions\.json: .*{words}"):
        changed(fields=fields)


def test_files_that_are_not_there_or_cut_off(tmp_path):
    with pytest.raises(DataError, match=r"data\.annotations=.*none\.json is no file: give the actions\.json"):
        read_actions(tmp_path / "none.json", OPENPOSE18, tmp_path)
    (tmp_path / "cut.json").write_text('{"classes": [')
    with pytest.raises(DataError, match=r"cut\.json is no whole JSON"):
        read_actions(tmp_path / "cut.json", OPENPOSE18, tmp_path)


def test_what_is_merely_odd_is_reported(changed):
    far = [[500.0, 10.0, 2], [float("nan"), 1.0, 2], *[[3.0, 4.0, 1.0]] * 15, [9.0, 9.0, 0]]
    frames, problems = changed(
        {0: {"keypiont": 1, "keypoints": far}, 1: {"box": [90, -5, 10, 10]}},
        {"classes": ["wave", "walk", "other", "akimbo"], "sample": 1},
    )
    counts = {"unknown field": 2, "class without samples": 1, "not a number": 1, "outside the image": 1}
    assert problems.counts() == counts
    report = problems.report()
    assert "'keypiont' (Did you mean 'keypoints'?)" in report and "'sample' (Did you mean" in report
    assert "class without samples 'akimbo'" in report and "clip_0/frame_000.jpg, 96 x 64" in report
    found = frames[0].people[0].keypoints
    assert found[0].tolist() == [500, 10, 2] and found[2].tolist() == [3, 4, 1]
    assert not found[[1, 17]].any(), "neither NaN nor visibility 0 is annotated"


def test_pictures_whose_every_box_lies_outside_are_left_out(changed):
    far = {"box": [1000, 1000, 50, 50]}
    frames, problems = changed({0: far, 1: far})
    assert len(frames) == 3 and problems.counts() == {"annotation broken": 2}
    with pytest.raises(DataError, match=r"none of its 8 samples can be read\nannotation broken: 8"):
        changed(dict.fromkeys(range(8), far))


def test_images_that_are_missing_or_broken(drawn, changed, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(drawn[0], root)
    (root / "clip_0" / "frame_000.jpg").unlink()
    (root / "clip_1" / "frame_001.jpg").write_bytes(b"\xff\xd8 cut off")
    frames, problems = changed(root=root)
    assert len(frames) == 4 and problems.counts() == {"image missing": 1}
    width, height = frames[0].size
    assert 48 < width <= 96 and 32 < height <= 64, "large enough for what is labelled in it"
    assert check_images(frames, problems).counts() == {"image missing": 1, "image broken": 1}
    shutil.rmtree(root / "clip_0")
    shutil.rmtree(root / "clip_1")
    words = r"none of its 4 pictures is in .*data, the first is clip_0/frame_000\.jpg; data\.root=\.\.\. says"
    with pytest.raises(DataError, match=words):
        changed(root=root)


def test_the_orientation_of_a_picture_counts(changed, tmp_path):
    """A picture that viewers turn has the size that it is seen with."""
    image = cv2.imencode(".jpg", np.zeros((20, 30, 3), np.uint8))[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "turned.jpg").write_bytes(image[:2] + segment + image[2:])
    frames, _ = changed(fields={"samples": [{"image": "turned.jpg", "label": "wave"}]}, root=tmp_path)
    assert frames[0].size == (20, 30)


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
numbers = st.floats(-5, 40, allow_nan=False, width=32)
corners = st.floats(-4, 7, allow_nan=False, width=32)  # of boxes that are partly in the picture


@st.composite
def people(draw, classes: list[str]) -> list[Person]:
    found = []
    for number in draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True)):
        points = np.zeros((18, 3))
        for k in draw(st.sets(st.integers(0, 17), max_size=4)):
            points[k] = draw(numbers), draw(numbers), draw(st.sampled_from([1, 2]))
        box = draw(st.none() | st.tuples(corners, corners, st.floats(5, 9), st.floats(5, 9)))
        action = draw(st.sampled_from(classes))
        found.append(Person(points, box=None if box is None else np.array(box), id=number, action=action))
    return found


@settings(max_examples=40)
@given(data=st.data())
def test_what_is_written_comes_back(tmp_path_factory, data):
    classes = data.draw(st.lists(names, min_size=1, max_size=3, unique=True))
    root = tmp_path_factory.mktemp("written")
    written = []
    for number in range(data.draw(st.integers(1, 3))):
        image = root / f"{9 - number}.png"
        cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
        frame = Frame(image, (8, 8), data.draw(people(classes)), "openpose18", image.name, complete=False)
        frame.clip, frame.source = data.draw(st.none() | names), data.draw(st.just("") | names)
        frame.classes = tuple(classes)
        written.append(frame)
    write_actions(written, OPENPOSE18, root / "actions.json")
    read, problems = read_actions(root / "actions.json", OPENPOSE18, root)
    assert set(problems.counts()) <= {"outside the image", "class without samples"}
    for a, b in zip(read, written, strict=True):
        for name in ("image", "name", "size", "clip", "source", "classes", "complete"):
            assert getattr(a, name) == getattr(b, name)
        for p, q in zip(a.people, b.people, strict=True):
            assert (p.action, p.id, p.box is None) == (q.action, q.id, q.box is None)
            np.testing.assert_array_equal(p.keypoints, q.keypoints)
            if p.box is not None:
                np.testing.assert_array_equal(p.box, q.box)


def test_what_cannot_be_written_is_refused(tmp_path):
    person = Person(np.zeros((18, 3)))
    for image, words in ((np.zeros((8, 8, 3), np.uint8), "holds an array"), (Path("a.jpg"), "no action")):
        with pytest.raises(DataError, match=words):
            write_actions([Frame(image, (8, 8), [person], "openpose18")], OPENPOSE18, tmp_path / "a.json")


@pytest.mark.shared
def test_real_frames(shared):
    root = shared / "data" / "actions"
    frames, problems = read_actions(root / "actions.json", OPENPOSE18, root)
    assert len(frames) == 595 and not len(problems) and not len(check_images(frames[::50]))
    assert len({frame.clip for frame in frames}) == 119 and frames[0].classes == ("wave", "walk", "other")
    assert {frame.source for frame in frames} == {"jhmdb"} and not frames[0].labelled.any()
    assert not any(frame.keypoint_array().any() for frame in frames)
