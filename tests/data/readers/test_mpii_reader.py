"""MPII's official files: each of their quirks, in files that scipy wrote."""

import numpy as np
import pytest
from mpii_files import SIZE, image, person, points, write_mpii

from dancepose.data.readers import mpii_cache
from dancepose.data.readers.mpii import FILE, read_mpii
from dancepose.errors import DataError
from dancepose.skeleton import load_skeleton

MPII16, MPII15 = load_skeleton("mpii16"), load_skeleton("mpii15")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mpii"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "mpii").mkdir()
    return tmp_path / "mpii"


def read(root, skeleton=MPII16):
    return read_mpii(root / FILE, skeleton, root)


def one(root, **changes):
    """Read a picture of one person."""
    (frame,) = read(write_mpii(root, [image("a.jpg", person(**changes))])).frames
    return frame


def test_pixels_and_people_are_counted_from_0(root):
    found = read(write_mpii(root, [image("a.jpg", [person(), person(60.0)])], groups=[[np.array([2, 1])]]))
    (frame,) = found.frames
    first, second = frame.people
    assert first.keypoints[:, 0].tolist() == [19.0 + k for k in range(16)]
    assert first.keypoints[:, 1].tolist() == [19.0 + 2 * k for k in range(16)]
    assert (first.keypoints[:, 2] == 2).all() and (first.id, second.id) == (0, 1)
    assert first.head_box.tolist() == [19, 19, 28, 31]
    (group,) = frame.groups
    assert group.members == [0, 1] and group.scale == 0.25 and group.box.tolist() == [27, 34, 67, 34]
    assert frame.size == SIZE and frame.image == root / "images" / "a.jpg" and frame.name == "a.jpg"
    assert frame.complete and not frame.ignore and frame.labelled.all() and frame.id == 1
    assert not found.problems


def test_mpii15_lacks_the_thorax_alone(root):
    write_mpii(root, [image("a.jpg", person())])
    (frame,) = read(root, MPII15).frames
    whole = read(root).frames[0].people[0].keypoints
    for k, name in enumerate(MPII15.keypoints):
        assert frame.people[0].keypoints[k].tolist() == whole[MPII16.keypoints.index(name)].tolist()
    assert frame.labelled.all()


def test_what_mpii_does_not_mark_is_masked(root):
    write_mpii(root, [image("a.jpg", person())])
    coco = load_skeleton("coco17")
    (frame,) = read(root, coco).frames
    assert frame.labelled.tolist() == [
        not any(w in name for w in ("nose", "eye", "ear")) for name in coco.keypoints
    ]


@pytest.mark.parametrize("annorect", [None, [], person(annopoints=None), person(annopoints={"point": None})])
def test_pictures_in_which_nobody_has_points_are_left_out(root, annorect):
    found = read(write_mpii(root, [image("a.jpg", annorect), image("b.jpg", person())]))
    assert [frame.name for frame in found.frames] == ["b.jpg"] and found.without_keypoints == 1


def test_people_without_points_are_masked(root):
    bare = person(80.0, 40.0, annopoints=None, x1=None, y1=None, x2=None, y2=None)
    lost = {"scale": 0.5, "objpos": None}
    empty = {"scale": None, "objpos": None}
    (frame,) = read(write_mpii(root, [image("a.jpg", [person(), bare])])).frames
    assert len(frame.people) == 1 and frame.complete and not frame.excuses
    (polygon,) = frame.ignored_polygons
    assert polygon.tolist() == [[62, 29], [112, 29], [112, 79], [62, 79]]
    found = read(write_mpii(root, [image("a.jpg", [person(), lost, empty])]))
    assert not found.frames[0].complete and found.problems.counts() == {"no place": 1}
    (frame,) = read(write_mpii(root, [image("a.jpg", [person(), empty])])).frames
    assert frame.complete and not frame.ignore


def test_people_of_whom_the_skeleton_has_no_point_are_masked_whole(root):
    """A square of the person's height, not the little that is around the thorax and the head."""
    thorax = person(80.0, 40.0, annopoints={"point": {**points(80.0, 40.0, 8)[7]}})
    write_mpii(root, [image("a.jpg", [person(), thorax])])
    (frame,) = read(root, load_skeleton("mpii15")).frames
    (polygon,) = frame.ignored_polygons
    assert len(frame.people) == 1 and polygon.tolist() == [[62, 29], [112, 29], [112, 79], [62, 79]]
    (frame,) = read(root, load_skeleton("mpii16")).frames
    assert len(frame.people) == 2 and not frame.ignore


def test_one_point_and_one_person_are_bare_structs(root):
    frame = one(root, annopoints={"point": points(30.0, 40.0, 1)[0]})
    assert frame.people[0].present.tolist() == [True] + [False] * 15
    assert frame.people[0].keypoints[0].tolist() == [29, 39, 2]


@pytest.mark.parametrize(
    ("visible", "expected"), [("1", 2), ("0", 1), (1, 2), (0, 1), (1.0, 2), (None, 2), (np.uint8(0), 1)]
)
def test_visibility_in_all_its_forms(root, visible, expected):
    frame = one(root, annopoints={"point": points(30.0, 40.0, 16, visible)})
    assert set(frame.people[0].keypoints[:, 2]) == {expected}


def test_points_without_the_field(root):
    bare = [{k: v for k, v in point.items() if k != "is_visible"} for point in points(30.0, 40.0)]
    assert (one(root, annopoints={"point": bare}).people[0].keypoints[:, 2] == 2).all()


def test_without_head_place_or_scale(root):
    frame = one(root, x1=None)
    assert frame.people[0].head_box is None
    bare = {"annopoints": {"point": points(20.0, 20.0)}}
    (frame,) = read(write_mpii(root, [image("a.jpg", [bare, bare])], groups=[[[1, 2]]])).frames
    assert frame.groups[0].members == [0, 1] and frame.groups[0].box is None and frame.groups[0].scale is None


@pytest.mark.parametrize("lost", ["objpos", "scale"])
def test_a_group_s_place_knows_of_everybody_who_is_truth(root, lost):
    half = [person(), person(60.0, **{lost: None})]
    found = read(write_mpii(root, [image("a.jpg", half)], groups=[[[1, 2]]]))
    assert found.frames[0].groups[0].box is None and found.frames[0].groups[0].scale is None
    assert found.problems.counts() == {"group without place": 1}
    half[1]["annopoints"] = None
    (frame,) = read(write_mpii(root, [image("a.jpg", half)], groups=[[[1, 2]]])).frames
    assert frame.groups[0].box.tolist() == [27, 34, 27, 34] and frame.groups[0].scale == 0.25


def test_groups_with_a_single_person_are_none(root):
    people = [person(float(x)) for x in (10, 20, 90, 120)]
    images = [image(f"{n}.jpg", people) for n in "abc"]
    groups = [[np.array([1, 2]), np.array([3, 4])], [np.array([1, 2]), 3], None]
    found = read(write_mpii(root, images, single=[None, np.array([3, 4]), 1], groups=groups))
    members = [[group.members for group in frame.groups] for frame in found.frames]
    assert members == [[[0, 1], [2, 3]], [[0, 1]], []]
    assert [frame.evaluated for frame in found.frames] == [True, True, False]
    assert [frame.units for frame in found.frames] == [2, 1, 0]
    assert found.notes[0].endswith("groups_v12.mat")


def test_members_without_points_are_no_truth_but_count_for_the_place(root):
    people = [person(20.0, annopoints=None), person(60.0), person(100.0, annopoints=None)]
    found = read(write_mpii(root, [image("a.jpg", people)], groups=[[np.array([1, 2]), 3]]))
    (group,) = found.frames[0].groups
    assert group.members == [0] and group.box.tolist() == [27, 34, 67, 34]


def test_without_the_file_touching_people_are_groups(root):
    people = [person(float(x)) for x in (10, 20, 30, 90)]
    found = read(write_mpii(root, [image("a.jpg", people), image("b.jpg", person())]))
    assert [[g.members for g in frame.groups] for frame in found.frames] == [[[0, 1, 2]], []]
    assert "not comparable" in found.notes[0]
    single = [np.array([4]), None]
    found = read(write_mpii(root, [image("a.jpg", people), image("b.jpg", person())], single=single))
    assert [[g.members for g in frame.groups] for frame in found.frames] == [[[0, 1, 2]], [[0]]]


def test_clips_have_the_names_of_their_videos(root):
    images = [image(f"{n}.jpg", person(), clip) for n, clip in zip("abcd", (1, 1, 3, None), strict=True)]
    found = read(write_mpii(root, images, video_list=["xyz", "abc"]))
    assert [frame.clip for frame in found.frames] == ["xyz", "xyz", "video 3", None]


def test_activities_are_sources(root):
    act = [{"cat_name": "dancing", "act_name": "ballet", "act_id": 7}, {"cat_name": None}]
    found = read(write_mpii(root, [image("a.jpg", person()), image("b.jpg", person())], act=act))
    assert [frame.source for frame in found.frames] == ["dancing", ""]


def test_test_pictures_without_points_leave_the_test_open(root):
    images = [image(f"{n}.jpg", [person(), person(24.0)]) for n in "ab"]
    bare = [{"scale": 1.0, "objpos": {"x": 9, "y": 9}}]
    found = read(write_mpii(root, [*images, image("c.jpg", bare)], [1, 1, 0]))
    assert [frame.name for frame in found.frames] == ["a.jpg", "b.jpg"] and not found.test
    assert "since 1 of the 1 official test images have no points" in found.test_note
    images = [*images, image("c.jpg", bare), image("d.jpg", bare), image("e.jpg", [person(), person(24.0)])]
    found = read(write_mpii(root, images, [1, 1, 0, 0, 0]))
    assert len(found.frames) == 2 and "since 2 of the 3 official test images have no" in found.test_note


def test_test_pictures_with_points_are_the_official_list(root):
    images = [image(f"{n}.jpg", [person(), person(24.0)]) for n in "ab"]
    single = image("c.jpg", person())
    found = read(write_mpii(root, [*images, single], [1, 0, 0]))
    assert found.test == {"b.jpg", "c.jpg"}
    assert [frame.evaluated for frame in found.frames] == [True, True, False]
    assert found.test_note == "test: the official list"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"x1": "left"}, r"annorect\(2\)\.x1"),
        ({"scale": np.array([1.0, 2.0])}, r"annorect\(2\)\.scale"),
        ({"objpos": 3}, r"annorect\(2\)\.objpos"),
        ({"annopoints": {"point": [{"x": 1.0, "y": 2.0, "id": 16}]}}, r"annopoints\.point\(1\)\.id"),
        ({"annopoints": {"point": [{"x": 1.0, "y": 2.0, "id": None}]}}, r"annopoints\.point\(1\)\.id"),
        ({"annopoints": {"point": points(1.0, 1.0, 2, "maybe")}}, r"point\(1\)\.is_visible"),
    ],
)
def test_a_broken_person_is_named_and_the_others_are_read(root, changes, field):
    found = read(write_mpii(root, [image("a.jpg", [person(), person(60.0, **changes)])]))
    assert len(found.frames[0].people) == 1
    (problem,) = found.problems.of("annotation broken")
    assert problem.field.startswith("RELEASE.annolist(1).annorect(2)")
    with pytest.raises(DataError, match=rf"RELEASE\.annolist\(1\)\..*{field}"):
        found.problems.raise_fatal()


def test_odd_points_are_told(root):
    odd = [*points(20.0, 20.0, 3), {"x": 5.0, "y": 5.0, "id": 1}, {"x": np.nan, "y": 1.0, "id": 9}]
    far = person(155.0, 20.0)
    found = read(write_mpii(root, [image("a.jpg", [person(annopoints={"point": odd}), far])]))
    assert found.frames[0].people[0].present.sum() == 3
    assert found.problems.counts() == {"duplicate point": 1, "not a number": 1, "outside the image": 10}


def test_repeated_pictures_are_told(root):
    found = read(write_mpii(root, [image(f"{n}.jpg", person()) for n in "aba"]))
    assert [frame.name for frame in found.frames] == ["a.jpg", "b.jpg"]
    assert found.problems.counts() == {"duplicate image": 1}


def many(root, missing):
    """Write 200 pictures of two people, every second of the test, one of nobody, and take some away."""
    images = [image(f"{i}.jpg", [person(), person(24.0)]) for i in range(200)]
    write_mpii(root, [*images, image("bare.jpg", None)], [*[1, 0] * 100, 1])
    for i in missing:
        (root / "images" / f"{i}.jpg").unlink()


def test_a_few_pictures_may_be_missing(root):
    """MPII's own archive lacks some that its annotations name."""
    many(root, (3, 8))
    found = read(root)
    names = {frame.name for frame in found.frames}
    assert len(names) == 198 and not {"3.jpg", "8.jpg"} & (names | found.test) and len(found.test) == 99
    assert found.problems.counts() == {"picture not in the download": 2} and found.without_keypoints == 1
    assert found.problems.report(1).startswith("picture not in the download: 2 (left out)")
    assert [problem.field for problem in found.problems][0] == "RELEASE.annolist(4).image.name"
    found.problems.raise_fatal()


def test_more_missing_pictures_are_refused(root):
    many(root, range(3))
    told = (
        r"3 of the 200 labelled pictures of .* are not in .*images, more than 1%, 0\.jpg for instance: unpack"
    )
    with pytest.raises(DataError, match=rf"data\.root=.*: {told}"):
        read(root)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"annolist": None}, r"RELEASE\.annolist is missing"),
        ({"annolist": 3}, r"RELEASE\.annolist must be a struct"),
        ({"img_train": None}, r"RELEASE\.img_train must be 1 numbers"),
        ({"img_train": [1, 0]}, r"RELEASE\.img_train must be 1 numbers"),
        ({"single_person": [None, None]}, r"RELEASE\.single_person must be a cell array of 1"),
        ({"single_person": ["all"]}, r"RELEASE\.single_person\{1\}.* must hold numbers"),
    ],
)
def test_foreign_files_are_refused(root, fields, words):
    with pytest.raises(DataError, match=words):
        read(write_mpii(root, [image("a.jpg", person())], **fields))


def test_groups_of_another_file_are_refused(root):
    write_mpii(root, [image("a.jpg", person())], groups=[None, None])
    with pytest.raises(DataError, match=r"groups_v12\.mat: groups must be a cell array of 1"):
        read(root)


def test_missing_files_name_the_key(root):
    with pytest.raises(DataError, match=rf"data\.annotations=.*{FILE} is no file"):
        read(root)
    write_mpii(root, [image("a.jpg", person())], pictures=False)
    with pytest.raises(DataError, match=r"data\.root=.*none of the 1 pictures .* is in .*images"):
        read(root)
    write_mpii(root, [image("a.jpg", person(annopoints=None))])
    with pytest.raises(DataError, match="nobody in its training images has points"):
        read(root)


def test_files_are_read_once(root, cache, monkeypatch):
    write_mpii(root, [image("a.jpg", [person(), person(28.0)], 2)], groups=[[[1, 2]]])
    first = read(root)
    monkeypatch.setattr(mpii_cache, "parse_release", lambda *args: pytest.fail("read again"))
    monkeypatch.setattr(mpii_cache, "image_size", lambda *args: pytest.fail("looked at again"))
    again = read(root)
    assert repr(again.frames) == repr(first.frames) and again.notes == first.notes
    monkeypatch.undo()
    monkeypatch.setenv("DANCEPOSE_CACHE", str(cache.parent))
    write_mpii(root, [image("a.jpg", [person(), person(40.0)], 2)], groups=[[[1, 2]]], pictures=False)
    assert read(root).frames[0].people[1].keypoints[0, 0] == 39
    for path in cache.glob("*.npz"):
        path.write_bytes(path.read_bytes()[:99])
    assert read(root).frames[0].people[1].keypoints[0, 0] == 39


def test_a_cache_that_cannot_be_written_is_told(root, monkeypatch, caplog):
    write_mpii(root, [image("a.jpg", person())])
    (root / "file").write_text("")
    monkeypatch.setenv("DANCEPOSE_CACHE", str(root / "file"))
    assert len(read(root).frames) == 1 and "DANCEPOSE_CACHE can name another folder" in caplog.text
