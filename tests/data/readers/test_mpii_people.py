"""MPII's lists of people by image and number: `mpii_people`."""

from pathlib import Path

import numpy as np
import pytest

from dancepose.data.json_file import BrokenFile
from dancepose.data.problems import Problems
from dancepose.data.readers.mpii_people import read_groups, single_people

IMAGE, NUMBER = np.array([0, 0, 2]), np.array([0, 1, 0])


def test_people_who_are_alone_are_found_by_image_and_number():
    cells = [2, None, np.array([1, 2])]  # the last image has one person
    assert single_people(Path("a.mat"), cells, IMAGE, NUMBER, 3).tolist() == [False, True, True]
    assert not single_people(Path("a.mat"), None, IMAGE, NUMBER, 3).any()


@pytest.mark.parametrize("cells", [[1, 2], [0, None, 1], [1.5, None, 1], ["a", None, 1]])
def test_what_is_no_list_of_people_is_refused(cells):
    with pytest.raises(BrokenFile, match=r"a\.mat.*RELEASE\.single_person"):
        single_people(Path("a.mat"), cells, IMAGE, NUMBER, 3)


def test_without_a_file_there_are_no_groups():
    found = read_groups(None, [2, 0, 1], Problems())
    assert not found["has_groups"][0] and not len(found["group_image"]) and not len(found["member"])
