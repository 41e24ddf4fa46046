"""`Originals`: the files that a prediction reads, which none of its outputs may replace."""

from collections.abc import Iterable
from pathlib import Path

from dancepose.errors import ConfigError


class Originals:
    """Knows the files that were given, by whatever name they are reached.

    Args:
        paths: of the files; one that does not exist is passed over.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known: dict[tuple[int, int], Path] = {}
        for path in paths:
            if (key := _identity(path)) is not None:
                self._known[key] = path

    def check(self, target: Path) -> None:
        """Refuse to write over one of the files.

        Args:
            target: where something is to be written.

        Raises:
            ConfigError: it is one of them; names both, and the remedy.
        """
        key = _identity(target)
        if key is not None and (source := self._known.get(key)) is not None:
            raise ConfigError(
                f"{target} would overwrite source {source}: write elsewhere, with another hydra.run.dir=..."
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, which are the same under all its names; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
