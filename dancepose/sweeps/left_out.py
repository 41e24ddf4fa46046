"""`LeftOut`: a job that takes no part in a comparison, why, and what brings it back."""

from dataclasses import dataclass
from pathlib import Path

from dancepose.data.json_file import BrokenFile
from dancepose.paths import evaluate_again
from dancepose.sweeps.ledger import JOBS, OUTCOMES

RESULT = "metrics.json"
DAMAGED = "damaged"  # status of a job one of whose files cannot be read
SAVE = ": save it again or remove it"  # what a reader of JSON advises, who does not know whose file it is


@dataclass(frozen=True)
class LeftOut:
    """A job that takes no part in a comparison.

    Attributes:
        path: its run directory.
        status: what its metrics.json says; `damaged` where one of its files is.
        cause: why it is left out, and the remedy.
    """

    path: Path
    status: str
    cause: str


def is_of_sweep(run: Path) -> bool:
    """Tell whether a run directory lies in the folder of a sweep that was launched, whatever holds of it."""
    return any((run.parent / name).is_file() for name in (JOBS, OUTCOMES))


def go_on(run: Path) -> str:
    """Return how a run that has not ended is brought to its end."""
    if is_of_sweep(run):
        return "launch the sweep again, and it goes on"
    return f"go on with it by dancepose-train resume={run}"


def failed_again(run: Path, goes_on: bool = False) -> str:
    """Return how a run that failed is run again.

    Args:
        run: its folder.
        goes_on: whether the same command does: it was killed, or never began.
    """
    if not is_of_sweep(run):
        return "mend that and train it again"
    return "launch the sweep again" if goes_on else "launch the sweep again with rerun=failed"


def write_again(run: Path, config: bool = False) -> str:
    """Return how the files of a run that its training wrote are written again.

    Args:
        run: its folder.
        config: whether it is config.yaml, without which nobody knows whether the run is the one asked for.
    """
    if not is_of_sweep(run):
        return "remove the folder and train it again"
    if config:
        return "launch the sweep again with rerun=stale"
    return "remove the job's folder and launch the sweep again, which trains what is missing"


def damaged(run: Path, error: Exception, remedy: str) -> LeftOut:
    """Return a job one of whose files is damaged.

    Args:
        run: its folder.
        error: names the file and what is wrong, maybe with a remedy.
        remedy: what to do where the error does not tell.
    """
    told = " ".join(str(error).split())
    if isinstance(error, BrokenFile):
        told = told.removesuffix(SAVE)
    if "dancepose-evaluate" not in told and remedy not in told:
        told = f"{told}: {remedy}"
    again = evaluate_again(run)  # the folder in a command stays
    return LeftOut(run, DAMAGED, again.join(part.replace(f"{run}/", "") for part in told.split(again)))
