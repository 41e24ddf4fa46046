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
    from types import FrameType
    from typing import NoReturn

WORD = "interrupted"
STATUS = 130  # as a shell tells of a program that was ended by SIGINT
STARTING = ("__main__", "dancepose.entry")  # and the command's module: what these import belongs to the start

_starting = True
_modules: tuple[str, ...] = STARTING
_folder: str | None = None


def end_at_once() -> None:
    """Let Ctrl-C end this process at once while it starts, if it is a command that heeds it; else do nothing.

    To be called before anything else. What a shell runs in the background ignores Ctrl-C, and goes on.
    """
    if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handle)


def in_order(module: str | None = None, folder: str | None = None) -> None:
    """From here on Ctrl-C is a `KeyboardInterrupt`, but for what the command's own module imports.

    Args:
        module: of the command, which imports what it needs when it is called.
        folder: of the run; if it is empty when the command ends at once, it is removed.
    """
    global _starting, _modules, _folder
    _starting, _folder = False, folder
    _modules = STARTING if module is None else (*STARTING, module)


def end() -> NoReturn:
    """End the command after a `KeyboardInterrupt`.

    Raises:
        SystemExit: with `STATUS`.
    """
    print(WORD, file=sys.stderr)
    _remove_empty()
    # else Python ends by the signal where the exception went through code made of a text, as in `dataclass`
    atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGINT})
    sys.exit(STATUS)


def _handle(number: int, frame: FrameType | None) -> None:
    if _starting or _importer(frame) in _modules:
        os.write(2, f"{WORD}\n".encode())
        _remove_empty()
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


def _remove_empty() -> None:
    if _folder is not None:
        try:
            os.rmdir(_folder)  # an empty folder would look like a run
        except OSError:
            pass


def _is_command() -> bool:
    """Tell whether this process is `dancepose-...` or `python -m dancepose...`, and not a child of one."""
    name = os.path.basename((getattr(sys, "argv", None) or [""])[0])
    forked = any("multiprocessing" in word for word in sys.orig_argv[:3])
    return (name == "-m" or name.startswith("dancepose-")) and not forked
