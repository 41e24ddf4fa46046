"""What `--help` prints: groups with their options, every key with its default and its comment in conf/."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dancepose.paths import config_dir

# a key of a YAML file: indentation, name, and what follows it
KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z_]\w*):(?P<rest>.*)$")
COMMENT = re.compile(r"(?:^|\s)#\s*(?P<text>.*)$")
WIDTH = 46  # of a key with its value, before its comment
TABLES = ("skeleton",)  # nodes of many lines that nobody sets key by key
FLAGS = (
    "-m sweeps over comma-separated values; --cfg job prints the configuration as YAML, --info defaults "
    "where it comes from; --hydra-help tells the rest."
)


def help_text(config_name: str, overrides: Sequence[str]) -> str:
    """Compose the configuration of an entry point and describe it.

    Args:
        config_name: `train` for instance.
        overrides: what stands on the command line beside `--help`; the options chosen there are described.

    Raises:
        HydraException: the overrides do not compose.
    """
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose(config_name, overrides=list(overrides), return_hydra_config=True)
    choices = {k: v for k, v in cfg.hydra.runtime.choices.items() if not k.startswith("hydra")}
    values: Any = OmegaConf.to_container(cfg, resolve=False)
    del values["hydra"]
    comments = key_comments(config_name, choices)
    lines = [_title(config_dir() / f"{config_name}.yaml"), "", "Groups, group=option (* chosen):"]
    for group, choice in sorted(choices.items()):
        lines.append(f"  {group}")
        options = sorted(p for p in (config_dir() / group).glob("*.yaml") if not p.name.startswith("_"))
        for path in options:
            mark = "*" if path.stem == choice else " "
            lines.append(f"   {mark} {path.stem:<18}{_title(path)}".rstrip())
    for key in TABLES:
        if isinstance(values.get(key), Mapping):
            values[key] = values[key]["name"]
            comments[key] = f"a table of its own: --cfg job --package {key} prints it"
    lines += ["", "Keys, key=value:"]
    lines += [f"  {line}" for line in _keys(values, comments)]
    return "\n".join([*lines, "", FLAGS])


def key_comments(config_name: str, choices: Mapping[str, Any]) -> dict[str, str]:
    """Return dotted key -> what the shipped files say of it.

    A chosen option's own file wins over the others of its group, in which the keys that it inherits stand.
    """
    found: dict[str, str] = {}
    for group, choice in choices.items():
        if group in ("experiment", "debug"):  # their keys belong to other nodes
            continue
        paths = list((config_dir() / group).glob("*.yaml"))
        for path in sorted(paths, key=lambda p: (p.stem == choice, p.name)):
            found |= {f"{group.replace('/', '.')}.{key}": text for key, text in _comments(path)}
    return found | dict(_comments(config_dir() / f"{config_name}.yaml"))


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


def _title(path: Path) -> str:
    """Return the comment that a file begins with."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and "@package" not in line:
            return line.lstrip("# ")
        if not line.startswith("#"):
            break
    return ""


def _keys(values: Mapping[str, Any], comments: Mapping[str, str], path: str = "") -> Iterator[str]:
    """Yield a line for each key: a value in one line, whatever it holds, and its comment."""
    for key, value in values.items():
        where, inner = f"{path}{key}", isinstance(value, Mapping) and value
        text = f"{'  ' * path.count('.')}{key}:" + ("" if inner else f" {_told(value)}")
        comment = comments.get(where)
        yield f"{text:<{WIDTH}}  # {comment}" if comment else text
        if inner:
            yield from _keys(value, comments, f"{where}.")


def _told(value: Any) -> str:
    """Return a value as it is typed on the command line."""
    if isinstance(value, str):
        return value or "''"
    if isinstance(value, list):
        return f"[{','.join(_told(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{k}:{_told(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)
