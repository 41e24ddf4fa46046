from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_cases import random_case

from dancepose.errors import DataError
from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.pose_images import PoseImages, match_images
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")


def official(people: list[list[Person]], frames: list[Frame], protocol: str = "mpii") -> float:
    metric = MPIIMeanAP(MPII15, protocol)
    metric.update(people, frames)
    value = metric.compute().value
    return np.nan if value is None else value


def matched(people: list[list[Person]], frames: list[Frame], protocol: str = "mpii") -> PoseImages:
    named = dict(zip((frame.name for frame in frames), people, strict=True))
    return match_images(named, frames, MPII15, protocol)


def test_a_skeleton_without_columns_is_kept(tmp_path):
    """Nothing of it stands in the table, which is no reason to lose a finished training."""
    mine = replace(MPII15, name="mine", columns={})
    people, frames = random_case(MPII15, 0)
    frames = [replace(frame, skeleton="mine") for frame in frames]
    named = dict(zip((frame.name for frame in frames), people, strict=True))
    found = match_images(named, frames, mine)
    assert found.truth.shape == (len(frames), 0)
    found.save(tmp_path / "per_image.npz")
    assert PoseImages.load(tmp_path / "per_image.npz").names == found.names


def without_ties(seed: int) -> tuple[list[list[Person]], list[Frame]]:
    """No equal scores in an image, which stand in another order where the image itself is doubled.

    An image of two groups has each prediction twice.
    """
    draw = np.random.default_rng(seed)
    people, frames = random_case(MPII15, seed)
    people = [[replace(person, scores=draw.random(len(MPII15))) for person in found] for found in people]
    return people, [replace(frame, groups=[]) for frame in frames]


def images(**fields) -> PoseImages:
    values = {
        "names": ["a.jpg", "b.jpg"],
        "clips": [None, "舞蹈"],
        "keypoints": ("left_wrist", "neck"),
        "truth": np.array([[1, 0], [2, 1]]),
        "places": np.array([0, 1, 1]),
        "joints": np.array([0, 0, 1]),
        "scores": np.array([0.5, 0.25, 1.0]),
        "correct": np.array([True, False, True]),
    }
    return PoseImages(**(values | fields))


@given(st.integers(0, 10**6), st.sampled_from(["mpii", "posetrack"]))
def test_with_weights_of_one_it_is_the_official_figure(seed, protocol):
    people, frames = random_case(MPII15, seed)
    own = matched(people, frames, protocol).mean_ap(np.ones((2, len(frames))))
    assert own == pytest.approx([official(people, frames, protocol)] * 2, rel=1e-12, nan_ok=True)


def test_images_without_a_group_are_in_no_comparison():
    people, frames = without_ties(0)
    kept = matched(people[1:], frames[1:])
    frames[0].evaluated = False
    same(matched(people, frames), kept)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.data())
def test_an_image_of_weight_k_stands_k_times_in_the_data_set(seed, data):
    people, frames = without_ties(seed)
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(frames), max_size=len(frames)))
    doubled = np.repeat(np.arange(len(frames)), weights)
    wanted = official([people[i] for i in doubled], [frames[i] for i in doubled])
    own = matched(people, frames).mean_ap(np.array([weights], float))
    assert own == pytest.approx([wanted], rel=1e-12, nan_ok=True)


def test_many_resamples_are_weighed_in_portions(monkeypatch):
    people, frames = random_case(MPII15, 3, frames=8)
    found = matched(people, frames)
    weights = np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), 50).astype(float)
    whole = found.mean_ap(weights)
    monkeypatch.setattr("dancepose.metrics.pose_images.AT_ONCE", 7)
    np.testing.assert_allclose(found.mean_ap(weights), whole, rtol=1e-12)
    assert np.ptp(whole) > 1


def test_an_ap_by_hand():
    """Ranked: false of image 1, then true of image 0; truth 1 and 2, so 1/2 / 3; the neck: 1 of 1."""
    found = images(scores=np.array([0.25, 0.5, 1.0])).mean_ap(np.array([[1, 1], [1, 0], [0, 1], [0, 0]]))
    assert found[:3] == pytest.approx([100 * (0.5 / 3 + 1) / 2, 100, 100 * (0 + 1) / 2]) and np.isnan(
        found[3]
    )


def same(first: PoseImages, second: PoseImages) -> None:
    assert first.same_test(second)
    for name in ("places", "joints", "scores", "correct"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@given(st.integers(0, 10**6))
def test_what_is_saved_comes_back(tmp_path_factory, seed):
    path = tmp_path_factory.mktemp("images") / "per_image.npz"
    found = matched(*random_case(MPII15, seed))
    found.save(path)
    same(PoseImages.load(path), found)
    assert [p.name for p in path.parent.iterdir()] == ["per_image.npz"]


def test_clips_and_plain_arrays(tmp_path: Path):
    images().save(tmp_path / "per_image.npz")
    same(PoseImages.load(tmp_path / "per_image.npz"), images())
    with np.load(tmp_path / "per_image.npz", allow_pickle=False) as file:
        assert file["clip"].tolist() == ["", "舞蹈"] and file["image"].tolist() == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"names": ["a.jpg", "a.jpg"]}, "'a.jpg' comes twice"),
        ({"clips": ["x"]}, "must fit"),
        ({"truth": np.zeros((2, 3), int)}, "must fit"),
        ({"scores": np.zeros(2)}, "must fit"),
        ({"places": np.array([0, 1, 2])}, "no image or keypoint"),
        ({"places": np.array([1, 0, 1])}, "order of the images"),
        ({"joints": np.array([0, 0, -1])}, "no image or keypoint"),
        ({"truth": np.array([[1, 0], [-2, 1]])}, "below 0"),
        ({"scores": np.array([0.5, np.nan, 1])}, "no numbers"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(DataError, match=message):
        images(**fields)


def test_a_broken_file_is_named(tmp_path: Path):
    path = tmp_path / "per_image.npz"
    with pytest.raises(DataError, match="per_image.npz cannot be read: No such file"):
        PoseImages.load(path)
    images().save(path)
    whole = path.read_bytes()
    for broken in (b"", b"x", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="per_image.npz is no whole file"):
            PoseImages.load(path)
    np.savez(path, image=np.array(["a"]))
    with pytest.raises(DataError, match="array 'clip.* is missing"):
        PoseImages.load(path)
    images().save(path)
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    for name, wrong in (
        ("score", np.array([{}, 1, 2], dtype=object)),
        ("correct", np.zeros(3)),
        ("truth", np.zeros(2, int)),
        ("place", np.array([0, 1, 5])),
    ):
        np.savez(path, **(arrays | {name: wrong}))
        with pytest.raises(DataError, match=r"per_image\.npz"):
            PoseImages.load(path)


def test_other_labels_are_another_test():
    assert images().same_test(images(scores=np.zeros(3)))
    for other in (
        images(names=["a.jpg", "c.jpg"]),
        images(clips=[None, None]),
        replace(images(), truth=np.array([[1, 0], [2, 2]])),
    ):
        assert not images().same_test(other)
