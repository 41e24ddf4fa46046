"""Columns of keypoints: whose they are, and what becomes of points that are not there."""

from pathlib import Path

import numpy as np
import pytest

from dancepose.data.problems import Problems
from dancepose.data.readers.keypoint_columns import Columns, counted_columns, named_columns
from dancepose.errors import ConfigError, DataError
from dancepose.skeleton import load_skeleton

COCO17, MPII15, OPENPOSE18 = map(load_skeleton, ("coco17", "mpii15", "openpose18"))
FILE = Path("mine.npz")


def test_names_in_any_order_are_found():
    names = list(OPENPOSE18.keypoints)[::-1]
    columns = named_columns(names, COCO17, None, FILE, "data", Problems())
    assert columns.covered.all() and [names[i] for i in columns.index] == list(COCO17.keypoints)


def test_a_few_of_the_runs_keypoints_are_enough():
    columns = named_columns(["l_wrist", "nose"], OPENPOSE18, None, FILE, "data", Problems())
    assert columns.covered.sum() == 2 and columns.index[OPENPOSE18.index("left_wrist")] == 0


def test_numbers_of_keypoints():
    columns = counted_columns(17, MPII15, None, {17: "coco17"}, FILE, "data")
    assert columns.name == "coco17"
    np.testing.assert_array_equal(columns.index, COCO17.map_to(MPII15).index)
    assert counted_columns(15, MPII15, None, {17: "coco17"}, FILE, "data").covered.all()
    with pytest.raises(DataError, match=r"16 keypoints .* data\.source_skeleton=coco17 has 17"):
        counted_columns(16, MPII15, "coco17", {}, FILE, "data")
    with pytest.raises(ConfigError, match=r"data\.source_skeleton: no skeleton 'coco16'\. Did you mean"):
        counted_columns(16, MPII15, "coco16", {}, FILE, "data")


def test_points_are_carried_over():
    xy = np.arange(12.0).reshape(2, 3, 2)
    conf = np.array([[0.5, 0, 1], [np.nan, 2, 1]])
    xy[1, 1, 0] = np.nan
    xy[0, 1] = np.inf
    columns = Columns(np.array([2, -1, 0, 1]), "mine", ("nose", "neck", "head"))
    keypoints, scores, lost = columns.apply(xy, conf)
    assert lost.tolist() == [[False] * 3, [True, True, False]], (
        "one without a confidence, one without a place; what is not there may be anywhere"
    )
    assert keypoints[0].tolist() == [[4, 5, 2], [0, 0, 0], [0, 1, 2], [0, 0, 0]]
    assert keypoints[1].tolist() == [[10, 11, 2], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert scores.tolist() == [[1, 0, 0.5, 0], [1, 0, 0, 0]]


def test_lost_points_are_told_by_array_with_the_first_place():
    xy, conf = np.ones((4, 3, 2)), np.ones((4, 3))
    xy[2, 1, 0] = xy[2, 2, 1] = xy[3, 0] = np.nan
    conf[1, 2] = conf[2, 1] = np.inf
    columns, problems = Columns(np.arange(3), "mine", ("nose", "neck", "head")), Problems()
    lost = columns.apply(xy, conf)[2]
    columns.tell_lost(lost, xy, ("xy", "conf"), FILE, problems)
    assert problems.counts() == {"not a number": 4}
    assert [str(one) for one in problems] == [
        "mine.npz xy[2, 1] (neck, the first of 3)",
        "mine.npz conf[1, 2] (head)",
    ]


@pytest.mark.parametrize("run", [OPENPOSE18, MPII15], ids=lambda s: s.name)
def test_of_a_misspelt_name_only_what_helps_is_told(run):
    names = [n.replace("left_", "l_").replace("right_", "r_") for n in OPENPOSE18.keypoints]
    names[names.index("r_knee")] = "r_kneee"
    problems = Problems()
    assert named_columns(names, run, None, FILE, "data", problems).covered.any()
    (problem,) = problems
    assert problem.subject == f"'r_kneee' (no keypoint of {run.name}. Did you mean 'right_knee'?)"


def test_what_the_file_names_already_is_not_meant():
    names = ["r_aye", *(n for n in MPII15.keypoints)]
    problems = Problems()
    named_columns(names, MPII15, None, FILE, "data", problems)
    assert [p.subject for p in problems] == ["'r_aye' (no keypoint of mpii15. Did you mean 'r_eye'?)"]
    with pytest.raises(DataError, match="names has 'r_aye', no keypoint of data.source_skeleton=mpii15.$"):
        named_columns(names, MPII15, "mpii15", FILE, "data", problems)
