"""`dancepose-evaluate gt= pred=` with MPII's own file: its groups, and its pictures without labels."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from annolists import array, cells, entry, mpii_person, predicted, rect, save, two_groups
from running import run_task
from scipy.io import loadmat, savemat

from dancepose.data.prediction_writer import write_predictions
from dancepose.data.readers.mpii import FILE
from dancepose.errors import ConfigError, DataError
from dancepose.evaluate import evaluate
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

MPII16 = load_skeleton("mpii16")


def rows(folder: Path, gt: Path, pred: Path, *overrides: str) -> dict:
    run_task(evaluate, "evaluate", folder, f"gt={gt}", f"pred={pred}", "pictures=0", *overrides)
    return json.loads((folder / "all.json").read_text())["rows"]


def score(folder: Path, gt: Path, pred: Path, *overrides: str) -> dict:
    return rows(folder, gt, pred, *overrides)["mAP"]


def release(path: Path, unlabelled=()) -> tuple[Path, Path]:
    """RELEASE of three images: two groups, a single person, and one whose people are unlabelled."""
    people = [
        entry(group, name) for group, name in zip(both_groups(), ("a.jpg", "b.jpg", "c.jpg"), strict=True)
    ]
    for rows in people[2]["annorect"][0]:
        rows["annopoints"] = np.zeros((0, 0))
    single = cells([np.zeros((0, 0)), np.array([[1.0]]), np.zeros((0, 0))])
    fields = {"annolist": array(people), "img_train": np.array([[1, 1, 0]]), "single_person": single}
    savemat(path / "release.mat", {"RELEASE": fields})
    groups = [
        cells([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]),
        cells([1.0]),
        cells([np.array([[1.0, 2.0]])]),
    ]
    savemat(path / "groups_v12.mat", {"groups": cells(groups)})
    return path / "release.mat", path / "groups_v12.mat"


def both_groups() -> list[list[dict]]:
    first = [rect(mpii_person(x, y)) for x in (0, 1000) for y in (50, 90)]
    return [first, [rect(mpii_person())], [rect(mpii_person(0, y)) for y in (50, 90)]]


def test_release_with_its_groups(tmp_path):
    gt, groups = release(tmp_path)
    whole = predicted((0, 50, 0.9), (0, 90, 0.8), (1000, 50, 0.7), (1000, 90, 0.6))
    pred = save(tmp_path / "pred.mat", [entry(whole, "a.jpg")])
    row = score(tmp_path / "out", gt, pred)
    assert row["columns"]["mAP"] == 100
    counts = row["counts"]
    assert (counts["images"], counts["groups"], counts["people"]) == (1, 2, 4)
    elsewhere = tmp_path / "mine.mat"
    groups.rename(elsewhere)
    with pytest.raises(DataError, match=r"groups=.*none.mat is no file: give MPII's groups_v12.mat"):
        score(tmp_path / "no", gt, pred, f"groups={tmp_path / 'none.mat'}")
    row = score(tmp_path / "touching", gt, pred)  # all have the same head rectangle, and so they touch
    assert row["counts"]["groups"] == 1 and "not comparable" in row["notes"][0]
    assert score(tmp_path / "own", gt, pred, f"groups={elsewhere}")["counts"] == counts
    plain = save(tmp_path / "plain.mat", two_groups())
    with pytest.raises(ConfigError, match="holds no RELEASE; its entries are the groups"):
        score(tmp_path / "no", plain, pred, f"groups={elsewhere}")


def test_people_without_points_excuse_nothing_in_release(tmp_path):
    """As in the toolkit: a member of the second group has no points: who is found there is false."""
    gt, _ = release(tmp_path)
    content = loadmat(gt)
    people = content["RELEASE"][0, 0]["annolist"][0, 0]["annorect"]
    people[0, 3]["annopoints"] = np.zeros((0, 0))
    savemat(gt, {"RELEASE": content["RELEASE"]})
    exact = predicted((0, 50, 0.9), (0, 90, 0.8), (1000, 50, 0.7))
    row = score(tmp_path / "exact", gt, save(tmp_path / "p.mat", [entry(exact, "a.jpg")]))
    assert row["columns"]["mAP"] == 100 and row["counts"]["people"] == 3
    note = row["notes"][0]
    assert note.startswith("images with people without points: 1; who is predicted on them counts as false")
    more = [*exact, *predicted((1000, 90, 0.95))]
    row = score(tmp_path / "more", gt, save(tmp_path / "p.mat", [entry(more, "a.jpg")]))
    assert row["counts"]["on_ignored"] == 0 and row["columns"]["mAP"] == pytest.approx(75)


def found_person(x: float, y: float, value: float = 0.9) -> Person:
    """A person of `mpii_person`, counted from 0."""
    keypoints = np.array([[px - 1, py - 1, 2] for px, py in mpii_person(x, y).values()])
    return Person(keypoints, scores=np.full(16, value), score=value)


def corners(*places: tuple[float, float]) -> list[Person]:
    return [found_person(x, y) for x, y in places]


WHOLE = corners((0, 50), (0, 90), (1000, 50), (1000, 90))


def test_predictions_of_more_pictures_than_are_labelled(tmp_path):
    """b.jpg has a single person, c.jpg no labels: both are passed over, and told."""
    gt, _ = release(tmp_path)
    everywhere = [("a.jpg", WHOLE), ("b.jpg", corners((0, 50))), ("c.jpg", WHOLE)]
    write_predictions(tmp_path / "p.json", everywhere, MPII16)
    row = score(tmp_path / "json", gt, tmp_path / "p.json")
    assert row["columns"]["mAP"] == 100 and row["counts"]["images"] == 1
    assert [note for note in row["notes"] if "speaks of 2 pictures without a group to score" in note]
    people = predicted((0, 50, 0.9), (0, 90, 0.8), (1000, 50, 0.7), (1000, 90, 0.6))
    found = [entry(people, name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    assert score(tmp_path / "mat", gt, save(tmp_path / "p.mat", found))["columns"]["mAP"] == 100
    write_predictions(tmp_path / "p.json", [*everywhere, ("d.jpg", [])], MPII16)
    with pytest.raises(DataError, match=r"images\[3\] is 'd.jpg', which is none of the truth's 3 pictures"):
        score(tmp_path / "no", gt, tmp_path / "p.json")
    write_predictions(tmp_path / "p.json", everywhere[1:], MPII16)
    with pytest.raises(DataError, match="speaks of none of the truth's 1 pictures; 2 .* have no labels"):
        score(tmp_path / "no", gt, tmp_path / "p.json")


def test_a_picture_where_nobody_was_found_has_to_be_listed(tmp_path):
    """Of MPII's whole file nobody knows which pictures a system saw, but from its own file."""
    people = [entry(group, name) for group, name in zip(both_groups()[::2], ("a.jpg", "c.jpg"), strict=True)]
    fields = {"annolist": array(people), "img_train": np.array([[1, 1]])}
    savemat(tmp_path / "gt.mat", {"RELEASE": fields})
    gt, pred = tmp_path / "gt.mat", tmp_path / "p.json"
    write_predictions(pred, [("a.jpg", WHOLE), ("c.jpg", [])], MPII16)
    listed = score(tmp_path / "listed", gt, pred)
    assert listed["counts"]["images"] == 2 and listed["columns"]["mAP"] < 100
    write_predictions(pred, [("a.jpg", WHOLE)], MPII16)
    left_out = score(tmp_path / "left_out", gt, pred)
    assert left_out["counts"]["images"] == 1 and left_out["columns"]["mAP"] == 100
    assert any("counts only if it is named so" in note for note in left_out["notes"])
    assert not any("counts only if it is named so" in note for note in listed["notes"])


@pytest.mark.parametrize(
    ("gt", "pred", "message"),
    [
        ("p.json", "release.mat", r"gt=.*p\.json is a predictions\.json: give it as pred="),
        ("release.mat", "release.mat", r"release\.mat is MPII's own file, the truth: give it as gt="),
    ],
)
def test_truth_and_predictions_that_are_exchanged(gt, pred, message, tmp_path):
    release(tmp_path)
    write_predictions(tmp_path / "p.json", [("a.jpg", WHOLE)], MPII16)
    if gt == "p.json":
        save(tmp_path / pred, [entry(predicted((0, 50, 0.9)), "a.jpg")])
    with pytest.raises(DataError, match=message):
        score(tmp_path / "no", tmp_path / gt, tmp_path / pred)


def test_what_is_written_for_the_toolkit_scores_the_same(tmp_path):
    """Also by OKS: a .mat has no place for people near no group, and has who is near two groups twice."""
    gt, _ = release(tmp_path)
    content = loadmat(gt)
    people = content["RELEASE"][0, 0]["annolist"][0, 0]["annorect"]
    for person in people[0]:
        person["scale"] = 12.0  # places of the groups grow by 512 px, and meet
    savemat(gt, {"RELEASE": content["RELEASE"]})
    places = ((4, 50), (3, 90), (1006, 50), (1009, 90), (500, 70), (2500, 50))
    found = [found_person(x, y, 0.5 + 0.01 * y - 1e-4 * x) for x, y in places]  # equal ones rank by order
    write_predictions(tmp_path / "p.json", [("a.jpg", found)], MPII16)
    first = rows(tmp_path / "first", gt, tmp_path / "p.json", "mat=true")
    again = rows(tmp_path / "again", gt, tmp_path / "first" / "pred_keypoints_mpii_multi.mat")
    assert first["mAP"]["counts"]["in_several_groups"] == first["mAP"]["counts"]["outside_group"] == 1
    assert 0 < first["OKS"]["columns"]["AP"] < 100
    for label in ("mAP", "OKS"):
        values = {name: value for name, value in first[label]["columns"].items() if value is not None}
        same = {name: again[label]["columns"][name] for name in values}
        assert same == pytest.approx(values, rel=1e-12)


def test_a_folder_with_mpii_s_file_asks_for_the_file(tmp_path):
    release(tmp_path)
    (tmp_path / "release.mat").rename(tmp_path / FILE)
    write_predictions(tmp_path / "p.json", [("a.jpg", WHOLE)], MPII16)
    for more in ([], ["submit=true"], [f"groups={tmp_path / 'groups_v12.mat'}"]):
        with pytest.raises(DataError, match=rf"gt={tmp_path} is a folder: give gt={tmp_path / FILE}"):
            given = (f"gt={tmp_path}", f"pred={tmp_path / 'p.json'}", *more)
            run_task(evaluate, "evaluate", tmp_path / "no", *given)


def test_mpii_s_own_file_is_not_scored_by_posetrack_s_ids(tmp_path):
    """Id 8 is MPII's upper neck, and PoseTrack's right shoulder."""
    gt, _ = release(tmp_path)
    pred = save(tmp_path / "pred.mat", [entry(predicted((0, 50, 0.9)), "a.jpg")])
    with pytest.raises(ConfigError, match=r"protocol=posetrack: gt=.*release.mat is MPII's own file.*=mpii"):
        score(tmp_path / "no", gt, pred, "protocol=posetrack")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["gt=.", "pred=p.json"], "gt=. is a folder: give gt="),
        (["gt=release.mat", "pred=p.json", "protocol=posetrack"], "is MPII's own file"),
        (["gt=release.mat", "pred=p.json", "groups=no.mat"], "groups=no.mat is no file"),
        (["gt=p.json", "pred=p.json"], "gt=p.json is a predictions.json: give it as pred="),
        (["gt=p.json", "pred=p.json", "submit=true"], "submit=true needs MPII's own .mat file"),
        (["gt=p.json", "pred=coco.json"], "which names no keypoints: give skeleton="),
        (["gt=release.mat", "pred=p.json", "protocol=coco"], "protocol=coco"),
    ],
    ids=lambda v: v[-1] if isinstance(v, list) else "",
)
def test_what_is_wrong_with_files_is_told_before_torch_is_imported(tmp_path, overrides, message):
    gt, _ = release(tmp_path)
    (tmp_path / FILE).write_bytes(gt.read_bytes())
    write_predictions(tmp_path / "p.json", [("a.jpg", WHOLE)], MPII16)
    (tmp_path / "coco.json").write_text("[]")
    code = (
        "import sys\nfrom dancepose.evaluate import main\n"
        "try:\n    main()\nfinally:\n    print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *overrides], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1 and message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and done.stdout.splitlines()[-1] == "False"


def as_coco(path: Path, people: dict[int, list[Person]]) -> Path:
    rows = [
        {"image_id": number, "category_id": 1, "score": 0.9}
        | {"keypoints": np.column_stack([p.keypoints[:, :2], p.scores]).ravel().tolist()}
        for number, found in people.items()
        for p in found
    ]
    path.write_text(json.dumps(rows))
    return path


def test_coco_results_name_pictures_by_their_place_in_the_file(tmp_path):
    gt, _ = release(tmp_path)
    pred = as_coco(tmp_path / "p.json", {1: WHOLE, 3: WHOLE})
    row = score(tmp_path / "out", gt, pred, "skeleton=mpii16")
    assert row["columns"]["mAP"] == 100
    assert any("by number: taken as their places in" in note for note in row["notes"])
    with pytest.raises(DataError, match=r"is 4, which is none of the truth's 3 pictures"):
        score(tmp_path / "no", gt, as_coco(tmp_path / "q.json", {1: WHOLE, 4: WHOLE}), "skeleton=mpii16")
    toolkit = save(tmp_path / "gt.mat", two_groups())  # its second picture is its third entry
    pred = as_coco(tmp_path / "p.json", {1: WHOLE, 3: corners((0, 50), (0, 90))})
    assert score(tmp_path / "toolkit", toolkit, pred, "skeleton=mpii16")["columns"]["mAP"] == 100
