"""Files of a folder, links followed, and what cannot be read: `folder_walk`."""

import os
from pathlib import Path

import pytest

from dancepose.inference import folder_walk
from dancepose.inference.folder_walk import broken_of_glob, walk, without_circles


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files, a hidden one, a link to a folder outside, one back to itself, and a dead one."""
    for name in ("in/a.jpg", "in/deep/b.jpg", "in/.hidden/c.jpg", "out/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    root = tmp_path / "in"
    (root / "again").symlink_to(root / "deep")
    (root / "deep" / "back").symlink_to(root)
    (root / "linked").symlink_to(tmp_path / "out")
    (root / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    return root


def below(root: Path, paths) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in paths)


def test_each_folder_once_under_the_name_without_links(tree):
    files, lost = walk(tree)
    assert below(tree, files) == ["a.jpg", "deep/b.jpg", "linked/d.jpg"]
    ((path, told),) = lost
    assert path == tree / "dead.jpg" and told.startswith(f"link {path} cannot be followed: ")


def test_a_folder_that_is_closed_is_told(tree, monkeypatch):
    real = os.scandir

    def refuse(folder):
        if Path(folder).name == "deep":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(folder_walk.os, "scandir", refuse)
    assert f"folder {tree / 'deep'} cannot be read: Permission denied" in [one.error for one in walk(tree)[1]]
    told = [one.path for one in broken_of_glob(str(tree / "**" / "*.jpg"), [])]
    assert tree / "deep" in told and tree / "linked" not in told


def test_a_glob_tells_of_dead_links(tree):
    dead, alive = tree / "dead.jpg", tree / "a.jpg"
    assert [one.path for one in broken_of_glob(str(tree / "*.jpg"), [alive, dead])] == [dead]


def test_a_path_in_a_circle_is_left_out(tree):
    round_about = tree / "deep" / "back" / "a.jpg"
    assert without_circles([round_about, tree / "a.jpg"]) == [tree / "a.jpg"]
