from dancepose.text_table import aligned


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [["name", "kind", "n"], ["a", "long kind", "1,000"]]
    assert aligned(rows, left=2) == ["name  kind           n", "a     long kind  1,000"]
    assert aligned(rows) == ["name       kind      n", "a     long kind  1,000"]


def test_no_spaces_at_the_end():
    assert aligned([["a", ""], ["b", "word"]], left=2) == ["a", "b  word"]
