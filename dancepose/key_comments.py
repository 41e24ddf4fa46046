"""What the shipped configuration says of its keys and files: their comments."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dancepose.paths import config_dir

# a key of a YAML file: indentation, name, and what follows it
KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z_]\w*):(?P<rest>.*)$")
COMMENT = re.compile(r"(?:^|\s)#\s*(?P<text>.*)$")
GLOBAL_GROUPS = ("experiment", "debug")  # their files write into other nodes


def key_comments(config_name: str, choices: Mapping[str, Any]) -> dict[str, str]:
    """Return dotted key -> what the shipped files say of it.

    A chosen option's own file wins over the others of its group, in which the keys that it inherits stand.

    Args:
        config_name: the entry point's config, `train` for instance.
        choices: group -> chosen option.
    """
    found: dict[str, str] = {}
    for group, choice in choices.items():
        if group in GLOBAL_GROUPS:
            continue
        paths = list((config_dir() / group).glob("*.yaml"))
        for path in sorted(paths, key=lambda p: (p.stem == choice, p.name)):
            found |= {f"{group.replace('/', '.')}.{key}": text for key, text in _comments(path)}
    return found | dict(_comments(config_dir() / f"{config_name}.yaml"))


def file_comment(path: Path) -> str:
    """Return the comment that a file begins with; empty if it begins with none."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and "@package" not in line:
            return line.lstrip("# ")
        if not line.startswith("#"):
            break
    return ""


def _comments(path: Path) -> Iterator[tuple[str, str]]:
    """Yield dotted key and comment of each commented line of a YAML file."""
    parents: list[tuple[int, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = KEY.match(line)
        if not match:
            continue
        indent = len(match["indent"])
        parents = [(depth, key) for depth, key in parents if depth < indent] + [(indent, match["key"])]
        if comment := COMMENT.search(match["rest"]):
            yield ".".join(key for _, key in parents), comment["text"]
