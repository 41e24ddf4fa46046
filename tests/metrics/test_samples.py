from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.errors import DataError
from dancepose.metrics.samples import MotionSamples

PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def samples(count: int = 4, **fields) -> MotionSamples:
    values = {
        "ids": [f"{i}.jpg" for i in range(count)],
        "clips": [None, "舞蹈", "b", "b"][:count],
        "labels": np.arange(count) % 2,
        "probabilities": np.tile(np.array([[0.7, 0.3]], np.float32), (count, 1)),
        "classes": ["wave", "walk"],
    }
    return MotionSamples(**(values | fields))


def same(first: MotionSamples, second: MotionSamples) -> None:
    assert (first.ids, first.clips, first.classes) == (second.ids, second.clips, second.classes)
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert first.probabilities.dtype == second.probabilities.dtype


@given(
    st.lists(PLAIN, unique=True, max_size=5).flatmap(
        lambda ids: st.tuples(st.just(ids), st.lists(st.none() | PLAIN, min_size=len(ids), max_size=len(ids)))
    ),
    st.sampled_from([np.float32, np.float64]),
)
def test_what_is_saved_comes_back(tmp_path_factory, named, dtype):
    ids, clips = named
    path = tmp_path_factory.mktemp("samples") / "per_sample.npz"
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), len(ids)).astype(dtype).reshape(-1, 3)
    first = MotionSamples(ids, clips, np.zeros(len(ids)), probabilities, ["a", "b", "č"])
    first.save(path)
    same(MotionSamples.load(path), first)


def test_the_file_holds_plain_arrays(tmp_path: Path):
    samples().save(tmp_path / "per_sample.npz")
    with np.load(tmp_path / "per_sample.npz", allow_pickle=False) as file:
        assert set(file) == {"id", "clip", "label", "probabilities", "classes"}
        assert file["clip"].tolist() == ["", "舞蹈", "b", "b"] and file["label"].tolist() == [0, 1, 0, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["per_sample.npz"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="'0.jpg' comes twice"):
        samples(ids=["0.jpg", "1.jpg", "0.jpg", "3.jpg"])
    with pytest.raises(DataError, match="must fit"):
        samples(clips=["a"])
    with pytest.raises(DataError, match="must fit"):
        samples(probabilities=np.ones((4, 3)))
    with pytest.raises(DataError, match="'2.jpg' has label 2: there are 2 classes"):
        samples(labels=[0, 1, 2, 1])
    with pytest.raises(DataError, match="'1.jpg': the name of its clip is empty"):
        samples(clips=[None, "", "b", "b"])


def test_some_of_them_and_what_was_predicted():
    found = samples(probabilities=[[0.5, 0.5], [0.1, 0.9], [1, 0], [0, 1]])
    assert found.predicted.tolist() == [0, 1, 0, 1]
    some = found.select(np.array([3, 0]))
    assert some.ids == ["3.jpg", "0.jpg"] and some.clips == ["b", None] and some.labels.tolist() == [1, 0]
    assert found.clustered == found.clips and found.select([0]).clustered is None
    assert len(found.select([])) == 0 and found.select([]).predicted.shape == (0,)


def test_a_broken_file_is_named(tmp_path: Path):
    path = tmp_path / "per_sample.npz"
    with pytest.raises(DataError, match="per_sample.npz cannot be read: No such file"):
        MotionSamples.load(path)
    samples().save(path)
    whole = path.read_bytes()
    for broken in (b"", b"x", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="per_sample.npz is no whole file"):
            MotionSamples.load(path)
    np.savez(path, id=np.array(["a"]))
    with pytest.raises(DataError, match="array 'clip.* is missing"):
        MotionSamples.load(path)
    one = {"id": np.array(["a"]), "clip": np.array([""]), "classes": np.array(["x"])}
    np.savez(path, label=np.array([0.5]), probabilities=np.ones((1, 1)), **one)
    with pytest.raises(DataError, match="array 'label' is of type float64"):
        MotionSamples.load(path)
    np.savez(path, label=np.array([3]), probabilities=np.ones((1, 1)), **one)
    with pytest.raises(DataError, match="per_sample.npz: sample 'a' has label 3"):
        MotionSamples.load(path)
    path.write_bytes(b"")
    np.savez(path, label=np.array([{}], dtype=object), probabilities=np.ones((1, 1)), **one)
    with pytest.raises(DataError, match="per_sample.npz"):
        MotionSamples.load(path)
