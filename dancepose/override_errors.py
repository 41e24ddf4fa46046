"""What to say of an argument of the command line that Hydra's grammar does not take."""

import re
import shlex
from collections.abc import Iterator

from dancepose.override_keys import KEY, KEY_HOLDS, as_key

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\\.|.', re.S)
PAIRS = {"{": "}", "[": "]", "(": ")"}


def not_parsed(argument: str, reason: str) -> str:
    """Say of an argument that it cannot be read.

    Args:
        argument: of the command line.
        reason: of Hydra.
    """
    key, equals, value = argument.partition("=")
    if not (key and equals and value):
        return (
            f"{argument}: options are given as key=value, without spaces, data.root=my/folder for instance; "
            "--help shows them"
        )
    return (
        f"{argument} cannot be read: {reason}. Brackets, commas, equal signs and spaces that belong to a "
        f"value need quotes within quotes: {key}='\"...\"'"
    )


def foreign_character(argument: str, text: str) -> str:
    """Return what to say where one character is none of Hydra's grammar, and quotes let it in; else nothing.

    Args:
        argument: of the command line.
        text: of Hydra; where its lexer gave up, a caret stands below the character.
    """
    told = re.match(r"(LexerNoViableAltException: ).*\n( *)\^\n", text, re.S)
    place = len(told[2]) - len(told[1]) if told else 0
    key, _, value = argument.partition("=")
    if not len(key) < place < len(argument) or (letter := argument[place]) in "'\"":
        return ""
    if value.startswith(("[", "{")):
        return f'{argument}: {letter} needs quotes around its word, within those of the shell: "..."'
    escaped = value.replace('"', '\\"')
    quoted = shlex.quote(f'{key}="{escaped}"')
    return f"{argument}: {letter} needs quotes around the value, within those of the shell: {quoted}"


def mapping_key(argument: str) -> str:
    """Return what to say where a key of a mapping is none of Hydra's grammar, quoted above all; else nothing.

    Args:
        argument: of the command line.
    """
    name, _, value = argument.partition("=")
    wrong = [(start, end) for start, end in _keys(value) if not KEY.fullmatch(value[start:end])]
    if not wrong:
        return ""
    mended = value
    for start, end in reversed(wrong):  # from behind, so that the places before it stay
        if not (bare := _bare(value[start:end])):
            group = name.lstrip("+").partition(".")[0]
            return (
                f"{argument}: the key {value[start:end]} cannot be given on the command line, where keys of "
                f"a mapping hold {KEY_HOLDS} alone: write the mapping into a file {group}/mine.yaml of a "
                f"folder of your own, below 'defaults: [<option of {group}>]', and say --config-dir <that "
                f"folder> {group}=mine"
            )
        mended = f"{mended[:start]}{bare}{mended[end:]}"
    return (
        f"{argument}: on the command line the keys of a mapping stand without quotes: "
        f"{shlex.quote(f'{name}={mended}')}"
    )


def _keys(value: str) -> Iterator[tuple[int, int]]:
    """Yield where the keys of the mappings in a value begin and end, without the spaces around them."""
    open_ones: list[str] = []  # brackets that are not closed yet
    start: int | None = None  # of the key that is being read; None within a value
    for token in TOKEN.finditer(value):
        mark = token[0]
        if mark in PAIRS:
            open_ones.append(mark)
        elif open_ones and mark == PAIRS[open_ones[-1]]:
            open_ones.pop()
            start = None
            continue
        if mark == ":" and start is not None:
            key = value[start : token.start()]
            yield start + len(key) - len(key.lstrip()), start + len(key.rstrip())
            start = None
        elif mark in ("{", ","):
            start = token.end() if open_ones[-1:] == ["{"] else None


def _bare(key: str) -> str:
    """Return a quoted key without its quotes, as the command line takes it; empty where it does not."""
    if len(key) < 2 or key[0] not in "'\"" or key[-1] != key[0]:
        return ""
    return as_key(key[1:-1])
