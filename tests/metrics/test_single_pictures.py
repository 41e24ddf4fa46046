"""Pictures of one person on their way from the rows of PCK into `per_image.npz` and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pose_cases import frame_of, line_person

from dancepose.errors import DataError
from dancepose.metrics.pck import PCK
from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.single_pictures import LABELS, SinglePictures, name_pictures
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")
SCORED = int(MPII15.scored.sum())


def singles(**fields) -> SinglePictures:
    counted = np.array([[True, False], [True, True], [False, False]])
    found = np.array([[True, False], [False, True], [False, False]])
    values = {
        "names": ["a.jpg", "b.jpg", "c.jpg"],
        "clips": [None, "舞蹈", None],
        "counted": {LABELS[0]: counted, LABELS[1]: counted[::-1]},
        "found": {LABELS[0]: found, LABELS[1]: found[::-1]},
    }
    return SinglePictures(**(values | fields))


def images(**fields) -> PoseImages:
    """One image of the mAP, without a detection."""
    none = np.zeros(0)
    values = {"truth": np.array([[1, 0]]), "places": none.astype(int), "joints": none.astype(int)}
    values |= {"names": ["a.jpg"], "clips": [None], "keypoints": ("left_wrist", "neck")}
    return PoseImages(**(values | {"scores": none, "correct": none.astype(bool)} | fields))


def same(first: SinglePictures, second: SinglePictures) -> bool:
    found = all(np.array_equal(first.found[label], second.found[label]) for label in LABELS)
    return first.same_test(second) and found


def test_what_is_saved_comes_back(tmp_path: Path):
    path = tmp_path / "per_image.npz"
    images(singles=singles()).save(path)
    back = PoseImages.load(path).singles
    assert same(back, singles()) and back.value("PCK@0.2") == 75 and len(back) == 3
    with np.load(path, allow_pickle=False) as file:
        assert file["single_clip"].tolist() == ["", "舞蹈", ""] and file["PCKh@0.5_found"].dtype == bool


def test_a_file_of_an_earlier_version_has_none(tmp_path: Path):
    images().save(tmp_path / "per_image.npz")
    assert PoseImages.load(tmp_path / "per_image.npz").singles is None


def test_a_broken_file_is_named(tmp_path: Path):
    path = tmp_path / "per_image.npz"
    images(singles=singles()).save(path)
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    for name, wrong in (
        ("PCK@0.2_found", np.zeros((3, 2))),
        ("PCK@0.2_found", np.ones((3, 2), bool)),
        ("PCK@0.2_found", np.zeros(3, bool)),
        ("PCKh@0.5_counted", np.zeros((3, 3), bool)),
        ("single_image", np.array(["a", "a", "b"])),
        ("single_clip", np.array(["a"])),
        ("single_image", np.arange(3)),
    ):
        np.savez(path, **(arrays | {name: wrong}))
        with pytest.raises(DataError, match=r"per_image\.npz"):
            PoseImages.load(path)
    del arrays["PCK@0.2_found"]
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=r"array 'PCK@0.2_found.* is missing"):
        PoseImages.load(path)


def test_other_labels_are_another_test():
    assert singles().same_test(singles(found=dict.fromkeys(LABELS, np.zeros((3, 2), bool))))
    fewer = singles().counted[LABELS[1]] & [True, False]
    for other in (
        singles(names=["a.jpg", "b.jpg", "d.jpg"]),
        singles(clips=[None] * 3),
        singles(counted={**singles().counted, LABELS[1]: fewer}, found=dict.fromkeys(LABELS, fewer & False)),
    ):
        assert not singles().same_test(other)


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="2 joints in pictures of one person, 3 keypoints"):
        images(singles=singles(), keypoints=("a", "b", "c"), truth=np.zeros((1, 3), int))
    with pytest.raises(DataError, match="found that do not count in PCK@0.2"):
        singles(found=dict.fromkeys(LABELS, np.ones((3, 2), bool)))


def test_pictures_are_named_by_their_place_in_the_data_set():
    """Of all that the metric met in some order, those of one person; also one without a group."""
    person = line_person(MPII15)
    frames = [
        frame_of(MPII15, person, name="first"),
        frame_of(MPII15, person, person, name="two people"),
        frame_of(MPII15, person, name="no group", evaluated=False, clip="film"),
        frame_of(MPII15, person, name="not met"),
        frame_of(MPII15, person, name="last"),
    ]
    peaks = np.stack([person.keypoints] * 5)
    peaks[4, :, 0] += 500
    rows = {}
    for label, reference in zip(LABELS, ("torso", "head"), strict=True):
        metric = PCK(MPII15, reference)
        for batch in ([4, 2], [1, 0]):
            metric.update(peaks[batch], [frames[i] for i in batch], batch)
        rows[label] = metric.compute()
    named = name_pictures(rows, frames)
    assert named.names == ["first", "no group", "last"] and named.clips == [None, "film", None]
    assert named.found["PCKh@0.5"].sum(axis=1).tolist() == [SCORED, SCORED, 0]
    for label, row in rows.items():
        assert named.value(label) == pytest.approx(row.value) and not np.isnan(row.value)
    assert name_pictures({"mAP": rows["PCK@0.2"]}, frames) is None
    with pytest.raises(ValueError, match="5th of a data set of 4"):
        name_pictures(rows, frames[:4])
    with pytest.raises(DataError, match="'first' comes twice"):
        name_pictures(rows, [*frames[:2], replace(frames[2], name="first"), *frames[3:]])
