"""A CSV file for each track of a video."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Self

from dancepose.files import Appended, unwritable
from dancepose.records import Person
from dancepose.skeleton import Skeleton
from dancepose.tasks.people_table import Row, csv_header, csv_text

FRAMES = 100  # after which the file of a track that was not seen again is closed
OPEN = 64  # files, besides those of the last frame: a process may have some hundreds


class TrackTables:
    """Writes `<folder>/<track>.csv`: a row for each frame that the person is in; a context manager.

    The columns and rows are those of `predictions.csv`. Rows are written at once, and whole. Only files of
    tracks that were seen lately are open.

    Args:
        folder: of the files.
        skeleton: of the people.
        classes: that are told apart.

    Raises:
        DanceposeError: a file cannot be written.
    """

    def __init__(self, folder: Path, skeleton: Skeleton, classes: tuple[str, ...]) -> None:
        self.folder, self._header = folder, csv_header(skeleton, classes)
        self._open: dict[int, tuple[BinaryIO, Appended]] = {}
        self._seen: dict[int, int] = {}  # track -> frame, of the open ones
        self._begun: set[int] = set()
        self._frame = 0

    def write(self, people: Sequence[Person], rows: Sequence[Row], back: ExitStack) -> None:
        """Write the people of the next frame; those without a track are passed over.

        Args:
            people: of the frame.
            rows: theirs, as `csv_rows` makes them.
            back: gets what takes the rows back; it is closed where one does not fit, or something after it.
        """
        for person, row in zip(people, rows, strict=True):
            if (track := person.track) is not None:
                begun, file = track in self._begun, self._file(track)
                if not begun:
                    back.callback(self._unlink, track)
                file.append(csv_text([row] if begun else [self._header, row]))
                if begun:
                    back.callback(file.take_back)
                self._seen[track] = self._frame
        self._frame += 1
        # not those of this frame, for `back` may still take their rows back
        earlier = sorted((frame, t) for t, frame in self._seen.items() if frame < self._frame - 1)
        surplus = max(0, len(self._open) - OPEN)
        over = {t for frame, t in earlier if frame < self._frame - FRAMES}
        for track in over | {t for _, t in earlier[:surplus]}:
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
