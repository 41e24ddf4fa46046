"""CSV files of tracks: one each, also of those that come back after a while."""

import csv
from contextlib import ExitStack

import numpy as np
import pytest

from dancepose.errors import DanceposeError
from dancepose.inference.interface import Item, Prediction
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks.people_table import csv_header, csv_rows, csv_text
from dancepose.tasks.track_tables import FRAMES, OPEN, TrackTables

SKELETON = load_skeleton("mpii15")


def frame(number, *tracks):
    people = [Person(np.full((len(SKELETON), 3), float(number)), track=track) for track in tracks]
    return Prediction(Item(None), Frame(None, (9, 9), people, SKELETON.name, f"clip/{number:06d}"))


def write(tables, prediction, time, classes=()):
    with ExitStack() as back:
        tables.write(prediction.frame.people, csv_rows(prediction.frame, classes, time), back)
        back.pop_all()


def rows(folder, track):
    with open(folder / f"{track:04d}.csv") as file:
        return list(csv.DictReader(file))


def test_each_track_has_its_rows_also_after_a_long_gap(tmp_path):
    back = FRAMES + 5
    with TrackTables(tmp_path, SKELETON, ("wave",)) as tables:
        for number in range(back + 1):
            tracks = [7] if number in (0, 1, back) else []
            write(tables, frame(number, *tracks, None, 2), number / 10, ("wave",))
            assert len(rows(tmp_path, 2)) == number + 1, "written at once"
        assert set(tables._open) == {2, 7}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0002.csv", "0007.csv"]
    assert [row["image"] for row in rows(tmp_path, 7)] == ["clip/000000", "clip/000001", f"clip/{back:06d}"]
    assert [float(row["time"]) for row in rows(tmp_path, 7)] == [0.0, 0.1, back / 10]


def test_a_name_with_a_comma_stays_one_column(tmp_path):
    shown = frame(0, 7).frame
    shown.name = 'a, "b"'
    (tmp_path / "0007.csv").write_bytes(csv_text([csv_header(SKELETON, ()), *csv_rows(shown, ())]))
    assert [row["image"] for row in rows(tmp_path, 7)] == ['a, "b"']


def test_files_of_tracks_that_are_gone_are_closed(tmp_path):
    with TrackTables(tmp_path, SKELETON, ()) as tables:
        for number in range(3 * FRAMES):
            write(tables, frame(number, number), number / 10)
            assert len(tables._open) <= FRAMES + 1
    assert len(list(tmp_path.iterdir())) == 3 * FRAMES


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "tracks").write_text("a file, no folder")
    with (
        TrackTables(tmp_path / "tracks", SKELETON, ()) as tables,
        pytest.raises(DanceposeError, match=r"tracks\S* cannot be written: "),
    ):
        write(tables, frame(0, 1), 0.0)


def test_what_fails_after_them_takes_the_rows_of_a_frame_back(tmp_path):
    with TrackTables(tmp_path, SKELETON, ()) as tables:
        write(tables, frame(0, 1), 0.0)
        with pytest.raises(RuntimeError), ExitStack() as back:
            late = frame(1, 1, 2)
            tables.write(late.frame.people, csv_rows(late.frame, ()), back)
            raise RuntimeError
        assert [row["image"] for row in rows(tmp_path, 1)] == ["clip/000000"]
        assert not (tmp_path / "0002.csv").exists()


def test_no_more_files_are_open_than_a_process_may_have(tmp_path):
    """Many people who are lost again at once, as a weak network finds them."""
    with TrackTables(tmp_path, SKELETON, ()) as tables:
        for number in range(12):
            tracks = [1, *range(2 + 20 * number, 22 + 20 * number)]
            write(tables, frame(number, *tracks), number / 10)
            assert len(tables._open) <= OPEN + len(tracks)
        write(tables, frame(12, 5), 1.2)  # one that was closed
    assert len(list(tmp_path.iterdir())) == 1 + 12 * 20
    assert len(rows(tmp_path, 1)) == 12 and [r["image"] for r in rows(tmp_path, 5)] == [
        "clip/000000",
        "clip/000012",
    ]
