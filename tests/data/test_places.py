"""Places that a configuration of data names, looked for before anything heavy is imported: `check_places`."""

import pytest

from dancepose.data.places import check_places
from dancepose.errors import ConfigError, DataError


def test_what_is_not_there_is_named(tmp_path):
    root = str(tmp_path)
    with pytest.raises(DataError, match=r"data\.root=/no/where is no folder: give the folder with pictures"):
        check_places({"kind": "dance", "root": "/no/where"})
    with pytest.raises(DataError, match=r"data\.annotations=.*mpii_human.* is no file: give the mpii_human"):
        check_places({"kind": "mpii", "root": root})
    with pytest.raises(DataError, match=r"data\.annotations=no\.json is no file: give the COCO"):
        check_places({"kind": "coco", "root": root, "annotations": "no.json"})
    with pytest.raises(
        DataError, match=r"data\.split=mine\.json is no file: neither .* nor .*mine\.json: give"
    ):
        check_places({"kind": "dance", "root": root, "split": "mine.json"})
    with pytest.raises(ConfigError, match=r"data\.annotations is not set"):
        check_places({"kind": "coco", "root": root})
    (tmp_path / "mine.json").touch()
    check_places({"kind": "dance", "root": root, "split": "mine.json", "batch_size": 8})


def test_parts_of_a_mix(tmp_path):
    """A relative root is below that of the mix."""
    (tmp_path / "a").mkdir()
    parts = {"one": {"kind": "dance", "root": "a", "weight": 2}}
    check_places({"kind": "mix", "root": str(tmp_path), "parts": parts})
    parts["two"] = {"kind": "dance", "root": "b"}
    with pytest.raises(ConfigError, match=r"unknown key data\.parts\.one\.wieght.*weight"):
        check_places(
            {"kind": "mix", "root": None, "parts": {"one": {"kind": "dance", "root": "a", "wieght": 2}}}
        )
    with pytest.raises(DataError, match=rf"data\.parts\.two\.root={tmp_path / 'b'} is no folder"):
        check_places({"kind": "mix", "root": str(tmp_path), "parts": parts})


@pytest.mark.parametrize(
    "node",
    [
        None,
        {"kind": "dance", "root": None},
        {"kind": "dance", "root": "no", "scenes": {"train": 1}},
        {"kind": "mix", "root": None, "parts": None},
        {"kind": "mix", "root": None, "parts": {"a": {"kind": ["dance"], "root": "no"}}},
        {
            "kind": "mix",
            "root": None,
            "scenes": {"train": 1},
            "parts": {"a": {"kind": "dance", "root": "no"}},
        },
        {"kind": "mix", "root": None, "parts": {"a": {"kind": "mine", "root": "no"}, "b": 3}},
        {"kind": "mine", "root": "no"},
        {"kind": "dance", "root": 3},
    ],
)
def test_nothing_is_said_of_what_others_check(node):
    check_places(node)
