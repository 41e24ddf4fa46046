"""What an evaluation of a motion run leaves on disk: figures with intervals, samples, pictures."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.files import write_bytes, write_json
from dancepose.inference.action_charts import draw_confusion, draw_reliability
from dancepose.inference.drawing import write_image
from dancepose.inference.failures import picture_failure_told
from dancepose.metrics.action_result import ActionResult
from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.records import Person
from dancepose.skeleton import Skeleton
from dancepose.sweeps.statistics import Interval, accuracy_interval, macro_f1_interval
from dancepose.tasks.feature_table import FeatureTable
from dancepose.tasks.motion_sheets import mistake_sheet, sample_sheet
from dancepose.tasks.people_table import csv_text
from dancepose.text_table import aligned

log = logging.getLogger(__name__)

SMALL = 10  # classes up to which the confusion matrix is printed


def write_motion_report(
    folder: Path,
    part: str,
    result: ActionResult,
    samples: MotionSamples,
    about: Mapping[str, Any],
    pictures: int = 12,
    crop: Callable[[int], np.ndarray | None] | None = None,
    people: Sequence[Person] | None = None,
    skeleton: Skeleton | None = None,
    features: FeatureTable | None = None,
) -> None:
    """Write the files of a part and print its table.

    They are `<part>.json`, `per_sample.npz`, `<part>_confusion.csv` (labels by row, predictions by column),
    where the network takes features of keypoints `<part>_features.csv`, and under `pictures/`
    `<part>_confusion.png`, `<part>_reliability.png`, `<part>_samples.jpg` and, where anything was mistaken,
    `<part>_mistakes.jpg`. A picture that cannot be drawn is told and left out.

    Args:
        folder: run directory or output folder.
        part: train, val or test; `all` where the data are not divided.
        result: of `ActionScores.compute`, over all processes.
        samples: the same samples, of all processes.
        about: what a result carries besides: data set, split hash, checkpoint.
        pictures: how many samples, and mistakes, a sheet shows; 0 draws nothing, the other pictures neither.
        crop: returns the picture (H, W, 3) uint8 RGB of a sample, by its place; None where it has none.
        people: the person of each sample, drawn where there is no picture.
        skeleton: of the people.
        features: what the samples' features are like; None where the network takes none.

    Raises:
        ValueError: the result is of other samples.
    """
    _check_same(result, samples)
    intervals = result_intervals(samples)
    table = {
        **about,
        "part": part,
        "scores": result.to_dict(),
        "clips": count_clips(samples),
        "intervals": {name: asdict(interval) for name, interval in intervals.items()},
        "telling_features": {} if features is None else features.most_telling(),
    }
    write_json(folder / f"{part}.json", table)
    samples.save(folder / FILE)
    write_bytes(folder / f"{part}_confusion.csv", csv_text(_matrix(result)))
    if features is not None:
        write_bytes(folder / f"{part}_features.csv", csv_text(features.rows()))
    # when the figures are kept: whoever reads may close the pipe in the midst of the table
    _print(part, result, table["clips"], intervals)
    _print_about(table)
    if not pictures:
        return
    title = ", ".join(filter(None, [str(about.get("data") or ""), "" if part == "all" else f"{part} part"]))
    for name, draw in (("confusion", draw_confusion), ("reliability", draw_reliability)):
        path = folder / "pictures" / f"{part}_{name}.png"
        with picture_failure_told(str(path)):
            write_image(path, draw(result, title))
    shown = samples, pictures, crop, people, skeleton
    for name, make in (("samples", sample_sheet), ("mistakes", mistake_sheet)):
        path = folder / "pictures" / f"{part}_{name}.jpg"
        with picture_failure_told(str(path)):
            path.unlink(missing_ok=True)  # an earlier one would stay where there is nothing to show now
            sheet = make(*shown)
            if sheet is not None:
                write_image(path, sheet)


def tell_motion_report(folder: Path, part: str) -> None:
    """Print the table of a part from the files of an earlier `write_motion_report`, and its pictures' paths.

    Raises:
        BrokenFile: `<part>.json` is missing, or no report.
    """
    path = folder / f"{part}.json"
    found = load_mapping(path)
    try:
        result = ActionResult.from_dict(found["scores"])
        intervals = {name: Interval(**values) for name, values in found["intervals"].items()}
        _print(part, result, found["clips"], intervals)
        _print_about(found)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"is no report of this version ({error}): remove it and evaluate again"
        raise BrokenFile(path, what) from None
    for picture in sorted((folder / "pictures").glob(f"{part}_*")):
        log.info("%s", picture)


def result_intervals(samples: MotionSamples) -> dict[str, Interval]:
    """Return 95 % intervals of what a report says: `accuracy`, `macro_F1`, `class <name>` of each class.

    They are of whole clips where samples have any.
    """
    predicted, clips = samples.predicted, samples.clustered
    correct = predicted == samples.labels
    found = {
        "accuracy": accuracy_interval(correct, clips),
        "macro_F1": macro_f1_interval(samples.labels, predicted, len(samples.classes), clips),
    }
    for number, name in enumerate(samples.classes):
        own = np.flatnonzero(samples.labels == number)
        found[f"class {name}"] = accuracy_interval(correct[own], clips and [clips[i] for i in own])
    return found


def _check_same(result: ActionResult, samples: MotionSamples) -> None:
    if result.classes != samples.classes:
        raise ValueError(f"a result of classes {result.classes}, samples of classes {samples.classes}")
    counts = np.bincount(samples.labels, minlength=len(samples.classes)).tolist()
    if list(result.counts.values()) != counts:
        raise ValueError(
            f"a result of {result.counts}, samples of {counts}: were those of all processes gathered?"
        )


def count_clips(samples: MotionSamples) -> dict[str, Any] | None:
    """Return how many clips there are: `all`, and `classes`, name -> number; None where none is from a clip.

    A sample of no clip counts as one of its own.
    """
    if samples.clustered is None:
        return None

    def count(which: np.ndarray) -> int:
        own = [samples.clips[i] for i in np.flatnonzero(which)]
        return len(set(own) - {None}) + own.count(None)

    classes = {name: count(samples.labels == i) for i, name in enumerate(samples.classes)}
    return {"all": count(np.ones(len(samples), bool)), "classes": classes}


def _print_about(about: Mapping[str, Any]) -> None:
    """Print what must stand beside the figures of some networks."""
    if about.get("rejected") is not None:
        log.info("rejected as none of the classes: %.1f %%; it changes no figure", 100 * about["rejected"])
    if difference := about.get("difference_from_paper"):
        log.info("differs from its paper: %s", difference)
    if without := about.get("without"):
        log.info("tested without %s: taken away from everybody (data.test_without)", ", ".join(without))
    if telling := about.get("telling_features"):
        told = ", ".join(f"{name} {share:.2f}" for name, share in telling.items())
        log.info(
            "features that tell the classes apart most (share of their variance between classes): %s", told
        )


def _print(
    part: str,
    result: ActionResult,
    clips: Mapping[str, Any] | None,
    intervals: Mapping[str, Interval],
) -> None:
    """Print the table, and below it what must be said."""
    rows = [["", "samples", "clips", "accuracy %", "95 % interval", "precision %"]]
    precision = result.class_precision
    for name, accuracy in result.class_accuracy.items():
        cells = [str(result.counts[name]), str(clips["classes"][name]) if clips else "-", _percent(accuracy)]
        rows.append([name, *cells, _ends(intervals[f"class {name}"]), _percent(precision[name])])
    cells = [str(result.samples), str(clips["all"]) if clips else "-", _percent(result.accuracy)]
    rows.append(["all", *cells, _ends(intervals["accuracy"]), ""])
    title = f"{result.samples} samples" if part == "all" else f"{part} part"
    log.info("%s\n%s", title, "\n".join(aligned(rows)))
    ece = "-" if result.ece is None else f"{result.ece:.3f}"
    log.info(
        "macro-F1 %s %% (%s), mean of the classes' accuracies %s %%, expected calibration error %s",
        _percent(result.macro_f1),
        _ends(intervals["macro_F1"]),
        _percent(result.mean_class_accuracy),
        ece,
    )
    if most := result.most_frequent:
        log.info("the most frequent class alone, %s, would be right in %s %%", most[0], _percent(most[1]))
    if len(result.classes) <= SMALL:
        log.info("labels by row, predictions by column:\n%s", "\n".join(aligned(_matrix(result))))
    for name in ("accuracy", "macro_F1"):
        log.info("interval of %s: %s", name, intervals[name].words)
    for name, interval in intervals.items():
        if interval.note and not (name.startswith("class ") and not result.counts[name[6:]]):
            log.info("note: %s: %s", name, interval.note)


def _matrix(result: ActionResult) -> list[list[str]]:
    """Return the confusion matrix with its names, labels by row, predictions by column."""
    rows = [["", *result.classes]]
    rows += [[n, *map(str, row)] for n, row in zip(result.classes, result.confusion.tolist(), strict=True)]
    return rows


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _ends(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "-"
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
