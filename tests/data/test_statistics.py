"""Statistics of a data set: frames made by hand, whose figures are known."""

import json

import numpy as np
import pytest

from dancepose.data.statistics import GRID, PIXEL_EDGES, SHARE_EDGES, statistics
from dancepose.inference.geometry import TestGeometry
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")
GEOMETRY = TestGeometry(512, "short")


def person(**points) -> Person:
    """A person of a few keypoints: name=(x, y, visibility)."""
    keypoints = np.zeros((15, 3))
    for name, point in points.items():
        keypoints[MPII15.index(name)] = point
    return Person(keypoints)


def frame(name: str, people: list[Person], size=(640, 480), **fields) -> Frame:
    return Frame(f"{name}.jpg", size, people, "mpii15", f"{name}.jpg", **fields)


@pytest.fixture
def numbers() -> dict:
    """Three pictures: of nobody, of one person, and of two, one of whom has a single keypoint."""
    upright = person(head_top=(100, 100, 2), left_ankle=(400, 500, 1), right_wrist=(250, 300, 2))
    lying = person(left_knee=(0, 0, 2), right_knee=(30, 40, 2))
    labelled = np.ones(15, bool)
    labelled[MPII15.index("head_top")] = False
    frames = [
        frame("empty", []),
        frame("one", [upright], size=(600, 800), complete=False),
        frame("two", [lying, person(left_knee=(700, 10, 1))], labelled=labelled),
    ]
    return statistics({"train": frames}, MPII15, GEOMETRY)["train"]


def test_people_and_keypoints_are_counted(numbers):
    assert (numbers["pictures"], numbers["people"], numbers["incomplete"]) == (3, 3, 1)
    assert numbers["people_per_picture"] == {"counts": [1, 1, 1], "mean": 1.0}
    assert numbers["keypoints_per_person"] == {"counts": [0, 1, 1, 1], "mean": 2.0}
    assert numbers["picture_sizes"] == [[640, 480, 2], [600, 800, 1]]


def test_sizes_of_people_are_diagonals(numbers):
    sizes = numbers["person_size"]
    assert sizes["measured"] == 2, "one keypoint has no extent"
    assert (sizes["pixels"]["least"], sizes["pixels"]["most"]) == (50, 500)
    assert sizes["pixels"]["quartiles"] == [162.5, 275, 387.5]
    assert (sizes["share"]["least"], sizes["share"]["most"]) == (50 / 800, 500 / 1000)
    assert sizes["input"]["least"] == pytest.approx(50 * 512 / 480, abs=1e-4)
    assert sizes["input"]["most"] == pytest.approx(500 * 512 / 600, abs=1e-4)
    for name, edges, values in (("pixels", PIXEL_EDGES, [50, 500]), ("share", SHARE_EDGES, [0.0625, 0.5])):
        histogram = sizes[name]["histogram"]
        assert histogram["edges"] == pytest.approx(edges, abs=1e-4)
        filled = np.flatnonzero(histogram["counts"])
        assert [edges[i] <= v < edges[i + 1] for i, v in zip(filled, values, strict=True)] == [True, True]


def test_the_input_follows_the_side_that_is_resized():
    people = [person(left_knee=(0, 0, 2), right_knee=(30, 40, 2))]
    for resize, side in (("short", 480), ("long", 640)):
        geometry = TestGeometry(256, resize)
        sizes = statistics({"val": [frame("a", people)]}, MPII15, geometry)["val"]["person_size"]
        assert sizes["input"]["most"] == pytest.approx(50 * 256 / side, abs=1e-4)


def test_people_beyond_the_histogram_are_counted_at_its_ends():
    tiny = person(left_knee=(5, 5, 2), right_knee=(5, 6, 2))
    huge = person(left_knee=(0, 0, 2), right_knee=(9000, 9000, 2))
    sizes = statistics({"val": [frame("a", [tiny, huge])]}, MPII15, GEOMETRY)["val"]["person_size"]
    for name in ("pixels", "share", "input"):
        counts = sizes[name]["histogram"]["counts"]
        assert (counts[0], counts[-1], sum(counts)) == (1, 1, 2)


def test_visibility_tells_missing_from_unlabelled(numbers):
    visibility = numbers["visibility"]
    assert visibility["left_knee"] == {"visible": 1, "occluded": 1, "missing": 1, "unlabelled": 0}
    assert visibility["head_top"] == {"visible": 1, "occluded": 0, "missing": 0, "unlabelled": 2}
    assert visibility["left_ankle"] == {"visible": 0, "occluded": 1, "missing": 2, "unlabelled": 0}
    assert all(sum(cases.values()) == 3 for cases in visibility.values())


def test_places_are_relative_to_the_picture(numbers):
    places = numbers["places"]
    grid = np.array(places["counts"])
    assert grid.shape == (GRID, GRID) and grid.sum() == 5 and places["outside"] == 1
    assert grid[0, 0] == 1, "a knee at the very first pixel"
    assert grid[int(500.5 / 800 * GRID), int(400.5 / 600 * GRID)] == 1, "rows go down, columns to the right"


def test_actions_are_counted_in_samples_and_clips(numbers):
    assert numbers["actions"] == {}, "no source names classes"
    people = [Person(np.zeros((15, 3)), action=action) for action in ("walk", "wave", "walk")]
    made = [frame(name, people, clip="v", classes=("wave", "walk")) for name in "ab"]
    found = statistics({"train": made, "val": []}, MPII15, GEOMETRY)
    assert found["train"]["actions"] == {
        "wave": {"samples": 2, "clips": 1},
        "walk": {"samples": 4, "clips": 1},
    }
    assert found["val"]["actions"]["walk"] == {"samples": 0, "clips": 0}


def test_parts_without_pictures_or_people():
    found = statistics(
        {"train": [frame("a", [])], "val": [], "test": [frame("b", [person()])]}, MPII15, GEOMETRY
    )
    assert [part["pictures"] for part in found.values()] == [1, 0, 1]
    assert found["train"]["people_per_picture"] == {"counts": [1], "mean": 0.0}
    assert found["val"]["people_per_picture"] == {"counts": [], "mean": None}
    assert found["test"]["keypoints_per_person"]["counts"] == [1]
    for part in found.values():
        empty = {"measured": 0, "pixels": None, "share": None, "input": None}
        assert part["person_size"] == empty and np.sum(part["places"]["counts"]) == 0
    json.dumps(found, allow_nan=False)
