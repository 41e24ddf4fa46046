"""`summary.json` stands there whatever ends a prediction."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dancepose.errors import DanceposeError
from dancepose.inference.interface import Prediction
from dancepose.records import Frame, Person
from dancepose.tasks.prediction_summary import Summary, Tally
from dancepose.text_table import counted


def read(folder):
    return json.loads((folder / "summary.json").read_text())


def test_an_error_is_told_in_it(tmp_path):
    with pytest.raises(DanceposeError), Summary(tmp_path, lambda: {"pictures": 3}):
        raise DanceposeError("the disk\n is full")
    found = read(tmp_path)
    assert (found["status"], found["error"], found["pictures"]) == ("failed", "the disk is full", 3)


def test_a_prediction_that_ends_is_done(tmp_path):
    with Summary(tmp_path, lambda: {"pictures": 3}):
        pass
    assert read(tmp_path)["status"] == "done" and "error" not in read(tmp_path)


def test_nobody_goes_missing_in_a_tally():
    tally, frame = Tally(), Frame("a.jpg", (8, 8), [], "mpii15", "a.jpg")
    tally.count(Prediction("a.jpg", frame, left_out={"smaller than min_size": 2}))
    tally.count(Prediction("b.jpg", Frame("b.jpg", (0, 0), [], "mpii15", "b.jpg"), error="cut off"))
    counts = tally.to_dict()
    assert (counts["pictures"], counts["people"], counts["broken"]) == (1, 0, {"b.jpg": "cut off"})
    assert counts["left_out"] == {"smaller than min_size": 2}


@pytest.mark.parametrize("left_out", [{}, {"score below 0.9": 2}])
def test_a_prediction_that_finds_nobody_says_what_to_look_at(left_out):
    tally = Tally()
    assert "nobody" not in str(tally)  # no picture was looked at
    frame = Frame("a.jpg", (8, 8), [], "mpii15", "a.jpg")
    tally.count(Prediction("a.jpg", frame, left_out=left_out))
    told = str(tally)
    assert "nobody was found" in told and "heatmaps=true" in told and ("min_score" in told) == bool(left_out)
    tally.count(Prediction("b.jpg", replace(frame, people=[Person(np.zeros((15, 3)))])))
    assert "nobody was found" not in str(tally)


def test_who_is_in_the_files_and_not_drawn_is_counted():
    tally = Tally(least_drawn=0.1)
    people = [Person(np.zeros((15, 3)), score=score) for score in (0.05, 0.1, 0.9)]
    tally.count(Prediction("a.jpg", Frame("a.jpg", (8, 8), people, "mpii15", "a.jpg")))
    assert (tally.to_dict()["people"], tally.to_dict()["not_drawn"]) == (3, 1)
    assert "not drawn, but in the files (draw_min_score=0.1): 1" in str(tally)


def test_one_is_told_as_one_and_a_video_has_frames():
    people = [Person(np.zeros((15, 3)))]
    for tally, told in ((Tally(), "1 picture, 1 person, "), (Tally("frame"), "1 frame, 1 person, ")):
        tally.count(Prediction("a.jpg", Frame("a.jpg", (8, 8), people, "mpii15", "a.jpg")))
        assert str(tally).startswith(told) and str(tally).endswith(f" {tally.unit}s/s")
    assert (counted(0, "frame"), counted(2, "person", "people")) == ("0 frames", "2 people")
