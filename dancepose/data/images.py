"""The pictures of frames: are they there, whole, and of the size that the labels name?"""

from collections.abc import Iterable

import numpy as np

from dancepose.data.problems import Problem, Problems
from dancepose.errors import DataError
from dancepose.image_files import SUFFIXES, image_size, read_image
from dancepose.records import Frame

__all__ = ["SUFFIXES", "check_images", "image_size", "read_image", "refuse_without_pictures"]


def check_images(frames: Iterable[Frame], known: Iterable[Problem] = ()) -> Problems:
    """Look at the header of every frame's image: is it there, whole, and of the size that the labels name?

    Frames without a picture, of sources that have keypoints alone, are passed over.

    Args:
        frames: to look at.
        known: what a reader found; its word on a missing image, with the field that names it, is passed on.
    """
    problems = Problems()
    said = {problem.detail: problem for problem in known if problem.kind == "image missing"}
    for frame in frames:
        if frame.image is None or isinstance(frame.image, np.ndarray):
            continue
        if not frame.image.is_file():
            problems.extend([said.get(str(frame.image), Problem("image missing", str(frame.image)))])
            continue
        try:
            size = image_size(frame.image)
        except DataError as error:
            problems.add("image broken", frame.image, detail=str(error).removeprefix(f"image {frame.image} "))
            continue
        if size != frame.size:
            turned = size == frame.size[::-1]
            hint = "; perhaps its EXIF orientation was ignored when it was labelled" if turned else ""
            detail = f"is {size[0]} x {size[1]}, its labels say {frame.size[0]} x {frame.size[1]}{hint}"
            problems.add("size differs", frame.image, detail=detail)
    return problems


def refuse_without_pictures(frames: Iterable[Frame], where: str, use: str) -> None:
    """Refuse frames without a picture, before anything tries to open one.

    Args:
        frames: to look at.
        where: the keys that name the data, `data.annotations=skeletons.npz` for instance.
        use: what needs pictures.

    Raises:
        DataError: a frame has none; names the data and the remedy.
    """
    there = [frame.image is not None for frame in frames]
    if not all(there):
        found = f"{there.count(False)} of its {len(there)} frames" if any(there) else "its frames"
        raise DataError(
            f"{where}: {found} have keypoints alone and no pictures, and {use} needs pictures. Give data "
            "with pictures, or learn actions from keypoints alone ('model.branches=[keypoints]')"
        )
