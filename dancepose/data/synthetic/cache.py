"""Where drawn data lie that nobody named a folder for, and the keys that say what is drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dancepose.checks import read_arguments
from dancepose.data.synthetic.dataset import write_scenes
from dancepose.data.synthetic.inventory import is_drawn
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.errors import ConfigError
from dancepose.paths import CACHE, cache_dir

FORMATS = {
    "dance": "labelme",
    "coco": "coco",
    "action": "actions",
    "mpii": "mpii",
}  # that a kind of data reads


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


def scene_folder(
    values: Mapping[str, Any], root: str | None, key: str = "data.scenes", kind: str = "dance"
) -> Path:
    """Return the folder of drawn data: the one that was named, else one of the cache, of its own.

    Args:
        values: the keys of `SceneSet`.
        root: the folder that was named, if any.
        key: prefix of the config keys, for messages.
        kind: of the data, `data.kind`.

    Raises:
        ConfigError: see `read_scenes`; the kind of data does not read the format; or the folder that was
            named neither holds drawn scenes nor is empty.
    """
    scenes = read_scenes(values, key)
    if scenes.format != FORMATS.get(kind, scenes.format):
        raise ConfigError(f"{key}.format={scenes.format}: data.kind={kind} reads {FORMATS[kind]}")
    if root is not None:
        folder = Path(root).expanduser()
        foreign = not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())
        if foreign and not is_drawn(folder):
            what = "holds no drawn scenes" if folder.is_dir() else "is no folder of drawn scenes"
            raise ConfigError(
                f"data.root={root} {what}. For labelled pictures of your own, say so: "
                f"data={kind} data.root={root} (to draw there, make it an empty folder first)"
            )
        return folder
    return cache_dir() / "scenes" / f"{scenes.difficulty}_{scenes.format}_{scenes.hash}"


def draw_scenes(values: Mapping[str, Any], folder: Path, key: str = "data.scenes") -> Path:
    """Draw the data, unless they are there.

    Raises:
        ConfigError: see `read_scenes`.
        DataError: the folder holds something else.
        DanceposeError: see `write_scenes`.
    """
    elsewhere = f"data.root=<an empty folder> or ${CACHE}"
    return write_scenes(read_scenes(values, key), folder, elsewhere=elsewhere)
