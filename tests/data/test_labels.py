"""`data.labels`: labels become classes or are left out; the nearest entry counts."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.labels import check_labels, relabel, resolve, told
from dancepose.errors import ConfigError, DataError
from dancepose.records import Frame, Person

FOUND = ["T", "Traffic_Left", "Traffic_All", "Yoga_Tree", "wave", "walk"]


def frame(name: str, *actions: str | None, classes=("b", "a", "c")) -> Frame:
    people = [Person(None, action=action, id=i) for i, action in enumerate(actions)]
    return Frame(Path(name), (8, 8), people, "mpii15", name, classes=classes)


def test_a_name_comes_before_a_pattern_and_the_longer_pattern_before_the_shorter():
    labels = {"*": "other", "T*": "t", "Traffic_*": None, "Traffic_All": "stop", "wave": "wave"}
    for order in (labels, dict(reversed(labels.items()))):
        assert resolve(order, FOUND, "data.labels") == {
            "T": "t",
            "Traffic_Left": None,
            "Traffic_All": "stop",
            "Yoga_Tree": "other",
            "wave": "wave",
            "walk": "other",
        }


def test_what_nothing_fits_keeps_its_name():
    assert resolve({"Yoga_????": "tree"}, FOUND, "data.labels") == {
        **{label: label for label in FOUND},
        "Yoga_Tree": "tree",
    }


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (
            {"wawe": "wave"},
            DataError,
            r"data\.labels: 'wawe' is no label of the data\. Did you mean 'wave'\? They",
        ),
        (
            {"Yogi_*": None},
            DataError,
            r"'Yogi_\*' is no label .* have T, Traffic_Left.* data\.labels=null keeps",
        ),
        (
            {"wa*": "x", "*ve": "y"},
            ConfigError,
            r"'wa\*' and '\*ve' both fit 'wave', one as much as the other",
        ),
        ({"[Tw]*": "x"}, DataError, r"'\[Tw\]\*' is no label"),
    ],
)
def test_entries_that_fit_nothing_or_contradict_are_refused(labels, error, words):
    with pytest.raises(error, match=words):
        resolve(labels, FOUND, "data.labels")


def test_a_tie_that_says_the_same_is_none():
    assert resolve({"wa*": "x", "*ve": "x"}, FOUND, "data.labels")["wave"] == "x"


@pytest.mark.parametrize("labels", [{}, [], "wave", {"wave": 3}, {"wave": ""}, {"wave": ["a"]}])
def test_what_is_no_mapping_of_names_is_refused(labels):
    with pytest.raises(ConfigError, match=r"data\.labels"):
        check_labels(labels, "data.labels")
    assert check_labels({1: "wave", "b": None}, "data.labels") == {"1": "wave", "b": None}


def test_people_and_frames_after_it():
    frames = [frame("1", "a", "b"), frame("2", "b"), frame("3", "c", None), frame("4", classes=())]
    changed = relabel(frames, {"c": "see", "b": None}, "data.labels")
    assert [f.name for f in changed.frames] == ["1", "3", "4"], "who does nothing known stays in its frame"
    assert [[p.action for p in f.people] for f in changed.frames] == [["a", None], ["see", None], []]
    assert changed.frames[0].classes == ("see", "a") and changed.frames[2].classes == ()
    assert changed.left_out == {"b": 2}
    assert frames[0].people[1].action == "b", "the records that came in are as they were"


def test_a_clip_has_no_holes():
    """A network over time would take what is before and after one for neighbours."""
    clips = {"a": "bwbbwb", "b": "bb", None: "wbw"}
    frames = [
        replace(frame(f"{clip}{i}", label), clip=clip)
        for clip, labels in clips.items()
        for i, label in enumerate(labels)
    ]
    changed = relabel(frames, {"b": None}, "data.labels")
    assert [f.name for f in changed.frames] == ["a1", "a2", "a3", "a4", "None0", "None2"]
    assert [f.people[0].action for f in changed.frames] == ["w", None, None, "w", "w", "w"]
    assert changed.left_out == {"b": 7}


def test_classes_come_in_the_order_of_the_mapping():
    frames = [frame(str(i), name) for i, name in enumerate("abc")]
    assert relabel(frames, {"c": "x", "a": "y", "*": "z"}, "k").frames[0].classes == ("x", "y", "z")
    assert relabel(frames, {"c": "x", "a": "x"}, "k").frames[0].classes == ("x", "b")


def test_nothing_left_and_nothing_there():
    with pytest.raises(DataError, match=r"data\.labels leaves out every label of the data \(a 2, b 1\)"):
        relabel([frame("1", "a"), frame("2", "a", "b", classes=("a", "b"))], {"*": None}, "data.labels")
    with pytest.raises(DataError, match="They have none: nobody in the data does anything"):
        relabel([frame("1", None, classes=())], {"*": "x"}, "data.labels")


def test_told():
    assert told({"a": 1, "b": 3, "c": 3}) == "b 3, c 3, a 1"
    assert told({"a": 1, "b": 3, "c": 3}, most=1) == "b 3, 2 more"


@given(
    labels=st.dictionaries(
        st.text("ab*?", min_size=1, max_size=3), st.sampled_from(["x", "y", None]), min_size=1, max_size=4
    ),
    found=st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5, unique=True),
)
def test_the_order_of_the_entries_does_not_matter(labels, found):
    def outcome(entries):
        try:
            return resolve(dict(entries), found, "k")
        except (ConfigError, DataError) as error:
            return type(error)

    assert outcome(labels.items()) == outcome(reversed(labels.items()))
