"""Labelme files: what is read, what is reported, what is refused, and that writing gives the same back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import labelme_point, labelme_shape, make_labelme, write_labelme_json
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.actions import action_counts
from dancepose.data.problems import Problems
from dancepose.data.readers.group_ids import WORDS, person_numbers
from dancepose.data.readers.labelme import read_labelme, write_labelme
from dancepose.data.readers.truth import read_truth
from dancepose.errors import DataError
from dancepose.records import OCCLUDED, VISIBLE, Frame, Person
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")


def write(root: Path, shapes: list[dict], flags: dict | None = None, name: str = "a.json") -> Path:
    """Write one Labelme file (without an image) of 100 x 80 pixels."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    return write_labelme_json(root / name, shapes, "a.jpg", (100, 80), flags)


def read_one(root: Path, shapes: list[dict], flags: dict | None = None):
    write(root, shapes, flags)
    frames, problems = read_labelme(root, MPII15)
    (frame,) = frames
    return frame, problems.without("image missing")


def person(group: int | None = 0, x: float = 10.0) -> list[dict]:
    return [labelme_point("head_top", x, 5, group), labelme_point("upper_neck", x, 15, group)]


def test_reads_what_was_drawn(tmp_path: Path):
    truth = make_labelme(tmp_path, frames=3, people=2, folder="one/two")
    frames, problems = read_labelme(tmp_path, MPII15)
    assert len(problems) == 0 and problems.report() == "no problems found"
    assert [f.name for f in frames] == [
        "one/two/frame_000.jpg",
        "one/two/frame_001.jpg",
        "one/two/frame_002.jpg",
    ]
    for frame, true in zip(frames, truth, strict=True):
        assert frame.image == true.image and frame.size == true.size and frame.skeleton == "mpii15"
        assert frame.complete and frame.labelled.all() and [p.id for p in frame.people] == [0, 1]
        np.testing.assert_array_equal(frame.keypoint_array(), true.keypoint_array())
        assert (frame.keypoint_array()[..., 2] == OCCLUDED).sum() == 2


def test_head_ignore_and_complete(tmp_path: Path):
    polygon = [[1, 2], [9, 2], [5, 9]]
    shapes = [
        *person(3),
        labelme_shape("head", [[14, 16], [6, 4]], "rectangle", 3),
        labelme_shape("ignore", [[50, 60], [40, 20]], "rectangle"),
        labelme_shape("ignore", polygon, "polygon"),
    ]
    frame, problems = read_one(tmp_path, shapes, {"complete": False})
    assert len(problems) == 0 and not frame.complete
    assert frame.people[0].id == 3
    np.testing.assert_array_equal(frame.people[0].head_box, [6, 4, 14, 16])
    (rectangle,), (area,) = frame.ignore
    assert {tuple(p) for p in rectangle.tolist()} == {(40, 20), (50, 20), (50, 60), (40, 60)}
    np.testing.assert_array_equal(area, polygon)


def test_actions_of_picture_and_person(tmp_path: Path):
    shapes = [*person(0), *person(1, 50)]
    shapes[3]["flags"]["action:walk"] = True
    frame, problems = read_one(tmp_path, shapes, {"action:wave": True, "action:jump": False, "other": True})
    assert [p.action for p in frame.people] == ["wave", "walk"] and len(problems) == 0


def test_the_action_may_stand_on_the_head(tmp_path: Path):
    head = labelme_shape("head", [[14, 16], [6, 4]], "rectangle", 1)
    head["flags"] = {"action:walk": True}
    frame, problems = read_one(tmp_path, [*person(1), head, *person(2, 50)])
    assert [p.action for p in frame.people] == ["walk", None] and len(problems) == 0


def test_people_of_numbered_and_named_groups_are_told_apart(tmp_path: Path):
    frame, _ = read_one(tmp_path, [*person("anna", 90), *person(0), *person("ben", 50), *person(1, 20)])
    anna, ben = (person_numbers([name])[name] for name in ("anna", "ben"))
    assert [p.id for p in frame.people] == [anna, 0, ben, 1] and min(anna, ben) >= WORDS


def test_contradicting_actions_are_reported(tmp_path: Path):
    shapes = person(0)
    shapes[0]["flags"]["action:wave"] = shapes[1]["flags"]["action:walk"] = True
    frame, problems = read_one(tmp_path, shapes)
    assert frame.people[0].action == "wave"
    assert problems.counts() == {"contradicting actions": 1}


def test_aliases_are_names(tmp_path: Path):
    shapes = [labelme_point("headtop", 1, 2), labelme_point(" l_wrist ", 3, 4)]
    frame, problems = read_one(tmp_path, shapes)
    assert len(problems) == 0
    present = {MPII15.keypoints[k] for k in np.flatnonzero(frame.people[0].present)}
    assert present == {"head_top", "left_wrist"}


def test_no_group_is_one_person(tmp_path: Path):
    frame, problems = read_one(tmp_path, person(None))
    assert len(frame.people) == 1 and frame.people[0].id == 0 and len(problems) == 0


def test_several_people_without_group_are_left_out(tmp_path: Path):
    write(tmp_path, person(0), name="good.json")
    write(tmp_path, [*person(None), *person(None, 50)], name="bad.json")
    frames, problems = read_labelme(tmp_path, MPII15)
    assert len(frames) == 1
    assert problems.counts()["people without group"] == 1
    assert "bad.json" in str(next(iter(problems.of("people without group"))))


def test_a_loose_point_makes_the_picture_incomplete(tmp_path: Path):
    frame, problems = read_one(tmp_path, [*person(0), labelme_point("pelvis", 1, 1, None)])
    assert len(frame.people) == 1 and not frame.complete
    assert problems.counts() == {"point without group": 1}


def test_unknown_labels_are_counted_with_a_suggestion(tmp_path: Path):
    shapes = [*person(0), labelme_point("left_wirst", 1, 1), labelme_point("left_wirst", 2, 2, 1)]
    shapes += [labelme_point("belly", 1, 1)]
    frame, problems = read_one(tmp_path, shapes)
    assert frame.people[0].present.sum() == 2 and len(frame.people) == 1
    assert problems.counts() == {"unknown label": 3}
    text = problems.report()
    assert "'left_wirst' (no keypoint of mpii15. Did you mean 'left_wrist'?): 2" in text
    assert "a.json shapes[2]" in text and "'belly' (no keypoint of mpii15): 1" in text


def test_of_many_foreign_labels_a_training_tells_a_few(tmp_path: Path):
    foreign = [labelme_point(f"dog {number}", 5, 5) for number in range(300)]
    _, problems = read_one(tmp_path, [*person(0), *foreign, labelme_point("pelvis", float("nan"), 1)])
    lines = problems.slips().splitlines()
    assert sum(line.startswith("unknown label 'dog ") for line in lines) == 5
    assert "unknown label: ... and 295 of other names" in lines and lines[-1].endswith(
        "with the same keys of data"
    )
    assert any(line.startswith("not a number: 1") for line in lines) and len(lines) < 20
    assert Problems().slips() == ""


def test_bad_points_are_counted(tmp_path: Path):
    shapes = [*person(0), labelme_point("head_top", 9, 9), labelme_point("pelvis", float("nan"), 1)]
    shapes += [labelme_point("left_knee", 130.0, 1), labelme_shape("head_top", [[1, 1], [5, 5]], "line", 0)]
    frame, problems = read_one(tmp_path, shapes)
    assert problems.counts() == {
        "unknown shape": 1,
        "duplicate point": 1,
        "not a number": 1,
        "outside the image": 1,
    }
    keypoints = frame.people[0].keypoints
    np.testing.assert_array_equal(keypoints[MPII15.index("head_top")], [10, 5, VISIBLE])  # the first counts
    np.testing.assert_array_equal(keypoints[MPII15.index("pelvis")], 0)
    np.testing.assert_array_equal(keypoints[MPII15.index("left_knee")], [130, 1, VISIBLE])


def test_heads_without_person_or_twice(tmp_path: Path):
    box = [[0, 0], [5, 5]]
    shapes = [
        *person(0),
        labelme_shape("head", box, "rectangle", 0),
        labelme_shape("head", box, "rectangle", 0),
    ]
    shapes += [labelme_shape("head", box, "rectangle", 7)]
    frame, problems = read_one(tmp_path, shapes)
    assert problems.counts() == {"duplicate head": 1, "head without person": 1} and len(frame.people) == 1


def test_image_is_found_by_path_then_by_stem(tmp_path: Path):
    make_labelme(tmp_path / "images", frames=2)
    labels = tmp_path / "labels"
    labels.mkdir()
    for number, path in enumerate((r"..\images\frame_000.jpg", "gone/nowhere.jpg")):
        source = tmp_path / "images" / f"frame_00{number}.json"
        content = json.loads(source.read_text()) | {"imagePath": path}
        (source.parent if number else labels).joinpath(source.name).write_text(json.dumps(content))
    (tmp_path / "images" / "frame_000.json").unlink()
    frames, problems = read_labelme(tmp_path, MPII15)
    assert [f.name for f in frames] == ["images/frame_000.jpg", "images/frame_001.jpg"]
    assert all(f.image.is_file() for f in frames) and len(problems) == 0


def test_missing_image_names_file_and_field(tmp_path: Path):
    write(tmp_path, person())
    frames, problems = read_labelme(tmp_path, MPII15)
    assert frames[0].size == (100, 80)
    (problem,) = problems.of("image missing")
    assert (
        problem.file.endswith("a.json")
        and problem.field == "imagePath"
        and problem.detail == str(frames[0].image)
    )


def test_size_comes_from_the_image_where_the_file_has_none(tmp_path: Path):
    make_labelme(tmp_path, frames=1, size=(64, 48))
    path = tmp_path / "frame_000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"imageWidth": None, "imageHeight": None}))
    assert read_labelme(tmp_path, MPII15)[0][0].size == (64, 48)
    image = tmp_path / "frame_000.jpg"
    image.write_bytes(image.read_bytes()[:-100])
    with pytest.raises(DataError, match="frame_000.json imageWidth is missing, and the image .*cut off"):
        read_labelme(tmp_path, MPII15)
    image.unlink()
    with pytest.raises(DataError, match="frame_000.json imageWidth"):
        read_labelme(tmp_path, MPII15)


def test_a_group_id_that_is_a_word_is_the_same_person_in_all_pictures(tmp_path):
    """Else windows over a video would join two people."""
    make_labelme(tmp_path, frames=3, people=2)
    for number, names in enumerate((("anna", "ben"), ("ben", None), ("ben", 0))):
        path = tmp_path / f"frame_{number:03d}.json"
        content = json.loads(path.read_text())
        people = [shape for shape in content["shapes"] if shape["group_id"] is not None]
        for shape in people:
            shape["group_id"] = names[shape["group_id"]]
        content["shapes"] = [s for s in content["shapes"] if number != 1 or s["group_id"] == "ben"]
        path.write_text(json.dumps(content))
    ids = [[person.id for person in frame.people] for frame in read_labelme(tmp_path, MPII15)[0]]
    assert ids[0][1] == ids[1][0] == ids[2][0] != ids[0][0] and ids[2][1] == 0
    assert person_numbers([None]) == {None: 0} and person_numbers([0, None, 2])[None] == 1
    (tmp_path / "frame_000.json").unlink()
    later = [[person.id for person in frame.people] for frame in read_labelme(tmp_path, MPII15)[0]]
    assert later == ids[1:], "files that come or go change nobody"


BROKEN = [
    (b'{"shapes": [{"la', "", "is no whole JSON"),
    (b'{"shapes": "\xff\xfe"}', "", "is not UTF-8"),
    (b"", "", "is no whole JSON"),
    (b"[" * 100000, "", "is no whole JSON"),
    (b'{"shapes": [], "imageWidth": ' + b"9" * 5000 + b"}", "", "is no whole JSON"),
    (
        b'{"shapes": [{"label": "pelvis", "points": [[1, 1' + b"0" * 400 + b"]]}]}",
        "shapes[0].points",
        "must be a list of",
    ),
    (b"[3]", "", "lies beside its picture and must hold a mapping, not a list"),
    (b'{"imagePath": "frame_000.jpg"}', "shapes", "must be a list, not null"),
    (b'{"shapes": {"label": "pelvis"}}', "shapes", "must be a list, not a dict"),
    (b'{"shapes": [3]}', "shapes[0].label", "is missing"),
]


@pytest.mark.parametrize(("content", "field", "what"), BROKEN)
def test_broken_files_are_listed_and_the_others_read(tmp_path: Path, content: bytes, field: str, what: str):
    make_labelme(tmp_path, frames=3)
    (tmp_path / "frame_000.json").write_bytes(content)
    (tmp_path / "frame_001.json").write_bytes(b"{")
    frames, problems = read_labelme(tmp_path, MPII15)
    assert [frame.name for frame in frames] == ["frame_002.jpg"]
    assert problems.counts() == {"annotation broken": 2}
    first = next(iter(problems))
    assert (first.file, first.field) == (str(tmp_path / "frame_000.json"), field) and what in first.detail
    with pytest.raises(DataError, match=r"(?s)cannot be used.*annotation broken: 2 .*frame_000\.json .*001"):
        problems.raise_fatal()
    with pytest.raises(DataError, match=r"(?s)frame_000\.json .*001"):
        read_truth(tmp_path, MPII15)


def test_a_folder_of_broken_files_alone_is_refused_with_the_list(tmp_path: Path):
    for name in "ab":
        (tmp_path / f"{name}.json").write_text("{")
    with pytest.raises(DataError, match=r"(?s)holds no whole Labelme JSON file.*broken: 2.*a\.json.*b\.json"):
        read_labelme(tmp_path, MPII15)


@pytest.mark.parametrize(
    ("shape", "field"),
    [
        ({"points": [[1, 2]]}, r"shapes\[0\]\.label"),
        (labelme_shape("pelvis", [1, 2], "point", 0), r"shapes\[0\]\.points"),
        ({"label": "pelvis", "shape_type": "point"}, r"shapes\[0\]\.points.* one \[x, y\], not 0"),
        (labelme_shape("pelvis", [[1, 2], [3, 4]], "point", 0), r"shapes\[0\]\.points.* not 2"),
        (labelme_shape("pelvis", [["a", 2]], "point", 0), r"shapes\[0\]\.points"),
        (labelme_shape("pelvis", [[1, 2]], "point", [0]), r"shapes\[0\]\.group_id"),
        (labelme_shape("pelvis", [[1, 2]], "point", 0) | {"flags": [1]}, r"shapes\[0\]\.flags"),
    ],
)
def test_wrong_fields_are_named(tmp_path: Path, shape: dict, field: str):
    write(tmp_path, [shape])
    with pytest.raises(DataError, match=f"a.json {field}"):
        read_labelme(tmp_path, MPII15)


def test_folder_without_labels_names_the_key(tmp_path: Path):
    with pytest.raises(DataError, match="data.root=.*no folder"):
        read_labelme(tmp_path / "absent", MPII15)
    (tmp_path / "split.json").write_text('{"train": []}')
    with pytest.raises(DataError, match=r"data\.root=.*no Labelme JSON file.*mpii15"):
        read_labelme(tmp_path, MPII15)


def test_files_without_people_are_skipped_or_refused(tmp_path: Path):
    write(tmp_path, [labelme_shape("dog", [[1, 1], [5, 5]], "rectangle")])
    with pytest.raises(DataError, match="nobody is labelled in its 1 Labelme files"):
        read_labelme(tmp_path, MPII15)
    make_labelme(tmp_path / "more", frames=2)
    (tmp_path / "split.json").write_text('{"train": []}')
    frames, problems = read_labelme(tmp_path, MPII15)
    assert len(frames) == 2
    assert problems.counts() == {
        "no people": 1,
        "unknown shape": 1,
        "image missing": 1,
    }


def test_hidden_files_and_the_split_are_no_annotations(tmp_path: Path):
    make_labelme(tmp_path, frames=2)
    for name in ("split.json", ".cache/a.json", "sub/.hidden.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "sub" / "split.json").write_text("{}")
    frames, problems = read_labelme(tmp_path, MPII15)
    assert len(frames) == 2 and problems.counts() == {"not an annotation file": 1}


def test_an_empty_picture_counts_if_it_is_marked_complete(tmp_path: Path):
    make_labelme(tmp_path / "people", frames=1)
    write(tmp_path, [], {"complete": True})
    frames, _ = read_labelme(tmp_path, MPII15)
    assert [len(f.people) for f in frames] == [0, 2] and frames[0].complete


def test_two_files_of_one_image(tmp_path: Path):
    make_labelme(tmp_path, frames=1)
    (tmp_path / "frame_000_copy.json").write_text((tmp_path / "frame_000.json").read_text())
    frames, problems = read_labelme(tmp_path, MPII15)
    assert len(frames) == 1 and problems.counts() == {"duplicate image": 1}


# dataset.yaml


def sources(root: Path, *entries: str) -> None:
    (root / "dataset.yaml").write_text("sources:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries))


def test_sources_say_what_is_labelled(tmp_path: Path):
    make_labelme(tmp_path / "coco", frames=1, skeleton="coco17")
    make_labelme(tmp_path / "mine", frames=1)
    sources(tmp_path, 'match: "coco/*", skeleton: coco17, complete: false')
    frames, problems = read_labelme(tmp_path, MPII15)
    coco, mine = frames
    missing = {"head_top", "upper_neck", "pelvis"}
    assert {k for k, on in zip(MPII15.keypoints, coco.labelled, strict=True) if not on} == missing
    assert not coco.complete and coco.people[0].present.sum() == 12
    assert mine.complete and mine.labelled.all()
    assert problems.counts() == {"file of no source": 1}


def test_labels_that_the_source_does_not_have(tmp_path: Path):
    points = [labelme_point(k, 5, 5) for k in ("left_hip", "right_hip", "pelvis", "nose", "head")]
    sources(tmp_path, 'match: "*", skeleton: coco17')
    frame, problems = read_one(tmp_path, points)
    assert {MPII15.keypoints[k] for k in np.flatnonzero(frame.people[0].present)} == {"left_hip", "right_hip"}
    counts = problems.counts()
    assert counts["label foreign to its source"] == 1 and counts["unknown label"] == 1
    assert not frame.labelled[MPII15.index("pelvis")]


def test_what_a_source_never_labels_is_masked(tmp_path: Path):
    limbs = [k for k in MPII15.keypoints if k not in ("head_top", "pelvis", "left_knee")]
    sources(tmp_path, 'match: "*", skeleton: mpii15')
    frame, problems = read_one(tmp_path, [labelme_point(k, 5, 5) for k in [*limbs, "head", "belly"]])
    never = {k for k, on in zip(MPII15.keypoints, frame.labelled, strict=True) if not on}
    assert never == {"head_top", "pelvis"}  # the left knee merely never showed: the right one did
    assert problems.counts() == {"unknown label": 2, "keypoint never labelled": 1}


def test_what_a_folder_without_dataset_file_never_labels_is_masked(tmp_path: Path):
    """The way of somebody who labelled 14 keypoints and takes the default skeleton, of 15."""
    make_labelme(tmp_path, people=1, without=("pelvis", "left_wrist"))
    frames, problems = read_labelme(tmp_path, MPII15)
    for frame in frames:
        never = {k for k, on in zip(MPII15.keypoints, frame.labelled, strict=True) if not on}
        assert never == {"pelvis"}  # the left wrist merely never showed
    assert problems.counts() == {"keypoint never labelled": 1}
    (problem,) = problems
    assert problem.file == str(tmp_path)
    for words in ("none among 6 people: pelvis", "skeleton=crowdpose14 or lsp14", "dataset.yaml"):
        assert words in problem.detail
    sources(tmp_path, 'match: "*", skeleton: lsp14')
    frames, problems = read_labelme(tmp_path, MPII15)
    assert len(problems) == 0 and not frames[0].labelled[MPII15.index("pelvis")]


def test_a_folder_labelled_after_another_skeleton_is_masked_where_none_fits(tmp_path: Path):
    make_labelme(tmp_path, frames=3, skeleton="coco17")
    frames, problems = read_labelme(tmp_path, MPII15)
    missing = {"head_top", "upper_neck", "pelvis"}
    assert {k for k, on in zip(MPII15.keypoints, frames[0].labelled, strict=True) if not on} == missing
    (problem,) = problems.of("keypoint never labelled")
    assert "skeleton=<name>" in problem.detail


def test_a_few_people_say_nothing_about_what_a_folder_labels(tmp_path: Path):
    make_labelme(tmp_path, frames=4, people=1, without=["pelvis"])
    frames, problems = read_labelme(tmp_path, MPII15)
    assert len(problems) == 0 and frames[0].labelled.all()


def test_files_of_no_source_are_masked_too(tmp_path: Path):
    make_labelme(tmp_path / "mine", frames=1)
    make_labelme(tmp_path / "other", people=1, without=["pelvis"])
    sources(tmp_path, 'match: "mine/*"')
    frames, problems = read_labelme(tmp_path, MPII15)
    pelvis = MPII15.index("pelvis")
    assert [bool(f.labelled[pelvis]) for f in frames] == [True] + 6 * [False]
    assert problems.counts() == {"keypoint never labelled": 1, "file of no source": 6}
    (problem,) = problems.of("keypoint never labelled")
    assert problem.file == str(tmp_path / "dataset.yaml")


def test_a_person_of_whom_nothing_is_known_is_masked(tmp_path: Path):
    face = [labelme_point("nose", 50, 30, 1), labelme_point("left_eye", 54, 28, 1)]
    sources(tmp_path, 'match: "*", skeleton: coco17')
    frame, problems = read_one(tmp_path, [labelme_point("left_hip", 5, 5), *face])
    assert len(frame.people) == 1 and not frame.complete and problems.counts()["no known keypoint"] == 1
    (area,) = frame.ignored_polygons
    low, high = area.min(0), area.max(0)
    assert (low < [50, 28]).all() and (high > [54, 30]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: 3", "field 'sources'"),
        ("sorces: []", "field 'sources'"),
        ("sources: []\nmore: 1", "unknown field 'more'"),
        ("sources: [{skeleton: mpii15}]", r"sources\[0\]\.match"),
        ("sources: [{match: '*', skelton: mpii15}]", "unknown field 'skelton'. Did you mean 'skeleton'"),
        ("sources: [{match: '*', skeleton: mpi15}]", "Did you mean 'mpii15'"),
        ("sources: [{match: '*', complete: 3}]", r"sources\[0\]\.complete"),
        ("a: [", "not valid YAML"),
        ("[" * 3000, "not valid YAML"),
        ("sources: [{match: ''}]", r"sources\[0\]\.match is ''"),
        ("sources: [{match: a}, {match: a}]", r"sources\[1\]\.match is 'a': it must be a pattern that no"),
    ],
)
def test_wrong_dataset_files_are_named(tmp_path: Path, text: str, message: str):
    make_labelme(tmp_path, frames=1)
    (tmp_path / "dataset.yaml").write_text(text)
    with pytest.raises(DataError, match=rf"dataset\.yaml.*{message}"):
        read_labelme(tmp_path, MPII15)


# writing

coordinates = st.floats(-1e4, 1e4, allow_nan=False, width=32).map(float)
keypoint = st.tuples(coordinates, coordinates, st.sampled_from([0.0, 1.0, 2.0]))


@st.composite
def people(draw):
    made = []
    for number in range(draw(st.integers(1, 3))):
        points = np.array(draw(st.lists(keypoint, min_size=15, max_size=15)))
        points[0, 2] = VISIBLE  # somebody is there
        points[points[:, 2] == 0] = 0
        head = draw(st.none() | st.just(np.array([1.5, 2.0, 7.0, 9.25])))
        made.append(Person(points, head_box=head, action=draw(st.sampled_from([None, "wave"])), id=number))
    return made


@given(people=people(), complete=st.booleans())
def test_what_is_written_is_read_back(tmp_path_factory, people: list[Person], complete: bool):
    root = tmp_path_factory.mktemp("labelme")
    polygon = np.array([[0.5, 1.25], [30, 2], [7, 40]])
    frame = Frame(
        root / "pictures" / "a.jpg", (64, 48), people, "mpii15", "pictures/a.jpg", ignore=[[polygon]]
    )
    frame.complete = complete
    write_labelme(frame, MPII15, root / "labels" / "a.json")
    (again,), _ = read_labelme(root, MPII15)
    assert (again.name, again.size, again.complete) == (frame.name, frame.size, complete)
    np.testing.assert_array_equal(again.keypoint_array(), frame.keypoint_array())
    np.testing.assert_array_equal(again.ignore, [[polygon]])
    for person, true in zip(again.people, people, strict=True):
        assert (person.id, person.action) == (true.id, true.action)
        assert (person.head_box is None) == (true.head_box is None)


def test_written_files_have_the_fields_of_the_labelme_program(tmp_path: Path):
    (frame, *_) = make_labelme(tmp_path, frames=1)
    write_labelme(frame, MPII15, tmp_path / "again.json")
    content = json.loads((tmp_path / "again.json").read_text())
    assert set(content) == {
        "version",
        "flags",
        "shapes",
        "imagePath",
        "imageData",
        "imageHeight",
        "imageWidth",
    }
    assert content["imagePath"] == "frame_000.jpg" and content["imageData"] is None
    assert all(
        {"label", "points", "group_id", "shape_type", "flags", "description"} <= set(shape)
        for shape in content["shapes"]
    )
    with pytest.raises(DataError, match="array"):
        write_labelme(replace(frame, image=np.zeros((4, 4, 3), np.uint8)), MPII15, tmp_path / "no.json")


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(["pelvis", "head", "ignore", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
shape = st.fixed_dictionaries(
    {},
    optional={
        "label": anything,
        "points": anything | st.lists(st.lists(st.floats(), min_size=2, max_size=2), max_size=4),
        "group_id": anything,
        "shape_type": st.sampled_from(["point", "rectangle", "polygon", "circle", 3]),
        "flags": anything,
    },
)


@given(shapes=st.lists(shape, max_size=5), flags=anything)
def test_nonsense_is_read_or_refused_but_never_crashes(tmp_path_factory, shapes: list, flags):
    root = tmp_path_factory.mktemp("nonsense")
    write(root, shapes, flags)
    try:
        frames, _ = read_labelme(root, MPII15)
    except DataError as error:
        assert str(root) in str(error)
    else:
        assert all(np.isfinite(frame.keypoint_array()).all() for frame in frames)


# real files


@pytest.mark.shared
def test_real_scenes(shared: Path):
    frames, problems = read_labelme(shared / "data" / "scenes_labelme", MPII15)
    assert len(frames) == 85 and sum(len(f.people) >= 2 for f in frames) == 43
    assert not any(f.complete for f in frames)
    assert problems.counts() == {
        "unknown label": 6,  # head and belly of three people
        "keypoint never labelled": 1,
        "no known keypoint": 4,
        "outside the image": 1,
    }
    assert sum(len(f.people) for f in frames) + 4 == 210
    whole = [
        p for f in frames for p in f.people if p.present[MPII15.indices(["head_top", "upper_neck"])].all()
    ]
    assert len(whole) == 36
    jhmdb = next(f for f in frames if "jhmdb" in f.name)
    assert not jhmdb.labelled[MPII15.index("head_top")] and jhmdb.labelled[MPII15.index("left_knee")]


@pytest.mark.shared
def test_real_files_without_people_are_refused(shared: Path):
    with pytest.raises(DataError, match="nobody is labelled") as error:
        read_labelme(shared / "data" / "labelme_other", MPII15)
    assert "DSC_0281.json" in str(error.value) and "sjb_rect" in str(error.value)


# actions


def test_a_folder_with_actions_has_classes(tmp_path: Path):
    for frame in make_labelme(tmp_path, frames=4):
        path = (tmp_path / frame.name).with_suffix(".json")
        content = json.loads(path.read_text())
        number = int(path.stem[-1])
        content["flags"] = {} if number == 3 else {f"action:{('wave', 'bow', 'walk')[number]}": True}
        path.write_text(json.dumps(content))
    frames, problems = read_labelme(tmp_path, MPII15)
    assert [f.classes for f in frames] == [("bow", "walk", "wave")] * 3 + [()] and not len(problems)
    assert action_counts({"train": frames})["wave"]["train"] == {"samples": 2, "clips": 1}
    frames, problems = read_labelme(tmp_path, MPII15, classes=("wave", "bow", "sit", "walk"))
    assert frames[0].classes == ("wave", "bow", "sit", "walk")
    assert problems.counts() == {"class without samples": 1}
    with pytest.raises(DataError, match=r"'bow' is none of the classes that data\.classes .*names \(bows\)"):
        read_labelme(tmp_path, MPII15, classes=("bows",))


def test_a_picture_may_have_an_action_and_nothing_else(tmp_path: Path):
    frame, problems = read_one(tmp_path, [], {"action:wave": True})
    (person,) = frame.people
    assert (person.action, person.id, person.box) == ("wave", 0, None) and not person.present.any()
    assert not frame.complete and frame.classes == ("wave",) and not len(problems)
    write_labelme(frame, MPII15, tmp_path / "again.json")
    (tmp_path / "a.json").unlink(missing_ok=True)
    (again,) = [f for f in read_labelme(tmp_path, MPII15)[0] if f.name == frame.name]
    assert [p.action for p in again.people] == ["wave"] and not again.keypoint_array().any()


def test_pictures_with_an_action_alone_are_no_truth_of_poses(tmp_path: Path):
    make_labelme(tmp_path, frames=2)
    path = tmp_path / "frame_000.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "shapes": [], "flags": {"action:wave": True}})
    )
    assert [f.name for f in read_truth(tmp_path, MPII15).frames] == ["frame_001.jpg"]
