"""Labels near their places: inside the picture, beside each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.inference.labels import EDGE, Labels
from dancepose.inference.labels import place as place_at


def place(centres, sizes, picture):
    """Place labels that want one place each, around a point."""
    return place_at([np.array([c - s / 2]) for c, s in zip(centres, sizes, strict=True)], sizes, picture)


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


RED, BLUE = (200, 0, 0), (0, 0, 200)
BOX = np.array([60, 50, 260, 150])


def tagged(*wanted, size=(320, 200), ground=90):
    labels, canvas = Labels(), np.full((size[1], size[0], 3), ground, np.uint8)
    for text, box, colour in wanted:
        labels.add_at_box(text, np.array(box), 12, colour)
    labels.draw(canvas)
    return canvas


def where(picture, colour):
    """Return the first and the last row and column that have a colour."""
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_a_text_stands_on_its_colour_above_the_left_corner_of_its_box():
    picture = tagged(("0: wave", BOX, RED))
    top, bottom, left, right = where(picture, RED)
    assert bottom in (48, 49) and left in (60, 61) and right < 160 and top > 25
    inside = picture[top : bottom + 1, left : right + 1]
    assert (inside == 255).all(axis=2).any() and not (inside == 90).all(axis=2).any()


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((60, 0, 260, 150), (0, 20), (60, 150)),
        ((290, 50, 319, 150), (30, 50), (240, 319)),
        ((0, 0, 319, 199), (0, 20), (0, 90)),
    ],
    ids=["at the top", "at the right", "the whole picture"],
)
def test_a_text_stays_inside_the_picture_and_at_its_box(box, rows, columns):
    top, bottom, left, right = where(tagged(("0: wave", box, RED)), RED)
    assert rows[0] <= top and bottom < rows[1] and columns[0] <= left and right <= columns[1]


def test_texts_of_one_box_stand_at_its_corners_whole():
    alone = (tagged(("0: wave", BOX, RED)) == RED).all(axis=2).sum()
    colours = [(200, n, 0) for n in range(8)]
    picture = tagged(*[("0: wave", BOX, colour) for colour in colours])
    for colour in colours:
        top, bottom, left, right = where(picture, colour)
        assert (picture == colour).all(axis=2).sum() == alone, "no other covers it, and no line is needed"
        assert min(abs(left - 60), abs(right - 260)) <= 2
        assert min(abs(top - 50), abs(bottom - 50), abs(top - 150), abs(bottom - 150)) <= 2


def test_a_line_leads_from_a_text_that_has_to_stand_elsewhere():
    def red(picture):
        return np.nonzero(np.abs(picture.astype(int) - RED).max(axis=2) < 60)

    crowd = [("0: wave", BOX, BLUE)] * 8
    rows, columns = red(tagged(*crowd, ("8: wave", BOX, RED)))
    corners = np.array([(x, y) for x in BOX[[0, 2]] for y in BOX[[1, 3]]])
    gaps = np.abs(np.stack([columns, rows], axis=1)[:, None] - corners).sum(axis=2)
    assert gaps.min() <= 2, "the line ends at a corner of the box"
    assert len(rows) > len(red(tagged(("8: wave", BOX, RED)))[0]) + 5, "and is seen beside the text"


def test_letters_are_dark_on_a_light_ground():
    def extreme(ground):
        picture = tagged(("HH", BOX, ground))
        top, bottom, left, right = where(picture, ground)
        return picture[top + 1 : bottom, left + 1 : right]

    assert (extreme((240, 240, 100)).min(axis=2) < 10).any()
    assert (extreme((0, 0, 120)).min(axis=2) > 245).any()
    assert (tagged(("HH", BOX, RED)) == EDGE).all(axis=2).any(), "an edge shows where the ground is alike"


def test_tags_in_a_picture_that_is_too_small():
    assert tagged(("0: a long name", (0, 0, 5, 5), RED), size=(20, 6)).shape == (6, 20, 3)
