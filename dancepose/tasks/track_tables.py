"""A CSV file for each track of a video."""

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Self

from dancepose.files import Appended, unwritable
from dancepose.inference.interface import Prediction
from dancepose.skeleton import Skeleton
from dancepose.tasks.people_table import csv_header, csv_rows, csv_text

FRAMES = 100  # after which the file of a track that was not seen again is closed


class TrackTables:
    """Writes `<folder>/<track>.csv`: a row for each frame that the person is in; a context manager.

    The columns are those of `predictions.csv`. Rows are written at once, those of a frame all or none, and
    whole. Only files of tracks that were seen lately are open.

    Args:
        folder: of the files.
        skeleton: of the people.
        classes: that are told apart.

    Raises:
        DanceposeError: a file cannot be written.
    """

    def __init__(self, folder: Path, skeleton: Skeleton, classes: tuple[str, ...]) -> None:
        self.folder, self.skeleton, self.classes = folder, skeleton, classes
        self._open: dict[int, tuple[BinaryIO, Appended]] = {}
        self._seen: dict[int, int] = {}  # track -> frame, of the open ones
        self._begun: set[int] = set()
        self._frame = 0

    def write(self, prediction: Prediction, time: float) -> None:
        """Write the people of the next frame; those without a track are passed over."""
        rows = csv_rows(prediction.frame, self.classes, time)
        with ExitStack() as back:  # where one does not fit, the rows of the others go, too
            for person, row in zip(prediction.frame.people, rows, strict=True):
                if (track := person.track) is not None:
                    begun, head = track in self._begun, [csv_header(self.skeleton, self.classes)]
                    file = self._file(track)
                    if not begun:
                        back.callback(self._unlink, track)
                    file.append(csv_text([row] if begun else [*head, row]))
                    if begun:
                        back.callback(file.take_back)
                    self._seen[track] = self._frame
            back.pop_all()
        self._frame += 1
        for track in [t for t, frame in self._seen.items() if frame < self._frame - FRAMES]:
            self._open.pop(track)[0].close()
            del self._seen[track]

    def _path(self, track: int) -> Path:
        return self.folder / f"{track:04d}.csv"

    def _file(self, track: int) -> Appended:
        path = self._path(track)
        if track not in self._open:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                file = path.open("r+b" if track in self._begun else "wb")
            except OSError as error:
                raise unwritable(path, error) from error
            whole = path.stat().st_size if track in self._begun else 0
            self._open[track] = file, Appended(path, file, whole=whole)
            self._begun.add(track)
        return self._open[track][1]

    def _unlink(self, track: int) -> None:
        self._open.pop(track)[0].close()
        self._seen.pop(track, None)
        self._begun.discard(track)
        self._path(track).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for file, _ in self._open.values():
            file.close()
