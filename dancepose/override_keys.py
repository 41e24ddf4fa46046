"""Keys of a mapping as Hydra's command line takes them: unquoted, and of few characters."""

import re

# it takes no quotes, but some marks behind a backslash
KEY = re.compile(r"(?:[A-Za-z0-9_/\\+.$%*@?| \t-]|\\[()\[\]{}:=,])+")
KEY_HOLDS = "letters (a-z), digits, spaces and _ / - \\ + . $ % * @ ? |"
MARKS = re.compile(r"[()\[\]{}:=,]")


def as_key(text: str) -> str:
    """Return a text as a key of a mapping on the command line; empty where it can be none."""
    key = MARKS.sub(r"\\\g<0>", text)
    return key if key == key.strip() and KEY.fullmatch(key) else ""
