import numpy as np

from dancepose.inference.interface import Item, Prediction
from dancepose.inference.selection import keypoint_box, leave_out
from dancepose.records import Frame, Person


def person(score, *points):
    return Person(np.array([[*point, 2] for point in points] + [[0, 0, 0]], float), score=score)


def test_who_is_left_out_is_counted_by_the_reason():
    people = [
        person(0.9, (1, 2), (31, 7)),
        person(0.2, (1, 2), (31, 7)),
        person(0.9, (1, 2), (21, 7)),
        person(0.9),
    ]
    found = Prediction(Item(None), Frame("", (40, 40), people, "mpii15"), left_out={"no keypoint": 1})
    leave_out(found, 0.3, 25)
    (kept,) = found.frame.people
    assert kept.box.tolist() == [1, 2, 30, 5] and kept.score == 0.9
    assert found.left_out == {"score below 0.3": 1, "smaller than 25 px": 1, "no keypoint": 2}


def test_box():
    assert keypoint_box(person(1, (3, 4))).tolist() == [3, 4, 0, 0] and keypoint_box(person(1)) is None
