import numpy as np
import pytest

from dancepose.codecs.base import Found
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.interface import Item, Prediction
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.selection import IN_PADDING, in_picture, keypoint_box, leave_out
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton


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


def test_who_is_beside_the_picture_is_not_there():
    """40 x 30 pixels: centres from 0 to 39 and 0 to 29; what is not present stands at 0, 0."""
    foot_below = person(1, (5, 5), (6, 20), (7, 33))
    beside, on_the_edge = person(1, (41, 5), (50, 20), (7, 3)), person(1, (39.5, 29.5))
    assert in_picture([foot_below, beside, on_the_edge], (0, 0, 40, 30)) == [foot_below, on_the_edge]
    beside.scores = np.array([0.2, 0.2, 0.5, 0.9])  # the surest keypoint is in it, the last is absent
    assert in_picture([beside], (0, 0, 40, 30)) == [beside]
    assert in_picture([foot_below], (5, 10, 40, 30)) == [foot_below] and in_picture([], (0, 0, 1, 1)) == []
    assert in_picture([nobody := person(1)], (0, 0, 40, 30)) == [nobody], "is left out with another reason"


class Everywhere:
    """Finds somebody in the middle of the picture, and in its padding."""

    skeleton, geometry = load_skeleton("mpii15"), TestGeometry(32, "long", 64)

    def run(self, inputs):
        return inputs

    def people(self, maps):
        point = np.ones((15, 3))
        places = [point * [x, y, 2] for x, y in ((10, 10), (50, 10), (10, 30))]
        return [Found([Person(at, np.full(15, 0.5), 0.5) for at in places]) for _ in maps]

    def heatmaps(self, maps):
        return None


@pytest.mark.parametrize(("tile", "left_out"), [(None, 2), (64, 2)])
def test_padding_holds_nobody_and_it_is_told(tile, left_out):
    (found,) = Pipeline(Everywhere(), tile=tile).stream([np.zeros((48, 64, 3), np.uint8)])
    (there,) = found.frame.people
    assert there.keypoints[0, :2].tolist() == [20.5, 20.5] and found.left_out == {IN_PADDING: left_out}
