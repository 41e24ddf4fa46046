"""`dry_run=true`: how a run stands and what the same command would do about it, of which nothing stays."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dancepose.callbacks.own_folder import remove_empty
from dancepose.errors import DanceposeError
from dancepose.sweeps.ledger import Outcome
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import RunState, check_free, check_same_run, run_state
from dancepose.tasks.sweep_decision import Decision, data_hash, judge

_told: set[str] = set()  # what this process has said of the jobs of a dry run


@contextmanager
def leaving_nothing(run: RunDirectory) -> Iterator[None]:
    """Write no log into a run's folder; at its end, whichever, remove the folder if it is empty.

    What is said of each job alike is said once.

    Args:
        run: the folder, which Hydra has made.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).parent == run.path:
            root.removeHandler(handler)
            handler.close()
    screens = list(root.handlers)
    for screen in screens:
        screen.addFilter(_first)
    try:
        yield
    finally:
        for screen in screens:
            screen.removeFilter(_first)
        remove_empty()


def _first(record: logging.LogRecord) -> bool:
    """Let a message through if it is new; each of several handlers asks."""
    words = record.getMessage()
    is_first = record.__dict__.setdefault("is_first", words not in _told)
    _told.add(words)
    return bool(is_first)


def planned(config: Mapping[str, Any], run: RunDirectory, held: bool = False) -> Outcome:
    """Return how a job of a sweep stands, whether it would be run, and what that would cost.

    Args:
        config: the job's, plain and settled.
        run: its folder.
        held: whether another process is running it.

    Raises:
        DanceposeError: it would be run, and cannot be.
    """
    if held:
        return _outcome(config, run, RunState("running"), Decision(Outcome("running")))
    run = run.as_settled
    state = run_state(run, config, lambda: data_hash(config))
    return _outcome(config, run, state, judge(run, state, config["rerun"]))


def planned_alone(config: Mapping[str, Any], run: RunDirectory) -> Outcome:
    """Return the same of a training by itself, whose `resume` and `reuse` say whether it goes on.

    Raises:
        ConfigError: its folder holds another run, or this very one without a word to go on.
        DanceposeError: it cannot be run.
    """
    goes_on = bool(config["resume"])
    if run.occupied and not goes_on:
        if not config["reuse"]:
            check_free(run)
        check_same_run(run, config)
        goes_on = True
    state = run_state(run, config, lambda: data_hash(config))
    over = state.status == "done" and not config["resume"]  # its results would be told
    return _outcome(config, run, state, Decision(Outcome("done") if over else None, anew=not goes_on))


def _outcome(config: Mapping[str, Any], run: RunDirectory, state: RunState, decision: Decision) -> Outcome:
    from dancepose.tasks.dry_run import epochs_done, measure

    objective = run.read_metrics().get("objective")
    if decision.outcome is not None:  # not to be run: it is only told, also where its network cannot be made
        about: dict[str, Any] = {}
        with suppress(DanceposeError):
            about = measure(config, run, timed=False)
        return Outcome(state.status, state.cause, objective, about={**about, "due": False})
    begins = state.status == "missing" or decision.anew
    done = 0 if begins else epochs_done(run)
    if done:
        told = f"goes on after epoch {done}"
    else:
        told = "" if state.status == "missing" else "begins anew"
    cause = ": ".join(words for words in (told, state.cause) if words)
    return Outcome(state.status, cause, objective, about={**measure(config, run, done=done), "due": True})
