"""One sample of an actions.json by itself: what it becomes, and which field is named where it is wrong."""

from pathlib import Path

import numpy as np
import pytest

from dancepose.data.json_file import BrokenFile
from dancepose.data.problems import Problems
from dancepose.data.readers.action_sample import SampleReader
from dancepose.skeleton import load_skeleton

OPENPOSE18, MPII15 = load_skeleton("openpose18"), load_skeleton("mpii15")
POINTS = [[10.0 * k, 5.0 * k, 2] for k in range(1, 19)]
WHOLE = {
    "image": "a\\b.jpg",
    "label": "wave",
    "clip": "c",
    "person": 3,
    "box": [1, 2, 30, 40],
    "keypoints": POINTS,
    "source": "mine",
}


def reader(labelled=OPENPOSE18, run=OPENPOSE18, problems=None) -> SampleReader:
    return SampleReader(Path("a.json"), ("wave", "walk"), labelled, run, Problems(problems or []))


def test_a_whole_sample():
    sample = reader().read("samples[0]", WHOLE)
    assert (sample.where, sample.image, sample.clip, sample.source) == ("samples[0]", "a/b.jpg", "c", "mine")
    assert sample.numbered and sample.person.id == 3 and sample.person.action == "wave"
    np.testing.assert_array_equal(sample.person.keypoints, POINTS)
    np.testing.assert_array_equal(sample.person.box, [1, 2, 30, 40])


def test_what_may_be_left_out():
    sample = reader(labelled=None).read("samples[0]", {"image": "b.jpg", "label": "walk"})
    assert (sample.clip, sample.source, sample.numbered, sample.person.id) == (None, "", False, 0)
    assert sample.person.box is None and sample.person.keypoints.shape == (18, 3)
    assert not sample.person.present.any()


def test_keypoints_come_in_the_runs_skeleton():
    person = reader(run=MPII15).read("samples[0]", WHOLE).person
    wrist = [skeleton.keypoints.index("left_wrist") for skeleton in (MPII15, OPENPOSE18)]
    np.testing.assert_array_equal(person.keypoints[wrist[0]], POINTS[wrist[1]])
    assert not person.present[MPII15.keypoints.index("head_top")], "openpose18 does not have it"


def test_people_share_no_array():
    blank = reader()
    first, second = (blank.read("samples[0]", {"image": "b.jpg", "label": "walk"}) for _ in range(2))
    first.person.keypoints[:] = 1
    assert not second.person.keypoints.any()


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"image": ""}, "samples[7].image", "must be the path of the picture"),
        ({"label": "wav"}, "samples[7].label", "Did you mean 'wave'"),
        ({"label": "swim"}, "samples[7].label", "Add it there"),
        ({"label": None}, "samples[7].label", "one of wave, walk"),
        ({"clip": 3}, "samples[7].clip", "the name of the video, or null"),
        ({"person": -1}, "samples[7].person", "the person's number"),
        ({"person": True}, "samples[7].person", "the person's number"),
        ({"box": [1, 2, 3]}, "samples[7].box", "x, y, width and height"),
        ({"box": [1, 2, 0, 4]}, "samples[7].box", "above 0"),
        ({"box": [1, 2, float("nan"), 4]}, "samples[7].box", "above 0"),
        ({"keypoints": POINTS[:-1]}, "samples[7].keypoints", "18 times .* there are 17"),
        ({"keypoints": [[1, 2]] * 18}, "samples[7].keypoints", "18 times"),
        ({"keypoints": "none"}, "samples[7].keypoints", "18 times"),
    ],
)
def test_a_wrong_field_is_named(change, field, told):
    with pytest.raises(BrokenFile, match=told) as caught:
        reader().read("samples[7]", {**WHOLE, **change})
    assert caught.value.field == field and str(caught.value.file) == "a.json"


def test_keypoints_of_no_known_skeleton():
    with pytest.raises(BrokenFile, match="field 'skeleton'"):
        reader(labelled=None).read("samples[0]", WHOLE)


def test_no_mapping():
    with pytest.raises(BrokenFile, match="must be a mapping"):
        reader().read("samples[0]", ["wave"])


def test_an_unknown_field_is_told_and_passed_over():
    made = reader()
    assert made.read("samples[2]", {**WHOLE, "lable": "wave"}).person.action == "wave"
    (problem,) = made.problems
    assert problem.kind == "unknown field" and "(Did you mean 'label'?)" in problem.subject
