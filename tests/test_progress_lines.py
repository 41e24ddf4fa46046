from dancepose.progress import track


def lines(caplog, items, total, **more):
    caplog.set_level("INFO")
    assert list(track(items, total, "images", **more)) == [item for _, item in items]
    return [text.split("  ")[1] for text in caplog.messages]


def test_the_last_line_is_written_once(caplog):
    assert lines(caplog, [(2, "a"), (2, "b"), (0, "c"), (0, "d")], 4) == ["4/4"]


def test_a_line_for_each_item_where_time_has_passed(caplog):
    assert lines(caplog, [(2, "a"), (2, "b")], 4, seconds=0.0) == ["2/4", "4/4"]


def test_without_a_known_end_there_is_no_time_left(caplog):
    assert lines(caplog, [(1, "a"), (1, "b")], None, seconds=0.0) == ["1", "2"]
    assert "time left" not in caplog.text and "/s" in caplog.text


def test_an_estimate_that_was_too_low_leaves_no_negative_time(caplog):
    assert lines(caplog, [(1, "a"), (1, "b"), (1, "c")], 2, seconds=0.0) == ["1/2", "2/2", "3/2"]
    assert caplog.messages[-1].endswith("time left 0:00:00")
