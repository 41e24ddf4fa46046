"""The crop of people whose keypoints a pose run finds: `PoseFiller` and `ActionPredictor` cut alike."""

from dataclasses import replace

import numpy as np
import pytest
from factories import stick_person

from dancepose.data.motion_samples import frame_samples
from dancepose.data.pose_filling import PoseFiller
from dancepose.inference.person_crop import person_square
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

SOURCE, RUN = load_skeleton("coco17"), load_skeleton("common13")
SIZE = (300, 300)


def filler(everyone: bool | str) -> PoseFiller:
    made = PoseFiller.__new__(PoseFiller)  # without a network: what is found is given
    made.map, made.everyone = SOURCE.map_to(RUN, derive=True), everyone
    return made


@pytest.fixture
def found() -> Person:
    return Person(stick_person(SOURCE, 50, 40, 200, np.random.default_rng(0)))


def picture(**person) -> Frame:
    return Frame(None, SIZE, [Person(np.zeros((len(RUN), 3)), action="wave", **person)], RUN.name, "a")


def square(frame: Frame) -> tuple:
    return person_square(frame.people[0], SIZE, 0.0)


def test_it_is_of_all_that_is_found(found):
    filled = filler(everyone=False)._assign(picture(), [found])
    assert square(filled) == person_square(found, SIZE, 0.0)
    nose, shoulder = (found.keypoints[SOURCE.index(name), 1] for name in ("nose", "left_shoulder"))
    assert square(filled)[2] > np.ptp(found.keypoints[5:, 1]) and nose < shoulder, "the face is in it"


def test_a_labelled_box_is_joined_with_it(found):
    filled = filler(everyone=False)._assign(picture(box=np.array([60, 5, 100, 270.0])), [found])
    assert filled.people[0].box is None and square(filled)[2] == 270
    low = filler(everyone=False)._assign(picture(box=np.array([60, 5, 100, 150.0])), [found])
    assert square(low)[2] == found.keypoints[:, 1].max() - 5, "the feet are below it"


def test_in_place_of_all_labels_it_is_what_a_prediction_has(found):
    """No box, which a prediction has not either: nor the one that is made to find the person again."""
    labelled = stick_person(RUN, 45, 30, 210, np.random.default_rng(1))
    frame = picture(box=np.array([60, 5, 100, 270.0]))
    for person in (
        replace(frame.people[0], keypoints=labelled),
        replace(frame.people[0], keypoints=labelled, box=None),
    ):
        cleared = PoseFiller._cleared(replace(frame, people=[person]))
        filled = filler(everyone=True)._assign(cleared, [found])
        assert filled.people[0].present.any() and filled.people[0].box is None
        assert square(filled) == person_square(found, SIZE, 0.0)


@pytest.mark.parametrize("box", [np.array([60, 5, 100, 270.0]), None])
def test_in_labelled_boxes_it_stays_that_of_the_label(found, box):
    labelled = stick_person(RUN, 45, 30, 210, np.random.default_rng(1))
    person = replace(picture(box=box).people[0], keypoints=labelled)
    cleared = PoseFiller._cleared(replace(picture(), people=[person]))
    filled = filler(everyone="in_boxes")._assign(cleared, [found])
    assert filled.people[0].present.any() and not np.array_equal(filled.people[0].keypoints, labelled)
    assert square(filled) == person_square(person, SIZE, 0.0) and filled.people[0].box is None


@pytest.mark.parametrize("everyone", [True, "in_boxes"])
def test_whom_nobody_is_found_for_keeps_the_labelled_crop_and_tells_features_no_size(everyone):
    labelled = stick_person(RUN, 45, 30, 210, np.random.default_rng(1))
    person = Person(labelled, extent=np.array([40, 20, 160, 240.0]), action="wave")
    frame = filler(everyone)._assign(PoseFiller._cleared(Frame(None, SIZE, [person], RUN.name, "a")), [])
    assert not frame.people[0].present.any()
    assert square(frame) == person_square(person, SIZE, 0.0)
    (sample,) = frame_samples([frame], ["wave"])
    assert sample.box_height.tolist() == [0]


def test_the_neck_is_found_as_a_prediction_finds_it(found):
    filled = filler(everyone=False)._assign(picture(), [found])
    left, right = (found.keypoints[SOURCE.index(f"{side}_shoulder"), :2] for side in ("left", "right"))
    np.testing.assert_allclose(filled.people[0].keypoints[RUN.index("neck"), :2], (left + right) / 2)
