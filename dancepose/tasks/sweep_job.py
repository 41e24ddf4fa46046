"""One job of a sweep, as its launcher sees it: is it to be run, and what came of it."""

import json
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from omegaconf import DictConfig

from dancepose.config import check_composed
from dancepose.errors import ConfigError, DanceposeError, did_you_mean
from dancepose.sweeps.leases import LeaseRefused
from dancepose.sweeps.ledger import LOCKS, Outcome, Sweep, check_objective
from dancepose.sweeps.names import lasting
from dancepose.targets import plain
from dancepose.tasks import slurm_job
from dancepose.tasks.child import TAKEN, Ended, job_command, job_environment, run_child
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import RunState, run_state

RERUN = ("failed", "stale", "all")
NOT_HANDED_ON = ("sweep", "rerun", "dry_run", "reuse")  # of the launcher's keys: what it has done itself
INTERRUPTED = (130, 143, -signal.SIGINT, -signal.SIGTERM)  # by itself, or before its training had begun
OUTPUT = "output"  # in a job's folder: what it prints where several run at once
OWN = "hydra_plugins.dancepose_launchers."  # launchers that run what they are given
_data_hashes: dict[str, str] = {}  # of the data that this launcher has read, by their configuration


def run_sweep_job(cfg: DictConfig, train: Callable[[], Any]) -> "float | SweepJob | None":
    """Run one job of a sweep, unless it is done; write into `sweep.json` how it stands.

    Nothing that goes wrong with the job is raised: others go on, and the end of the sweep tells.

    Args:
        cfg: the job's configuration, unchecked: its own process checks it.
        train: checks it and trains in this process, for a launcher that has given the job one.

    Returns:
        Its objective; None where it failed or has none. In one of our own launchers: the job, which it runs
        when and where it will.

    Raises:
        KeyboardInterrupt: the launcher was interrupted; the job has ended in order.
        SystemExit: likewise, by SIGTERM.
    """
    from hydra.core.hydra_config import HydraConfig

    hydra: Any = HydraConfig.get()
    if cfg.dry_run:
        _plan(cfg, hydra)
        return None
    if slurm_job.in_slurm_job():  # its launcher has found that it is to be run
        if slurm_job.rank() > 0:
            return train()
        job = SweepJob.to_be_run(cfg, hydra)
        objective = job.finish(start=lambda: slurm_job.run_here(train, job.run))
    else:
        job = SweepJob.of(cfg, hydra)
        if hydra.get("launcher", {}).get("_target_", "").startswith(OWN):
            return job
        objective = job.finish()
    raise_signal(job.signal)
    return objective


def _plan(cfg: DictConfig, hydra: Any) -> None:
    """Write down what a dry run finds out about a job."""
    run, report = RunDirectory(hydra.runtime.output_dir), hydra.callbacks.sweep
    sweep, name = Sweep(hydra.sweep.dir), run.path.name
    try:
        _check_place(hydra, run, sweep)
        config = settled(plain(cfg))
        check_sweep(config, list(report.varying))
        check_composed(cfg, hydra)
        found = planned(config, run, sweep.is_held(name))
    except DanceposeError as error:
        found = Outcome("refused", str(error))
    sweep.plan(name, str(report.launch), found)


def _check_place(hydra: Any, run: RunDirectory, sweep: Sweep) -> None:
    """Refuse a folder of a job that lies elsewhere than in the sweep's."""
    if run.path.parent != sweep.path:
        raise ConfigError(f"hydra.sweep.subdir={hydra.sweep.subdir}: the name of one folder is needed")


def raise_signal(number: int) -> None:
    """Raise what a signal means to a launcher; nothing for 0."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if number:
        raise SystemExit(128 + number)


class Lend(Protocol):
    """Gives a job its devices and threads for as long as it runs."""

    def __call__(self, trainer: Mapping[str, Any]) -> AbstractContextManager[Mapping[str, str]]:
        """Yield what comes into the environment of a job with this node `trainer`."""


def _lend_all(trainer: Mapping[str, Any]) -> AbstractContextManager[Mapping[str, str]]:
    """Give a job all that the launcher has: no other runs beside it."""
    return nullcontext({})


@dataclass
class SweepJob:
    """A job that its launcher has looked at.

    Attributes:
        hydra: Hydra's configuration of the job.
        run: its folder.
        launch: which launch it is.
        trainer: its node `trainer`.
        environment: of its process.
        outcome: how it stands if it is not to be run.
        signal: that the launcher was given while it ran; 0: none.
    """

    hydra: Any
    run: RunDirectory
    launch: str
    trainer: Mapping[str, Any]
    environment: Mapping[str, str]
    outcome: Outcome | None = None
    signal: int = 0

    @classmethod
    def to_be_run(cls, cfg: DictConfig, hydra: Any) -> "SweepJob":
        """Return a job that is to be run, whatever its folder holds.

        Args:
            cfg: its configuration.
            hydra: Hydra's.
        """
        run, launch = RunDirectory(hydra.runtime.output_dir), str(hydra.callbacks.sweep.launch)
        return cls(hydra, run, launch, plain(cfg)["trainer"], job_environment())

    @classmethod
    def of(cls, cfg: DictConfig, hydra: Any) -> "SweepJob":
        """Find out whether a job is to be run, and make its folder ready.

        Args:
            cfg: its configuration.
            hydra: Hydra's.
        """
        job = cls.to_be_run(cfg, hydra)
        sweep = Sweep(hydra.sweep.dir)
        try:
            _check_place(hydra, job.run, sweep)
            config = settled(plain(cfg))
            check_sweep(config, list(hydra.callbacks.sweep.varying))
            sweep.add(job.run.path.name, lasting(hydra.overrides.task))
            job.outcome = _not_to_be_run(job.run, config, sweep)
        except DanceposeError as error:
            job.outcome = Outcome("failed", str(error))
        return job

    def finish(self, lend: Lend = _lend_all, start: Callable[[], Ended] | None = None) -> float | None:
        """Run it if it is to be run; write down and print how it stands; return its objective.

        Args:
            lend: gives it its devices.
            start: runs it to its end; None: in a process of its own.
        """
        outcome, name = self.outcome, self.run.path.name
        if outcome is None:
            try:
                with lend(self.trainer) as given:
                    begun = time.monotonic()
                    if given:
                        gpus = given.get("CUDA_VISIBLE_DEVICES")
                        print(f"{name}: started{'' if gpus is None else f' on GPU {gpus}'}", flush=True)
                    environment, output = {**self.environment, **given}, OUTPUT if given else ""
                    ended = start() if start else _start(self.hydra, self.run, environment, output)
                seconds, self.signal = round(time.monotonic() - begun, 1), ended.signal
                outcome = replace(_outcome(ended, self.run), seconds=seconds)
            except LeaseRefused:  # the sweep was broken off before its turn
                return None
            except DanceposeError as error:
                outcome = Outcome("failed", str(error))
        Sweep(self.hydra.sweep.dir).record(name, self.launch, outcome)
        print(f"{name}: {outcome.status}{outcome.cause and f': {outcome.cause}'}", flush=True)
        return outcome.objective


def planned(config: Mapping[str, Any], run: RunDirectory, held: bool = False) -> Outcome:
    """Return how a run stands and what it would cost, without writing anything; its empty folder goes.

    Args:
        config: the run's, plain and settled.
        run: its folder.
        held: whether another process is running it.

    Raises:
        DanceposeError: it could not be run.
    """
    from dancepose.tasks.dry_run import measure

    with suppress(OSError):
        run.path.rmdir()
    state = run_state(run, config, lambda: data_hash(config))
    status = "running" if held else state.status
    return Outcome(status, state.cause, run.read_metrics().get("objective"), about=measure(config, run))


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
    old = sweep.path / LOCKS / f"old_{secrets.token_hex(4)}"
    run.path.rename(old)
    run.path.mkdir()
    for path in (sweep.path / LOCKS).glob("old_*"):  # also what a launcher that was killed has left
        shutil.rmtree(path, ignore_errors=True)


def _start(hydra: Any, run: RunDirectory, environment: Mapping[str, str], output: str = "") -> Ended:
    """Run a job to its end: the one place that decides where, in a process of its own.

    Args:
        hydra: Hydra's configuration of it.
        run: its folder.
        environment: all of it.
        output: name of a file in its folder for what it prints.
    """
    overrides = [*lasting(hydra.overrides.task, NOT_HANDED_ON), "reuse=true"]
    command = job_command(hydra, overrides, run.path)
    return run_child(command, environment, hydra.runtime.cwd, run.path / output if output else None)


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
