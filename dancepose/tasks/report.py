"""What an evaluation leaves on disk: figures, curves, predictions, best, median and worst frames."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from dancepose.data.annolist_predictions import FILE as MAT_FILE
from dancepose.data.annolist_predictions import write_annolist_predictions
from dancepose.data.coco_results import write_coco_results
from dancepose.data.images import read_image
from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.data.prediction_writer import write_predictions
from dancepose.files import write_json
from dancepose.inference.charts import draw_curves
from dancepose.inference.drawing import contact_sheet, draw_comparison, write_image
from dancepose.inference.failures import picture_failure_told
from dancepose.metrics.curves import RECALLS
from dancepose.metrics.matching import Protocol
from dancepose.metrics.mpii import TITLES, matched_shares
from dancepose.metrics.pose_images import FILE, match_images
from dancepose.metrics.single_pictures import name_pictures
from dancepose.metrics.table import ResultRow, column_curves, details, plain_table
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton
from dancepose.tasks.evaluation import Prediction

log = logging.getLogger(__name__)

PROTOCOLS: dict[str, Protocol] = {TITLES[protocol]: protocol for protocol in get_args(Protocol)}


def write_report(
    folder: Path,
    part: str,
    result: dict[str, Any],
    predictions: Sequence[Prediction],
    frames: Sequence[Frame],
    skeleton: Skeleton,
    about: dict[str, Any],
    pictures: int = 4,
    coco: bool = False,
    mat: bool = False,
    notes: Sequence[str] = (),
) -> None:
    """Write the files of a part and print its table.

    They are `<part>.json`, `<part>_curves.json`, `predictions.json`, `per_image.npz` (of which comparisons
    of runs are made), `pictures/<part>_curves.png` and `pictures/<part>_frames.jpg`. A picture that cannot be
    drawn is told and left out.

    Args:
        folder: run directory or output folder.
        part: train, val or test; `all` where the data are not divided.
        result: of `PoseEvaluation.compute`.
        predictions: name of each frame that was predicted, and its people.
        frames: the truth, in the data set's order; frames that were not predicted (a limited run) are left
            out.
        skeleton: of both.
        about: what a result row carries besides: data set, split hash, flip and scales.
        pictures: how many best, median and worst frames the sheet shows; 0 draws nothing, curves neither.
        coco: also write `coco_results.json`.
        mat: also write `pred_keypoints_mpii_multi.mat`, the form of MPII's toolkit.
        notes: what must be said beside all figures.
    """
    people = dict(predictions)
    singles = name_pictures(result["rows"], frames)
    frames = [frame for frame in frames if frame.name in people]
    rows = result["rows"]
    nobody = [] if any(people.values()) else ["nobody was found in any of these pictures"]
    for row in rows.values():
        row.notes.extend([*notes, *nobody])
    about = {**about, "part": part, "images": len(frames)}
    values = {label: row.to_dict() for label, row in rows.items()}
    write_json(folder / f"{part}.json", {**about, "rows": values})
    write_json(folder / f"{part}_curves.json", about | curve_values(rows["mAP"], skeleton))
    write_predictions(folder / "predictions.json", predictions, skeleton, about.get("split"), frames)
    protocol = PROTOCOLS[rows["mAP"].metric]  # images are matched by the rule of the figure that is printed
    replace(match_images(people, frames, skeleton, protocol), singles=singles).save(folder / FILE)
    if coco:
        write_coco_results(folder / "coco_results.json", people, frames)
    if mat:
        write_annolist_predictions(folder / MAT_FILE, people, frames, skeleton, protocol)
    # when the figures are kept: whoever reads may close the pipe in the midst of the table
    _print(f"{len(frames)} pictures" if part == "all" else f"{part} part", rows)
    if not pictures:
        return
    title = ", ".join(filter(None, [about.get("data"), "" if part == "all" else f"{part} part"]))
    path = folder / "pictures" / f"{part}_curves.png"
    with picture_failure_told(str(path)):
        write_image(path, draw_curves(rows, skeleton, title))
    path = folder / "pictures" / f"{part}_frames.jpg"
    with picture_failure_told(str(path)):
        sheet = frame_sheet(people, frames, skeleton, pictures, protocol)
        if sheet is not None:
            write_image(path, sheet)


def tell_report(folder: Path, part: str) -> None:
    """Print the table of a part from the files of an earlier `write_report`, and where its pictures are.

    Raises:
        BrokenFile: `<part>.json` is missing, or no report.
    """
    path = folder / f"{part}.json"
    found = load_mapping(path)
    try:
        rows = {label: ResultRow(**values) for label, values in found["rows"].items()}
        _print(f"{part} part", rows)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"is no report of this version ({error}): remove it and evaluate again"
        raise BrokenFile(path, what) from None
    for picture in sorted((folder / "pictures").glob(f"{part}_*")):
        log.info("%s", picture)


def _print(title: str, rows: Mapping[str, ResultRow]) -> None:
    """Print a table, and below it what must be said of each row, and of all of them once."""
    log.info("%s\n%s", title, plain_table(rows))
    told = {label: details(row) for label, row in rows.items()}
    of_all = [line for line in next(iter(told.values()), []) if all(line in lines for lines in told.values())]
    of_all = [line for line in of_all if line.startswith("note: ")] if len(told) > 1 else []
    for label, lines in told.items():
        for line in lines:
            if line not in of_all:
                log.info("%s: %s", label, line)
    for line in of_all:
        log.info("%s", line)


def curve_values(row: ResultRow, skeleton: Skeleton) -> dict[str, Any]:
    """Return in plain values the curves of a row of `MPIIMeanAP`, for JSON.

    Returns:
        `metric`; `people`, the labelled ones; `recall`, 101 from 0 to 1; `columns`: report column -> its `AP`
        (percent, the exact area under the steps, which 101 points only show) and its `precision` (0 to 1 at
        each recall), both None without truth.
    """
    curves = column_curves(row, skeleton)
    columns = {
        name: {"AP": row.columns[name], "precision": None if curve is None else curve.tolist()}
        for name, curve in curves.items()
    }
    people = row.counts["people"]
    return {"metric": row.metric, "people": people, "recall": RECALLS.tolist(), "columns": columns}


def frame_sheet(
    people: dict[str, list[Person]],
    frames: Sequence[Frame],
    skeleton: Skeleton,
    count: int,
    protocol: Protocol,
) -> np.ndarray | None:
    """Draw the best, median and worst frames, truth beside prediction; None where no frame can be judged.

    A frame is judged by the share of its annotated joints that the assigned predictions hit (PCKh@0.5 with
    the assignment of the protocol). Frames whose picture is not there are left out: labels and
    predictions can be scored without it.
    """
    there = [f for f in frames if isinstance(f.image, np.ndarray) or (f.image and f.image.is_file())]
    if len(there) < len(frames):
        log.info(
            "%d of %d pictures are not there: left out of the contact sheet",
            len(frames) - len(there),
            len(frames),
        )
    judged = matched_shares([people.get(f.name, []) for f in there], there, skeleton, protocol)
    shared = [(share, f) for share, f in zip(judged, there, strict=True) if share is not None]
    known = sorted(shared, key=lambda pair: (-pair[0], pair[1].name))
    if not known:
        return None
    middle = max(0, len(known) // 2 - count // 2)
    picks = {"best": known[:count], "median": known[middle : middle + count], "worst": known[-count:]}
    shares = [share for share, _ in known]
    images, captions, seen = [], [], set()
    for kind, chosen in picks.items():
        for share, frame in chosen:
            if frame.name in seen:
                continue
            seen.add(frame.name)
            found = people.get(frame.name, [])
            if shares[0] == shares[-1]:
                word = ""
            elif len(known) < 3 * count:  # all are shown, and the groups run into each other
                word = {shares[0]: "best: ", shares[-1]: "worst: "}.get(share, "")
            else:
                word = f"{kind}: "
            images.append(draw_comparison(read_image(frame.image), frame.people, found, skeleton, side=276))
            captions.append(f"{word}{share:.0%} of the joints  {frame.name}")
    return contact_sheet(images, captions, tile=576, title="truth | prediction")
