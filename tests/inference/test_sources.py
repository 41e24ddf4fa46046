import errno
import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from dancepose.errors import DataError
from dancepose.inference.sources import camera_index, find_pictures, is_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a/c.PNG", "a/notes.txt", ".hidden/d.jpg", "a/clip.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_folder_glob_and_file(folder: Path):
    assert [item.name for item in find_pictures(folder)] == ["a/c.PNG", "b.jpg"]
    assert [item.name for item in find_pictures(folder / "b.jpg")] == ["b.jpg"]
    assert [item.name for item in find_pictures(f"{folder}/*.jpg")] == ["b.jpg"]
    found = find_pictures(f"{folder}/**/*.[jP]*")
    assert [item.name for item in found] == ["a/c.PNG", "b.jpg"] and found[1].image == folder / "b.jpg"


def test_nothing_there(folder: Path):
    (folder / "empty").mkdir()
    for source, told in (
        ("empty", "no picture"),
        ("*.gif", "no file has such a name"),
        ("x.jpg", "no such file"),
    ):
        with pytest.raises(DataError, match=told):
            find_pictures(folder / source)


def test_a_folder_with_brackets_in_a_glob(folder: Path):
    """They are a pattern there; what is advised finds the pictures."""
    (inside := folder / "dir [x]").mkdir()
    (inside / "e.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="are a pattern in a glob") as caught:
        find_pictures(f"{inside}/*.jpg")
    told = str(caught.value)
    advised = f"{folder}/dir [[]x]/*.jpg"
    assert advised in told and "quotes" not in told
    assert [item.name for item in find_pictures(advised)] == ["e.jpg"]
    with pytest.raises(DataError, match="may need quotes"):
        find_pictures(f"{folder}/no [x]/*.jpg")


def test_several_videos_are_no_pictures(folder: Path):
    (folder / "a" / "second.MOV").write_bytes(b"")
    with pytest.raises(DataError, match=r"; 2 of 2 files are videos, .*clip\.mp4 is one: .*one at a time"):
        find_pictures(f"{folder}/a/*.[mM]*")
    (folder / "videos").mkdir()
    (folder / "a" / "clip.mp4").rename(folder / "videos" / "clip.mp4")
    with pytest.raises(DataError, match=r"no picture .* is in it.*clip\.mp4 is a video.*one at a time"):
        find_pictures(folder / "videos")
    (folder / "videos" / "b.jpg").write_bytes(b"")
    assert [item.name for item in find_pictures(folder / "videos")] == ["b.jpg"]


def test_pictures_videos_and_cameras_are_told_apart(folder: Path):
    for source in (folder, folder / "b.jpg", f"{folder}/*", folder / "missing.jpg"):
        assert is_pictures(str(source)), source
    for source in (folder / "a/clip.mp4", folder / "a/notes.txt", 0, "1"):
        assert not is_pictures(str(source)), source
    assert camera_index(0) == 0 and camera_index("2") == 2 and camera_index("clip2.mp4") is None


def test_links_to_folders_are_followed_and_lead_in_no_circle(folder: Path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "e.jpg").touch()
    (folder / "Z").symlink_to(other)
    (folder / "a" / "up").symlink_to(folder)
    names = ["Z/e.jpg", "a/c.PNG", "b.jpg"]
    assert [item.name for item in find_pictures(f"{folder}/**/*.[jP]*")] == names
    (other / "back").symlink_to(folder / "a")
    assert [item.name for item in find_pictures(folder)] == names


@pytest.fixture
def closed(folder: Path, monkeypatch) -> Path:
    """A folder below that may not be read; root may read all, so the system call is made to refuse."""
    (folder / "closed").mkdir()
    scandir = os.scandir

    def refuse(path="."):
        if not isinstance(path, int) and os.path.basename(path) == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return folder / "closed"


@pytest.mark.parametrize("source", ["", "/**/*.[jP]*"])
def test_what_cannot_be_read_is_told_and_counted(folder: Path, closed: Path, source):
    (folder / "a" / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    items = find_pictures(f"{folder}{source}")
    assert [item.name for item in items] == ["a/c.PNG", "a/gone.jpg", "b.jpg", "closed"]
    assert [item.error for item in items] == [
        *(None, f"link {folder}/a/gone.jpg cannot be followed: No such file or directory"),
        *(None, f"folder {closed} cannot be read: Permission denied"),
    ]


def test_a_source_that_may_not_be_read_is_not_called_empty(closed: Path):
    for source in (closed, f"{closed}/*.jpg", [closed]):
        with pytest.raises(DataError, match="closed cannot be read: Permission denied"):
            find_pictures(source)


def test_a_list_holds_each_picture_once_by_names_below_the_folder_that_all_share(folder: Path, monkeypatch):
    (folder / "a" / "b.jpg").touch()
    monkeypatch.chdir(folder)
    sources = OmegaConf.create(["a/b.jpg", "b.jpg", str(folder / "a"), "*.jpg"])
    assert is_pictures(sources)
    items = find_pictures(sources)
    assert [item.name for item in items] == ["a/b.jpg", "a/c.PNG", "b.jpg"]
    assert items[1].image == folder / "a" / "c.PNG"
    assert [item.name for item in find_pictures(["a/c.PNG"])] == ["c.PNG"]
    for wrong, told in (
        (
            ["b.jpg", "a/clip.mp4"],
            r"source=\[b.jpg, a/clip.mp4\]: a/clip.mp4 is no picture.*source=a/clip.mp4",
        ),
        (["b.jpg", 0], "0 is no picture, folder or glob.*source=0"),
        (["b.jpg", "gone.jpg"], "source=gone.jpg: there is no such file"),
        ([], r"source=\[\]: name a picture"),
    ):
        with pytest.raises(DataError, match=told):
            find_pictures(wrong)
