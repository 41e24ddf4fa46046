import numpy as np
import pytest
from stick_figures import figure

from dancepose.body import COMMON13, BodyPoints
from dancepose.errors import ConfigError
from dancepose.skeleton import Skeleton, load_skeleton

OPENPOSE = load_skeleton("openpose18")


def bare(**changes) -> Skeleton:
    names = ["a", "b", "c", "d"]
    plain = {
        "name": "mine", "keypoints": names, "pairs": [], "limbs": [["a", "b"]], "grouping_order": names,
        "sigmas": [0.1] * 4, "roles": {"shoulders": ["a", "b"], "hips": ["c", "d"]},
    }  # fmt: skip
    return Skeleton.from_dict(plain | changes)


def only(keypoints: np.ndarray, *names: str) -> np.ndarray:
    kept = np.zeros_like(keypoints)
    kept[:, OPENPOSE.indices(names)] = keypoints[:, OPENPOSE.indices(names)]
    return kept


@pytest.mark.parametrize("name", ["openpose18", "coco17", "mpii15", "lsp14", "crowdpose14"])
def test_common13_is_the_same_in_every_skeleton(name):
    skeleton = load_skeleton(name)
    points, known = BodyPoints.choose(skeleton).select(figure(skeleton)[None])
    expected, _ = BodyPoints.choose(OPENPOSE).select(figure(OPENPOSE)[None])
    assert known.all() and points.shape == (1, 13, 2)
    np.testing.assert_allclose(points, expected)


def test_limbs_and_roles_of_common13():
    body = BodyPoints.choose(load_skeleton("coco17"))
    assert [COMMON13[i] for i in body.shoulders] == ["left_shoulder", "right_shoulder"]
    assert [COMMON13[i] for i in body.hips] == ["left_hip", "right_hip"]
    assert {(COMMON13[a], COMMON13[b]) for a, b in body.limbs} == {
        (f"{side}_{a}", f"{side}_{b}")
        for side in ("left", "right")
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    }


def test_the_neck_is_the_middle_of_the_shoulders_whatever_is_annotated():
    keypoints = figure(OPENPOSE)[None]
    keypoints[0, OPENPOSE.index("neck"), :2] = 77
    points, known = BodyPoints.choose(OPENPOSE).select(keypoints)
    np.testing.assert_allclose(points[0, 0], (0, -1))
    keypoints[0, OPENPOSE.index("left_shoulder"), 2] = 0
    points, known = BodyPoints.choose(OPENPOSE).select(keypoints)
    assert not known[0, 0] and (points[0, 0] == 0).all()


def test_the_neck_is_derived_among_all_points_too():
    """Else it is seen after one network of poses and not after another, in training and not in prediction."""
    neck, body = OPENPOSE.index("neck"), BodyPoints.choose(OPENPOSE, "all")
    keypoints = figure(OPENPOSE)[None]
    for given in ((77, 77, 2), (0, 0, 0)):  # labelled elsewhere, and not at all
        keypoints[0, neck] = given
        points, known = body.select(keypoints)
        assert known[0, neck] and points[0, neck].tolist() == [0, -1]
    others = np.delete(np.arange(18), neck)
    np.testing.assert_array_equal(points[0, others], keypoints[0, others, :2])
    keypoints[0, OPENPOSE.index("left_shoulder"), 2] = 0
    assert not body.select(keypoints)[1][0, neck]


def test_all_takes_the_skeletons_own_points():
    body = BodyPoints.choose(bare(), "all")
    points, known = body.select(np.arange(12.0).reshape(1, 4, 3))
    assert body.names == ("a", "b", "c", "d") and known.all()
    np.testing.assert_array_equal(points[0, 1], (3, 4))


@pytest.mark.parametrize(
    ("skeleton", "choice", "words"),
    [
        (bare(), "common13", "mine lacks right_shoulder.*model.keypoints=all"),
        (bare(roles={"shoulders": ["a", "b"]}), "all", "'hips'"),
        (bare(), "common", "model.keypoints=common: choose one of common13, all"),
    ],
)
def test_errors(skeleton, choice, words):
    with pytest.raises(ConfigError, match=words):
        BodyPoints.choose(skeleton, choice)


def test_keypoints_of_another_skeleton_are_refused():
    with pytest.raises(ValueError, match=r"\(frames, 18, 3\)"):
        BodyPoints.choose(OPENPOSE).select(np.zeros((1, 17, 3)))


@pytest.mark.parametrize(
    ("kept", "box", "expected"),
    [
        (("left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_ankle"), None, 100),
        (("left_shoulder", "right_shoulder", "left_hip", "left_ankle"), None, 1.5 * 60),
        (("left_shoulder", "left_hip", "left_ankle"), 350, 100),
        (("left_shoulder", "left_hip", "left_ankle"), None, 260 / 3.5),
        (("left_shoulder",), None, 0),
        ((), None, 0),
        ((), np.nan, 0),
    ],
)
def test_scale_takes_the_first_measure_that_is_known(kept, box, expected):
    body = BodyPoints.choose(OPENPOSE)
    keypoints = figure(OPENPOSE)[None] * (100, 100, 1)
    scale = body.scale(*body.select(only(keypoints, *kept)), None if box is None else np.array([box]))
    np.testing.assert_allclose(scale, [expected])


def test_a_torso_that_points_at_the_camera_measures_nothing():
    keypoints = figure(OPENPOSE)[None] * (100, 100, 1)
    for part in ("left_shoulder", "right_shoulder"):
        keypoints[0, OPENPOSE.index(part), 1] = 1
    body = BodyPoints.choose(OPENPOSE)
    np.testing.assert_allclose(body.scale(*body.select(keypoints)), [90])


def test_what_is_no_number_is_missing():
    keypoints = figure(OPENPOSE)[None]
    keypoints[0, OPENPOSE.index("left_knee")] = (np.nan, np.inf, 2)
    body = BodyPoints.choose(OPENPOSE)
    points, known = body.select(keypoints)
    assert np.isfinite(points).all() and known.sum() == 12
    assert np.isfinite(body.scale(points, known)).all()
