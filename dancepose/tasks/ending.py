"""How a training ends: exit status and cause for who started it, and what is closed."""

import logging
import math
import sys
from collections.abc import Mapping

from lightning.pytorch.utilities.exceptions import SIGTERMException

log = logging.getLogger(__name__)


def exit_status(error: BaseException, terminated: bool = False) -> int | None:
    """Return the exit status of an interrupted run, None for a failed one.

    Args:
        error: what ended it.
        terminated: whether it was given SIGTERM before: processes that it needs may have been given it, too.
    """
    if terminated or isinstance(error, SIGTERMException):
        return 143
    if isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt):
        return 130  # what Lightning makes of Ctrl-C
    if isinstance(error, SystemExit) and error.code == -1:
        return 143  # submitit has put the job back into Slurm's queue
    return 130 if isinstance(error, KeyboardInterrupt) else None


def finish_wandb() -> None:
    """Close the W&B run, so that the next job of this process does not log into it."""
    if "wandb" in sys.modules:
        try:
            sys.modules["wandb"].finish()
        except ConnectionError as error:  # Slurm's SIGTERM ends its process, too, and before the training
            log.warning("Weights & Biases ended before the run was closed: %s", error)


def finite(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return metrics with None, which JSON has, for what is no finite number."""
    return {n: None if value is None or not math.isfinite(value) else value for n, value in values.items()}


def cause(error: BaseException) -> str:
    """Return class and words of an error, for metrics.json."""
    return f"{type(error).__name__}: {error}".strip(": ")
