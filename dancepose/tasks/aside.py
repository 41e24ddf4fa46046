"""What a run directory held before, kept aside in it until the run that takes its place is worth more.

A run that begins anew in the folder of another (`rerun=stale`, say) may fail before its first epoch, or be
killed at any moment. So the old files are moved into a folder beside the new ones, by renaming alone, and
come back unless the new run gets somewhere. Each state that a kill can leave is told by names:

- `.old.moving`: files are on their way in or out; none of the others is new. They belong back.
- `.old`: all are in; what is beside it is new.
- `.old.gone`: nobody needs what is in it.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

OLD, MOVING, GONE = ".old", ".old.moving", ".old.gone"
STAYING = ("log", "output")  # are being written, by the process or by its launcher, and are added to


class Aside:
    """The files of an earlier run in the folder of another. Who calls holds the folder for itself.

    Args:
        folder: the run directory.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._old, self._moving, self._gone = (folder / name for name in (OLD, MOVING, GONE))

    @property
    def is_left(self) -> bool:
        """Whether something of it is there."""
        return any(path.exists() for path in (self._old, self._moving, self._gone))

    @property
    def is_whole(self) -> bool:
        """Whether all of an earlier run is aside, so that what is beside it is new."""
        return self._old.exists()

    def put_away(self) -> None:
        """Move all that the folder holds aside."""
        self._moving.mkdir()
        for path in list(self._files()):
            path.rename(self._moving / path.name)
        self._moving.rename(self._old)  # from now on what is beside it is new

    def settle(self, is_worth: Callable[[], bool]) -> bool:
        """Put the old files back, or remove them where what is there now is worth more.

        Args:
            is_worth: tells so of what is there now.

        Returns:
            Whether they were put back.
        """
        if not self.is_left:
            return False
        back = self._moving.exists() or (self._old.exists() and not is_worth())
        if self._old.exists():
            if back:
                for path in list(self._files()):
                    self._throw_away(path)
                self._old.rename(self._moving)
            else:
                self._throw_away(self._old)
        if self._moving.exists():
            for path in list(self._moving.iterdir()):
                if (there := self._folder / path.name).exists():  # word of an error that came meanwhile
                    self._throw_away(there)
                path.rename(there)
            self._moving.rmdir()
        shutil.rmtree(self._gone, ignore_errors=True)
        return back

    def standing(self, is_worth: Callable[[], bool]) -> Path:
        """Return where the files lie that `settle` would leave in the folder."""
        if self._old.exists():
            return self._folder if is_worth() else self._old
        # of files that are on their way the one by which a run is known tells where to look
        return self._moving if (self._moving / "metrics.json").exists() else self._folder

    def _files(self) -> Iterator[Path]:
        for path in self._folder.iterdir():
            if path.name not in (*STAYING, OLD, MOVING, GONE):
                yield path

    def _throw_away(self, path: Path) -> None:
        self._gone.mkdir(exist_ok=True)
        path.rename(self._gone / f"{path.name}_{secrets.token_hex(4)}")
