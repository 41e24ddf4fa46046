"""Columns in as many tables as have room."""

import pytest

from dancepose.sweeps.columns import is_list, portions
from dancepose.sweeps.sheets import Sheet

HEADER = ("model/attention", "seeds", "accuracy, %, mean ± std", "a very long heading of many words")
SHEET = Sheet("title", HEADER, (("none", "8", "71.3 ± 1.2", "1"), ("cbam1", "8", "72.3 ± 1.2", "2")))


def test_what_has_room_stays_as_it_is():
    (one,) = portions(SHEET, 200, 3)
    assert one.columns == (0, 1, 2, 3) and one.header == HEADER


@pytest.mark.parametrize("most", [20, 36, 44, 50, 60, 80])
def test_no_line_is_too_long_and_every_column_is_there_once(most):
    parts = portions(SHEET, most, 3)
    assert sorted(n for part in parts for n in part.columns[1:]) == [1, 2, 3]
    for part in parts:
        assert part.columns[0] == 0 and all(name.count("\n") < 3 for name in part.header)
        cells = [
            max(*map(len, name.split("\n")), *(len(row[n]) for row in SHEET.rows)) + 3
            for n, name in zip(part.columns, part.header, strict=True)
        ]
        assert sum(cells) <= most or len(cells) == 2


def test_tables_are_of_even_width():
    sheet = Sheet("t", ("x", *"abcdef"), (("x", *["00000"] * 6),))
    assert [len(part.columns) for part in portions(sheet, 46, 3)] == [4, 4]


def test_columns_can_be_left_out():
    (one,) = portions(SHEET, 200, 3, without=["seeds"])
    assert one.columns == (0, 2, 3)


def test_rows_of_words_are_a_list():
    assert is_list(Sheet("t", ("job", "cause"), (), left=2)) and not is_list(SHEET)
