"""Ctrl-C and SIGTERM in a loop that should end in order."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class BreakOff:
    """Whether the end of a loop is asked for: by Ctrl-C, or by SIGTERM (`kill`, a shutdown, a scheduler).

    Attributes:
        by: the signal that asked, None if none did.
    """

    def __init__(self) -> None:
        self.by: int | None = None

    def __call__(self) -> bool:
        """Tell whether the end is asked for."""
        return self.by is not None

    def end(self) -> NoReturn:
        """End as the signal would have ended it.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after SIGTERM, with the status that a shell gives to it, 143.
        """
        if self.by == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        raise KeyboardInterrupt


@contextmanager
def breaking_off(asked: BreakOff | None = None) -> Iterator[BreakOff]:
    """Let the first Ctrl-C or SIGTERM only ask for the end; the second acts at once, as it always does.

    The first one is answered on the standard error, for the end may take a while.

    Args:
        asked: is told of it; None: one is made.

    Yields:
        What tells whether the end is asked for. Outside of a process's main thread it never is.
    """
    asked = asked or BreakOff()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, _: Any) -> None:
        asked.by = number
        restore()
        with contextlib.suppress(OSError):  # not print: it may be in the midst of printing
            os.write(2, b"ending in order, with what is done; again: at once\n")

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, ask)
    try:
        yield asked
    finally:
        restore()


@contextmanager
def raising_sigterm() -> Iterator[None]:
    """Let SIGTERM raise, as Ctrl-C does, so that what is open is closed and what was made for a while goes.

    Outside of a process's main thread nothing changes.

    Raises:
        SystemExit: 143, by SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: Any) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
