"""Splits by source and by picture."""

from pathlib import Path

import pytest

from dancepose.data.problems import Problems
from dancepose.data.split_rule import SplitRule
from dancepose.data.splits import split_frames
from dancepose.errors import DataError
from dancepose.records import Frame


def frames(sources: str = "abc", clips: int = 10, length: int = 3) -> list[Frame]:
    return [
        Frame(Path("x"), (8, 8), [], "mpii15", f"{s}/{c}/{i}", clip=f"{s}/{c}", source=s)
        for s in sources
        for c in range(clips)
        for i in range(length)
    ]


def divide(rule: SplitRule, problems=None):
    problems = Problems() if problems is None else problems
    return split_frames(frames(), None, 0.2, 0.2, 0, problems, "data", rule)


@pytest.mark.parametrize(
    ("train", "test", "homes"),
    [
        (("a",), ("b",), ("a", "b")),
        ((), ("b",), ("ac", "b")),
        (("a", "c"), (), ("ac", "b")),
    ],
)
def test_sources_say_what_tests(train, test, homes):
    parts = divide(SplitRule(train_sources=train, test_sources=test))
    found = [{frame.source for frame in parts[part]} for part in ("train", "val", "test")]
    assert found == [set(homes[0]), found[1], set(homes[1])] and found[1] and found[1] <= found[0]
    assert len(parts["test"]) == 30 and len(parts["train"]) + len(parts["val"]) == 30 * len(homes[0])
    assert not {f.clip for f in parts["train"]} & {f.clip for f in parts["val"]}


def test_a_video_of_several_sources_is_on_one_side():
    shared = [
        Frame(Path("x"), (8, 8), [], "mpii15", f"{s}/{c}", clip=str(c), source=s)
        for s, clips in (("a", range(8)), ("b", range(6, 12)))
        for c in clips
    ]
    problems = Problems()
    parts = split_frames(shared, None, 0.2, 0.2, 0, problems, "data", SplitRule(test_sources=("b",)))
    assert {frame.clip for frame in parts["train"] + parts["val"]} == set(map(str, range(6)))
    assert len(parts["test"]) == 6 and not problems.counts()
    apart = SplitRule(test_sources=("b",), by="image")
    parts = split_frames(shared, None, 0.2, 0.2, 0, problems, "data", apart)
    assert len(parts["train"] + parts["val"]) == 8


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            SplitRule(test_sources=("lzg",)),
            r"data\.test_sources: 'lzg' is no source of the data, which have a, b",
        ),
        (SplitRule(train_sources=("a", "b", "c")), "no source is left for the test part"),
        (
            SplitRule(test_sources=("a", "b", "c")),
            "no source is left for the train part; the data have a, b, c",
        ),
    ],
)
def test_impossible_sources_are_refused(rule, words):
    with pytest.raises(DataError, match=words):
        divide(rule)


def test_by_image_every_picture_is_drawn_alone_and_that_is_told():
    problems = Problems()
    parts = divide(SplitRule(by="image"), problems=problems)
    assert [len(parts[part]) for part in ("train", "val", "test")] == [58, 14, 18]
    torn = {f.clip for f in parts["train"]} & {f.clip for f in parts["test"]}
    assert torn and problems.counts()["clip in several parts"] >= len(torn)
    whole = Problems()
    divide(SplitRule(), problems=whole)
    assert not len(whole)
