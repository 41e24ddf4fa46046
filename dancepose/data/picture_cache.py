"""Training pictures that are decoded once and kept in memory, where decoding is what a step waits for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.errors import ConfigError
from dancepose.image_files import read_image
from dancepose.progress import track
from dancepose.records import Frame

CACHES = (None, "ram")
CHANNELS = 3
SHARE = 0.8  # of the free memory that pictures may take; the network and its optimizer need theirs
MEMORY, GROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


class PictureCache:
    """Decoded pictures by their file; what is not kept is read as ever, so that no sample depends on it.

    It is filled before the data workers start: where they are forked (Linux) they share one copy.
    """

    def __init__(self) -> None:
        self._kept: dict[Path, np.ndarray] = {}

    def fill(self, frames: Iterable[Frame], copies: int = 1) -> None:
        """Decode and keep the frames' pictures, each once.

        Args:
            frames: those without a picture, or with one in memory, are passed over.
            copies: processes of this machine that keep them, each its own.

        Raises:
            ConfigError: they need more than is free.
            DataError: a picture is missing or broken; names the file.
        """
        sizes = {f.image: f.size for f in frames if isinstance(f.image, Path) and f.image not in self._kept}
        needed = copies * CHANNELS * sum(width * height for width, height in sizes.values())
        free = free_memory()
        if free is not None and needed > SHARE * free:
            raise ConfigError(
                f"data.cache=ram: {len(sizes):,} pictures need {needed / 2**30:.1f} GiB of memory, and "
                f"{free / 2**30:.1f} are free. Give data.cache=null, or fewer pictures (data.limit)"
            )
        for path in track(((1, path) for path in sizes), len(sizes), "decoding pictures"):
            self._kept[path] = read_image(path)
            self._kept[path].flags.writeable = False

    def read(self, image: Path | str | np.ndarray | None) -> np.ndarray:
        """Return a picture as `read_image` does; one that is kept must not be written into."""
        kept = self._kept.get(image) if isinstance(image, Path) else None
        return read_image(image) if kept is None else kept

    def __getstate__(self) -> dict[str, Any]:
        """Leave the pictures out for a worker that is started afresh (macOS, Windows): it reads files."""
        return {"_kept": {}}


def free_memory() -> int | None:
    """Return the bytes that this process may still take, None where the system does not say (not Linux)."""
    try:
        lines = (line.split() for line in MEMORY.read_text().splitlines())
        free = next(1024 * int(words[1]) for words in lines if words[0] == "MemAvailable:")
    except (OSError, StopIteration, ValueError, IndexError):
        return None
    try:  # a container's own limit
        limit, used = (int((GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        shares = dict(line.split() for line in (GROUP / "memory.stat").read_text().splitlines())
        # `used` has what was read of files in it, which the kernel gives up as soon as memory is wanted
        return min(free, limit - used + int(shares["inactive_file"]) + int(shares["active_file"]))
    except (OSError, ValueError, KeyError):  # no limit is called `max`
        return free


def check_cache(cache: str | None) -> str | None:
    """Return the value of `data.cache`.

    Raises:
        ConfigError: it is none of `CACHES`.
    """
    if cache not in CACHES:
        raise ConfigError(f"data.cache={cache}: choose ram or null")
    return cache
