"""Ctrl-C while a command starts: one word and status 130, whatever is being imported at that moment.

Imports turn `KeyboardInterrupt` into errors of their own or a traceback, and Python then ends by the signal
and not by a status. Nothing is written yet, so that a command may end where it is.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

TYPE_CHECKING = False  # that of typing takes longer to import than all else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

WORD = "interrupted"
STATUS = 130  # as a shell tells of a program that was ended by SIGINT
STARTING = ("__main__", "dancepose.entry")  # and the command's module: what these import belongs to the start
COMMANDS = ("train", "evaluate", "browse", "benchmark", "synthesize", "compare", "export", "predict")

_starting = True
_ended = False
_modules: tuple[str, ...] = ()
_tidy: Callable[[], None] | None = None


def end_at_once() -> None:
    """Let Ctrl-C end this process at once while it starts, if it is a command that heeds it; else do nothing.

    To be called before anything else. What a shell runs in the background ignores Ctrl-C, and goes on.
    """
    if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handle)
        atexit.register(_keep_status)  # the first to be registered is the last to be called


def tidying(tidy: Callable[[], None]) -> None:
    """Say what is to be done where the command ends while it starts: what it has made by then goes."""
    global _tidy
    _tidy = tidy


def in_order(module: str | None = None) -> None:
    """From here on Ctrl-C is a `KeyboardInterrupt`, but for what the command's own module imports.

    Args:
        module: of the command, which imports what it needs when it is called; None: has imported it.
    """
    global _starting, _modules
    _starting = False
    _modules = () if module is None else (*STARTING, module)


def end() -> NoReturn:
    """End the command after a `KeyboardInterrupt`.

    Raises:
        SystemExit: with `STATUS`.
    """
    global _ended
    print(WORD, file=sys.stderr)
    if _tidy is not None:
        _tidy()
    _ended = True
    sys.exit(STATUS)


def _keep_status() -> None:
    """Keep Python from ending by the signal where the exception went through code made of a text.

    As in `dataclass`: the status of the end would be lost.
    """
    if _ended:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _handle(number: int, frame: FrameType | None) -> None:
    if _starting or _importer(frame) in _modules:
        try:
            if _tidy is not None:
                _tidy()
            os.write(2, f"{WORD}\n".encode())  # its reader may be gone
        finally:
            os._exit(STATUS)
    raise KeyboardInterrupt


def _importer(frame: FrameType | None) -> str | None:
    """Return the module with the outermost import that is going on, None without any."""
    module, within = None, False
    while frame is not None:
        imports = frame.f_code.co_filename.startswith("<frozen importlib")
        if within and not imports:
            module = frame.f_globals.get("__name__")
        within, frame = imports, frame.f_back
    return module


def _is_command() -> bool:
    """Tell whether this process is `dancepose-...` or `python -m dancepose...`, and not a child of one."""
    words = sys.orig_argv
    if any("multiprocessing" in word or "loky" in word for word in words):
        return False
    name = os.path.basename((getattr(sys, "argv", None) or [""])[0])
    if name == "-m":  # while Python looks for the module
        place = next(i for i, word in enumerate(words) if word.startswith("-m"))
        module = words[place][2:] or words[place + 1]
        return f"{module}.".startswith("dancepose.")
    return name in {f"dancepose-{command}" for command in COMMANDS}
