import json

import numpy as np
from pose_cases import found, frame_of, line_person

from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.table import ResultRow, details, plain_table
from dancepose.records import Frame
from dancepose.skeleton import load_skeleton

ALL15 = load_skeleton("posetrack15")
A, B = line_person(ALL15), line_person(ALL15, 1000)


def score(frames, predictions):
    metric = MPIIMeanAP(ALL15)
    metric.update(predictions, frames)
    return metric.compute()


def test_row_is_plain_and_shown_whole():
    frames = [
        frame_of(ALL15, A),
        Frame(np.zeros((4, 4, 3), np.uint8), (4, 4), [], "posetrack15", complete=False),
    ]
    row = score(frames, [[found(A)], [found(B)]])
    assert json.loads(json.dumps(row.to_dict())) == row.to_dict()
    rows = {"val": row, "test": row}
    lines = plain_table(rows).splitlines()
    assert len(lines) == 3 and len({len(line) for line in lines}) == 1
    assert lines[0].split()[:5] == ["metric", "Head", "Shoulder", "Elbow", "Wrist"]
    text = "\n".join(details(row))
    assert "reference length by rule: head_box 100.0%\n" in text
    assert "images 2" in text and "outside group" not in text
    assert "note: images not completely labelled: 1" in text


def test_rows_with_other_columns_stand_below():
    row = score([frame_of(ALL15, A)], [[found(A)]])
    other = type(row)("OKS", {"AP": 12.34, "AR": None}, "AP")
    assert other.value == 12.34
    lines = plain_table({"a": row, "b": other}).splitlines()
    assert lines[2].split() == ["metric", "AP", "AR"]
    assert lines[3].split() == ["b", "OKS", "12.3", "-"]


def test_nothing_but_images_people_and_predictions_is_told_when_it_is_zero():
    counts = {"images": 0, "people": 0, "predictions": 0, "groups": 0}
    row = ResultRow("OKS", {"AP": None}, "AP", counts=counts)
    assert details(row) == ["images 0, people 0, predictions 0"]
