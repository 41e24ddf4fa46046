"""A run's folder: what lies where, written whole or not at all (see README, "A run directory")."""

import copy
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dancepose import __version__
from dancepose.data.json_file import load_mapping
from dancepose.data.split_file import PARTS, read_split
from dancepose.errors import CheckpointError, ConfigError, DataError
from dancepose.files import remove_partial, write_json, write_text
from dancepose.run_yaml import read_yaml
from dancepose.tasks.aside import Aside

log = logging.getLogger(__name__)

FAILED = ".failed"  # made by the first of several processes that fails
PATIENCE = 1.0  # seconds
LABELS = "labels.json"  # name of a picture -> what stands for its labels
BEGUN, WORD = ".begun", ".word"  # the launch that began it anew; why a job did not begin


class RunDirectory:
    """The folder of one run.

    Args:
        path: the folder; made when something is written.
        anew: the launch of a sweep for which what the folder holds makes way, unless this very launch has
            begun it already and it only goes on.
    """

    def __init__(self, path: str | Path, anew: str | None = None):
        self.path = Path(path).resolve()
        self.anew = anew
        self._wandb_id: str | None = None

    @property
    def makes_way(self) -> bool:
        """Whether what the folder holds now makes way for the run, which has not begun."""
        try:
            return self.anew is not None and (self.path / BEGUN).read_text().strip() != self.anew
        except FileNotFoundError:
            return True

    @property
    def is_worth(self) -> bool:
        """Whether something would be lost with the run: a result, or an epoch from which it can go on."""
        return self.read_metrics().get("status") == "done" or (self.checkpoints / "last.ckpt").is_file()

    def make_way(self) -> None:
        """Move what the folder holds aside, for a run that begins now; see `tasks/aside.py`."""
        if not self.makes_way:
            return
        assert self.anew is not None
        self.settle()
        aside, kept = Aside(self.path), self.is_worth
        aside.put_away()
        write_text(self.path / BEGUN, self.anew)
        if kept:
            log.info("begins anew; what was there comes back if no epoch of it ends")
        else:
            aside.settle(lambda: True)

    @property
    def is_unsettled(self) -> bool:
        """Whether something that made way is still there."""
        return Aside(self.path).is_left

    @property
    def as_settled(self) -> "RunDirectory":
        """The run that `settle` would leave, where it lies now; nothing is moved."""
        return RunDirectory(Aside(self.path).standing(lambda: self.is_worth))

    def settle(self) -> bool:
        """Put back what made way for a run that came to nothing, remove it if the run came to something.

        Who calls holds the folder for itself, and nobody is running the run.

        Returns:
            Whether it was put back.
        """
        aside = Aside(self.path)
        if not aside.is_left:
            return False
        cause = self.read_metrics().get("cause") if aside.is_whole else None
        if back := aside.settle(lambda: self.is_worth):
            if cause:
                self.leave_word(str(cause))
        return back

    def leave_word(self, cause: str) -> None:
        """Tell the launcher why a job did not begin, without a change to the run that is there."""
        write_text(self.path / WORD, cause)

    def take_word(self) -> str:
        """Return why a job did not begin, once; empty if nothing was said."""
        path = self.path / WORD
        found = path.read_text() if path.is_file() else ""
        path.unlink(missing_ok=True)
        return found

    @property
    def checkpoints(self) -> Path:
        """Folder of best.ckpt and last.ckpt."""
        return self.path / "checkpoints"

    @property
    def pictures(self) -> Path:
        """Folder of validation pictures and contact sheets."""
        return self.path / "pictures"

    def checkpoint(self, which: str) -> Path:
        """Return the path of the `best` or `last` checkpoint; a run without validation has only the last.

        Raises:
            CheckpointError: there is none.
        """
        if which not in ("best", "last"):
            raise ConfigError(f"which={which}: give best or last")
        path = self.checkpoints / f"{which}.ckpt"
        if which == "best" and not path.is_file() and (self.checkpoints / "last.ckpt").is_file():
            log.info("%s has no best.ckpt (no validation so far): its last.ckpt is taken", self.path)
            path = self.checkpoints / "last.ckpt"
        if not path.is_file():
            raise CheckpointError(
                f"{path} does not exist: the run has not finished an epoch, or is no run directory"
            )
        return path

    def write_config(
        self, config: Mapping[str, Any], overrides: Sequence[str], choices: Mapping[str, str | None]
    ) -> None:
        """Write the resolved config, and from which overrides and options of groups it was composed."""
        write_text(self.path / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False))
        write_text(self.path / "overrides.yaml", yaml.safe_dump(list(overrides)))
        write_text(self.path / "choices.yaml", yaml.safe_dump(dict(choices)))

    def read_config(self) -> dict[str, Any]:
        """Read the resolved config.

        Raises:
            ConfigError: it is missing, cut off or no mapping.
        """
        path = self.path / "config.yaml"
        if not path.is_file():
            raise ConfigError(f"{self.path} is no run directory: it has no config.yaml")
        try:
            return copy.deepcopy(read_yaml(path, dict))
        except DataError as error:
            raise ConfigError(str(error)) from None

    def write_split(self, split: Mapping[str, Any], labels: Mapping[str, str]) -> None:
        """Write split.json, which `data.split=` reads and a resume keeps, and labels.json."""
        write_json(self.path / "split.json", dict(split))
        write_json(self.path / LABELS, dict(labels))

    def read_split(self) -> dict[str, list[str]] | None:
        """Return part -> names of split.json; None for a run that was made before there was one.

        Raises:
            DataError: the file is broken, or no whole split.
        """
        path = self.path / "split.json"
        if not path.is_file():
            return None
        found = read_split(path, "resume").parts
        return {part: list(found.get(part, ())) for part in PARTS}

    @property
    def occupied(self) -> bool:
        """Whether the folder holds a run already, which does not make way."""
        return not self.makes_way and ((self.path / "metrics.json").exists() or self.checkpoints.exists())

    def remove_leftovers(self) -> None:
        """Remove the half-written files of a run that was killed; below its folder others may be running."""
        for folder in (self.path, self.checkpoints, self.pictures):
            remove_partial(folder)

    def wandb_id(self) -> str:
        """Return the run's id in Weights & Biases: that of the folder, else one made on first use."""
        path = self.path / "wandb_id"
        if path.is_file() and not self.makes_way:
            return path.read_text().strip()
        self._wandb_id = self._wandb_id or secrets.token_hex(4)
        return self._wandb_id

    def keep_wandb_id(self) -> None:
        """Write an id that was made, so that a resumed run logs into the same run."""
        if self._wandb_id is not None:
            write_text(self.path / "wandb_id", self._wandb_id + "\n")

    def is_first_error(self, patient: bool) -> bool:
        """Tell whether this is the first process of the run in which something went wrong: it alone tells.

        Args:
            patient: let others go first. What a process sees that has lost its peer says less than the
                peer's own error.
        """
        if patient:
            time.sleep(PATIENCE)
        try:
            (self.path / FAILED).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def forget_errors(self) -> None:
        """Begin anew: nothing has gone wrong yet."""
        (self.path / FAILED).unlink(missing_ok=True)

    def write_metrics(self, status: str, **values: Any) -> None:
        """Write metrics.json: how the run stands and what it measured.

        Args:
            status: running, done, failed or interrupted.
            values: metrics, hash, split, data, cause, ...
        """
        write_json(self.path / "metrics.json", {"status": status, "version": __version__, **values})

    def note_failure(self, cause: str) -> None:
        """Write into metrics.json that the run failed; what is known of it stays."""
        known = {"version": __version__, **self.read_metrics()}
        write_json(self.path / "metrics.json", {**known, "status": "failed", "cause": cause})

    def read_division(self) -> list[str]:
        """Return what divided data with official lists when the run began, in words, of which split.json is.

        Raises:
            DataError: metrics.json is broken.
        """
        file = self.path / "split.json"
        unknown = f"divided by {file}: its run does not say whether that is the official list"
        return list(self.read_metrics().get("division", [unknown]))

    def read_metrics(self) -> dict[str, Any]:
        """Return what metrics.json holds; nothing where there is none.

        Raises:
            DataError: the file is broken.
        """
        path = self.path / "metrics.json"
        return load_mapping(path) if path.is_file() else {}
