"""People as rows of a table: `predictions.csv`, and the files of tracks."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np

from dancepose.records import Frame
from dancepose.skeleton import Skeleton

Row = list[Any]  # a value for each column


def csv_header(skeleton: Skeleton, classes: Sequence[str]) -> list[str]:
    """Return the columns of `predictions.csv`."""
    points = [f"{name}_{axis}" for name in skeleton.keypoints for axis in ("x", "y", "score")]
    likely = [f"p_{name}" for name in classes]
    head = ["image", "time", "person", "track", "score", "box_x", "box_y", "box_width", "box_height"]
    return [*head, "action", *likely, *points]


def csv_rows(frame: Frame, classes: Sequence[str], time: float | None = None) -> list[Row]:
    """Return a row for each person; what is not known or was not found is empty."""
    rows = []
    for number, person in enumerate(frame.people):
        scores = np.broadcast_to(
            person.score if person.scores is None else person.scores, person.present.shape
        )
        points: list[Any] = []
        for (x, y, _), score, there in zip(
            person.keypoints.tolist(), scores.tolist(), person.present, strict=True
        ):
            points += [round(x, 3), round(y, 3), round(score, 4)] if there else [None] * 3
        box = [None] * 4 if person.box is None else np.round(person.box, 3).tolist()
        likely = [None] * len(classes)
        if person.probabilities is not None:
            likely = np.round(np.asarray(person.probabilities, np.float64), 6).tolist()
        head = [frame.name, time, number, person.track, round(float(person.score), 4), *box, person.action]
        rows.append([*head, *likely, *points])
    return rows


def csv_text(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as they stand in a file, in UTF-8; names that are not keep their bytes."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="surrogateescape")
