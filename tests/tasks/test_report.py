"""The report of an evaluation: which frames its contact sheet shows, in which order and why; its curves."""

import json
from pathlib import Path

import numpy as np
import pytest

from dancepose.data.images import read_image
from dancepose.metrics.matching import Protocol
from dancepose.metrics.pose_images import PoseImages
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks import report
from dancepose.tasks.evaluation import PoseEvaluation

MPII15 = load_skeleton("mpii15")
JOINTS = np.flatnonzero(MPII15.scored)  # 14
FAR = 500.0  # px: no joint of anybody


def person(wrong: int = 0) -> Person:
    """Keypoints in a row 20 px apart, head size 30 by the head box; the last scored joints `FAR` away."""
    keypoints = np.array([[20.0 * k, 50.0, 2.0] for k in range(15)])
    keypoints[JOINTS[len(JOINTS) - wrong :], 1] += FAR
    return Person(keypoints, head_box=np.array([0.0, 0.0, 30.0, 40.0]), scores=np.ones(15), score=1.0)


def frame(name: str, *people: Person, **fields) -> Frame:
    return Frame(np.zeros((60, 80, 3), np.uint8), (80, 60), list(people), "mpii15", name, **fields)


@pytest.fixture
def captions(monkeypatch) -> list[str]:
    """What stands below the pictures of the contact sheet, in their order."""
    shown: list[str] = []

    def sheet(images, captions, **_):
        assert len(images) == len(captions)
        shown.extend(captions)
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(report, "contact_sheet", sheet)
    return shown


def test_frames_stand_from_the_best_to_the_worst(captions: list[str]):
    wrong = {"c": 0, "e": 2, "a": 4, "g": 6, "b": 8, "f": 10, "d": 12}
    frames = [frame(name, person()) for name in sorted(wrong)]
    frames.append(frame("nobody"))
    people = {name: [person(count)] for name, count in wrong.items()}
    assert report.frame_sheet(people, frames, MPII15, 2, "mpii") is not None
    assert captions == [
        "best: 100% of the joints  c",
        "best: 86% of the joints  e",
        "median: 71% of the joints  a",
        "median: 57% of the joints  g",
        "worst: 29% of the joints  f",
        "worst: 14% of the joints  d",
    ]


def test_a_frame_without_predictions_is_the_worst_and_equal_ones_stand_by_name(captions: list[str]):
    frames = [frame(name, person()) for name in "dbca"]
    report.frame_sheet({name: [person()] for name in "bcd"}, frames, MPII15, 1, "mpii")
    assert captions == [
        "best: 100% of the joints  b",
        "median: 100% of the joints  d",
        "worst: 0% of the joints  a",
    ]


def test_no_frame_is_shown_twice_and_none_where_nothing_can_be_judged(captions: list[str]):
    frames = [frame(name, person()) for name in "ab"]
    report.frame_sheet({"a": [person()]}, frames, MPII15, 4, "mpii")
    assert captions == ["best: 100% of the joints  a", "worst: 0% of the joints  b"]
    assert report.frame_sheet({}, [frame("nobody")], MPII15, 4, "mpii") is None
    assert report.frame_sheet({}, [], MPII15, 4, "mpii") is None


def test_where_none_is_better_none_is_called_the_best(captions: list[str]):
    report.frame_sheet({"a": [person(7)]}, [frame("a", person())], MPII15, 4, "mpii")
    assert captions.pop() == "50% of the joints  a"
    report.frame_sheet({}, [frame(name, person()) for name in "abc"], MPII15, 1, "mpii")
    assert captions == [f"0% of the joints  {name}" for name in "abc"]


def test_of_few_frames_only_the_ends_are_named(captions: list[str]):
    wrong = {"a": 0, "b": 0, "c": 7, "d": 14}
    report.frame_sheet(
        {name: [person(count)] for name, count in wrong.items()},
        [frame(name, person()) for name in wrong],
        MPII15,
        4,
        "mpii",
    )
    assert [caption.split()[0] for caption in captions] == ["best:", "best:", "50%", "worst:"]


@pytest.mark.parametrize(
    ("protocol", "wanted"),
    [
        ("mpii", ["best: 86% of the joints  plain", "worst: 71% of the joints  ignored"]),
        ("posetrack", ["best: 100% of the joints  ignored", "worst: 86% of the joints  plain"]),
    ],
)
def test_frames_are_ranked_by_the_rule_of_the_figure(
    tmp_path: Path, captions: list[str], protocol: Protocol, wanted: list[str]
):
    """PoseTrack takes joints in ignore regions from both sides, MPII does not."""
    truth, missed = person(), person(wrong=4)
    region = np.array([[x, y] for x, y, _ in truth.keypoints[JOINTS[[-4, -1, -1, -4]]]])
    region += [[-5, -5], [5, -5], [5, FAR + 5], [-5, FAR + 5]]
    frames = [frame("ignored", truth, ignore=[[region]]), frame("plain", person())]
    people = [[missed], [person(wrong=2)]]
    evaluation = PoseEvaluation(MPII15, protocol=protocol)
    evaluation.update(people, frames)
    result = evaluation.compute()
    report.write_report(
        tmp_path, "test", result, evaluation.gather_predictions(), frames, MPII15, {}, pictures=1
    )
    assert captions == wanted
    assert (tmp_path / "pictures" / "test_frames.jpg").is_file()


def reported(
    folder: Path, people: list[list[Person]], frames: list[Frame], part: str = "test", **more
) -> dict:
    """Write a report and return what its curves' file holds."""
    evaluation = PoseEvaluation(MPII15)
    evaluation.update(people, frames)
    about = {"data": "dance my/folder", "split": "abc", "precision": "32-true"}
    result, found = evaluation.compute(), evaluation.gather_predictions()
    report.write_report(folder, part, result, found, frames, MPII15, about, **more)
    return json.loads((folder / f"{part}_curves.json").read_text())


def test_that_nobody_was_found_is_said_beside_the_figures(tmp_path: Path, caplog):
    caplog.set_level("INFO")
    frames, words = [frame("a", person()), frame("b", person())], "nobody was found in any of these pictures"
    for people in ([[], []], [[], [person()]]):
        reported(tmp_path, people, frames, pictures=0)
        rows = json.loads((tmp_path / "test.json").read_text())["rows"]
        told = words in caplog.text
        caplog.clear()
        assert told == (words in rows["mAP"]["notes"]) == (not any(people))


def test_curves_are_written_as_picture_and_numbers(tmp_path: Path):
    curves = reported(tmp_path, [[person(wrong=4)], []], [frame("a", person()), frame("b", person())])
    columns = curves.pop("columns")
    row = json.loads((tmp_path / "test.json").read_text())["rows"]["mAP"]
    assert {name: column["AP"] for name, column in columns.items()} == row["columns"] and "curves" not in row
    assert curves.pop("recall") == [i / 100 for i in range(101)]
    about = {"data": "dance my/folder", "split": "abc", "precision": "32-true", "part": "test", "images": 2}
    assert curves == {**about, "metric": "MPII mAP", "people": 2}
    assert columns["Shoulder"]["precision"] == [1.0] * 51 + [0.0] * 50  # one of two is found
    assert all(len(column["precision"]) == 101 for column in columns.values())
    assert read_image(tmp_path / "pictures" / "test_curves.png").shape == (616, 1430, 3)
    assert {p.name for p in (tmp_path / "pictures").iterdir()} == {"test_curves.png", "test_frames.jpg"}


def test_what_each_image_gives_makes_the_figure_again(tmp_path: Path):
    """The file is of the row that is printed."""
    frames = [frame("a", person()), frame("b", person(), clip="film"), frame("c")]
    people = [[person(wrong=4)], [person()], [person()]]
    reported(tmp_path, people, frames, pictures=0)
    images = PoseImages.load(tmp_path / "per_image.npz")
    assert (images.names, images.clips) == (["a", "b", "c"], [None, "film", None])
    row = json.loads((tmp_path / "test.json").read_text())["rows"]["mAP"]
    assert (
        images.mean_ap(np.ones((1, 3)))[0] == pytest.approx(row["columns"]["mAP"])
        and row["columns"]["mAP"] < 99
    )
    assert dict(zip(images.keypoints, images.truth.sum(axis=0), strict=True)) == row["truth"]
    assert images.mean_ap(np.array([[0, 1, 0]]))[0] == 100


def test_the_joints_of_each_picture_of_one_person_make_its_figures_again(tmp_path: Path, caplog):
    """Of peaks, whoever was grouped; of a picture without a group too, which the mAP passes over."""
    caplog.set_level("INFO")
    frames = [
        frame("a", person()),
        frame("two", person(), person()),
        frame("b", person(), clip="film", evaluated=False),
        frame("not met", person()),
    ]
    evaluation = PoseEvaluation(MPII15)
    peaks = np.stack([person().keypoints, person().keypoints, person(wrong=4).keypoints])
    for batch in ([2, 1], [0]):
        evaluation.update([[]] * len(batch), [frames[i] for i in batch], peaks[batch], batch)
    result = evaluation.compute()
    found = evaluation.gather_predictions()
    report.write_report(tmp_path, "test", result, found, frames, MPII15, {}, pictures=0)
    images = PoseImages.load(tmp_path / "per_image.npz")
    assert images.names == ["a", "two"] and images.singles.names == ["a", "b"]
    assert images.singles.clips == [None, "film"]
    rows = json.loads((tmp_path / "test.json").read_text())["rows"]
    for label in ("PCK@0.2", "PCKh@0.5"):
        assert images.singles.value(label) == pytest.approx(rows[label]["columns"]["mean"])
        assert rows[label]["standard_error"] > 0 and rows[label]["drawn"] == "2 clips"
        assert images.singles.found[label].sum(axis=1).tolist() == [14, 10]
        assert f"{label}: standard error of the mean over 2 clips: " in caplog.text
    told = caplog.text
    caplog.clear()
    report.tell_report(tmp_path, "test")
    assert "standard error of the mean over 2 clips: " in caplog.text and caplog.text in told


def test_curves_without_people_detections_or_pictures(tmp_path: Path):
    nothing = {"AP": None, "precision": None}
    nobody = reported(tmp_path / "nobody", [[person()]], [frame("a")])["columns"]
    assert list(nobody.values()) == [nothing] * 8
    assert (tmp_path / "nobody" / "pictures" / "test_curves.png").is_file()
    missed = reported(tmp_path / "missed", [[]], [frame("a", person())], part="all")["columns"]
    assert list(missed.values()) == [{"AP": 0.0, "precision": [0.0] * 101}] * 8
    truth = person()
    truth.keypoints[[MPII15.keypoints.index(f"{side}_wrist") for side in ("left", "right")]] = 0
    bare = reported(tmp_path / "bare", [[person()]], [frame("a", truth)], pictures=0)["columns"]
    assert bare["Wrist"] == nothing and bare["Hip"] == {"AP": 100.0, "precision": [1.0] * 101}
    assert not (tmp_path / "bare" / "pictures").exists()


def test_pictures_that_cannot_be_drawn_are_told_and_the_rest_is_written(tmp_path: Path, monkeypatch, caplog):
    def fail(*_, **__):
        raise ValueError("no such font")

    monkeypatch.setattr(report, "draw_curves", fail)
    monkeypatch.setattr(report, "draw_comparison", fail)
    reported(tmp_path, [[person()]], [frame("a", person())])
    assert {p.name for p in tmp_path.iterdir()} == {
        "test.json",
        "test_curves.json",
        "predictions.json",
        "per_image.npz",
    }
    for name in ("test_curves.png", "test_frames.jpg"):
        assert (
            f"{tmp_path / 'pictures' / name} cannot be drawn, and the rest goes on: ValueError" in caplog.text
        )
