"""What Slurm's queue holds of this user, and arrays in it of which no launcher could write down the name."""

import getpass
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dancepose.errors import ConfigError

MARK = "dancepose-"  # in the comment of an array, before what tells it from others
SECONDS = 60.0  # that a question to Slurm may take


def in_queue() -> set[str] | None:
    """Return this user's jobs that Slurm has not ended; None where it does not answer."""
    listed = _listed()
    if listed is None:
        return None
    return {*listed, *(f"{name}_0" for name in listed)}


def new_mark() -> str:
    """Return what is to stand in the comment of an array."""
    return MARK + secrets.token_hex(4)


def intent(mark: str, number: int) -> str:
    """Return what a job is called while it is not known what Slurm calls it: `mark:number` in the array."""
    return f"{mark}:{number}"


def is_intent(name: str) -> bool:
    """Tell whether a job is called so: its launcher was killed while it submitted it."""
    return name.startswith(MARK)


def ask_for_orphans() -> dict[str, str]:
    """Return this user's jobs in the queue, name -> comment, for `find`.

    Raises:
        ConfigError: Slurm does not answer. Better to begin nothing than to begin it twice.
    """
    listed = _listed()
    if listed is None:
        raise ConfigError(
            "hydra/launcher=submitit_slurm: squeue does not answer, and a launcher was killed while it "
            "submitted jobs, which may be in Slurm's queue: try again when it answers"
        )
    return listed


def find(name: str, folder: str, listed: Mapping[str, str]) -> str:
    """Return what Slurm calls a job whose launcher was killed while it submitted it; empty if there is none.

    If the launcher could not give it its work any more it is cancelled, and there is none.

    Args:
        name: an intent.
        folder: of submitit, with `%j` for the name of a job.
        listed: what `ask_for_orphans` has returned.
    """
    mark, _, number = name.partition(":")
    for job, comment in listed.items():
        array, _, index = job.partition("_")
        if comment.split()[-1:] == [mark] and (index or "0") == number:
            if _has_work(job, folder):
                return job
            subprocess.run(["scancel", job], capture_output=True, timeout=SECONDS, check=False)
    return ""


def with_mark(settings: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """Return settings of a launcher with a mark at the end of the comment."""
    return {**settings, "comment": f"{settings.get('comment') or ''} {mark}".strip()}


def _has_work(job: str, folder: str) -> bool:
    from submitit.core.utils import JobPaths

    return bool(JobPaths(Path(folder), job, 0).submitted_pickle.exists())


def _listed() -> dict[str, str] | None:
    """Return this user's jobs in the queue, name -> comment; None where Slurm does not answer."""
    command = ["squeue", "--noheader", "--array", "--format=%i %k", "--user", getpass.getuser()]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (line.strip().partition(" ") for line in told.stdout.splitlines() if line.strip())
    return {name: comment for name, _, comment in lines}
