"""`dry_run=true`: how a run stands and what the same command would do about it, of which nothing stays."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from dancepose.callbacks.own_folder import remove_empty
from dancepose.config import check_composed
from dancepose.errors import DanceposeError
from dancepose.sweeps.ledger import Outcome, Sweep
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import RunState, check_free, check_same_run, run_state
from dancepose.tasks.slurm_queue import in_queue, is_intent
from dancepose.tasks.sweep_checks import checked
from dancepose.tasks.sweep_decision import Decision, data_hashes, judge

_queue = cache(in_queue)  # asked once for all jobs of a dry run
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


def plan_job(cfg: DictConfig, hydra: Any) -> None:
    """Write down what a dry run finds out about a job of a sweep.

    Args:
        cfg: the job's configuration, unchecked.
        hydra: Hydra's.
    """
    run, sweep = RunDirectory(hydra.runtime.output_dir), Sweep(hydra.sweep.dir)
    name = run.path.name
    config: dict[str, Any] = {}
    with leaving_nothing(run):
        try:
            config = checked(cfg, hydra, run)
            check_composed(cfg, hydra)
            found = planned(config, run, sweep.is_held(name), _queued(sweep, name, hydra))
        except (DanceposeError, OSError) as error:  # of this job; others may be sound
            found = (config and _unknown(config, run)) or Outcome("refused", str(error))
    sweep.plan(name, str(hydra.callbacks.sweep.launch), found, int(hydra.job.num))


def _unknown(config: Mapping[str, Any], run: RunDirectory) -> Outcome | None:
    """Return that nothing is known of a job which holds a run, for its data cannot be read; else None."""
    with suppress(DanceposeError, OSError):
        state = run_state(run.as_settled, config, lambda: data_hashes(config))
        if state.status == "unknown":
            return Outcome(state.status, state.cause, about={"due": False})
    return None


def _queued(sweep: Sweep, name: str, hydra: Any) -> str:
    """Return what Slurm calls a job that it has, where the launcher is the one that waits for it."""
    if not hydra.get("launcher", {}).get("_target_", "").endswith(".SlurmLauncher"):
        return ""
    queued = sweep.queued(name)
    if not queued or is_intent(queued):
        return queued
    queue = _queue()
    return queued if queue is None or queued in queue else ""


def planned(config: Mapping[str, Any], run: RunDirectory, held: bool = False, queued: str = "") -> Outcome:
    """Return how a job of a sweep stands, whether it would be run, and what that would cost.

    Args:
        config: the job's, plain and settled.
        run: its folder.
        held: whether another process is running it.
        queued: what a cluster calls it that has it; else nothing.

    Raises:
        DanceposeError: it would be run, and cannot be.
    """
    if held:
        return _outcome(config, run, RunState("running"), Decision(Outcome("running")))
    run = run.as_settled
    state = run_state(run, config, lambda: data_hashes(config))
    decision = judge(run, state, config["rerun"])
    if queued and decision.outcome is None:  # its launcher does not submit it again
        waits = RunState("submitted", f"in Slurm's queue as {queued}")
        return _outcome(config, run, waits, Decision(Outcome("submitted")))
    return _outcome(config, run, state, decision)


def planned_alone(config: Mapping[str, Any], run: RunDirectory) -> Outcome:
    """Return the same of a training by itself, whose `resume` and `reuse` say whether it goes on.

    Raises:
        ConfigError: its folder holds another run, or this very one without a word to go on.
        DanceposeError: it cannot be run.
    """
    goes_on = bool(config["resume"])
    config, minutes = _by_the_clock(config, run, goes_on or (config["reuse"] and run.occupied))
    if run.occupied and not goes_on:
        if not config["reuse"]:
            check_free(run)
        check_same_run(run, config)
        goes_on = True
    state = run_state(run, config, lambda: data_hashes(config))
    over = state.status == "done" and not config["resume"]  # its results would be told
    decision = Decision(Outcome("done") if over else None, anew=not goes_on)
    return _outcome(config, run, state, decision, minutes)


def _by_the_clock(
    config: Mapping[str, Any], run: RunDirectory, goes_on: bool
) -> tuple[Mapping[str, Any], float | None]:
    """Return a configuration with the epochs that its run was given for its minutes, if it goes on.

    Returns:
        The configuration, and the minutes into which its epochs are still to be fitted; else None.

    Raises:
        ConfigError: its steps cannot be timed, or it goes on with another `trainer.max_epochs`.
    """
    trainer, testing_rates = config.get("trainer", {}), config.get("lr_find", {}).get("steps")
    if config["minutes"] is None or trainer.get("fast_dev_run") or testing_rates:
        return config, None
    from dancepose.tasks.time_budget import check_minutes, known_epochs

    check_minutes(config)
    if goes_on and (epochs := known_epochs(run, config)):
        return {**config, "trainer": {**trainer, "max_epochs": epochs}}, None
    return config, float(config["minutes"])


def _outcome(
    config: Mapping[str, Any],
    run: RunDirectory,
    state: RunState,
    decision: Decision,
    minutes: float | None = None,
) -> Outcome:
    from dancepose.tasks.dry_run import epochs_done, measure

    objective = run.read_metrics().get("objective")
    if decision.outcome is not None:  # not to be run: it is only told, also where its network cannot be made
        about: dict[str, Any] = {}
        with suppress(DanceposeError, OSError):
            about = measure(config, run, timed=False)
        return Outcome(state.status, state.cause, objective, about={**about, "due": False})
    begins = state.status == "missing" or decision.anew
    done = 0 if begins else epochs_done(run)
    if done:
        told = f"goes on after epoch {done}"
    else:
        told = "" if state.status == "missing" else "begins anew"
    about = {**measure(config, run, done=done, minutes=minutes), "due": True}
    cause = ": ".join(words for words in (told, state.cause, about.pop("untimed", "")) if words)
    return Outcome(state.status, cause, objective, about=about)
