"""Where drawn data lie that nobody named a folder for, and the keys that say what is drawn."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dancepose.checks import read_arguments
from dancepose.data.synthetic.dataset import write_scenes
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.errors import ConfigError

VARIABLE = "DANCEPOSE_CACHE"  # of the environment: the cache's folder


def read_scenes(values: Mapping[str, Any], key: str) -> SceneSet:
    """Make a `SceneSet` of its keys in a configuration.

    Args:
        values: plain.
        key: prefix of the config keys, for messages.

    Raises:
        ConfigError: an unknown key, or an impossible value.
    """
    scenes = SceneSet(**read_arguments(SceneSet, values, key))
    scenes.check(key)
    return scenes


def scene_folder(values: Mapping[str, Any], root: str | None, key: str = "data.scenes") -> Path:
    """Return the folder of drawn data: the one that was named, else one of the cache, of its own.

    Args:
        values: the keys of `SceneSet`.
        root: the folder that was named, if any.
        key: prefix of the config keys, for messages.

    Raises:
        ConfigError: see `read_scenes`, or the format is not Labelme's.
    """
    scenes = read_scenes(values, key)
    if scenes.format != "labelme":
        raise ConfigError(
            f"{key}.format={scenes.format}: a training draws labelme; the others are for dancepose-synthesize"
        )
    if root is not None:
        return Path(root).expanduser()
    home = Path(os.environ.get(VARIABLE) or Path.home() / ".cache" / "dancepose").expanduser()
    return home / "scenes" / f"{scenes.difficulty}_{scenes.format}_{scenes.hash}"


def draw_scenes(values: Mapping[str, Any], folder: Path, key: str = "data.scenes") -> Path:
    """Draw the data, unless they are there.

    Raises:
        ConfigError: see `read_scenes`.
        DataError: the folder holds something else.
    """
    return write_scenes(read_scenes(values, key), folder)
