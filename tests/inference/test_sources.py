from pathlib import Path

import pytest

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


def test_several_videos_are_no_pictures(folder: Path):
    (folder / "a" / "second.MOV").write_bytes(b"")
    with pytest.raises(DataError, match=r"clip\.mp4 is a video, as are 2 of 2 files.*one at a time"):
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
