"""The struct array of the MPII and PoseTrack toolkits (`annolist`), found in a file under any name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dancepose.data.json_file import BrokenFile
from dancepose.data.mat_file import Struct, kind_of, read_mat, variable_kinds


def find_annolist(content: dict[str, Any], path: Path, key: str) -> tuple[str, list[Struct]]:
    """Return the struct array of a file, whatever the variable is called.

    Args:
        content: variables by name, of `read_mat`.
        path: of the file.
        key: the config key that names it.

    Returns:
        The variable's name, for messages, and its structs.

    Raises:
        BrokenFile: no variable is one, or several are.
    """
    found = {name: value for name, value in content.items() if _is_annolist(value)}
    if len(found) != 1:
        if key == "pred" and "RELEASE" in content:
            raise BrokenFile(path, "is MPII's own file, the truth: give it as gt=", key=key)
        have = ", ".join(content) or "nothing"
        told = f"holds several ({', '.join(found)})" if found else f"holds no such array, only {have}"
        what = f"{told}: give a file with one struct array that has the field 'annorect'"
        raise BrokenFile(path, what, key=key)
    ((name, value),) = found.items()
    for i, item in enumerate(value, start=1):
        if type(item) is not dict:
            raise BrokenFile(path, f"holds {kind_of(item)}, no struct", f"{name}({i})", key)
    return name, value


def load_annolist(path: Path, key: str) -> tuple[str, list[Struct]]:
    """Read the one struct array of a file.

    What else a file holds, handles of functions say, may be what `read_mat` refuses.

    Raises:
        BrokenFile: see `read_mat` and `find_annolist`.
    """
    kinds = variable_kinds(path)
    if not kinds:
        return find_annolist(read_mat(path, key=key), path, key)
    refused: list[BrokenFile] = []
    content: dict[str, Any] = dict.fromkeys(kinds)
    for name in (name for name, kind in kinds.items() if kind == "struct"):
        try:
            content |= read_mat(path, [name], key)
        except BrokenFile as error:
            refused.append(error)
    if refused and not any(_is_annolist(value) for value in content.values()):
        raise refused[0]
    return find_annolist(content, path, key)


def _is_annolist(value: Any) -> bool:
    return isinstance(value, list) and any(type(item) is dict and "annorect" in item for item in value)


def occurrences(names: Sequence[str]) -> list[int]:
    """Return how often each name stood before: [0, 0, 1] of a, b, a."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        found.append(seen.get(name, 0))
        seen[name] = found[-1] + 1
    return found
