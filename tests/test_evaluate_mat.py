"""`dancepose-evaluate gt= pred=` with files of MPII's MATLAB toolkit, and each vector through all forms."""

import json
from pathlib import Path

import annolists
import numpy as np
import pytest
from annolists import (
    MPII,
    POSETRACK,
    VECTORS,
    array,
    entry,
    line,
    moved,
    mpii_person,
    points,
    predicted,
    rect,
    save,
    two_groups,
)
from running import run_task
from scipy.io import loadmat, savemat

from dancepose.data.prediction_writer import write_predictions
from dancepose.errors import DataError
from dancepose.evaluate import evaluate
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

PT15, MPII16 = load_skeleton("posetrack15"), load_skeleton("mpii16")
FILE = "pred_keypoints_mpii_multi.mat"


def score(folder: Path, gt: Path, pred: Path, *overrides: str) -> dict:
    run_task(evaluate, "evaluate", folder, f"gt={gt}", f"pred={pred}", "pictures=0", *overrides)
    return json.loads((folder / "all.json").read_text())["rows"]["mAP"]


def files(folder: Path, truth, predictions) -> tuple[Path, Path]:
    """One image, without a rough place where the vectors' false person would be dropped by it."""
    people = [rect(places) | {"objpos": np.zeros((0, 0))} for places in truth]
    found = [rect(places, value) for places, value in predictions]
    gt, pred = save(folder / "gt.mat", [entry(people, "a.jpg")]), folder / "pred.mat"
    return gt, save(pred, [entry(found, "a.jpg")], "whatever")


def person(places, names, value=1.0) -> Person:
    """The same person by name, counted from 0."""
    keypoints = np.zeros((15, 3))
    for number, (x, y) in places.items():
        keypoints[PT15.index(names[number])] = x - 1, y - 1, 2
    return Person(keypoints, scores=np.full(15, value), score=value)


def of_mpii(x: float, y: float) -> Person:
    """`mpii_person`, counted from 0."""
    keypoints = np.array([[px - 1, py - 1, 2] for px, py in mpii_person(x, y).values()])
    return Person(keypoints, scores=np.full(16, 0.9), score=0.9)


def as_json(path: Path, predictions) -> Path:
    write_predictions(path, [("a.jpg", [person(p, POSETRACK, v) for p, v in predictions])], PT15)
    return path


def as_coco(folder: Path, truth, predictions) -> tuple[Path, Path]:
    """COCO JSON without boxes of heads: the scale follows from head_top and neck, 20 px apart."""
    people = [person(p, POSETRACK) for p in truth]
    annotations = [
        {"id": i, "image_id": 1, "category_id": 1, "keypoints": p.keypoints.ravel().tolist()}
        | {"bbox": [0, 0, 150, 60], "area": 9000, "iscrowd": 0, "num_keypoints": 15}
        for i, p in enumerate(people, start=1)
    ]
    truth_file, pred = folder / "gt.json", folder / "results.json"
    images = [{"id": 1, "file_name": "a.jpg", "width": 6000, "height": 200}]
    categories = [{"id": 1, "name": "person", "keypoints": list(PT15.keypoints)}]
    truth_file.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    results = []
    for places, value in predictions:
        found = person(places, POSETRACK, value)
        rows = np.column_stack([found.keypoints[:, :2], np.where(found.present, value, 0)])
        rows[~found.present] = 0
        results.append({"image_id": 1, "category_id": 1, "keypoints": rows.ravel().tolist(), "score": value})
    pred.write_text(json.dumps(results))
    return truth_file, pred


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_through_every_form(name, tmp_path):
    """PoseTrack's ids; in the COCO file, without head rectangles, the radius is .75 x 20 / 2 px."""
    truth, predictions, expected = VECTORS[name]
    gt, pred = files(tmp_path, truth, predictions)
    row = score(tmp_path / "mat", gt, pred, "protocol=posetrack", "mat=true")
    assert row["metric"] == "PoseTrack mAP"
    assert row["columns"]["mAP"] == pytest.approx(expected, abs=1e-9)
    assert row["head_size_rules"]["head_box"] == 1
    if name == "A lacks joint 0, it is predicted":
        assert row["joints"]["right_ankle"] == 50 and row["truth"]["right_ankle"] == 1
    for again in (as_json(tmp_path / "p.json", predictions), tmp_path / "mat" / FILE):
        row = score(tmp_path / again.suffix[1:], gt, again, "protocol=posetrack")
        assert row["columns"]["mAP"] == pytest.approx(expected, abs=1e-9)
    gt, pred = as_coco(tmp_path, truth, predictions)
    expected = 0 if name.startswith("shift") else expected
    row = score(tmp_path / "coco", gt, pred, "protocol=posetrack", "skeleton=posetrack15")
    assert row["columns"]["mAP"] == pytest.approx(expected, abs=1e-9)


def test_mpii_s_ids_count_fourteen_joints(tmp_path):
    """Pelvis and thorax are in the file and not scored; without wrists (ids 10, 15) their APs are 0."""
    truth = save(tmp_path / "gt.mat", [entry([rect(mpii_person())], "a.jpg")])
    places = {k: v for k, v in mpii_person().items() if k not in (10, 15, 6, 7)}
    pred = save(tmp_path / "pred.mat", [entry([rect(places, 0.5)], "a.jpg")])
    row = score(tmp_path / "out", truth, pred)
    assert len(row["joints"]) == 14 and row["notes"] == []
    wrists = {"right_wrist", "left_wrist"}
    assert {name for name, value in row["joints"].items() if value == 0} == wrists
    assert row["columns"]["mAP"] == pytest.approx(1200 / 14)
    assert [MPII.index(name) for name in MPII16.keypoints] == list(range(16))
    only = save(
        tmp_path / "one.mat", [entry([rect({9: (91, 50)}, 0.5)], "a.jpg")]
    )  # one point: a bare struct
    row = score(tmp_path / "one", truth, only)
    assert [name for name, value in row["joints"].items() if value] == ["head_top"]


def test_groups_by_entry_and_by_place(tmp_path):
    gt = save(tmp_path / "gt.mat", two_groups())
    exact = [predicted((x, 50, 0.9), (x, 90, 0.8)) for x in (0, 1000, 0)]
    apart = save(tmp_path / "pred.mat", [entry(p, n) for p, n in zip(exact, "aab", strict=True)])
    with pytest.raises(DataError, match=r"images\[0\] is 'a', which is none of the truth's 2 pictures"):
        score(tmp_path / "no", gt, apart)
    names = ("a.jpg", "a.jpg", "b.jpg")
    apart = save(tmp_path / "pred.mat", [entry(p, n) for p, n in zip(exact, names, strict=True)])
    row = score(tmp_path / "apart", gt, apart, "mat=true")
    assert row["columns"]["mAP"] == 100
    counts = row["counts"]
    assert (counts["images"], counts["groups"], counts["people"], counts["predictions"]) == (2, 3, 6, 6)
    whole = [entry(exact[0] + exact[1], "a.jpg"), entry(exact[2], "b.jpg")]
    row = score(tmp_path / "whole", gt, save(tmp_path / "whole.mat", whole), "mat=true")
    assert row["columns"]["mAP"] == 100 and row["counts"]["outside_group"] == 0
    # either way the written file has the toolkit's form: an entry a group, and its people alone
    for folder in ("apart", "whole"):
        assert score(tmp_path / "again", gt, tmp_path / folder / FILE)["counts"] == counts
        saved = loadmat(tmp_path / folder / FILE)["pred"]
        assert saved.shape == (1, 3)
        assert [saved[0, i]["annorect"].shape for i in range(3)] == [(1, 2)] * 3
    # without names the order is what counts, as in the toolkit
    unnamed = save(tmp_path / "unnamed.mat", [entry(p) for p in exact])
    assert score(tmp_path / "unnamed", gt, unnamed)["columns"]["mAP"] == 100
    swapped = save(tmp_path / "swapped.mat", [entry(exact[i]) for i in (1, 0, 2)])
    row = score(tmp_path / "swapped", gt, swapped)
    assert row["counts"]["outside_group"] == 4 and row["columns"]["mAP"] < 50


def test_entries_of_other_groups_than_the_truth_s(tmp_path):
    """The truth is a part that holds one of the image's groups: its place says which entry is of it."""
    exact = [entry(predicted((x, 50, 0.9), (x, 90, 0.8)), "a.jpg") for x in (0, 1000, 2000)]
    first, second, _ = two_groups()
    pred = save(tmp_path / "pred.mat", exact)
    for truth, kept in (([second], 1), ([second, first], 2)):
        row = score(tmp_path / "out", save(tmp_path / "gt.mat", truth), pred)
        assert row["columns"]["mAP"] == 100 and row["counts"]["outside_group"] == 0
        assert row["counts"]["predictions"] == 2 * kept
        (note,) = row["notes"]
        assert note.startswith(f"{3 - kept} entries of") and note.endswith("truth lacks: passed over")
    both = save(tmp_path / "two.mat", [exact[2], entry([], "a.jpg"), exact[0]])
    gt = save(tmp_path / "gt.mat", [first, second])
    assert score(tmp_path / "out", gt, both)["columns"]["mAP"] < 75  # nobody was found in the second
    whole = save(tmp_path / "one.mat", [entry(predicted((0, 50, 0.9), (1000, 50, 0.8)), "a.jpg")])
    assert score(tmp_path / "out", gt, whole)["notes"][0].startswith("of 1 images with several groups")
    for people in (first, second):
        people["annorect"][0, 0]["objpos"] = np.zeros((0, 0))
    gt = save(tmp_path / "gt.mat", [first, second])
    with pytest.raises(DataError, match=r"a.jpg has 3 entries, in the truth 2: give one for each"):
        score(tmp_path / "no", gt, pred)


def test_predictions_of_more_pictures_than_the_toolkit_s_truth(tmp_path):
    """Its file holds some groups of a data set; the other pictures are passed over, and told."""
    gt = save(tmp_path / "gt.mat", two_groups())
    exact = [of_mpii(x, y) for x, y in ((0, 50), (0, 90), (1000, 50), (1000, 90))]
    there = [("a.jpg", exact), ("b.jpg", exact[:2])]
    p, q = tmp_path / "p.json", tmp_path / "q.json"
    write_predictions(p, there, MPII16)
    alone = score(tmp_path / "alone", gt, p)
    write_predictions(q, [*there, ("c1.jpg", exact)], MPII16)
    more = score(tmp_path / "more", gt, q)
    assert more["columns"] == alone["columns"] and alone["columns"]["mAP"] == 100
    told = [note for note in more["notes"] if note not in alone["notes"]]
    assert told == [f"{q} speaks of 1 picture without a group to score in {gt}: c1.jpg"]
    save(gt, two_groups(("0001.jpg", "0001.jpg", "0002.jpg")))
    write_predictions(q, [("0011.jpg", exact), ("0012.jpg", [])], MPII16)
    with pytest.raises(DataError, match=r"is '0011.jpg', which is none of the truth's 2 pictures\.$"):
        score(tmp_path / "no", gt, q)


def test_ids_of_posetrack_are_suspected(tmp_path):
    """All of them are MPII's, too, of other joints; MPII's left wrist alone is not PoseTrack's."""
    line_of = mpii_person()
    gt = save(tmp_path / "gt.mat", [entry([rect(line_of)], "a.jpg")])
    pred = save(tmp_path / "pred.mat", [entry([rect(line_of, 0.9)], "a.jpg")])
    doubt = "has the id 15, MPII's left wrist: if its ids are PoseTrack's, give protocol=posetrack"
    assert not [note for note in score(tmp_path / "out", gt, pred)["notes"] if doubt in note]
    fewer = {number: place for number, place in line_of.items() if number < 15}
    save(gt, [entry([rect(fewer)], "a.jpg")])
    save(pred, [entry([rect(fewer, 0.9)], "a.jpg")])
    notes = score(tmp_path / "doubtful", gt, pred)["notes"]
    assert [note.split()[3] for note in notes if doubt in note] == [str(gt), str(pred)]
    notes = score(tmp_path / "posetrack", gt, pred, "protocol=posetrack")["notes"]
    assert not [note for note in notes if "left wrist" in note]


def test_predictions_in_place_of_the_truth_are_refused(tmp_path):
    pred = save(tmp_path / "pred.mat", [entry([rect(mpii_person(), 0.9)], "a.jpg")])
    with pytest.raises(DataError, match=r"gt=.*pred\.mat holds predictions: .* Give the truth as gt="):
        score(tmp_path / "no", pred, pred)
    truth = rect(mpii_person()) | {"annopoints": points(mpii_person(), 1.0)}
    headless = {name: value for name, value in truth.items() if name not in ("x1", "y1", "x2", "y2")}
    gt = save(tmp_path / "gt.mat", [entry([headless], "a.jpg")])  # a truth may have scores
    assert score(tmp_path / "scored", gt, pred)["columns"]["mAP"] == 100


def test_a_place_admits_who_is_near(tmp_path):
    """Rule 2: the box of objpos grown by 50 px at scale 1.1714."""
    gt = save(tmp_path / "gt.mat", two_groups())
    joints = [k for k in range(16) if k not in (6, 7)]
    centre = 10 * np.mean(joints)  # of the scored joints; objpos lies at 75
    for shift, outside in ((124.99 - centre, 0), (125.01 - centre, 1)):
        people = [*predicted((0, 50, 0.5), (0, 90, 0.5)), rect(moved(mpii_person(), range(16), shift), 0.9)]
        pred = save(tmp_path / "p.mat", [entry(people, "a.jpg"), entry([], "b.jpg")])
        row = score(tmp_path / f"{outside}", gt, pred)
        assert row["counts"]["outside_group"] == outside and row["counts"]["predictions"] == 3


def test_posetrack_s_regions_and_scores(tmp_path, caplog):
    """Points inside a polygon leave both sides; a joint without a score ranks last."""
    corners = [{"x": x, "y": y} for x, y in ((-5.0, 0.0), (5.0, 0.0), (5.0, 100.0), (-5.0, 100.0))]
    truth = [entry([rect(line())], "a.jpg") | {"ignore_regions": array([{"point": array(corners)}])}]
    gt = save(tmp_path / "gt.mat", truth)
    pred = save(tmp_path / "p.mat", [entry([{"annopoints": points(line())}], "a.jpg")])
    row = score(tmp_path / "out", gt, pred, "protocol=posetrack")
    assert row["joints"]["right_ankle"] is None and row["columns"]["mAP"] == 100
    assert any("15 of 15 points" in note and "-9999" in note for note in row["notes"])
    written = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert written["images"][0]["people"][0]["keypoints"][0][2] == -9999


GOOD = [entry([rect(mpii_person(), 0.9)], "a.jpg")]
NO_X = {"annopoints": {"point": array([{"y": 1.0, "id": 0.0, "score": 1.0}])}}


def with_point(**fields) -> list[dict]:
    point = {"x": 1.0, "y": 1.0, "id": 0.0, "score": 1.0} | fields
    return [entry([{"annopoints": {"point": array([point])}}], "a.jpg")]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"image": {"name": "a.jpg"}}], r"pred=.*p.mat holds no such array, only whatever: .*'annorect'"),
        (
            [entry([NO_X], "a.jpg")],
            r"whatever\(1\).annorect\(1\).annopoints.point\(1\).x is missing: .*leave",
        ),
        (with_point(x=np.nan), r"point\(1\).x is nan: give a finite number, or leave the point out"),
        (with_point(y=np.inf), r"point\(1\).y is inf"),
        (with_point(id=16.0), r"point\(1\).id is 16: mpii has the ids 0 to 15 \(protocol= says"),
        (with_point(id=np.zeros((0, 0))), r"point\(1\).id is missing"),
        (with_point(score="high"), r"point\(1\).score holds text, where one number is needed"),
        (with_point(x=np.array([[1.0, 2.0]])), r"point\(1\).x holds 2 numbers, where one number"),
        ([entry([{"annopoints": 3.0}], "a.jpg")], r"annorect\(1\).annopoints holds a number, no structs"),
        (
            [{"image": {"name": 3.0}, "annorect": np.zeros((0, 0))}],
            r"whatever\(1\).image.name must be a text",
        ),
        (
            [entry([], "c.jpg")],
            r"images\[0\] is 'c.jpg', which is none of the truth's 2 pictures.* mean '",
        ),
        ([entry([])], r"image.name is missing, and the truth has 3 entries where this has 1"),
        (
            [entry([], "a.jpg"), {"image": np.zeros((0, 0)), "annorect": np.zeros((0, 0))}],
            "image.name is missing in entry 2, though others have it",
        ),
    ],
)
def test_what_is_wrong_with_predictions_is_told(tmp_path, entries, message):
    gt = save(tmp_path / "gt.mat", two_groups())
    with pytest.raises(DataError, match=message):
        score(tmp_path / "no", gt, save(tmp_path / "p.mat", entries, "whatever"))


def test_damaged_and_foreign_files(tmp_path):
    gt, pred = save(tmp_path / "gt.mat", two_groups()), save(tmp_path / "p.mat", GOOD)
    (tmp_path / "cut.mat").write_bytes(pred.read_bytes()[:-300])
    (tmp_path / "foreign.mat").write_bytes(b"no MATLAB at all" * 20)
    for name in ("cut", "foreign"):
        broken = tmp_path / f"{name}.mat"
        with pytest.raises(DataError, match=rf"pred=.*{name}.mat is no whole MATLAB"):
            score(tmp_path / "no", gt, broken)
        with pytest.raises(DataError, match=rf"gt=.*{name}.mat is no whole MATLAB"):
            score(tmp_path / "no", broken, pred)
    savemat(tmp_path / "two.mat", {"a": array(GOOD), "b": array(GOOD)})
    with pytest.raises(DataError, match=r"holds several \(a, b\)"):
        score(tmp_path / "no", gt, tmp_path / "two.mat")


def test_doubtful_truth_is_told(tmp_path, caplog):
    """NaN is no annotation, a missing head rectangle or place has its fallback, and each is counted."""
    people = [rect(mpii_person()), rect(mpii_person(0, 90))]
    people[0]["annopoints"]["point"][0, 0]["x"] = np.nan
    people[0]["x1"] = people[1]["scale"] = np.zeros((0, 0))
    gt = save(tmp_path / "gt.mat", [entry(people, "a.jpg")])
    found = predicted((0, 50, 0.9), (0, 90, 0.8))
    found[0]["annopoints"]["point"][0, 1]["id"] = 0.0
    pred = save(tmp_path / "p.mat", [entry(found, "a.jpg")])
    row = score(tmp_path / "out", gt, pred)
    for told in ("not a number: 1", "person without head rectangle: 1", "group without place: 1"):
        assert told in caplog.text
    assert row["truth"]["right_ankle"] == 1
    assert row["head_size_rules"]["head_box"] == row["head_size_rules"]["head_neck"] == 0.5
    assert any("1 points of" in note and "repeat an id" in note for note in row["notes"])
    nobody = [entry([rect(mpii_person()) | {"annopoints": np.zeros((0, 0))}], "a.jpg")]
    with pytest.raises(DataError, match="holds nobody with points: MPII keeps those of its test images"):
        score(tmp_path / "no", save(tmp_path / "none.mat", nobody), pred)


def test_the_layout_that_is_written(tmp_path):
    """As MATLAB reads it: `pred(1).annorect(1).annopoints.point(1).x`, counted from 1."""
    gt, pred = save(tmp_path / "gt.mat", two_groups()), save(tmp_path / "p.mat", GOOD)
    score(tmp_path / "out", gt, pred, "mat=true")
    first = loadmat(tmp_path / "out" / FILE)["pred"][0, 0]
    assert first["image"][0, 0]["name"].item() == "a.jpg"
    point = first["annorect"][0, 0]["annopoints"][0, 0]["point"]
    assert point.dtype.names == ("x", "y", "id", "score")
    rows = [[point[name][0, k].item() for name in point.dtype.names] for k in range(16)]
    assert rows == [[10.0 * k, 50.0, k, 0.9] for k in range(16)]
    assert annolists.MPII[0] == MPII16.keypoints[0]
