"""The picture of a data set's statistics is one, of its size, whatever `statistics_panels` have to show."""

from unittest import mock

import cv2
import numpy as np
import pytest

from dancepose.data.statistics import statistics
from dancepose.data.statistics_figure import draw_statistics
from dancepose.data.statistics_panels import SEEN, STYLES
from dancepose.inference.geometry import TestGeometry
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton


def frames(skeleton: Skeleton, count: int, people: int, seed: int = 0) -> list[Frame]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        size = (640, 480) if number % 2 else (300, 700)
        keypoints = rng.uniform(0, [*size, 3], (people, len(skeleton), 3))
        keypoints[..., 2] = np.floor(keypoints[..., 2])
        made.append(Frame(f"{number}.jpg", size, [Person(k) for k in keypoints], skeleton.name))
    return made


def drawn(parts: dict[str, list[Frame]], skeleton: Skeleton) -> np.ndarray:
    png = draw_statistics(statistics(parts, skeleton, TestGeometry(256)), skeleton, "a $ title $")
    assert png.startswith(b"\x89PNG")
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)


def shows(picture: np.ndarray, colour: str) -> bool:
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((np.abs(picture.astype(int) - rgb).max(axis=2) < 3).sum() > 100)


@pytest.mark.parametrize("name", ["mpii15", "crowdpose14"])
def test_three_parts_in_their_colours(name):
    skeleton = load_skeleton(name)
    parts = {"train": frames(skeleton, 6, 3), "val": frames(skeleton, 2, 1), "test": frames(skeleton, 3, 25)}
    picture = drawn(parts, skeleton)
    assert picture.shape == (round(100 * (12.8 + 0.23 * len(skeleton))), 1500, 3)
    assert all(shows(picture, colour) for colour, *_ in STYLES)
    assert all(shows(picture, SEEN[name][0]) for name in ("visible", "occluded", "missing"))


@pytest.mark.parametrize("train", [0, 1])
@pytest.mark.parametrize("people", [0, 1])
def test_little_or_nothing_to_show(train: int, people: int):
    skeleton = load_skeleton("mpii15")
    picture = drawn({"train": frames(skeleton, train, people), "val": [], "test": []}, skeleton)
    assert picture.shape[1] == 1500 and picture.std() > 5


def test_actions_have_a_row_and_what_has_no_keypoints_none_for_them():
    skeleton = load_skeleton("mpii15")
    made = frames(skeleton, 4, 2)
    for frame in made:
        frame.classes = ("a_$_b", "c")
        for person in frame.people:
            person.action = "c"
    posed = drawn({"train": made, "val": [], "test": made[:1]}, skeleton)
    assert posed.shape[0] == round(100 * (12.8 + 0.23 * 15 + 1.2 + 2 * 0.6))
    for person in (person for frame in made for person in frame.people):
        person.keypoints = np.zeros((15, 3))
    assert drawn({"train": made, "val": []}, skeleton).shape[0] == round(100 * (4.0 + 1.2 + 2 * 0.6))


def test_panels_that_no_part_has_anything_for_are_left_out():
    """Skeletons without pictures: no sizes and no places; single pictures: no clips beside the samples."""
    skeleton = load_skeleton("mpii15")
    made = frames(skeleton, 4, 2)
    for frame in made:
        frame.size, frame.classes = (0, 0), ("c",)
        for person in frame.people:
            person.action = "c"
    titles = titles_of({"train": made, "val": []}, skeleton)
    assert titles == [
        *("People in a picture", "Keypoints of a person", "Samples of each class", "Clips of each class"),
        *("train: keypoints of 8 people", "val: keypoints of 0 people"),
    ]
    for number, frame in enumerate(made):
        frame.name, frame.people = f"{number}.jpg", frame.people[:1]
        frame.size = (0, 0) if number else (9, 9)
    titles = titles_of({"train": made[:1], "val": made[1:]}, skeleton)
    assert "Sizes of the pictures" in titles and "Clips of each class" not in titles
    assert "Size of people in the picture" in titles
    assert "Size of people in the network's input at test time" not in titles


def test_a_map_of_places_says_why_it_is_empty():
    skeleton = load_skeleton("mpii15")
    made = frames(skeleton, 2, 1)
    made[1].size = (0, 0)
    assert "sizes of pictures unknown" in words_of({"train": made[:1], "val": made[1:]}, skeleton)
    assert "no keypoints" in words_of({"train": made[:1], "val": []}, skeleton)


def figure_of(parts, skeleton):
    """Return the figure that would be drawn."""
    kept = []
    with mock.patch("dancepose.data.statistics_figure.png", lambda figure: kept.append(figure) or b""):
        draw_statistics(statistics(parts, skeleton, None), skeleton, "title")
    return kept[0]


def titles_of(parts, skeleton):
    return [axes.get_title() for axes in figure_of(parts, skeleton).axes if axes.get_title()]


def words_of(parts, skeleton):
    return [text.get_text() for axes in figure_of(parts, skeleton).axes for text in axes.texts]
