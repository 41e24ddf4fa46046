"""What pictures of a prediction say of a person, and in which colour."""

from dataclasses import replace

import numpy as np

from dancepose.inference.person_colours import person_colour
from dancepose.records import Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks.prediction_outputs import draw_prediction, told_person


def person(**more) -> Person:
    keypoints = np.zeros((15, 3))
    keypoints[:2] = (150, 100, 2), (160, 190, 2)
    return Person(keypoints, score=0.154, box=np.array([120.0, 80, 80, 120]), **more)


def test_one_line_of_number_action_and_score():
    known = {"action": "akimbo", "probabilities": np.array([0.1, 0.21])}
    assert told_person(0, person(track=3, **known)) == "3: akimbo 0.21, score 0.15"
    assert told_person(2, person(**known)) == "2: akimbo 0.21, score 0.15"
    assert told_person(2, person(action="akimbo")) == "2: akimbo, score 0.15"
    assert told_person(2, person()) == "2: score 0.15"


def test_box_and_line_have_the_colour_of_the_track():
    ground = np.full((240, 320, 3), 60, np.uint8)
    skeleton = load_skeleton("mpii15")
    for track in (1, 4):
        drawn = draw_prediction(ground, [person(track=track, action="wave")], skeleton)
        assert (drawn[200, 125:195] == person_colour(track)).all(axis=1).mean() > 0.9, "its box"
        assert (drawn[66:80, 120:300] == person_colour(track)).all(axis=2).sum() > 400, "its label"
    assert (ground == 60).all()


def test_who_is_too_unsure_is_not_drawn_and_the_others_keep_number_and_colour():
    ground = np.full((240, 320, 3), 60, np.uint8)
    skeleton = load_skeleton("mpii15")
    weak, sure = replace(person(), score=0.05), person()
    assert (draw_prediction(ground, [weak], skeleton, 0.1) == ground).all()
    alone = draw_prediction(ground, [replace(person(), track=1)], skeleton)
    assert (draw_prediction(ground, [weak, sure], skeleton, 0.1) == alone).all(), "it is number 1"
