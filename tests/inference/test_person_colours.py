"""Colours of people: told apart by everybody, unlike left and right, with letters that are read."""

from itertools import combinations

import numpy as np
import pytest

from dancepose.inference.drawing import LEFT, RIGHT
from dancepose.inference.person_colours import COLOURS, DARK, LIGHT, contrast, ink_on, person_colour

# linear RGB as people see it who lack one kind of cones (Machado, Oliveira and Fernandes 2009, severity 1)
SEEN = {
    "everybody": np.eye(3),
    "without red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "without green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "without blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour, eyes):
    """Return a colour in CIELAB."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    x, y, z = TO_XYZ @ np.clip(np.array(SEEN[eyes]) @ linear, 0, 1) / [0.9505, 1, 1.089]
    fx, fy, fz = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("eyes", SEEN)
def test_people_are_told_apart(eyes):
    least = min(np.linalg.norm(lab(a, eyes) - lab(b, eyes)) for a, b in combinations(COLOURS, 2))
    assert least > 22
    first = [np.linalg.norm(lab(a, eyes) - lab(b, eyes)) for a, b in combinations(COLOURS[:4], 2)]
    assert min(first) > 30, "the usual few people most of all"


def test_nobody_looks_like_left_or_right():
    sides = [
        np.linalg.norm(lab(a, "everybody") - lab(b, "everybody")) for a in COLOURS for b in (LEFT, RIGHT)
    ]
    assert min(sides) > 35


def test_a_number_has_one_colour():
    assert [person_colour(n) for n in range(len(COLOURS))] == list(COLOURS)
    assert person_colour(2) == person_colour(2 + len(COLOURS))


def test_letters_stand_out():
    assert all(contrast(ink_on(colour), colour) >= 4.5 for colour in COLOURS)
    assert {ink_on(colour) for colour in COLOURS} == {DARK, LIGHT}
    assert ink_on((255, 255, 0)) == DARK and ink_on((0, 0, 255)) == LIGHT, "by luminance, not by brightness"
    assert contrast(DARK, LIGHT) == pytest.approx(21)
