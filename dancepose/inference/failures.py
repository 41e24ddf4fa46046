"""Pictures are the least of what a run leaves: where they cannot be drawn, it goes on and says so."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def picture_failure_told(what: str) -> Iterator[None]:
    """Turn any error of what is drawn inside into a warning.

    Args:
        what: is drawn, for the warning.
    """
    try:
        yield
    except Exception as error:  # a full disk, a picture that is gone, a fault in the drawing itself
        log.warning("%s cannot be drawn, and the rest goes on: %s: %s", what, type(error).__name__, error)
