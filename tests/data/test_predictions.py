"""predictions.json and COCO result files: what is written is read back, and what is wrong is named."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import make_coco
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.agreement import doubts
from dancepose.data.coco_results import write_coco_results
from dancepose.data.prediction_reader import read_predictions
from dancepose.data.prediction_writer import PredictionsWriter, write_predictions
from dancepose.data.predictions import ImagePredictions, label_hash
from dancepose.data.readers.coco import read_coco
from dancepose.data.readers.labelme import write_labelme
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.files import write_json
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton
from dancepose.tasks.people_table import csv_header, csv_rows, csv_text

LSP = load_skeleton("lsp14")
OWN = Skeleton.from_dict(
    {
        "name": "three",
        "keypoints": ["a", "b", "c"],
        "pairs": [["a", "b"]],
        "limbs": [],
        "grouping_order": ["c", "a", "b"],
        "sigmas": [0.1, 0.1, 0.1],
    }
)

numbers = st.floats(-1e5, 1e5, allow_nan=False)
point = st.none() | st.tuples(numbers, numbers, st.floats(0.01, 10))


@st.composite
def predicted(draw, dtype=np.float64):
    points = draw(st.lists(point, min_size=3, max_size=3))
    rows = np.array([p or (0, 0, 0) for p in points], dtype=dtype)
    present = np.array([p is not None for p in points])
    person = Person(np.column_stack([rows[:, :2], 2 * present]).astype(dtype), scores=rows[:, 2])
    person.score = draw(st.floats(0, 1))
    if draw(st.booleans()):
        person.box, person.track = np.array([1.5, 2, 3, 4]), 7
        person.action, person.probabilities = "wave", np.array([0.25, 0.75])
    return person


@given(people=st.lists(predicted() | predicted(np.float32), max_size=3), group=st.none() | st.integers(0, 3))
def test_predictions_come_back_exactly(tmp_path_factory, people: list[Person], group: int | None):
    path = tmp_path_factory.mktemp("pred") / "predictions.json"
    write_predictions(path, [ImagePredictions("a/b.jpg", people, group), ("c.jpg", [])], OWN, split="abc")
    found = read_predictions(path)
    assert found.skeleton == OWN and found.split == "abc"
    first, second = found.images
    assert (first.image, first.group, second.image, second.people) == ("a/b.jpg", group, "c.jpg", [])
    for one, true in zip(first.people, people, strict=True):
        np.testing.assert_array_equal(one.keypoints, true.keypoints)
        np.testing.assert_array_equal(one.scores, true.scores)
        assert (one.score, one.track, one.action) == (true.score, true.track, true.action)
        for name in ("box", "probabilities"):
            a, b = getattr(one, name), getattr(true, name)
            assert (a is None) == (b is None) and (a is None or (a == b).all())


def test_format_is_as_documented(tmp_path: Path):
    keypoints = np.zeros((14, 3))
    keypoints[2] = 10.5, 20, 2
    person = Person(keypoints, scores=np.full(14, 0.5), score=0.25)
    write_predictions(tmp_path / "p.json", [("a.jpg", [person])], LSP, split="h")
    content = json.loads((tmp_path / "p.json").read_text())
    assert content["skeleton"] == "lsp14" and content["split"] == "h"
    (image,) = content["images"]
    assert set(image) == {"image", "group", "people"}
    assert set(image["people"][0]) == {"keypoints", "score", "box", "track", "action", "probabilities"}
    assert image["people"][0]["keypoints"][:3] == [[0, 0, 0], [0, 0, 0], [10.5, 20, 0.5]]


def test_writing_is_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "p.json"
    write_predictions(path, [("a.jpg", [])], LSP)
    before = path.read_bytes()
    bad = Person(np.full((14, 3), np.nan), scores=np.ones(14))
    bad.keypoints[:, 2] = 2
    with pytest.raises(ValueError):
        write_predictions(path, [("a.jpg", [bad])], LSP)
    (tmp_path / "file").write_text("")
    with pytest.raises(DanceposeError, match="cannot be written"):
        write_predictions(tmp_path / "file" / "p.json", [], LSP)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 2


def test_what_was_written_before_an_error_is_kept_where_that_is_asked_for(tmp_path: Path):
    path = tmp_path / "p.json"
    for keep in (False, True):
        with pytest.raises(KeyboardInterrupt), PredictionsWriter(path, LSP, keep=keep) as writer:
            writer.write(ImagePredictions("a.jpg", []))
            raise KeyboardInterrupt
        assert path.exists() == keep
    assert [image.image for image in read_predictions(path).images] == ["a.jpg"]
    assert list(tmp_path.iterdir()) == [path]


def frame(name: str, number: int | None = None) -> Frame:
    return Frame(Path(name), (8, 8), [], "lsp14", name, id=number)


def test_people_of_frames(tmp_path: Path):
    def someone(x: float) -> Person:
        return Person(np.full((14, 3), x), scores=np.ones(14))

    entries = [("a.jpg", [someone(1)]), ImagePredictions("b.jpg", [someone(2)], 0)]
    entries += [ImagePredictions("b.jpg", [someone(3)], 1)]
    write_predictions(tmp_path / "p.json", entries, LSP)
    found = read_predictions(tmp_path / "p.json")
    frames = [frame("b.jpg"), frame("c.jpg"), frame("a.jpg")]
    people = found.people(frames)
    assert {name: len(p) for name, p in people.items()} == {"b.jpg": 2, "c.jpg": 0, "a.jpg": 1}
    assert found.covered(frames) == frames and found.named == {"a.jpg", "b.jpg"}
    with pytest.raises(DataError, match=r"p\.json: images\[0\] is 'a\.jpg'.*1 pictures"):
        found.people([frame("b.jpg")])


def test_a_file_of_one_part_covers_what_it_names(tmp_path: Path):
    write_predictions(tmp_path / "p.json", [("a.jpg", []), ("b.jpg", [])], LSP, split="h")
    found = read_predictions(tmp_path / "p.json")
    frames = [frame("b.jpg"), frame("c.jpg"), frame("a.jpg")]
    assert [f.name for f in found.covered(frames)] == ["b.jpg", "a.jpg"]
    with pytest.raises(DataError, match=r"p\.json speaks of none of the truth's 1 pictures"):
        found.covered([frame("c.jpg")])


def test_coco_results_of_a_mix_count_its_pictures(tmp_path: Path):
    """Two of its data sets may number their pictures alike."""
    people = {name: [Person(np.full((14, 3), 2.0), scores=np.ones(14))] for name in "abc"}
    for numbers, expected in (((7, 7, 8), [1, 2, 3]), ((7, None, 8), [1, 2, 3]), ((7, 9, 8), [7, 9, 8])):
        frames = [frame(name, number) for name, number in zip("abc", numbers, strict=True)]
        write_coco_results(tmp_path / "r.json", people, frames)
        content = json.loads((tmp_path / "r.json").read_text())
        assert [entry["image_id"] for entry in content] == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), "field 'images' is missing"),
        (lambda c: c.pop("skeleton"), "field 'skeleton'"),
        (lambda c: c.update(skeleton="lsp15"), "Did you mean 'lsp14'"),
        (lambda c: c["images"][0].pop("image"), r"images\[0\]\.image"),
        (lambda c: c["images"][0].update(people=3), r"images\[0\]\.people"),
        (lambda c: c["images"][0]["people"].append(3), r"images\[0\]\.people\[1\]"),
        (lambda c: c["images"][0]["people"][0]["keypoints"].pop(), r"people\[0\]\.keypoints must be 14 x"),
        (
            lambda c: c["images"][0]["people"][0].update(keypoints=[["x"]]),
            r"people\[0\]\.keypoints must hold",
        ),
        (lambda c: c["images"][0]["people"][0]["keypoints"][0].__setitem__(0, float("inf")), "not finite"),
        (lambda c: c["images"].append(c["images"][0]), r"images\[1\]\.image, a\.jpg, stands there twice"),
        (lambda c: c["images"][0]["people"][0].update(score="high"), r"people\[0\]\.score"),
        (
            lambda c: c["images"][0]["people"][0].update(score=math.nan),
            r"people\[0\]\.score must be a finite",
        ),
        (
            lambda c: c["images"][0]["people"][0].update(score=math.inf),
            r"people\[0\]\.score must be a finite",
        ),
        (lambda c: c["images"][0]["people"][0].update(box=[1]), r"people\[0\]\.box"),
    ],
)
def test_wrong_fields_are_named(tmp_path: Path, change, message: str):
    path = tmp_path / "p.json"
    write_predictions(path, [("a.jpg", [Person(np.ones((14, 3)), scores=np.ones(14))])], LSP)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"p\.json.*{message}"):
        read_predictions(path)


def test_missing_broken_or_of_another_skeleton(tmp_path: Path):
    path = tmp_path / "p.json"
    with pytest.raises(DataError, match=r"pred=.*p\.json is no file"):
        read_predictions(path)
    path.write_text('{"images": [')
    with pytest.raises(DataError, match=r"p\.json.*whole JSON"):
        read_predictions(path)
    write_predictions(path, [], LSP)
    with pytest.raises(DataError, match="lsp14, not mpii15"):
        read_predictions(path, load_skeleton("mpii15"))


# COCO results


def test_coco_results_come_back(tmp_path: Path):
    make_coco(tmp_path, frames=3, skeleton="lsp14")
    frames, _ = read_coco(tmp_path / "annotations.json", LSP, tmp_path)
    people = {
        f.name: [Person(p.keypoints, scores=np.linspace(0.1, 0.9, 14), score=0.6) for p in f.people]
        for f in frames
    }
    people[frames[0].name][0].keypoints[3] = 0
    people[frames[1].name] = []
    write_coco_results(tmp_path / "r.json", people, frames)
    content = json.loads((tmp_path / "r.json").read_text())
    assert {entry["image_id"] for entry in content} == {1, 3} and len(content[0]["keypoints"]) == 42
    results = read_predictions(tmp_path / "r.json", LSP)
    found = results.people(frames)
    assert [len(found[f.name]) for f in frames] == [2, 0, 2] and results.covered(frames) == frames
    first = found[frames[0].name][0]
    assert not first.present[3] and first.scores[3] == 0 and first.score == 0.6
    np.testing.assert_array_equal(first.keypoints[:3, :2], frames[0].people[0].keypoints[:3, :2])
    np.testing.assert_allclose(first.scores[:3], np.linspace(0.1, 0.9, 14)[:3])


def test_coco_results_with_visibilities(tmp_path: Path):
    rows = [[5.0, 6.0, 2.0]] * 12 + [[7.0, 8.0, 0.0], [0.0, 0.0, 0.0]]
    entry = {"image_id": 1, "category_id": 1, "keypoints": np.ravel(rows).tolist(), "score": 0.7}
    (tmp_path / "r.json").write_text(json.dumps([entry]))
    (image,) = read_predictions(tmp_path / "r.json", LSP).images
    np.testing.assert_array_equal(image.people[0].scores, [0.7] * 13 + [0])
    assert image.people[0].present.sum() == 13


def test_exported_results_load_in_a_coco_package(tmp_path: Path):
    from faster_coco_eval import COCO

    make_coco(tmp_path, frames=2, skeleton="lsp14")
    frames, _ = read_coco(tmp_path / "annotations.json", LSP, tmp_path)
    people = {f.name: [Person(p.keypoints, scores=np.ones(14), score=0.6) for p in f.people] for f in frames}
    write_coco_results(tmp_path / "r.json", people, frames)
    loaded = COCO(str(tmp_path / "annotations.json")).loadRes(str(tmp_path / "r.json"))
    assert len(loaded.anns) == 4


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"keypoints": [0] * 42}, r"\[0\]\.image_id"),
        ({"image_id": 1, "keypoints": [1, 2]}, r"\[0\]\.keypoints"),
        ({"image_id": 1, "keypoints": [1] * 51}, r"\[0\]\.keypoints must be 42 finite numbers.*lsp14.*51"),
        ({"image_id": 1, "keypoints": [1] * 42, "score": "x"}, r"\[0\]\.keypoints"),
        ({"image_id": 1, "keypoints": [1] * 42, "score": math.nan}, r"\[0\]\.score must be a finite"),
    ],
)
def test_wrong_results_are_named(tmp_path: Path, entry: dict, message: str):
    (tmp_path / "r.json").write_text(json.dumps([entry]))
    with pytest.raises(DataError, match=rf"r\.json: {message}"):
        read_predictions(tmp_path / "r.json", LSP)


def test_results_of_unknown_images_or_keypoints(tmp_path: Path):
    (tmp_path / "r.json").write_text(json.dumps([{"image_id": 9, "keypoints": [1] * 42, "score": 1}]))
    with pytest.raises(ConfigError, match="skeleton="):
        read_predictions(tmp_path / "r.json")
    with pytest.raises(DataError, match=r"images\[0\] is 9"):
        read_predictions(tmp_path / "r.json", LSP).people([frame("a.jpg", 1)])
    with pytest.raises(DataError, match=r"r\.json names pictures by number .9.*give gt=<their COCO JSON>"):
        read_predictions(tmp_path / "r.json", LSP).people([frame("a.jpg", None)])


def test_labels_are_known_again_without_visibility_and_in_any_order(tmp_path: Path):
    """The toolkit's form of MPII's truth has the same points, and says of none whether it is occluded."""
    rows = [np.column_stack([np.full((14, 2), x), np.full(14, v)]) for x, v in ((5.0, 1), (9.0, 2))]
    rows[0][3] = 0
    plain = [np.where(row[:, 2:] > 0, [[1, 1, 0]] * row + [0, 0, 2], 0) for row in rows]
    true = Frame(Path("a"), (20, 20), [Person(row) for row in rows], "lsp14", "a.jpg")
    toolkit = replace(true, people=[Person(row) for row in [*plain[::-1], np.zeros((14, 3))]])
    assert label_hash(true) == label_hash(toolkit)
    for changed in (plain[0] + [0.02, 0, 0], np.vstack([plain[0][:-1], np.zeros((1, 3))])):
        assert label_hash(replace(true, people=[Person(changed), Person(rows[1])])) != label_hash(true)


def test_other_pictures_of_the_same_names_are_known_by_size_labels_and_place(tmp_path: Path):
    def frame(name: str, size: tuple[int, int], at: float) -> Frame:
        keypoints = np.full((14, 3), at)
        keypoints[:, 2] = 2
        return Frame(tmp_path / name, size, [Person(keypoints, scores=np.ones(14))], "lsp14", name)

    names, path = ["a.jpg", "b.jpg"], tmp_path / "p.json"
    truth = [frame(name, (100, 80), 50) for name in names]
    write_predictions(path, [(f.name, f.people) for f in truth], LSP, truth=truth)
    found = read_predictions(path)
    assert found.images[0].size == (100, 80) and (found.images[0].labels or "").startswith("2:")
    assert doubts(found, truth) == []
    assert doubts(found, [frame("a.jpg", (100, 80), 50)]) == []
    strangers = [(f.name, [Person(f.people[0].keypoints + 500, scores=np.ones(14))]) for f in truth]
    write_predictions(path, strangers, LSP, truth=truth)  # bad ones, of the very pictures
    assert doubts(read_predictions(path), truth) == []
    write_predictions(path, [(f.name, f.people) for f in truth], LSP, truth=truth)
    with pytest.raises(DataError, match="b.jpg was 100 x 80 pixels .* it is 100 x 90: .*gt="):
        doubts(found, [truth[0], frame("b.jpg", (100, 90), 50)])
    (doubt,) = doubts(found, [truth[0], frame("b.jpg", (100, 80), 51)])
    assert doubt.startswith("of 1 of 2 pictures the labels are not those")
    content = json.loads(path.read_text())
    for image in content["images"]:
        image["labels"] = "0f" * 4  # as an earlier version made it, by another rule
    path.write_text(json.dumps(content))
    assert doubts(read_predictions(path), truth) == []
    write_predictions(path, [(f.name, f.people) for f in truth], LSP)  # of a system that does not say
    (doubt,) = doubts(read_predictions(path), [truth[0], frame("b.jpg", (40, 40), 20)])
    assert doubt.startswith("1 of 2 people of") and "outside their pictures" in doubt
    content = json.loads(path.read_text())
    content["images"][1]["size"] = "large"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"images\[1\].size must be width and height"):
        read_predictions(path)


def test_a_name_that_is_not_utf8_is_written_and_read_as_the_same_file(tmp_path):
    """As from an old archive: the bytes of the name are kept, and nothing after it is lost."""
    name = os.fsdecode(b"caf\xe9.jpg")
    person = Person(np.full((14, 3), 2.0), scores=np.ones(14))
    path = tmp_path / "predictions.json"
    write_predictions(path, [(name, [person]), ("b.jpg", [])], LSP)
    assert [entry.image for entry in read_predictions(path).images] == [name, "b.jpg"]
    write_json(tmp_path / "summary.json", {"broken": {name: "cut off"}})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"broken": {name: "cut off"}}
    frame = Frame(tmp_path / name, (9, 9), [person], "lsp14", name)
    write_labelme(frame, LSP, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["imagePath"] == name
    rows = csv_text([csv_header(LSP, ()), *csv_rows(frame, ())])
    assert os.fsencode(name) in rows and rows.count(b"\n") == 2


def test_frames_of_a_video_are_those_of_the_pictures_beside_their_labels(tmp_path):
    person = Person(np.full((14, 3), 2.0), scores=np.ones(14))
    names = ["clip/000000", "clip/000001", "clip/000002.jpg", "clip/000003", "a"]
    path = tmp_path / "predictions.json"
    write_predictions(path, [(name, [person]) for name in names], LSP)
    truth = {
        "clip/000000.jpg",
        "clip/000001",
        "clip/000001.jpg",
        "clip/000002.jpg",
        "clip/000003.jpg",
        "clip/000003.png",
        "a.jpg",
        7,
    }
    found = read_predictions(path).with_endings(truth)
    assert [e.image for e in found.images] == ["clip/000000.jpg", *names[1:]]
