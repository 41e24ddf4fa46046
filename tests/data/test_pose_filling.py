import numpy as np

from dancepose.data.pose_filling import PoseFiller, _overlaps
from dancepose.records import Person


def blind(*box: float) -> Person:
    return Person(np.zeros((3, 3)), box=np.array(box) if box else None)


def test_overlaps_are_intersections_over_unions():
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert np.allclose(_overlaps(np.array([0.0, 0, 10, 10]), others), [1, 1 / 3, 0])


def test_nobody_gets_the_pose_of_another():
    """Two overlapping people and one that was found: it is the nearer one's."""
    found = np.array([[0, 0, 10, 10.0]])
    assert PoseFiller._matched([blind(2, 0, 10, 10), blind(0, 0, 10, 10)], found) == [(1, 0)]


def test_a_labelled_person_keeps_what_was_found_at_its_place():
    labelled = Person(np.array([[0, 0, 2], [10, 10, 2], [5, 5, 2.0]]))
    found = np.array([[0, 0, 10, 10.0], [50, 50, 60, 60]])
    assert PoseFiller._matched([labelled, blind(1, 1, 9, 9)], found) == [(0, 0)]


def test_who_is_far_from_everybody_gets_nothing():
    assert PoseFiller._matched([blind(100, 100, 5, 5), blind()], np.array([[0, 0, 10, 10.0]])) == []
    assert PoseFiller._matched([blind(100, 100, 5, 5)], np.zeros((0, 4))) == []
