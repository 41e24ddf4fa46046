"""Predictions in the MPII toolkit's form: `pred(i).annorect(j).annopoints.point(k).{x, y, id, score}`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from dancepose.data.annolist import load_annolist
from dancepose.data.annolist_points import ORIGIN, SKELETONS, PointReader, joint_ids
from dancepose.data.json_file import BrokenFile
from dancepose.data.mat_file import Struct, write_mat
from dancepose.data.prediction_reader import read_predictions
from dancepose.data.predictions import ImagePredictions, Predictions
from dancepose.errors import DataError
from dancepose.metrics.groups import people_of_groups
from dancepose.metrics.matching import Protocol
from dancepose.metrics.people import UNSCORED
from dancepose.metrics.regions import mean_points
from dancepose.records import VISIBLE, Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton

FILE = "pred_keypoints_mpii_multi.mat"  # as the toolkit names it
VARIABLE = "pred"


def read_predicted(path: Path, skeleton: Skeleton | None, protocol: Protocol) -> Predictions:
    """Read predictions of any system: `.mat` by `read_annolist_predictions`, else `read_predictions`."""
    if path.suffix == ".mat":
        return read_annolist_predictions(path, skeleton, protocol)
    return read_predictions(path, skeleton)


def read_annolist_predictions(path: Path, skeleton: Skeleton | None, protocol: Protocol) -> Predictions:
    """Read predictions from a MATLAB file, the struct array under any name.

    A person's score is that of its struct, else the mean of its points' scores. A point without a score
    counts as -9999 and ranks last.

    Args:
        path: of the file.
        skeleton: of the people; None: MPII's or PoseTrack's own.
        protocol: says whose point ids they are.

    Returns:
        One entry for each of the file's: its image's name, or its number in the file, from 1, where it has
        none; `place_entries` finds the groups.

    Raises:
        DataError: the file is damaged, foreign, or a field is wrong or missing; names it and the remedy.
    """
    skeleton = skeleton or load_skeleton(SKELETONS[protocol])
    variable, entries = load_annolist(path, "pred")
    reader = PointReader(path, protocol, skeleton, "pred")
    images = []
    for i, entry in enumerate(entries, start=1):
        where = f"{variable}({i})"
        rects = reader.rects(where, entry)
        people = [_person(reader, f"{where}.annorect({j})", rect) for j, rect in enumerate(rects, start=1)]
        found = [person for person in people if person is not None]
        images.append(ImagePredictions(reader.name(where, entry) or i, found))
    notes = reader.foreign_ids()
    if reader.unscored:
        notes.append(
            f"{reader.unscored} of {reader.points} points of {path} have no score: each counts as -9999 and "
            "ranks below all others"
        )
    if reader.doubles:
        notes.append(f"{reader.doubles} points of {path} repeat an id of their person: the first counts")
    return Predictions(path, skeleton, None, images, notes)


def _person(reader: PointReader, where: str, rect: Struct) -> Person | None:
    rows = reader.read(where, rect, keep_lost=False)
    present = ~np.isnan(rows[:, 0])
    if not present.any():
        return None
    keypoints = np.where(present[:, None], np.column_stack([rows[:, :2], np.full(len(rows), VISIBLE)]), 0)
    known = rows[~np.isnan(rows[:, 2]), 2]
    score = reader.number(rect, "score", where)
    if score is None or not np.isfinite(score):
        score = float(known.mean()) if len(known) else UNSCORED
    scores = np.where(present, np.where(np.isnan(rows[:, 2]), UNSCORED, rows[:, 2]), 0)
    return Person(keypoints, scores=scores, score=float(score))


def place_entries(
    found: Predictions, places: Sequence[tuple[str, int]] | None, frames: Sequence[Frame] = ()
) -> None:
    """Say of each entry of a MATLAB file which group it is of.

    The toolkit wants one entry for each group, in the truth's order. Here the k-th of an image's name is of
    that image's k-th group; one entry of an image with several groups is of all of them, and each takes the
    people near it. Where the numbers differ otherwise, as of a truth that holds some of an image's groups,
    each group has the entry whose people lie most as its own do, and entries left over are passed over.
    Entries without names go by their number.

    Args:
        found: of `read_annolist_predictions`; image and group of its entries are set, and notes added.
        places: image and group of each entry of the truth; None: the truth knows images alone.
        frames: of the truth, whose groups may have places.

    Raises:
        DataError: numbers of entries differ and groups have no places, or some entries have names and others
            not.
    """
    names = [entry.image for entry in found.images]
    if not names:
        return
    nameless = [isinstance(name, int) for name in names]
    if any(nameless) and not all(nameless):
        number = nameless.index(True) + 1
        raise BrokenFile(
            found.path, f"is missing in entry {number}, though others have it", "image.name", "pred"
        )
    if all(nameless):
        if places is None or len(places) != len(names):
            wanted = "images by name" if places is None else f"{len(places)} entries"
            raise BrokenFile(
                found.path,
                f"is missing, and the truth has {wanted} where this has {len(names)} entries: give "
                "image.name, or one entry for each of the truth's in its order",
                "image.name",
                "pred",
            )
        for entry, (name, group) in zip(found.images, places, strict=True):
            entry.image, entry.group = name, group
        return
    groups = None if places is None else Counter(name for name, _ in places)
    boxes = {frame.name: [group.box for group in frame.groups] for frame in frames}
    own: dict[str, list[ImagePredictions]] = {}
    for entry in found.images:
        own.setdefault(str(entry.image), []).append(entry)
    whole = 0
    left_over: list[ImagePredictions] = []
    for name, entries in own.items():
        # a truth of images has one for each; an unknown image is told when it is looked for
        count = 1 if groups is None else groups.get(name, len(entries))
        if len(entries) == 1:
            whole += count > 1
        elif len(entries) == count:
            for number, entry in enumerate(entries):
                entry.group = number
        else:
            known = [box for box in boxes.get(name, ()) if box is not None]
            if groups is None or len(known) != count:
                raise DataError(
                    f"pred={found.path}: {name} has {len(entries)} entries, in the truth {count}: give one "
                    "for each of its groups, or one for the whole image"
                )
            left_over += _place_by_people(entries, np.array(known), found.skeleton)
    if whole:
        found.notes.append(
            f"of {whole} images with several groups {found.path} has one entry: it is of all of them, and "
            "each takes the people near it"
        )
    if left_over:
        passed = {id(entry) for entry in left_over}
        found.images = [entry for entry in found.images if id(entry) not in passed]
        found.notes.append(
            f"{len(left_over)} entries of {found.path} are of groups that the truth lacks: passed over"
        )


def _place_by_people(
    entries: Sequence[ImagePredictions], boxes: np.ndarray, skeleton: Skeleton
) -> list[ImagePredictions]:
    """Give entries of one image the groups whose places are most like those of their people.

    Args:
        entries: their groups are set.
        boxes: (G, 4) place of each group.
        skeleton: of the people.

    Returns:
        The entries that are left over.
    """
    spread = np.full((len(entries), 4), np.inf)
    for number, entry in enumerate(entries):
        if entry.people:
            points = np.stack([person.keypoints for person in entry.people])[:, skeleton.scored]
            centres = mean_points(points[..., :2], points[..., 2] > 0)
            spread[number] = *np.fmin.reduce(centres), *np.fmax.reduce(centres)
    apart = np.abs(spread[:, None] - boxes).sum(axis=2)  # (E, G) pixels
    chosen, group = linear_sum_assignment(np.where(np.isfinite(apart), apart, 1e9))  # nobody: comes last
    for number, place in zip(chosen.tolist(), group.tolist(), strict=True):
        entries[number].group = place
    return [entry for number, entry in enumerate(entries) if number not in chosen]


def write_annolist_predictions(
    path: Path,
    people: Mapping[str, Sequence[Person]],
    frames: Sequence[Frame],
    skeleton: Skeleton,
    protocol: Protocol,
) -> int:
    """Write predictions as `pred`, whole or not at all: one entry for each group, its people near its place.

    Frames that the protocol passes over (`Frame.evaluated`) have none.

    Args:
        path: of the file.
        people: name of frame -> its people, original pixels.
        frames: in the truth's order.
        skeleton: of the people; keypoints without an id of the protocol stay out.
        protocol: says whose point ids are written.

    Returns:
        How many of the groups have nobody near their place.
    """
    ids = [(number, skeleton.find(name)) for number, name in enumerate(joint_ids(protocol))]
    known = [(number, index) for number, index in ids if index is not None]
    entries: list[Struct] = []
    for frame in (frame for frame in frames if frame.evaluated):
        for group in people_of_groups(people.get(frame.name, []), frame, skeleton):
            rects = [_rect(person, known) for person in group]
            entries.append({"image": {"name": frame.name}, "annorect": rects or None})
    write_mat(path, {VARIABLE: entries})
    return sum(entry["annorect"] is None for entry in entries)


def _rect(person: Person, ids: Sequence[tuple[int, int]]) -> Struct:
    scores = np.broadcast_to(person.score if person.scores is None else person.scores, person.present.shape)
    points = [
        {
            "x": float(person.keypoints[index, 0]) + ORIGIN,
            "y": float(person.keypoints[index, 1]) + ORIGIN,
            "id": float(number),
            "score": float(scores[index]),
        }
        for number, index in ids
        if person.keypoints[index, 2] > 0
    ]
    return {"annopoints": {"point": points or None}, "score": float(person.score)}
