"""Whether a job of a sweep is to be run, and whether it goes on or begins anew. Nothing is changed by it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dancepose.sweeps.ledger import Outcome, Sweep
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import RunState, run_state

# of data and split of what this launcher has read, by their configuration
_hashes: dict[str, tuple[str, str]] = {}


@dataclass(frozen=True)
class Decision:
    """What is to be done about a job.

    Attributes:
        outcome: how it stands if it is not to be run.
        anew: whether what its folder holds is to make way for it.
    """

    outcome: Outcome | None = None
    anew: bool = False


def decide(run: RunDirectory, config: Mapping[str, Any], sweep: Sweep) -> Decision:
    """Decide about a job by what its folder holds.

    Args:
        run: the folder.
        config: the job's, plain and settled.
        sweep: the folder of all.

    Raises:
        JobTaken: another launcher began it while this one looked.
        DanceposeError: a file of the folder is broken.
    """
    if sweep.is_held(run.path.name):
        return Decision(Outcome("running"))
    settle(run, sweep)  # what a launcher that was killed has left
    return judge(run, run_state(run, config, lambda: data_hashes(config)), config["rerun"])


def judge(run: RunDirectory, state: RunState, rerun: str | None) -> Decision:
    """Decide about a job by how it stands.

    Args:
        run: its folder.
        state: how it stands; nobody is running it.
        rerun: failed, stale or all: what is run again although it has ended.
    """
    if state.status == "unknown":  # whatever is asked for: it could not be trained either
        return Decision(Outcome("unknown", state.cause))
    if rerun not in ("all", state.status):
        if state.status == "done":
            return Decision(Outcome("skipped", state.cause, run.read_metrics().get("objective")))
        if state.status in ("failed", "stale") and state.begun:  # else what hindered it may be mended
            return Decision(Outcome(state.status, state.cause))
    return Decision(anew=_begins_anew(run, state, rerun))


def settle(run: RunDirectory, sweep: Sweep) -> None:
    """Put back what made way for a job that came to nothing; nobody is running the job.

    Raises:
        JobTaken: somebody is.
    """
    if run.is_unsettled:
        with sweep.holding(run.path.name):
            run.settle()


def _begins_anew(run: RunDirectory, state: RunState, rerun: str | None) -> bool:
    """Tell whether what is in a folder is of no use to the run that comes into it."""
    if state.status == "failed":
        return rerun == "all" or not state.same or not (run.checkpoints / "last.ckpt").is_file()
    return state.status != "missing" and (rerun == "all" or state.status == "stale")


def data_hashes(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return the hashes of a job's data and of their split, as the job itself would; files are read once.

    Args:
        config: the job's, plain.

    Raises:
        DanceposeError: the data cannot be read.
    """
    about = [config["data"], config["skeleton"], config["model"].get("network")]
    key = json.dumps(about, sort_keys=True, default=str)
    if key not in _hashes:
        from dancepose.tasks.families import family_of

        datamodule = family_of(config).datamodule(config)
        _hashes[key] = datamodule.data_hash, datamodule.split_hash
    return _hashes[key]
