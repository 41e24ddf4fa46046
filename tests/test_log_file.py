"""A log that cannot be written stops nothing and is told once."""

import contextlib
import logging

import pytest

from dancepose.log_file import LogFile


@pytest.mark.parametrize("place", ["folder", "/dev/full"])
def test_a_log_that_cannot_be_written_is_told_once_in_one_line(place, tmp_path, capsys):
    handler = LogFile(tmp_path if place == "folder" else place, mode="w", delay=True)
    logger = logging.Logger("alone")
    logger.addHandler(handler)
    for _ in range(3):
        logger.info("a message")
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "cannot be written: " in told and "Traceback" not in told
    if place == "/dev/full":
        logger.info("%d", "no number")
        assert "Traceback" in capsys.readouterr().err, "a mistake of ours is shown in full"
    with contextlib.suppress(OSError):
        handler.close()
