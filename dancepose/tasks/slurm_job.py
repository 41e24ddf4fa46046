"""A job of a sweep in the processes that Slurm has started for it.

They are Slurm's tasks, one for each device: Lightning finds them and starts none. Submitit alone answers the
signal that comes before a job's time is up, or when it has to make way: it puts the job back into the queue.
There the job goes on from its last checkpoint. Lightning's own requeueing, which would save the middle of an
epoch elsewhere, is switched off.
"""

import logging
import os
from collections.abc import Callable
from typing import Any

from dancepose.tasks.child import Ended, note_failure
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)


def in_slurm_job() -> bool:
    """Tell whether submitit has started this process in a job of Slurm."""
    return os.environ.get("SUBMITIT_EXECUTOR") == "slurm"


def rank() -> int:
    """Return the number of this process among those of its job."""
    return int(os.environ.get("SLURM_PROCID", "0"))


def tasks() -> int:
    """Return how many processes the job is."""
    return int(os.environ.get("SLURM_NTASKS", "1"))


def cluster_plugins() -> list[Any]:
    """Return what a trainer needs to leave a signal of Slurm to submitit."""
    if not in_slurm_job():
        return []
    from lightning.pytorch.plugins.environments import SLURMEnvironment

    return [SLURMEnvironment(auto_requeue=False)]


def run_here(train: Callable[[], Any], run: RunDirectory) -> Ended:
    """Train in this process, a task of Slurm.

    Args:
        train: the training.
        run: its folder.
    """
    try:
        train()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
        return Ended(status, status - 128 if status in (130, 143) else 0)
    except Exception as error:
        log.error("failed", exc_info=error)
        return Ended(note_failure(error, str(run.path), run.anew))
    return Ended(0)
