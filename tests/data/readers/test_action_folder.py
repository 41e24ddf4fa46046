"""A folder of pictures for each class: what is read, in which order, and what is told."""

from pathlib import Path

import pytest
from factories import blank_picture as picture

from dancepose.data.images import check_images
from dancepose.data.readers.action_folder import read_action_folder
from dancepose.errors import DataError
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")


@pytest.fixture
def root(tmp_path) -> Path:
    for name in ("wave/10.jpg", "wave/2.jpg", "wave/v/b.PNG", "akimbo/v/x/a.jpg", "akimbo/1.jpg"):
        picture(tmp_path / "data" / name)
    return tmp_path / "data"


def test_reads_classes_pictures_and_depths(root):
    frames, problems = read_action_folder(root, MPII15)
    names = ["akimbo/1.jpg", "akimbo/v/x/a.jpg", "wave/2.jpg", "wave/10.jpg", "wave/v/b.PNG"]
    assert [frame.name for frame in frames] == names, "2 comes before 10"
    assert not len(problems) and not len(check_images(frames))
    for frame in frames:
        (person,) = frame.people
        assert person.action == frame.name.split("/")[0] and person.box is None and person.id == 0
        assert person.keypoints.shape == (15, 3) and not person.present.any()
        assert frame.classes == ("akimbo", "wave") and frame.size == (12, 8)
        assert not frame.complete and not frame.labelled.any() and frame.image == root / frame.name


def test_the_order_of_the_classes_can_be_given(root):
    frames, problems = read_action_folder(root, MPII15, classes=("wave", "walk", "akimbo"))
    assert frames[0].classes == ("wave", "walk", "akimbo")
    assert problems.counts() == {"class without samples": 1} and "'walk'" in problems.report()
    with pytest.raises(DataError, match=r"data\.root=.*'akimbo' is none .*\(wave, akimbos\)\. Did you mean"):
        read_action_folder(root, MPII15, classes=("wave", "akimbos"))


def test_what_is_no_picture_is_told_and_what_is_hidden_is_not(root):
    for name in ("wave/Thumbs.db", "wave/v/notes.txt", "readme.md", "classes.txt", "split.json"):
        (root / name).write_text("x")
    picture(root / "loose.jpg")
    picture(root / ".cache" / "a.jpg")
    picture(root / "wave" / ".trash" / "a.jpg")
    picture(root / "__MACOSX" / "a.jpg")
    (root / "walk").mkdir()
    frames, problems = read_action_folder(root, MPII15)
    assert len(frames) == 5
    counts = {"class without samples": 1, "not a picture": 3, "picture of no class": 1}
    assert problems.counts() == counts and "not a picture .db: 1" in problems.report()


def test_broken_pictures_are_found_by_what_looks_at_them(root):
    (root / "wave" / "2.jpg").write_bytes(b"\xff\xd8 cut off")
    frames, problems = read_action_folder(root, MPII15)
    assert len(frames) == 5 and frames[2].size == (0, 0) and not len(problems)
    assert check_images(frames).counts() == {"image broken": 1}


def test_folders_without_anything_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"data\.root=.*none is no folder"):
        read_action_folder(tmp_path / "none", MPII15)
    picture(tmp_path / "a.jpg")
    with pytest.raises(DataError, match=r"holds no folders: one for each class"):
        read_action_folder(tmp_path, MPII15)
    (tmp_path / "wave").mkdir()
    (tmp_path / "wave" / "a.gif").write_bytes(b"GIF")
    with pytest.raises(DataError, match=r"no picture \(\.jpg, .*1 folders\n.*not a picture \.gif"):
        read_action_folder(tmp_path, MPII15)
