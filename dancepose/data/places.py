"""Whether the folders and files that a configuration of data names are there at all."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any

from dancepose.data.division import needed_split
from dancepose.data.parts import PartConfig, find_file
from dancepose.data.readers import READERS
from dancepose.errors import DataError


def check_places(node: Any) -> None:
    """Refuse data that are not where the configuration says, before what reads them is imported.

    Nothing is said here of drawn data, of a class of the user's own, and where no place is given.

    Args:
        node: the plain node `data`.

    Raises:
        ConfigError: see `PartConfig.from_dict`.
        DataError: a folder, its annotations or a split file are not there; names the key and the remedy.
    """
    if not isinstance(node, Mapping):
        return
    parts = node.get("parts")
    if isinstance(parts, Mapping):
        for name, part in parts.items():
            _check_node(part, f"data.parts.{name}", node.get("root"))
    else:
        _check_node(node, "data")


def _check_node(node: Any, key: str, folder: Any = None) -> None:
    """Check one data set; `key` is the prefix of its config keys, and in `folder` lies a relative root."""
    if not isinstance(node, Mapping) or node.get("kind") not in READERS or node.get("scenes") is not None:
        return
    given = {field.name: node[field.name] for field in fields(PartConfig) if field.name in node}
    if not (given.get("root") or given.get("annotations")):
        return
    if all(isinstance(given.get(key), (str, NoneType)) for key in ("root", "annotations", "split")):
        check_part(PartConfig.from_dict(given, key, folder if isinstance(folder, str) else None), key)


def check_part(config: PartConfig, key: str) -> Path:
    """Return the folder of one data set.

    Args:
        config: where it lies.
        key: prefix of its config keys.

    Raises:
        DataError: see `check_places`.
    """
    reader, root = READERS[config.kind], Path(config.root).expanduser()
    if not root.is_dir():
        raise DataError(f"{key}.root={config.root} is no folder: give {reader.root}")
    if config.annotations and not (path := find_file(config.annotations, root)).is_file():
        raise DataError(f"{key}.annotations={path} is no file: give {reader.annotations}")
    if config.split is not None:
        needed_split(config, root, key)
    return root
