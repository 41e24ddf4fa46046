"""`dancepose-synthesize`: draw a labelled data set of dance scenes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from dancepose.data.synthetic.scene_set import SceneSet

log = logging.getLogger(__name__)


def synthesize(cfg: DictConfig) -> None:
    """Draw the data set, and a sheet of some of its pictures with their labels.

    Args:
        cfg: what conf/synthesize.yaml composes to, its keys checked.

    Raises:
        ConfigError: an impossible value.
        DataError: the folder holds something else.
        DanceposeError: the disk is full, or the folder cannot be written.
    """
    from dataclasses import fields

    from dancepose.checks import at_least
    from dancepose.data.synthetic.cache import read_scenes
    from dancepose.data.synthetic.dataset import write_scenes
    from dancepose.data.synthetic.scene_set import SceneSet
    from dancepose.targets import plain

    values = plain(cfg)
    at_least("samples", cfg.samples, 0)
    if cfg.workers is not None:
        at_least("workers", cfg.workers, 1)
    values["skeleton"] = values["skeleton"]["name"]
    scenes = read_scenes({field.name: values[field.name] for field in fields(SceneSet)}, "")
    root = write_scenes(scenes, Path(cfg.root).expanduser(), cfg.workers)
    if cfg.samples:
        write_sheet(root / "sheet.jpg", sheet(scenes, root, cfg.samples))
    log.info("%s holds %s", root, told(root, scenes))
    log.info("to train on it: %s", training_command(scenes, cfg.root))


def told(root: Path, scenes: SceneSet) -> str:
    """Say how many pictures of each part a folder of drawn scenes holds, and how many are in no part."""
    from dancepose.data.json_file import load_mapping
    from dancepose.data.synthetic.scene_set import PARTS

    split = load_mapping(root / "split.json")
    by_clip = split["by"] == "clip"
    drawn = sum(getattr(scenes, part) for part in PARTS) * (1 if by_clip else scenes.frames)
    parts = ", ".join(f"{len(split[part])} {part}" for part in PARTS)
    empty = drawn - sum(len(split[part]) for part in PARTS)
    left_out = f"; {empty} in no part, for nobody is to be seen" if empty else ""
    return f"{parts} {'clips' if by_clip else 'pictures'}{left_out}"


def training_command(scenes: SceneSet, root: str) -> str:
    """Return the command that trains on a folder of drawn scenes."""
    from dancepose.data.synthetic.cache import FORMATS

    kind = next(kind for kind, format in FORMATS.items() if format == scenes.format)
    if kind == "action":
        return f"dancepose-train experiment=motion_paper data=action data.root='{root}' data.split=split.json"
    data = f"data={kind}{' data.annotations=annotations.json' if kind == 'coco' else ''}"
    return f"dancepose-train {data} data.root='{root}' data.split=split.json skeleton={scenes.skeleton}"


def write_sheet(path: Path, image: np.ndarray) -> None:
    """Write a sheet, unless it is there: a whole set is left as it is, and may lie where nobody writes.

    Raises:
        DanceposeError: it cannot be written.
    """
    from dancepose.errors import DanceposeError
    from dancepose.files import Unwritable, write_bytes
    from dancepose.inference.canvas import encoded

    data = encoded(path, image)
    if path.is_file() and path.read_bytes() == data:
        return
    try:
        write_bytes(path, data)
    except Unwritable as error:
        raise DanceposeError(
            f"{path} cannot be written: {error.why}. samples=0 draws the scenes without it"
        ) from error


def sheet(scenes: SceneSet, root: Path, count: int) -> np.ndarray:
    """Draw pictures of the first scenes with their labels, of a clip the middle one."""
    from dancepose.data.images import read_image
    from dancepose.data.synthetic.dataset import sampled_frames
    from dancepose.inference.drawing import contact_sheet, draw_people
    from dancepose.skeleton import load_skeleton

    skeleton, frames = load_skeleton(scenes.skeleton), sampled_frames(scenes, root, count)
    pictures = [draw_people(read_image(frame.image), frame.people, skeleton) for frame in frames]
    captions = [f"{frame.name}  {', '.join(p.action or '' for p in frame.people)}" for frame in frames]
    return contact_sheet(pictures, captions, 3, 480)


def main() -> None:
    """Run `dancepose-synthesize`."""
    from dancepose.entry import run

    run(synthesize, "synthesize")


if __name__ == "__main__":
    main()
