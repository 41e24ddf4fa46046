"""A gap between the parts of a split: no clip is beside one of another part."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.gap import Gap, clip_places
from dancepose.data.problems import Problems
from dancepose.data.split_file import PARTS, SplitFile
from dancepose.data.split_rule import SplitRule
from dancepose.data.splits import split_frames
from dancepose.errors import ConfigError
from dancepose.records import Frame


def frames(clips: int, source: str = "s", length: int = 2) -> list[Frame]:
    return [
        Frame(
            Path("a.jpg"),
            (8, 8),
            [],
            "mpii15",
            f"{source}{c:02d}/{i}",
            clip=f"{source}{c:02d}",
            source=source,
        )
        for c in range(clips)
        for i in range(length)
    ]


def divide(data, gap, file=None, val=0.1, test=0.1, seed=0, **rule):
    rule = SplitRule(gap=Gap(gap, clip_places(data)), **rule)
    return split_frames(data, file, val, test, seed, Problems(), "data", rule)


def clips(found: list[Frame]) -> list[str]:
    return sorted({frame.clip for frame in found})


def test_neighbours_follow_each_other_in_one_source():
    data = [frame for pair in zip(frames(3, "a"), frames(3, "b"), strict=True) for frame in pair]
    places = clip_places([*data, Frame(Path("x"), (1, 1), [], "mpii15", "x")])
    assert places == {f"{s}{c:02d}": (s, c) for s in "ab" for c in range(3)}
    gap = Gap(1, places)
    assert gap.near([f for f in data if f.clip == "a01"]) == {"a00", "a02"}
    assert gap.near([f for f in data if f.clip in ("b00", "b01")]) == {"b02"}
    assert Gap(2, places).near(data[:1]) == {"a01", "a02"} and Gap(0, places).near(data[:1]) == set()


@given(
    count=st.integers(12, 60),
    gap=st.integers(1, 3),
    seed=st.integers(0, 9),
    amounts=st.tuples(st.sampled_from([0.05, 0.1, "none"]), st.sampled_from([0.05, 0.1])),
)
def test_no_clip_is_beside_one_of_another_part(count, gap, seed, amounts):
    data = frames(count)
    try:
        parts = divide(data, gap, val=amounts[0], test=amounts[1], seed=seed)
    except ConfigError as error:
        assert "data.gap" in str(error) and count < 24
        return
    places = {int(clip[1:]): part for part in PARTS for clip in clips(parts[part])}
    for number, part in places.items():
        beside = {places.get(number + step, part) for step in range(-gap, gap + 1)}
        assert beside == {part}
    whole = divide(data, 0, val="none", test=amounts[1], seed=seed)
    assert clips(parts["test"]) == clips(whole["test"]), "the test part is what it would be without a gap"
    left_out = set(clips(data)) - {f"s{n:02d}" for n in places}
    near = Gap(gap, clip_places(data)).near
    assert left_out <= near(parts["test"]) | near(parts["val"]), "nothing is left out that need not be"


def test_a_gap_holds_with_a_file_too():
    data = frames(8)
    file = SplitFile(
        Path("s"), {"train": ("s00", "s01", "s02"), "val": ("s03", "s06"), "test": ("s07",)}, "clip"
    )
    parts = {part: clips(found) for part, found in divide(data, 1, file).items()}
    assert parts == {"train": ["s00", "s01"], "val": ["s03"], "test": ["s07"]}


def test_a_gap_needs_clips_and_something_to_train_on():
    bare = [Frame(Path("x"), (1, 1), [], "mpii15", str(i)) for i in range(9)]
    with pytest.raises(ConfigError, match=r"data\.gap=1 is between clips, but no frame .*data\.clip"):
        divide(bare, 1)
    with pytest.raises(ConfigError, match=r"lower data\.val or data\.test or data\.gap"):
        divide(frames(3), 3)
