"""What OKS keeps of a frame: a row for each person of whom anything is known."""

import numpy as np
import pytest
from pose_cases import found, frame_of, line_person

from dancepose.metrics.oks_tables import (
    AREA,
    BODY_SHARE,
    BOX,
    CROWD,
    FROM_BOX,
    FROM_EXTENT,
    IGNORED,
    SMALLEST_AREA,
    TRUTH_COLUMNS,
    prediction_rows,
    truth_rows,
)
from dancepose.metrics.people import UNSCORED
from dancepose.records import Group, Person
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")
EMPTY = np.zeros((15, 3))


def test_where_the_area_is_from():
    """A segment's, else a share of the box, else of the keypoints' box, which is never a line."""
    keypoints = line_person(SKELETON).keypoints  # 140 x 0 px
    people = [
        Person(keypoints, box=np.array([0, 0, 100, 50]), area=321.0),
        Person(keypoints, box=np.array([0, 0, 100, 50])),
        Person(keypoints),
        Person(EMPTY),
    ]
    rows = truth_rows(frame_of(SKELETON, *people), SKELETON)
    assert rows.shape == (3, TRUTH_COLUMNS + 45)  # of the last nothing is known
    assert rows[:, AREA] == pytest.approx([321, BODY_SHARE * 5000, BODY_SHARE * 140 * 35])
    assert rows[:, FROM_BOX].tolist() == [0, 1, 0] and rows[:, FROM_EXTENT].tolist() == [0, 0, 1]
    assert rows[2, BOX : BOX + 4].tolist() == [0, 50, 140, 0]
    np.testing.assert_array_equal(rows[0, TRUTH_COLUMNS:].reshape(15, 3), keypoints)


def test_who_is_ignored():
    """People of no group, people with a box alone, of few keypoints without a box, and regions."""
    few = EMPTY.copy()
    few[:3] = [[5, 5, 2], [6, 5, 2], [5, 6, 2]]
    people = [line_person(SKELETON), line_person(SKELETON), Person(few)]
    people.append(Person(EMPTY, box=np.array([0, 0, 10, 10])))
    region = [[np.array([[10.0, 10.0], [40.0, 10.0], [40.0, 30.0]])]]
    frame = frame_of(SKELETON, *people, groups=[Group([0, 2, 3])], ignore=region)
    rows = truth_rows(frame, SKELETON)
    assert rows[:, IGNORED].tolist() == [0, 1, 1, 1, 1] and rows[:, CROWD].tolist() == [0, 0, 0, 0, 1]
    assert rows[2, AREA] == SMALLEST_AREA and rows[4, BOX : BOX + 4].tolist() == [10, 10, 30, 20]
    assert not truth_rows(frame_of(SKELETON, *people[:2]), SKELETON)[:, IGNORED].any()  # without groups


def test_predictions_without_a_keypoint_or_a_score():
    frame, person = frame_of(SKELETON), found(line_person(SKELETON), score=0.7, missing=(4,))
    rows = prediction_rows([person, Person(person.keypoints, score=np.nan)], frame, SKELETON)
    assert rows[:, 0].tolist() == [0.7, UNSCORED]
    assert rows[0, 1:].reshape(15, 3)[4].tolist() == [0, 0, 0] and rows[0, 1:].reshape(15, 3)[5, 0] == 50
    assert truth_rows(frame, SKELETON).shape == (0, TRUTH_COLUMNS + 45)
