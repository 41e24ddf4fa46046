"""The picture of a Labelme file: where it lies, and what it is called."""

import os
from pathlib import Path

from dancepose.data.images import SUFFIXES


def image_beside(path: Path) -> Path | None:
    """Return the image of the same stem in the folder of a label file, if there is one."""
    same_stem = (path.with_suffix(s) for suffix in SUFFIXES for s in (suffix, suffix.upper()))
    return next((p for p in same_stem if p.is_file()), None)


def picture_name(image: Path, path: Path, root: Path) -> str:
    """Return the name of a frame: the place of its picture below the data set's folder.

    Where the picture lies elsewhere it is the place of the label file, with the picture's ending. Those
    that `dancepose-predict` leaves point to pictures that stay where they are, and lie as the pictures do
    below the folder that was its source; so their frames have the names that its predictions have.

    Args:
        image: the picture.
        path: the label file.
        root: the data set's folder.
    """
    below = Path(os.path.relpath(image, root))
    if ".." not in below.parts and not below.is_absolute():
        return below.as_posix()
    stem = path.relative_to(root).with_suffix("")  # of a.png.json it is the whole name
    return (stem if stem.name == image.name else stem.with_name(stem.name + image.suffix)).as_posix()
