"""What is kept of MPII between two readings."""

import hashlib
from dataclasses import fields

import numpy as np
import pytest
from mpii_files import SIZE, image, person, points, write_mpii

from dancepose.data.readers import mpii_cache
from dancepose.data.readers.mpii import FILE, GROUPS_FILE
from dancepose.data.readers.mpii_cache import VERSION, load_release, picture_sizes
from dancepose.data.readers.mpii_parser import parse_release
from dancepose.data.readers.mpii_release import Release
from dancepose.errors import DanceposeError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mpii").mkdir()
    return tmp_path / "mpii"


# version -> hash of what a file of many cases is read as. Where this differs a file that was kept would be
# taken for what it no longer is: raise VERSION, and add a line
PARSED = {1: "01dd27479f5f33ea", 2: "01dd27479f5f33ea"}  # 2: groups without a number are none


def test_another_meaning_of_the_arrays_is_another_version(root):
    odd = [*points(20.0, 20.0, 3, "0"), {"x": 5.0, "y": 5.0, "id": 1}, {"x": np.nan, "y": 1.0, "id": 9}]
    images = [
        image("a.jpg", [person(), person(60.0, annopoints={"point": odd}), person(9.0, x1="left")], 2),
        image("b.jpg", None),
        image("c.jpg", [person(annopoints=None), person(scale=None, objpos=None)], 1),
    ]
    act = [{"cat_name": name, "act_name": "any", "act_id": 1} for name in ("dancing", "running", None)]
    single = [np.array([3]), None, np.array([1, 2])]
    groups = [[np.array([1, 2])], None, [1, 2]]
    write_mpii(root, images, [1, 0, 1], single, groups, pictures=False, act=act, video_list=["x", "y"])
    release = parse_release(root / FILE, root / GROUPS_FILE)
    digest = hashlib.sha256()
    for field in fields(Release):
        array = getattr(release, field.name)
        digest.update(f"{field.name} {array.dtype.kind} {array.shape} {array.tolist()}".encode())
    assert digest.hexdigest()[:16] == PARSED[VERSION]


def test_a_file_is_parsed_once_though_it_cannot_be_kept(root, monkeypatch, caplog):
    write_mpii(root, [image("a.jpg", person())])

    def full(*args):
        raise DanceposeError("no space left on device")

    parsed = []
    monkeypatch.setattr(mpii_cache, "write_arrays", full)
    monkeypatch.setattr(
        mpii_cache, "parse_release", lambda *args: parsed.append(args) or parse_release(*args)
    )
    assert load_release(root / FILE, None).names.tolist() == ["a.jpg"]
    assert len(parsed) == 1 and "no space left" in caplog.text


def test_sizes_that_other_annotations_asked_for_stay(root, monkeypatch):
    write_mpii(root, [image(f"{name}.jpg", person()) for name in "abc"])
    folder, looked = root / "images", []
    look = mpii_cache.image_size
    monkeypatch.setattr(mpii_cache, "image_size", lambda path: looked.append(path.name) or look(path))
    assert picture_sizes(folder, ["a.jpg", "b.jpg"]) == {"a.jpg": SIZE, "b.jpg": SIZE}
    assert picture_sizes(folder, ["c.jpg"]) == {"c.jpg": SIZE}
    assert picture_sizes(folder, ["a.jpg", "b.jpg", "c.jpg"]) == dict.fromkeys(
        ("a.jpg", "b.jpg", "c.jpg"), SIZE
    )
    assert sorted(looked) == ["a.jpg", "b.jpg", "c.jpg"]
    (folder / "a.jpg").unlink()
    assert picture_sizes(folder, ["a.jpg", "b.jpg"]) == {"b.jpg": SIZE}
    assert picture_sizes(folder, ["c.jpg"]) == {"c.jpg": SIZE} and len(looked) == 3
