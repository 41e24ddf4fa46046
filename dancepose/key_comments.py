"""What the shipped configuration says of its keys and files: their comments."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from dancepose.paths import config_dir

# a key of a YAML file: indentation, name, and what follows it
KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z_]\w*):(?P<rest>.*)$")
COMMENT = re.compile(r"(?:^|\s)#\s*(?P<text>.*)$")
GLOBAL_GROUPS = ("experiment", "debug")  # their files write into other nodes


def key_comments(config_name: str, choices: Mapping[str, Any]) -> dict[str, str]:
    """Return dotted key -> what the shipped files say of it.

    A chosen option's own file wins over those that it inherits from, and they over the others of the group.

    Args:
        config_name: the entry point's config, `train` for instance.
        choices: group -> chosen option.
    """
    found: dict[str, str] = {}
    for group, choice in choices.items():
        if group in GLOBAL_GROUPS:
            continue
        own = _inherited(config_dir() / group / f"{choice}.yaml")
        others = sorted({*(config_dir() / group).glob("*.yaml")} - {*own})
        for path in [*others, *own]:
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


def _inherited(path: Path) -> list[Path]:
    """Return the files that an option is made of, its own last; none if it is not a shipped one."""
    if not path.is_file():
        return []
    defaults = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("defaults", [])
    names = [entry for entry in defaults if isinstance(entry, str) and entry != "_self_"]
    return [*(file for name in names for file in _inherited(path.parent / f"{name}.yaml")), path]


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
