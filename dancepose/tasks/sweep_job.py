"""One job of a sweep, as its launcher sees it: is it to be run, and what came of it."""

import json
import secrets
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig

from dancepose.errors import ConfigError, DanceposeError, did_you_mean
from dancepose.sweeps.ledger import Outcome, Sweep, check_objective
from dancepose.sweeps.names import lasting
from dancepose.targets import plain
from dancepose.tasks.child import TAKEN, Ended, job_command, job_environment, run_child
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import RunState, run_state

RERUN = ("failed", "stale", "all")
NOT_HANDED_ON = ("sweep", "rerun", "dry_run", "reuse")  # of the launcher's keys: what it has done itself
INTERRUPTED = (130, 143, -signal.SIGINT, -signal.SIGTERM)  # by itself, or before its training had begun
_data_hashes: dict[str, str] = {}  # of the data that this launcher has read, by their configuration


def run_sweep_job(cfg: DictConfig) -> float | None:
    """Run one job of a sweep, unless it is done; write into `sweep.json` how it stands.

    Nothing that goes wrong with the job is raised: others go on, and the end of the sweep tells.

    Args:
        cfg: the job's configuration, unchecked: its own process checks it.

    Returns:
        Its objective; None where it failed or has none.

    Raises:
        KeyboardInterrupt: the launcher was interrupted; the job has ended in order.
        SystemExit: likewise, by SIGTERM.
    """
    from hydra.core.hydra_config import HydraConfig

    hydra: Any = HydraConfig.get()
    run, report = RunDirectory(hydra.runtime.output_dir), hydra.callbacks.sweep
    sweep, name = Sweep(run.path.parent), run.path.name
    start, ended = time.monotonic(), None
    try:
        config = settled(plain(cfg))
        check_sweep(config, list(report.varying))
        sweep.add(name, lasting(hydra.overrides.task))
        outcome = _not_to_be_run(run, config, sweep)
        if outcome is None:
            ended = _start(hydra, run)
            outcome = _outcome(ended, run)
            outcome = replace(outcome, seconds=round(time.monotonic() - start, 1))
    except DanceposeError as error:
        outcome = Outcome("failed", str(error))
    sweep.record(name, str(report.launch), outcome)
    print(f"{name}: {outcome.status}{outcome.cause and f': {outcome.cause}'}", flush=True)
    if ended is not None and ended.signal == signal.SIGINT:
        raise KeyboardInterrupt
    if ended is not None and ended.signal:
        raise SystemExit(128 + ended.signal)
    return outcome.objective


def settled(config: dict[str, Any]) -> dict[str, Any]:
    """Return a run's configuration as the run itself will write it down: with its precision settled."""
    if config["trainer"].get("precision") == "auto":
        from dancepose.tasks.devices import settle_precision

        config["trainer"]["precision"] = settle_precision(config["trainer"])
    return config


def check_sweep(config: Mapping[str, Any], varying: Sequence[str]) -> None:
    """Refuse what a job of a sweep cannot be.

    Args:
        config: the job's, plain.
        varying: keys by which the jobs differ.

    Raises:
        ConfigError: names the key and the remedy.
    """
    if (rerun := config["rerun"]) is not None and rerun not in RERUN:
        hint = did_you_mean(str(rerun), list(RERUN))
        raise ConfigError(f"rerun={rerun}: give one of {', '.join(RERUN)}.{hint}")
    check_objective(config["objective"])
    if config["resume"]:
        raise ConfigError(
            f"resume={config['resume']}: not in a multirun (-m), whose jobs go on by themselves when the "
            "same command is given again"
        )
    if config["minutes"] is not None:
        raise ConfigError(
            f"minutes={config['minutes']}: not in a multirun (-m): its jobs would differ in length and could "
            "not be compared; give trainer.max_epochs"
        )
    if config["lr_find"]["steps"]:
        raise ConfigError(
            "lr_find: not in a multirun (-m): run the test once, then give its rate to the sweep"
        )
    _check_attention(config, varying)


def _check_attention(config: Mapping[str, Any], varying: Sequence[str]) -> None:
    """Refuse a sweep over attentions in a network that has none: its jobs would be the same network."""
    network = config["model"].get("network", "pose")
    if network == "pose" or not any(
        f"{key.replace('/', '.')}.".startswith("model.attention.") for key in varying
    ):
        return
    from dancepose.build import motion_config

    if not motion_config(config["model"]).attends:
        raise ConfigError(
            f"model.network={network} with branches {config['model'].get('branches')} has no attention, so "
            "that the jobs of a sweep over attentions would be the same network. Leave model/attention out, "
            "or add the branch image"
        )


def data_hash(config: Mapping[str, Any]) -> str:
    """Return the hash of a job's data, as the job itself would; the files are read once for all jobs.

    Args:
        config: the job's, plain.

    Raises:
        DanceposeError: the data cannot be read.
    """
    about = [config["data"], config["skeleton"], config["model"].get("network")]
    key = json.dumps(about, sort_keys=True, default=str)
    if key not in _data_hashes:
        from dancepose.tasks.families import family_of

        _data_hashes[key] = family_of(config).datamodule(config).data_hash
    return _data_hashes[key]


def _not_to_be_run(run: RunDirectory, config: Mapping[str, Any], sweep: Sweep) -> Outcome | None:
    """Return how a job stands that is not to be run; None of the others, their folder made ready."""
    if sweep.is_held(run.path.name):
        return Outcome("running")
    state, rerun = run_state(run, config, lambda: data_hash(config)), config["rerun"]
    if rerun not in ("all", state.status):
        if state.status == "done":
            return Outcome("skipped", objective=run.read_metrics().get("objective"))
        if state.status in ("failed", "stale"):
            return Outcome(state.status, state.cause)
    if _begins_anew(run, state, rerun):
        with sweep.holding(run.path.name, patience=0):
            _clear(run, sweep)
    return None


def _begins_anew(run: RunDirectory, state: RunState, rerun: str | None) -> bool:
    """Tell whether what is in a folder is of no use to the run that comes into it."""
    if state.status == "failed":
        return rerun == "all" or not state.same or not (run.checkpoints / "last.ckpt").is_file()
    return state.status != "missing" and (rerun == "all" or state.status == "stale")


def _clear(run: RunDirectory, sweep: Sweep) -> None:
    """Empty a run directory; its files go out of the way at once, so that a kill leaves no half of a run."""
    old = sweep.path / ".old" / f"{run.path.name}.{secrets.token_hex(4)}"
    old.parent.mkdir(exist_ok=True)
    run.path.rename(old)
    run.path.mkdir()
    shutil.rmtree(old.parent, ignore_errors=True)


def _start(hydra: Any, run: RunDirectory) -> Ended:
    """Run a job to its end: the one place that decides where, in a process of its own."""
    overrides = [*lasting(hydra.overrides.task, NOT_HANDED_ON), "reuse=true"]
    command = job_command(hydra, overrides, run.path)
    return run_child(command, job_environment(), cwd=hydra.runtime.cwd)


def _outcome(ended: Ended, run: RunDirectory) -> Outcome:
    """Return what came of a job that was run, by its exit status and what it left."""
    metrics = run.read_metrics()
    if ended.status == 0:
        return Outcome("done", objective=metrics.get("objective"))
    if ended.status == TAKEN:
        return Outcome("running")
    if ended.status in INTERRUPTED:
        return Outcome("interrupted")
    if ended.cause:  # killed: with the same command it goes on
        return Outcome("failed", ended.cause)
    if metrics.get("status") != "failed":  # it could not even say so itself
        run.note_failure(f"exit status {ended.status}")
        metrics = run.read_metrics()
    return Outcome("failed", str(metrics.get("cause")))
