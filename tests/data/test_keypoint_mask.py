import numpy as np
import pytest

from dancepose.data.keypoint_mask import check_keypoints, without_keypoints
from dancepose.errors import ConfigError
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

OPENPOSE18 = load_skeleton("openpose18")


def test_what_is_taken_away_is_as_if_nobody_had_found_it():
    keypoints = np.random.default_rng(0).uniform(1, 2, (18, 3))
    frame = Frame(None, (9, 9), [Person(keypoints.copy(), action="wave", id=3)], "openpose18", "a", clip="c")
    (masked,) = without_keypoints([frame], ["nose", "left_eye"], OPENPOSE18)
    gone = OPENPOSE18.indices(["nose", "left_eye"])
    (person,) = masked.people
    assert not person.keypoints[gone].any() and (person.action, person.id, masked.clip) == ("wave", 3, "c")
    assert np.array_equal(np.delete(person.keypoints, gone, 0), np.delete(keypoints, gone, 0))
    assert np.array_equal(frame.people[0].keypoints, keypoints), "what was read stays"
    assert without_keypoints([frame], [], OPENPOSE18)[0] is frame


def test_what_is_no_keypoint_is_refused_with_the_nearest():
    check_keypoints(["nose"], OPENPOSE18, "data.test_without")
    with pytest.raises(
        ConfigError, match=r"data\.test_without: skeleton openpose18 .* 'lefteye'.*'left_eye'"
    ):
        check_keypoints(["nose", "lefteye"], OPENPOSE18, "data.test_without")
    with pytest.raises(ConfigError, match="has no keypoint 'nose'"):
        check_keypoints(["nose"], load_skeleton("common13"), "data.test_without")
    with pytest.raises(ConfigError, match="takes all keypoints"):
        check_keypoints(OPENPOSE18.keypoints, OPENPOSE18, "data.test_without")
