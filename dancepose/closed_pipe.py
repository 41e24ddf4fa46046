"""`dancepose-... | head`: a command whose output nobody reads any more ends without a word."""

import logging
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

STATUS = 141  # as a shell tells of a program that was ended by SIGPIPE


@contextmanager
def quiet_end() -> Iterator[None]:
    """End the program with `STATUS`, quietly, when whoever reads its output has closed the pipe.

    Any other pipe that breaks, to a program that writes a video say, is an error as ever: a signal could not
    tell them apart. Logging, which would print a traceback for each line and go on, ends the program, too.

    Raises:
        SystemExit: the output is closed.
    """
    original = logging.Handler.handleError

    def handle(self: logging.Handler, record: logging.LogRecord) -> None:
        if isinstance(sys.exception(), BrokenPipeError):
            end_if_closed()
        original(self, record)

    logging.Handler.handleError = handle  # type: ignore[method-assign]  # of whoever's handler
    try:
        try:
            yield
        finally:
            for stream in _streams():
                stream.flush()  # what is still held back would be told of at Python's own end
    except BrokenPipeError:
        end_if_closed()
        raise
    finally:
        logging.Handler.handleError = original  # type: ignore[method-assign]


def _streams() -> list[TextIO]:
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def end_if_closed() -> None:
    """End the program where nobody reads its output any more; to be called when a pipe broke.

    Raises:
        SystemExit: with `STATUS`.
    """
    closed = [number for number in map(_number, _streams()) if number is not None and _is_closed(number)]
    if not closed:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in closed:  # what is still in the buffers goes there
        os.dup2(nowhere, number)
    raise SystemExit(STATUS)


def _number(stream: TextIO) -> int | None:
    """Return a stream's file descriptor, None of one without."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _is_closed(number: int) -> bool:
    """Tell whether nobody reads from a pipe any more."""
    poll = select.poll()
    poll.register(number, 0)  # errors are told unasked
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
