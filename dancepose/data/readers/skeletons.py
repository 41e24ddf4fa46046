"""A skeleton archive: an `.npz` of many people's keypoints and what they do, without any picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dancepose.data.problems import Problems
from dancepose.data.readers import classes as class_file
from dancepose.data.readers.keypoint_columns import counted_columns, named_columns
from dancepose.errors import DataError, did_you_mean, in_brackets
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

NEEDED, OPTIONAL = ("xy", "label"), ("conf", "clip", "person", "source", "size", "names", "classes")


def read_skeletons(
    path: Path,
    skeleton: Skeleton,
    key: str = "data",
    classes: Sequence[str] | None = None,
    source_skeleton: str | None = None,
) -> tuple[list[Frame], Problems]:
    """Read a skeleton archive: a row for each person in each picture, in the order of time.

    ========= ============ ==================================================================================
    `xy`      (N, K', 2)   x and y in any unit, y downwards
    `label`   (N,)         what the person does: names, or numbers that count through `classes`
    `conf`    (N, K')      optional: confidence; 0 is a point that is not there. Without it (0, 0) is
    `clip`    (N,)         optional: names of the videos. A clip's rows may stand anywhere, in order of time
    `person`  (N,)         optional: whole numbers, who of a clip's people it is; without it a clip has one
    `source`  (N,)         optional: where a row is from
    `size`    (N, 2)       optional: width and height of the picture in pixels
    `names`   (K',)        optional: the keypoints, by name or alias; else they are those of `source_skeleton`
    `classes` (C,)         optional: the names of the labels in their order
    ========= ============ ==================================================================================

    Nothing in the file is executed (no pickles are loaded). Keypoints are mapped to the run's skeleton by
    name and alias, nothing is derived. A frame holds one person, has no picture, and is named after its clip
    and its row in the file.

    Args:
        path: the `.npz`.
        skeleton: the run's.
        key: prefix of the config keys, for messages.
        classes: the labels in their order, instead of the file's.
        source_skeleton: the skeleton of the file's keypoints; needed where the file has no `names` and other
            keypoints than the run.

    Returns:
        Frames in the order of the file, and what was wrong.

    Raises:
        DataError: the file is missing, damaged, holds pickles or arrays of wrong shapes, or labels that are
            none of the classes. Names file, array and remedy.
    """
    path, problems = Path(path), Problems()
    arrays = _load(path, f"{key}.annotations", problems)
    xy, conf = arrays["xy"], arrays.get("conf")
    if "names" in arrays:
        names = arrays["names"].tolist()
        columns = named_columns(names, skeleton, source_skeleton, path, key, problems)
    else:
        columns = counted_columns(xy.shape[1], skeleton, source_skeleton, {}, path, key)
    keypoints, scores, lost = columns.apply(xy, conf)
    columns.tell_lost(lost, xy, ("xy", "conf"), path, problems)
    vocabulary, labels = _labels(path, arrays, classes, key)
    people = arrays["person"].tolist() if "person" in arrays else [0] * len(xy)
    clips = arrays["clip"].tolist() if "clip" in arrays else [None] * len(xy)
    sources = arrays["source"].tolist() if "source" in arrays else [""] * len(xy)
    sizes = arrays["size"].tolist() if "size" in arrays else [(0, 0)] * len(xy)
    covered = columns.covered  # shared by all frames
    frames = [
        Frame(
            None,
            (int(size[0]), int(size[1])),
            [Person(points, scores=score, id=person, action=label)],
            skeleton.name,
            f"{clip}/{row:06d}" if clip else f"{row:06d}",
            labelled=covered,
            complete=False,
            clip=clip or None,
            source=source,
            classes=vocabulary,
        )
        for row, (points, score, label, clip, person, source, size) in enumerate(
            zip(keypoints, scores, labels, clips, people, sources, sizes, strict=True)
        )
    ]
    class_file.find_empty(frames, vocabulary, path, "label", problems)
    return frames, problems


def _load(path: Path, key: str, problems: Problems) -> dict[str, np.ndarray]:
    """Return the arrays of the file, of the right shapes.

    Raises:
        DataError: there is no such file, it is damaged, or its arrays are not as they should be.
    """
    if not path.is_file():
        raise DataError(f"{key}={path} is no file: give the .npz of the skeletons")
    arrays: dict[str, np.ndarray] = {}
    name = ""  # of the array that is being read
    try:
        with path.open("rb") as file:
            start = file.read(6)
        if start == b"\x93NUMPY":
            raise DataError(f"{key}={path} holds a single array: an .npz with {_told(NEEDED)} is needed")
        if start and not start.startswith((b"PK\3\4", b"PK\5\6")):  # numpy would take it for a pickle
            raise DataError(
                f"{key}={path} is no .npz, whatever its name says: give an archive of plain arrays, at least "
                f"{_told(NEEDED)}, as numpy.savez writes it"
            )
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                if name in (*NEEDED, *OPTIONAL):
                    arrays[name] = archive[name]
                else:
                    hint = in_brackets(did_you_mean(name, (*NEEDED, *OPTIONAL)))
                    problems.add("unknown field", path, "", f"'{name}'{hint}")
    except DataError:
        raise
    except Exception as error:  # whatever a damaged file makes zipfile and numpy stumble over
        if str(error).startswith("Object arrays"):
            raise DataError(
                f"{path}: array '{name}' holds Python objects (a pickle), which are not loaded: write it as "
                "an array of numbers or text"
            ) from None
        reason = str(error).partition("\n")[0]  # after it numpy says how to load what may not be safe
        raise DataError(
            f"{key}={path} cannot be read as an .npz of plain arrays ({reason}): "
            "copy it again, or write it with numpy.savez from arrays of numbers and text"
        ) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy gives the bytes of what is no array
            raise DataError(f"{path}: '{name}' in it is no array: write it with numpy.savez")
    for name in NEEDED:
        if name not in arrays:
            raise DataError(f"{path}: array '{name}' is missing; an .npz with {_told(NEEDED)} is needed")
    xy = arrays["xy"]
    if xy.ndim != 3 or xy.shape[2] != 2 or not len(xy) or not xy.shape[1]:
        raise DataError(f"{path}: array 'xy' has shape {xy.shape}: (N, K, 2) is needed, N and K above 0")
    rows, count = xy.shape[:2]
    shapes = {"xy": xy.shape, "conf": (rows, count), "size": (rows, 2), "names": (count,)}
    for name, array in arrays.items():
        wanted = shapes.get(name, array.shape[:1] if name == "classes" else (rows,))
        if array.shape != wanted:
            raise DataError(f"{path}: array '{name}' has shape {array.shape}: {wanted} is needed, as of 'xy'")
        text = name in ("clip", "source", "names", "classes")
        if name != "label" and array.dtype.kind not in ("U" if text else "iuf"):
            needed = "text" if text else "numbers"
            raise DataError(f"{path}: array '{name}' holds {array.dtype}: {needed} is needed")
    if "person" in arrays:
        people = arrays["person"]
        if people.dtype.kind not in "iu":
            raise DataError(f"{path}: array 'person' holds {people.dtype}: whole numbers are needed")
        if (people < 0).any():
            row = int((people < 0).argmax())
            raise DataError(f"{path}: person[{row}] is {people[row]}: numbers from 0 are needed")
    if "size" in arrays and not (np.isfinite(arrays["size"]) & (arrays["size"] > 0)).all():
        raise DataError(f"{path}: array 'size' must hold widths and heights above 0")
    return arrays


def _labels(
    path: Path, arrays: dict[str, np.ndarray], given: Sequence[str] | None, key: str
) -> tuple[tuple[str, ...], list[str]]:
    """Return the classes, and the name of each row's.

    Raises:
        DataError: labels are neither names nor numbers of the classes.
    """
    own = arrays["classes"].tolist() if "classes" in arrays else None
    labels, names = arrays["label"], own if given is None else given
    if labels.dtype.kind == "U":
        found = labels.tolist()
        if "" in found:
            raise DataError(f"{path}: label[{found.index('')}] is empty: name what the person does")
        return class_file.ordered(found, names, path, key), found
    if labels.dtype.kind not in "iu":
        raise DataError(f"{path}: array 'label' holds {labels.dtype}: names or whole numbers are needed")
    if names is None:
        raise DataError(
            f"{path}: its labels are numbers: name them in their order with {key}.classes=[...], a file "
            f"{class_file.FILE} beside it, or an array 'classes' in it"
        )
    wrong = (labels < 0) | (labels >= len(names))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(f"{path}: label[{row}] is {labels[row]}, but there are {len(names)} classes, from 0")
    return tuple(names), [names[label] for label in labels.tolist()]


def _told(names: Sequence[str]) -> str:
    return " and ".join(names)
