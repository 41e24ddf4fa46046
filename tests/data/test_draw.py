"""Drawing by seed where sources name classes: each class has its share, in whole clips."""

from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.data.draw import draw_units, unit_of
from dancepose.data.problems import Problems
from dancepose.data.split_file import PARTS
from dancepose.data.splits import split_frames
from dancepose.records import Frame, Person


def frames(clips: list[tuple[str, ...]], length: int = 5) -> list[Frame]:
    """Make `length` pictures of each clip, in which one person does each of its actions."""
    classes = tuple(sorted({action for actions in clips for action in actions}))
    return [
        Frame(
            Path("a.jpg"),
            (8, 8),
            [Person(None, action=action) for action in actions],
            "mpii15",
            f"{clip:03d}/{i}.jpg",
            clip=f"v{clip}",
            classes=classes,
        )
        for clip, actions in enumerate(clips)
        for i in range(length)
    ]


def divide(data, val=0.1, test=0.1, seed=0):
    return split_frames(data, None, val, test, seed, Problems())


def clips_of(found: list[Frame]) -> Counter:
    clips = {frame.clip: frame for frame in found}
    return Counter(person.action for frame in clips.values() for person in frame.people)


single = st.lists(st.sampled_from("abc").map(lambda name: (name,)), min_size=3, max_size=40)


@given(clips=single, seed=st.integers(0, 5), order=st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_every_class_is_in_every_part_where_there_are_clips_enough(clips, seed, order):
    data = frames(clips, 2)
    parts = divide(data, seed=seed)
    homes = {part: {frame.clip for frame in found} for part, found in parts.items()}
    assert sum(map(len, homes.values())) == len(clips), "no clip is in two parts, none is lost"
    counts = {part: clips_of(found) for part, found in parts.items()}
    for name, total in Counter(name for (name,) in clips).items():
        held = [counts[part][name] for part in PARTS]
        assert sum(n > 0 for n in held) == min(3, total) and held[0] >= 1
        assert abs(held[2] - max(1, 0.1 * total)) <= 0.51 or total < 3
    shuffled = list(data)
    order.shuffle(shuffled)
    again = divide(shuffled, seed=seed)
    assert {part: {frame.clip for frame in found} for part, found in again.items()} == homes


def test_a_rare_class_is_tested_where_chance_alone_would_miss_it():
    data = frames([("common",)] * 60 + [("rare",)] * 3)
    for seed in range(5):
        parts = divide(data, seed=seed)
        assert [clips_of(parts[part])["rare"] for part in PARTS] == [1, 1, 1]
        assert [clips_of(parts[part])["common"] for part in PARTS] == [49, 5, 6]
    assert divide(data, seed=0) != divide(data, seed=1)


def test_clips_of_several_classes():
    clips = [("a", "b"), ("b", "c"), ("a", "c"), ("a",), ("b",), ("c", "d")] * 4
    parts = divide(frames(clips))
    for part in PARTS:
        assert set(clips_of(parts[part])) == set("abcd")
    assert len(parts["train"]) > 0.6 * len(clips) * 5


def test_the_only_clip_of_a_class_is_trained_on():
    parts = divide(frames([("a",)] * 9 + [("b",)]))
    assert clips_of(parts["train"])["b"] == 1


def test_nothing_wanted_is_nothing_drawn():
    data = frames([("a",)] * 4)
    assert draw_units(data, 0, 0, "test") == set()
    assert len(divide(data, val="none", test=None)["train"]) == 20


def test_single_pictures_are_units_of_their_own():
    data = frames([("a",)] * 2, length=1)
    data[0].clip = None
    assert [unit_of(frame) for frame in data] == ["000/0.jpg", "clip v1"]
