"""The summary's lines of what is left out."""

from dancepose.data.gap import Gap
from dancepose.data.left_out import left_out
from dancepose.data.loaded_part import LoadedPart
from dancepose.data.parts import PartConfig
from dancepose.records import Frame


def test_a_line_for_each_key_and_none_where_nothing_is_left_out():
    bare = Frame(None, (0, 0), [], "coco17", "a")
    parts = {"train": [bare], "val": [bare], "test": []}  # as with data.overfit: one frame in several parts
    config = PartConfig("skeletons", "x", gap=2)
    loaded = LoadedPart("mine", config, parts, gap=Gap(2, {}), gap_left_out={"c": 1})
    loaded.labels_left_out, loaded.sources_left_out = {"T": 1}, {"lzq": 3, "pck": 4}
    assert left_out(loaded, "data.parts.mine") == [
        "left out by data.parts.mine.labels: 1 sample (T 1)",
        "of sources that neither train nor test (data.parts.mine): frames of pck 4, lzq 3",
        "left out by data.parts.mine.gap=2, clips beside one of another part: 1 frame of 1 clip",
        "without pictures (mine): 1 frame",
    ]
    for clips, told in [
        ({"a": 2, "b": 40, "c": 3}, "45 frames of 3 clips (2 to 40 each, a clip counts however short)"),
        ({"a": 3, "b": 3}, "6 frames of 2 clips (3 each, a clip counts however short)"),
        ({}, "0 frames"),
    ]:
        loaded.gap_left_out = clips
        assert left_out(loaded, "data")[2].endswith(f"clips beside one of another part: {told}")
    assert left_out(LoadedPart("mine", PartConfig("dance", "x"), dict.fromkeys(parts, [])), "data") == []
