"""Boxes and names of actions over a picture."""

from dataclasses import replace

import numpy as np
import pytest

from dancepose.inference.action_drawing import GROUND, draw_actions, draw_boxes, draw_pose
from dancepose.inference.drawing import resize_with_people
from dancepose.inference.person_colours import person_colour
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

GREY = np.full((240, 320, 3), 128, np.uint8)


def person(box=None, point=None, action="wave") -> Person:
    keypoints = np.zeros((18, 3))
    if point is not None:
        keypoints[0] = *point, 2
    return Person(keypoints, box=None if box is None else np.array(box, float), action=action)


def changed(*people: Person) -> np.ndarray:
    drawn = draw_actions(GREY, people)
    assert drawn.shape == GREY.shape and (GREY == 128).all()
    return (drawn != GREY).any(axis=2)


def test_a_box_and_a_name_above_it():
    touched = changed(person(box=(100, 90, 60, 120)))
    rows, columns = np.nonzero(touched)
    assert touched[90, 130] and touched[210, 130] and touched[150, 100] and touched[150, 160]
    assert not touched[95:205, 106:154].any(), "the inside stays as it is"
    assert rows.min() < 85 and 98 < columns[rows < 86].min() and columns[rows < 86].max() < 162


@pytest.mark.parametrize(
    ("one", "rows"),
    [(person(point=(150, 120)), (90, 120)), (person(), (0, 25)), (person(box=(0, 0, 320, 240)), (0, 240))],
    ids=["keypoints alone", "no place", "the whole picture"],
)
def test_a_name_without_room_for_it(one, rows):
    touched = np.flatnonzero(changed(one).any(axis=1))
    assert len(touched) and rows[0] <= touched.min() and touched.max() < rows[1]


@pytest.mark.parametrize("place", [{}, {"point": (150, 120)}], ids=["no place", "the same place"])
def test_names_do_not_cover_each_other(place):
    one, two = changed(person(**place)), changed(person(**place), person(**place))
    assert two.sum() > 1.8 * one.sum()


def test_who_does_nothing_is_not_drawn():
    assert not changed(person(box=(100, 90, 60, 120), action=None)).any()


def colours_of(people, box):
    """Return which people's colours a box has in its lower edge."""
    drawn = draw_boxes(GREY, people, ["x"] * len(people))
    edge = drawn[box[1] + box[3], box[0] : box[0] + box[2]]
    return {n for n in range(7) if (edge == person_colour(n)).all(axis=1).any()}


def test_a_person_keeps_its_colour_from_frame_to_frame():
    left, right = (20, 90, 60, 120), (200, 90, 60, 120)
    for order in (1, -1):
        people = [replace(person(box=box), track=track) for box, track in [(left, 3), (right, 5)][::order]]
        assert colours_of(people, left) == {3} and colours_of(people, right) == {5}
    alone = [replace(person(box=right), track=5)]
    assert colours_of(alone, right) == {5}


def test_without_tracks_the_place_among_all_says_the_colour():
    left, right = (20, 90, 60, 120), (200, 90, 60, 120)
    people = [person(box=left, action=None), person(box=right)]
    touched = draw_actions(GREY, people)
    assert (touched[210, 210:250] == person_colour(1)).all(axis=1).any(), "who does nothing counts"
    named = [replace(person(box=left), id=4), replace(person(box=right), id=1)]
    assert colours_of(named, left) == {4} and colours_of(named, right) == {1}
    with pytest.raises(ValueError):
        draw_boxes(GREY, people, ["x"])


def test_boxes_follow_a_resized_picture():
    _, (moved,) = resize_with_people(GREY, [person(box=(99.5, 59.5, 40, 80))], 640)
    np.testing.assert_allclose(moved.box, [199.5, 119.5, 80, 160])


@pytest.mark.parametrize("unit", [0.001, 1.0, 500.0])
def test_a_pose_alone_fills_its_square_in_any_unit(unit):
    skeleton = load_skeleton("coco17")
    points = np.random.default_rng(0).uniform(0, [1, 2], (17, 2)) * unit - 3 * unit
    alone = Person(np.column_stack([points, np.full(17, 2.0)]))
    before = alone.keypoints.copy()
    drawn = draw_pose(alone, skeleton, side=200)
    rows, columns = np.nonzero((drawn != GROUND).any(axis=2))
    assert drawn.shape == (200, 200, 3) and (alone.keypoints == before).all()
    assert 10 < rows.min() < 30 and 170 < rows.max() < 190, "the longer side, with a margin"
    assert abs((columns.min() + columns.max()) / 2 - 99.5) < 4, "in the middle"


def test_poses_of_one_keypoint_and_of_none():
    skeleton = load_skeleton("coco17")
    keypoints = np.zeros((17, 3))
    assert (draw_pose(Person(keypoints), skeleton) != GROUND).any(), "it is said"
    keypoints[3] = 900, -5, 2
    rows, columns = np.nonzero((draw_pose(Person(keypoints), skeleton) != GROUND).any(axis=2))
    assert abs(rows.mean() - 127.5) < 2 and abs(columns.mean() - 127.5) < 2
