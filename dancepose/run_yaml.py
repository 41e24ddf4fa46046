"""Reading the YAML files of run directories, fast, for a sweep has many of them that are nearly alike.

Whoever trains, tests or compares reads them by this: a file is whole for all, or for none.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from dancepose.errors import DataError

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml: slower, and the same
    from yaml import SafeLoader as Loader  # type: ignore[assignment]


def read_yaml(path: Path, kind: type) -> Any:
    """Read a YAML file of a run; no code in it is run.

    What is returned is shared with whoever reads an equal entry: to change it, copy it.

    Raises:
        DataError: it is missing, broken, cut off, or holds something else than a `kind`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = _parse(text)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise DataError(f"{path} is no valid YAML ({error.problem}{where})") from None
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataError(f"{path} is no valid YAML ({error})") from None
    if not text.endswith("\n"):  # what is cut off may be valid YAML still
        raise DataError(
            f"{path} is cut off, or was saved without the end of its last line (if nothing is missing, add a "
            "line break at its end)"
        )
    if not isinstance(content, kind):
        raise DataError(f"{path} must hold a {'mapping' if kind is dict else 'list'}")
    return content


def _parse(text: str) -> Any:
    """Parse YAML, of a mapping each entry by itself: the runs of a sweep have most of theirs in common."""
    entries = _entries(text)
    if entries is None:
        return yaml.load(text, Loader)
    try:
        found: dict[Any, Any] = {}
        for entry in entries:
            found.update(_parse_entry(entry))
        return found
    except (yaml.YAMLError, TypeError, ValueError):  # an anchor in another entry, or it is broken
        return yaml.load(text, Loader)


def _entries(text: str) -> list[str] | None:
    """Cut a mapping in block style, as `yaml.safe_dump` writes it, in front of each unindented key."""
    entries: list[list[str]] = []
    for line in text.splitlines(keepends=True):
        if line[:1].isalpha():
            entries.append([line])
        elif entries and line[:1] in (" ", "-"):
            entries[-1].append(line)
        else:
            return None
    return ["".join(lines) for lines in entries] if entries else None


@lru_cache(maxsize=4096)
def _parse_entry(text: str) -> Any:
    found = yaml.load(text, Loader)
    if not isinstance(found, dict) or len(found) != 1:
        raise ValueError("no entry of a mapping")
    return found


def parse_overrides(overrides: Sequence[Any]) -> dict[str, str | None]:
    """Return key -> value of overrides as Hydra takes them: `+model.width=8`, `~scheduler`."""
    found: dict[str, str | None] = {}
    for override in map(str, overrides):
        key, equals, value = override.lstrip("+~").partition("=")
        found[key.partition("@")[0]] = value if equals and not override.startswith("~") else None
    return found
