"""Labels near their places: inside the picture, beside each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.inference.labels import Labels, place


def covered(corners, sizes):
    """Return how many pixels each pair of rectangles shares."""
    low = np.maximum(corners[:, None], corners)
    high = np.minimum(corners[:, None] + sizes[:, None], corners + sizes)
    return np.triu(np.maximum(high - low, 0).prod(axis=2), 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 25))
def test_labels_are_inside_and_free_where_there_is_room(seed, count):
    rng = np.random.default_rng(seed)
    sizes = np.column_stack([rng.integers(20, 60, count), np.full(count, 14)])
    centres = rng.uniform(-50, [690, 60], (count, 2))  # at the top edge, and above it
    corners = place(centres, sizes, (640, 480))
    assert (corners >= 0).all() and (corners + sizes <= (640, 480)).all()
    assert not covered(corners, sizes).any()


def test_a_label_with_room_stands_where_it_is_wanted():
    corners = place(np.array([[100, 50], [300, 60]]), np.array([[40, 20], [30, 10]]), (640, 480))
    assert corners.tolist() == [[80, 40], [285, 55]]


def test_a_label_makes_way_by_as_little_as_it_can():
    sizes, centres = np.array([[40, 10]] * 3), np.array([[100, 200]] * 3)
    assert place(centres, sizes, (640, 480)).tolist() == [[80, 195], [80, 185], [80, 205]]
    assert place(centres, sizes, (640, 205)).min(axis=0)[1] >= 175, "none below"


@pytest.mark.parametrize("picture", [(1, 1), (30, 8), (60, 20)])
def test_without_room_as_little_is_covered_as_can_be(picture):
    sizes = np.array([[40, 10]] * 4)
    corners = place(np.full((4, 2), np.nan), sizes, picture)
    assert (corners >= 0).all()
    assert (corners <= np.maximum(np.array(picture) - sizes, 0)).all()
    if picture == (60, 20):
        assert covered(corners, sizes).sum() <= 2 * 40 * 10, "two rows are used, not one"


def drawn(*wanted, size=(200, 120)):
    labels, canvas = Labels(), np.full((size[1], size[0], 3), 90, np.uint8)
    for text, centre in wanted:
        labels.add(text, centre, 16)
    labels.draw(canvas)
    return canvas


def test_letters_are_white_with_a_dark_edge():
    picture = drawn(("HH", (100, 60)))
    rows, columns = np.nonzero((picture > 240).all(axis=2))
    assert abs(rows.mean() - 60) < 2 and abs(columns.mean() - 100) < 2
    assert (picture < 40).all(axis=2).any()


def test_texts_of_the_same_place_are_both_seen():
    def ink(picture):
        return (picture > 240).all(axis=2).sum()

    assert ink(drawn(("one", (100, 0)), ("two", (100, 0)))) == ink(drawn(("one", (100, 0)))) + ink(
        drawn(("two", (100, 60)))
    )


def test_nothing_wanted_and_a_picture_that_is_too_small():
    assert (drawn() == 90).all() and (drawn(("", (5, 5))) == 90).all()
    assert (drawn(("a long name", (2, 2)), size=(30, 9)) != 90).any()
