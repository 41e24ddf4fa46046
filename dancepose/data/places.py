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
    if node.get("scenes") is not None:
        return
    if node.get("kind") != "mix":
        _check_node(
            {field.name: node[field.name] for field in fields(PartConfig) if field.name in node}, "data"
        )
    elif isinstance(node.get("parts"), Mapping):
        folder = node.get("root") if isinstance(node.get("root"), str) else None
        for name, part in node["parts"].items():
            _check_node(part, f"data.parts.{name}", folder)


def _check_node(given: Any, key: str, folder: str | None = None) -> None:
    """Check one data set.

    Args:
        given: its keys.
        key: their prefix.
        folder: where a relative root lies; None: here.
    """
    if (
        not isinstance(given, Mapping)
        or not isinstance(given.get("kind"), str)
        or given["kind"] not in READERS
    ):
        return
    if not (given.get("root") or given.get("annotations")):
        return
    if all(isinstance(given.get(key), (str, NoneType)) for key in ("root", "annotations", "split")):
        check_part(PartConfig.from_dict(given, key, folder), key)


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
