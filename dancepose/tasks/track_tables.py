"""A CSV file for each track of a video."""

import csv
from pathlib import Path
from typing import Any, Self, TextIO

from dancepose.errors import DanceposeError
from dancepose.inference.interface import Prediction
from dancepose.skeleton import Skeleton
from dancepose.tasks.prediction_outputs import csv_header, csv_rows

FRAMES = 100  # after which the file of a track that was not seen again is closed


class TrackTables:
    """Writes `<folder>/<track>.csv`: a row for each frame that the person is in; a context manager.

    The columns are those of `predictions.csv`. Rows are written at once. Only files of tracks that were seen
    lately are open.

    Args:
        folder: of the files.
        skeleton: of the people.
        classes: that are told apart.

    Raises:
        DanceposeError: a file cannot be written.
    """

    def __init__(self, folder: Path, skeleton: Skeleton, classes: tuple[str, ...]) -> None:
        self.folder, self.skeleton, self.classes = folder, skeleton, classes
        self._open: dict[int, TextIO] = {}
        self._seen: dict[int, int] = {}  # track -> frame, of the open ones
        self._begun: set[int] = set()
        self._frame = 0

    def write(self, prediction: Prediction, time: float) -> None:
        """Write the people of the next frame; those without a track are passed over."""
        people = prediction.frame.people
        try:
            rows = csv_rows(prediction.frame, self.classes, time)
            for person, row in zip(people, rows, strict=True):
                if person.track is not None:
                    self._file(person.track).writerow(row)
                    self._open[person.track].flush()
                    self._seen[person.track] = self._frame
            self._frame += 1
            for track in [t for t, frame in self._seen.items() if frame < self._frame - FRAMES]:
                self._open.pop(track).close()
                del self._seen[track]
        except OSError as error:
            raise DanceposeError(f"{self.folder} cannot be written: {error.strerror or error}") from error

    def _file(self, track: int) -> Any:
        if track not in self._open:
            self.folder.mkdir(parents=True, exist_ok=True)
            path, again = self.folder / f"{track:04d}.csv", track in self._begun
            self._open[track] = path.open("a" if again else "w", encoding="utf-8", newline="")
            self._begun.add(track)
            if not again:
                _writer(self._open[track]).writerow(csv_header(self.skeleton, self.classes))
        return _writer(self._open[track])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        for file in self._open.values():
            file.close()


def _writer(file: TextIO) -> Any:
    return csv.writer(file, lineterminator="\n")
