"""How a training ends: exit status and cause for who started it, and what is closed."""

import logging
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from dancepose.errors import DanceposeError
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)


INTERRUPTED = {130: "Ctrl-C (SIGINT)", 143: "SIGTERM"}  # by exit status


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


@contextmanager
def raising_interrupts(trainer: Trainer) -> Iterator[None]:
    """In a trial of some steps: raise what a signal means, not what Lightning makes of it, an exit with 1.

    Args:
        trainer: that makes the steps.

    Raises:
        KeyboardInterrupt: by Ctrl-C.
        SystemExit: 143, by SIGTERM.
    """
    try:
        yield
    except BaseException as error:
        status = exit_status(error, trainer.received_sigterm)
        if status == 130:
            raise KeyboardInterrupt from error
        if status is not None:
            raise SystemExit(status) from error
        raise
    if trainer.received_sigterm:  # so late that Lightning did not look for it any more
        raise SystemExit(143)
    if trainer.interrupted:
        raise KeyboardInterrupt


def finish_wandb() -> None:
    """Close the W&B run, so that the next job of this process does not log into it."""
    if "wandb" in sys.modules:
        try:
            sys.modules["wandb"].finish()
        except Exception as error:  # no result is lost for its copy; Slurm ends its process, too, and first
            log.warning("Weights & Biases ended before the run was closed: %s", error)


def finite(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return metrics with None, which JSON has, for what is no finite number."""
    return {n: None if value is None or not math.isfinite(value) else value for n, value in values.items()}


def cause(error: BaseException) -> str:
    """Return class and words of an error, for metrics.json."""
    return f"{type(error).__name__}: {error}".strip(": ")


def leave(
    error: BaseException,
    run: RunDirectory,
    trainer: Trainer,
    main_rank: bool,
    identity: Mapping[str, Any] | None,
    writes: bool,
) -> NoReturn:
    """Leave word of what ended a training, once of all its processes, and raise what ends this one.

    Args:
        error: what ended it.
        run: its folder.
        trainer: of it.
        main_rank: whether this is its first process.
        identity: what metrics.json says of the run whatever comes of it; None where nothing is to be written.
        writes: whether the run can be gone on with.

    Raises:
        SystemExit: it was interrupted, or another process has told.
        DanceposeError: Weights & Biases refused the run.
    """
    status, first = exit_status(error, trainer.received_sigterm), main_rank
    if trainer.world_size > 1 and (main_rank or status is None):
        # also of an interruption: other processes, which lose their peer, have nothing to tell
        told_first = run.is_first_error(patient=status is None and not isinstance(error, DanceposeError))
        first = told_first if status is None else main_rank
    if first and identity is not None:
        words = cause(error) if status is None else INTERRUPTED[status]
        run.write_metrics("failed" if status is None else "interrupted", cause=words, **identity)
    if not first and status is None:
        raise SystemExit(1) from error  # what went wrong has been told
    if status is not None:
        if writes:
            log.info("interrupted; go on with: dancepose-train resume=%s", run.path)
        raise SystemExit(status) from error
    if type(error).__module__.startswith("wandb."):
        raise DanceposeError(
            f"Weights & Biases refused the run: {error} Or log without a network: WANDB_MODE=offline, "
            "or logger.wandb.offline=true"
        ) from error
    raise error
