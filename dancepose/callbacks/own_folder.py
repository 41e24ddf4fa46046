"""A default run directory that no other command has."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import OmegaConf, read_write

from dancepose.interrupt import tidying

BY_TIME = "${now:"  # what a default folder has in its name: commands of the same second want the same one


class OwnFolder(Callback):
    """Claim the folder of a command that begins, where its name comes from the time.

    A folder that the user names is taken as it is, and so is that of a training whose processes were started
    side by side, by `torchrun` or `srun`: they share theirs.

    Attributes:
        made: folders that this command makes: the run's first and then those that it lies in.
    """

    made: ClassVar[list[Path]] = []

    def on_run_start(self, config: Any, **kwargs: Any) -> None:
        """Make the folder and write its path into the configuration, before Hydra makes and uses it."""
        known = HydraConfig.instance()
        # the folder's name has the experiment's in it, which Hydra makes known only later
        mine, known.cfg = known.cfg, config
        try:
            self._claim(config)
        finally:
            known.cfg = mine
        tidying(remove_empty)

    def _claim(self, config: Any) -> None:
        wanted = Path(config.hydra.run.dir).absolute()
        made = [path for path in wanted.parents if not path.exists()]
        if BY_TIME in OmegaConf.to_yaml(config.hydra.run, resolve=False) and not _side_by_side():
            claimed = claim(config.hydra.run.dir)
            with read_write(config.hydra):
                config.hydra.run.dir = claimed
            made.insert(0, Path(claimed).absolute())
        elif not wanted.exists():
            made.insert(0, wanted)
        type(self).made = [] if _side_by_side() else made  # they share it: none may take it from another


def remove_empty() -> None:
    """Remove the run's folder if this command made it and it is empty; and those that it was made in.

    An empty folder would look like a run.
    """
    for path in OwnFolder.made:
        with suppress(OSError):
            path.rmdir()


def claim(wanted: str) -> str:
    """Make a folder and return its path: as wanted, or where that is taken with _2, _3, ... behind.

    To make it is to claim it: of two commands that begin at once only one can. Where it cannot be made it is
    returned as it was wanted, and Hydra, which makes folders too, tells why.
    """
    path, number = wanted, 1
    while True:
        try:
            Path(path).mkdir(parents=True)
        except FileExistsError:
            number += 1
            path = f"{wanted}_{number}"
        except OSError:
            return wanted
        else:
            return path


def _side_by_side() -> bool:
    started = {"RANK", "LOCAL_RANK"} & os.environ.keys()
    return bool(started) or int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1) > 1
