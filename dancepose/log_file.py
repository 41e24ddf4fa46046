"""`LogFile`: the log of a run directory, without which a command goes on where the disk takes no more."""

import logging
import sys


class LogFile(logging.FileHandler):
    """Tells in one line, once, that the log cannot be written; messages still reach the screen."""

    _told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message; the file is opened with the first, which may fail, too."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Tell of an error of the disk; any other is a mistake in a message, and gets its traceback."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            print(f"{self.baseFilename} cannot be written: {error.strerror or error}", file=sys.stderr)
