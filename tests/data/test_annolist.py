"""The toolkit's struct arrays: what is written comes back, and no contents end in any other error."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.sparse import csr_array

from dancepose.data.annolist import find_annolist, load_annolist, occurrences
from dancepose.data.annolist_points import PointReader, joint_ids
from dancepose.data.annolist_predictions import read_annolist_predictions, write_annolist_predictions
from dancepose.errors import DataError
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

PLACE = st.floats(-1000, 5000, width=32)
POINT = st.tuples(PLACE, PLACE, st.floats(2**-6, 1, width=32), st.booleans())
MPII15 = load_skeleton("mpii15")
HERE = Path("p.mat")


def made(rows) -> Person:
    shown = np.array([row[3] for row in rows])
    table = np.where(shown[:, None], np.array([row[:3] for row in rows]), 0)
    keypoints = np.column_stack([table[:, :2], 2 * shown])
    return Person(keypoints, scores=table[:, 2], score=float(table[:, 2].sum()))


@pytest.mark.parametrize("protocol", ["mpii", "posetrack"])
@settings(max_examples=15)
@given(st.lists(st.lists(st.lists(POINT, min_size=15, max_size=15), max_size=3), min_size=1, max_size=3))
def test_what_is_written_comes_back(tmp_path_factory, protocol, images):
    """All keypoints of a skeleton that the ids know, to the bit of a pixel that counts from 1."""
    path = tmp_path_factory.mktemp("mat") / "p.mat"
    frames = [Frame(None, (0, 0), [], "mpii15", f"{i}.jpg") for i in range(len(images))]
    people = {f.name: [made(rows) for rows in image] for f, image in zip(frames, images, strict=True)}
    write_annolist_predictions(path, people, frames, MPII15, protocol)
    found = read_annolist_predictions(path, MPII15, protocol)
    known = [MPII15.find(name) for name in joint_ids(protocol)]
    known = [index for index in known if index is not None]
    assert [entry.image for entry in found.images] == [frame.name for frame in frames]
    for entry in found.images:
        expected = [p for p in people[entry.image] if p.present[known].any()]
        assert len(entry.people) == len(expected)
        for mine, theirs in zip(entry.people, expected, strict=True):
            np.testing.assert_array_equal(mine.present[known], theirs.present[known])
            np.testing.assert_allclose(mine.keypoints[known], theirs.keypoints[known], atol=1e-9)
            np.testing.assert_array_equal(mine.scores[known], theirs.scores[known])
            assert mine.score == theirs.score


PLAIN = st.recursive(
    st.none() | st.floats() | st.integers(-3, 20) | st.text(max_size=3) | st.just(np.arange(3.0)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["annopoints", "point", "x", "y", "id", "score"]), inner).map(
            lambda value: [value]
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(PLAIN, st.booleans())
def test_foreign_contents_are_read_or_refused(value, keep_lost):
    reader = PointReader(HERE, "mpii", MPII15, "pred")
    for rect in ({"annopoints": value}, {"annopoints": [{"point": value}]}):
        try:
            rows = reader.read("pred(1).annorect(1)", rect, keep_lost)
        except DataError as error:
            assert str(error).startswith("pred=p.mat: pred(1).annorect(1).annopoints")
        else:
            assert rows.shape == (15, 3)


def test_the_variable_may_have_any_name():
    name, entries = find_annolist({"a": 3, "mine": [{"annorect": None}], "b": ["x"]}, HERE, "pred")
    assert name == "mine" and len(entries) == 1
    with pytest.raises(DataError, match="p.mat holds no such array, only a, b"):
        find_annolist({"a": 3, "b": ["x"]}, HERE, "pred")


def test_what_else_a_file_holds_is_no_matter(tmp_path):
    """A sparse matrix beside `pred`, or in a struct, is no plain data."""
    sparse = csr_array(np.eye(3))
    structs = np.array([[(np.zeros((0, 0)),), (np.zeros((0, 0)),)]], dtype=[("annorect", object)])
    savemat(tmp_path / "p.mat", {"m": sparse, "options": {"m": sparse}, "pred": structs, "n": 3})
    assert load_annolist(tmp_path / "p.mat", "pred") == ("pred", [{"annorect": None}] * 2)
    savemat(tmp_path / "p.mat", {"m": sparse, "n": 3})
    with pytest.raises(DataError, match="p.mat holds no such array, only m, n"):
        load_annolist(tmp_path / "p.mat", "pred")
    savemat(tmp_path / "p.mat", {"options": {"m": sparse}})
    with pytest.raises(DataError, match="holds what is no plain data"):
        load_annolist(tmp_path / "p.mat", "pred")


def test_a_skeleton_of_other_keypoints():
    with pytest.raises(DataError, match=r"skeleton own has none of .*choose another with skeleton="):
        own = {"name": "own", "keypoints": ["tail"], "pairs": [], "limbs": [], "grouping_order": ["tail"]}
        PointReader(HERE, "mpii", type(MPII15).from_dict(own | {"sigmas": [0.1]}), "pred")


def test_occurrences():
    assert occurrences(["a", "b", "a", "a"]) == [0, 0, 1, 2]
