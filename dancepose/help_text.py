"""What `--help` prints: groups with their options, every key with its default and its comment in conf/."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dancepose.key_comments import file_comment, key_comments
from dancepose.paths import config_dir

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
    lines = [file_comment(config_dir() / f"{config_name}.yaml")]
    lines += ["", "Groups, group=option (* chosen):"] if choices else []
    for group, choice in sorted(choices.items()):
        lines.append(f"  {group}")
        options = sorted(p for p in (config_dir() / group).glob("*.yaml") if not p.name.startswith("_"))
        for path in options:
            mark = "*" if path.stem == choice else " "
            lines.append(f"   {mark} {path.stem:<17} {file_comment(path)}".rstrip())
    for key in TABLES:
        if isinstance(values.get(key), Mapping):
            values[key] = values[key]["name"]
            comments[key] = f"a table of its own: --cfg job --package {key} prints it"
    lines += ["", "Keys, key=value:"]
    lines += [f"  {line}" for line in _keys(values, comments)]
    return "\n".join([*lines, "", FLAGS])


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
