"""Devices of a machine that are lent to the jobs of sweeps, one job each.

A lease is a lock of the operating system on a file, so that a device is free again when the process that
holds it has ended, however it ended. All sweeps of one user on one machine share the files.
"""

import os
import re
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from dancepose.errors import ConfigError

FOLDER = "DANCEPOSE_LEASES"  # environment variable: another folder for the files
VISIBLE = "CUDA_VISIBLE_DEVICES"
PAUSE = 0.1  # seconds between two looks at what is free
GPU_LINE = re.compile(r"GPU (\d+): .*\(UUID: (\S+)\)")  # of nvidia-smi -L


class LeaseRefused(Exception):
    """Whoever waited for a lease has stopped waiting."""


@dataclass(frozen=True)
class Device:
    """What can be lent.

    Attributes:
        name: as `CUDA_VISIBLE_DEVICES` has it; of a processor core its number.
        file: name of its lock's file, the same for all who can see the device.
    """

    name: str
    file: str


def leases_folder() -> Path:
    """Return the folder of the lock files: the same for all sweeps of this user on this machine."""
    given = os.environ.get(FOLDER)
    return Path(given) if given else Path(tempfile.gettempdir()) / f"dancepose-leases-{os.getuid()}"


def _made_folder() -> Path:
    """Make the folder of the lock files and return it.

    Raises:
        ConfigError: it cannot be, or somebody else has laid it where everybody may write.
    """
    folder = leases_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made: {error.strerror or error}; give another folder by {FOLDER}"
        ) from None
    # through a link, or in a folder of somebody else, files would be made where they do harm
    if not os.environ.get(FOLDER) and (found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode)):
        raise ConfigError(f"{folder} is a link, or not yours: remove it, or give another folder by {FOLDER}")
    return folder


def visible_gpus(names: Sequence[str] | None = None) -> list[Device]:
    """Return the GPUs that a launcher may lend.

    Args:
        names: of those to lend, as `CUDA_VISIBLE_DEVICES` has them; None: all that this variable names,
            and where it is not set all that `nvidia-smi` lists.
    """
    listed = _listed_gpus()
    if names is None:
        visible = os.environ.get(VISIBLE)
        names = list(listed) if visible is None else [name for name in visible.split(",") if name.strip()]
    names = [str(name).strip() for name in names]
    if "-1" in names:  # CUDA sees what stands before it
        names = names[: names.index("-1")]
    return [Device(name, f"gpu-{re.sub(r'[^A-Za-z0-9-]', '_', listed.get(name, name))}") for name in names]


def _listed_gpus() -> dict[str, str]:
    """Return number -> lasting identifier of each GPU; no context is made on any."""
    try:
        told = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    found = map(GPU_LINE.match, told.stdout.splitlines())
    return {match[1]: match[2] for match in found if match}


def usable_cores() -> list[Device]:
    """Return the processor cores that this process may use, no more than its control group is given."""
    from joblib import cpu_count

    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
    else:
        cores = list(range(os.cpu_count() or 1))
    return [Device(str(core), f"core-{core}") for core in cores[: cpu_count()]]


@contextmanager
def leased(
    devices: Sequence[Device],
    count: int,
    refused: Callable[[], bool] = lambda: False,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[list[str]]:
    """Lend some of the devices; wait until so many are free at once.

    Args:
        devices: to choose from.
        count: how many.
        refused: asked while waiting; once it says so, nothing is lent.
        waiting: called once if they are not free at first.

    Yields:
        Their names.

    Raises:
        ConfigError: there are fewer.
        LeaseRefused: `refused` said so.
    """
    if count > len(devices):
        raise ConfigError(f"{count} devices are asked for, and there are {len(devices)} to lend")
    folder = _made_folder()
    told = False
    while not refused():
        with ExitStack() as held:
            names = _try(devices, count, folder, held)
            if len(names) == count:
                yield names
                return
        if not told:
            told = True
            waiting()
        # all or nothing: who keeps some while it waits for more could wait for ever
        time.sleep(PAUSE)
    raise LeaseRefused


def _try(devices: Sequence[Device], count: int, folder: Path, held: ExitStack) -> list[str]:
    """Lock free devices, as many as are wanted or there are; return their names."""
    names: list[str] = []
    for device in devices:
        lock = FileLock(folder / f"{device.file}.lock")
        try:
            held.enter_context(lock.acquire(timeout=0))
        except Timeout:
            continue
        names.append(device.name)
        if len(names) == count:
            break
    return names
