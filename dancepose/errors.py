"""The errors that a user can mend, each told in one message."""

import difflib
import re
from collections.abc import Iterable


class DanceposeError(Exception):
    """Something in the user's input is wrong; the message names the file or key and the remedy.

    Entry points print it without a traceback and exit with status 1 (`HYDRA_FULL_ERROR=1` shows the
    traceback).
    """


class ConfigError(DanceposeError):
    """A configuration key or value is wrong."""


class SplitError(ConfigError):
    """The data cannot be divided as the configuration asks, however sound both are."""


class DataError(DanceposeError):
    """A data file is missing, broken, or holds something else than it should."""


class CheckpointError(DanceposeError):
    """A checkpoint or weights file is missing, foreign, truncated, or does not fit."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known word, or an empty string when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def in_brackets(hint: str) -> str:
    """Return what `did_you_mean` gave as an aside, ` (Did you mean 'x'?)`; nothing for nothing."""
    return f" ({hint.strip()})" if hint else ""


def without_frame(error: Exception) -> str:
    """Return the text of an error without what OmegaConf puts around one of ours that a resolver raised."""
    text = str(error).strip()
    framed = re.match(
        r"ConfigError raised while resolving interpolation: (.*?)(\n {4}full_key: .*)?$", text, re.S
    )
    return framed[1] if framed else text
