from dancepose.progress import track


def lines(caplog, items, total, **more):
    caplog.set_level("INFO")
    assert list(track(items, total, "images", **more)) == [item for _, item in items]
    return [text.split("  ")[1] for text in caplog.messages]


def test_the_last_line_is_written_once(caplog):
    assert lines(caplog, [(2, "a"), (2, "b"), (0, "c"), (0, "d")], 4) == ["4/4"]


def test_a_line_for_each_item_where_time_has_passed(caplog):
    assert lines(caplog, [(2, "a"), (2, "b")], 4, seconds=0.0) == ["2/4", "4/4"]
