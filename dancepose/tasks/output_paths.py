"""`OutputPaths`: where the files of each picture go, so that none replaces another or what was given."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from dancepose.errors import ConfigError
from dancepose.files import SUFFIX
from dancepose.image_files import SUFFIXES
from dancepose.inference.interface import Item
from dancepose.tasks.originals import Originals

FILES = ("predictions.json", "predictions.jsonl", "predictions.csv", "summary.json")
LONGEST_NAME = 255  # bytes, of a file in all usual file systems
FOLDERS = ("pictures", "heatmaps", "activation", "labelme", "tracks")


class OutputPaths:
    """Names the files that a prediction leaves of a picture.

    Args:
        folder: above them.
        originals: no file is given one of their names.
    """

    def __init__(self, folder: Path, originals: Originals | None = None) -> None:
        self.folder, self.originals = Path(folder), originals or Originals(())
        self._second: dict[str, Path] = {}  # picture -> its Labelme file, where another has the usual name
        self._drawn: set[Path] = set()  # what is drawn of whole pictures

    def check(self, items: Sequence[Item], kinds: Sequence[str], labelme: bool) -> None:
        """Look at all pictures before anything is written.

        Args:
            items: the pictures.
            kinds: `pictures`, `heatmaps`, `activation`: what is drawn of each.
            labelme: whether each gets a Labelme file.

        Raises:
            ConfigError: a file would replace a picture that was given, a Labelme file that is there already,
                or that of another picture; its name would be too long; or something of another prediction is
                there.
        """
        names = list(dict.fromkeys(item.name for item in items if item.error is None))
        for kind in kinds:
            _all_different(names, lambda name, kind=kind: self.drawn(kind, name))  # type: ignore[misc]
        if labelme:
            self._share_out(names)
            _all_different(names, self.labelme)
            for name in names:
                _not_there(self.labelme(name))
        self._drawn = {self.drawn(kind, name) for kind in kinds for name in names}
        _short_enough([*self._drawn, *(self.labelme(name) for name in names if labelme)])
        for path in self._drawn:
            self.originals.check(path)
        self.nothing_there()

    def nothing_there(self, *videos: str) -> None:
        """Refuse a folder that holds anything under the name of an output, of whatever kind it is.

        Args:
            videos: names of the files that are written of a video.

        Raises:
            ConfigError: names what is there; it would be written over, or stay beside what is written now.
        """
        files = [name for name in (*FILES, *videos) if os.path.lexists(self.folder / name)]
        folders = [name for name in FOLDERS if _is_taken(self.folder / name)]
        if begun := [path.name for path in self.folder.glob(f".predictions.*{SUFFIX}")]:
            files.append(f"{begun[0]} (of a prediction that runs, or was killed)")
        if there := [*files, *folders]:
            raise ConfigError(
                f"{self.folder} already holds {', '.join(there)}: write elsewhere, with another "
                "hydra.run.dir=..., or move that away"
            )

    def person(self, kind: str, name: str, number: int) -> Path:
        """Return the path of what is drawn of one person of a picture; no picture as a whole has it."""
        whole = self.drawn(kind, name)
        path, second = whole.with_name(f"{whole.stem}_person_{number}.jpg"), 1
        while path in self._drawn:
            second += 1
            path = whole.with_name(f"{whole.stem}_person_{number}_{second}.jpg")
        return path

    def drawn(self, kind: str, name: str) -> Path:
        """Return the path of what is drawn of a picture; `kind` is the folder."""
        return self.folder / kind / as_jpeg(name)

    def labelme(self, name: str) -> Path:
        """Return the path of a picture's Labelme file: its own name, by which the Labelme program finds it.

        Of two pictures that differ in their ending alone, the second has it in the name of the file.
        """
        return self._second.get(name) or self._usual(name)

    def none_below(self, name: str) -> None:
        """Look at the Labelme files of a video before anything is written.

        Raises:
            ConfigError: there are some already.
        """
        for path in (self.folder / "labelme" / name).glob("*.json"):
            _not_there(path)

    def _usual(self, name: str) -> Path:
        return (self.folder / "labelme" / name).with_suffix(".json")

    def _share_out(self, names: Sequence[str]) -> None:
        taken: set[Path] = set()
        for name in names:
            if (path := self._usual(name)) in taken:
                path = self._second[name] = self.folder / "labelme" / f"{name}.json"
            taken.add(path)


def as_jpeg(name: str) -> str:
    """Return the name of a picture that is drawn, unlike for pictures that differ in their ending alone."""
    path = PurePosixPath(name)
    double = PurePosixPath(path.stem).suffix.lower() in SUFFIXES  # a.png.jpg is what a.png becomes
    return name if path.suffix == ".jpg" and not double else f"{name}.jpg"


def _all_different(names: Sequence[str], path_of: Callable[[str], Path]) -> None:
    first: dict[Path, str] = {}
    for name in names:
        if (other := first.setdefault(path_of(name), name)) != name:
            raise ConfigError(
                f"{other} and {name} would both be written as {path_of(name)}: predict them one by one, into "
                "folders of their own"
            )


def _short_enough(paths: Sequence[Path]) -> None:
    if long := next((path for path in paths if len(os.fsencode(path.name)) > LONGEST_NAME), None):
        raise ConfigError(
            f"{long} cannot be written: its name has more than {LONGEST_NAME} bytes. Rename the picture"
        )


def _is_taken(folder: Path) -> bool:
    """Tell whether a folder cannot be used as a new one: it holds something, is no folder, or is closed."""
    try:
        return bool(os.listdir(folder))
    except OSError:
        return os.path.lexists(folder)


def _not_there(path: Path) -> None:
    if path.exists():
        raise ConfigError(
            f"{path} is there already, and may have been corrected by hand: write elsewhere, with another "
            "hydra.run.dir=..., or move it away"
        )
