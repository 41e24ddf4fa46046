"""A picture that cannot be drawn is told and ends nothing; an interruption goes on its way."""

import pytest

from dancepose.inference.failures import picture_failure_told


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("no such colour")])
def test_an_error_becomes_a_warning_that_names_the_picture(error, caplog):
    with picture_failure_told("pictures/val.jpg"):
        raise error
    (record,) = caplog.records
    assert record.levelname == "WARNING" and "pictures/val.jpg cannot be drawn" in record.getMessage()
    assert type(error).__name__ in record.getMessage() and str(error) in record.getMessage()


def test_nothing_is_said_where_all_is_well(caplog):
    with picture_failure_told("pictures/val.jpg"):
        pass
    assert not caplog.records


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_no_failure_of_a_picture(error):
    with pytest.raises(error), picture_failure_told("pictures/val.jpg"):
        raise error
