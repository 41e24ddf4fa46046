"""One job of a sweep, as its launcher sees it: is it to be run, and what came of it."""

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from omegaconf import DictConfig

from dancepose.errors import DanceposeError
from dancepose.run_keys import keys_not
from dancepose.sweeps.launched import has_begun
from dancepose.sweeps.leases import LeaseRefused
from dancepose.sweeps.ledger import JobTaken, Outcome, Sweep
from dancepose.sweeps.names import lasting
from dancepose.targets import plain
from dancepose.tasks import slurm_job
from dancepose.tasks.child import TAKEN, Ended, job_command, job_environment, run_child
from dancepose.tasks.planning import plan_job
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sweep_checks import checked
from dancepose.tasks.sweep_decision import decide, settle

INTERRUPTED = (130, 143, -signal.SIGINT, -signal.SIGTERM)  # by itself, or before its training had begun
OUTPUT = "output"  # in a job's folder: what it prints where several run at once
OWN = "hydra_plugins.dancepose_launchers."  # launchers that run what they are given


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
        SystemExit: likewise, by SIGTERM; or a process of Slurm failed, whose peers would wait for it.
    """
    from hydra.core.hydra_config import HydraConfig

    hydra: Any = HydraConfig.get()
    if cfg.dry_run:
        plan_job(cfg, hydra)
        return None
    if slurm_job.in_slurm_job():  # its launcher has found that it is to be run
        if slurm_job.rank() > 0:
            return train()
        job = SweepJob.to_be_run(cfg, hydra)
        objective = job.finish(start=lambda: slurm_job.run_here(train, job.run))
        raise_signal(job.signal)
        if job.exit_status and slurm_job.tasks() > 1:
            raise SystemExit(1)  # by which Slurm ends the others
        return objective
    job = SweepJob.of(cfg, hydra)
    if hydra.get("launcher", {}).get("_target_", "").startswith(OWN):
        return job
    objective = job.finish()
    raise_signal(job.signal)
    return objective


def raise_signal(number: int) -> None:
    """Raise what a signal means to a launcher; nothing for 0."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if number:
        raise SystemExit(128 + number)


class Lend(Protocol):
    """Gives a job its devices and threads for as long as it runs."""

    def __call__(self, trainer: Mapping[str, Any], workers: int) -> AbstractContextManager[Mapping[str, str]]:
        """Yield what comes into the environment of a job with this node `trainer` and these data workers."""


def _lend_all(trainer: Mapping[str, Any], workers: int) -> AbstractContextManager[Mapping[str, str]]:
    """Give a job all that the launcher has: no other runs beside it."""
    return nullcontext({})


@dataclass
class SweepJob:
    """A job that its launcher has looked at.

    Attributes:
        hydra: Hydra's configuration of the job.
        run: its folder.
        sweep: the folder of all.
        launch: which launch it is.
        trainer: its node `trainer`.
        environment: of its process.
        workers: that read its data, of each process.
        outcome: how it stands if it is not to be run.
        signal: that the launcher was given while it ran; 0: none.
        exit_status: of what ran; 0 where nothing did.
    """

    hydra: Any
    run: RunDirectory
    sweep: Sweep
    launch: str
    trainer: Mapping[str, Any]
    environment: Mapping[str, str]
    workers: int = 0
    outcome: Outcome | None = None
    signal: int = 0
    exit_status: int = 0

    @classmethod
    def to_be_run(cls, cfg: DictConfig, hydra: Any) -> "SweepJob":
        """Return a job that is to be run, whatever its folder holds.

        Args:
            cfg: its configuration.
            hydra: Hydra's.
        """
        sweep, launch = Sweep(hydra.sweep.dir), str(hydra.callbacks.sweep.launch)
        run = RunDirectory(hydra.runtime.output_dir, cfg.anew)
        config = plain(cfg)
        workers = config["data"].get("workers") or 0  # a user's own data may have none
        return cls(hydra, run, sweep, launch, config["trainer"], job_environment(), workers)

    @classmethod
    def of(cls, cfg: DictConfig, hydra: Any) -> "SweepJob":
        """Find out whether a job is to be run.

        Args:
            cfg: its configuration.
            hydra: Hydra's.
        """
        job = cls.to_be_run(cfg, hydra)
        try:
            config = checked(cfg, hydra, job.run)
            job.sweep.add(job.run.path.name, lasting(hydra.overrides.task))
            decision = decide(job.run, config, job.sweep)
            job.outcome = decision.outcome
            job.run = RunDirectory(job.run.path, job.launch if decision.anew else None)
        except JobTaken:
            job.outcome = Outcome("running")
        except (DanceposeError, OSError) as error:
            job.outcome = Outcome("failed", str(error), goes_on=True)
        return job

    @property
    def handed_on(self) -> list[str]:
        """What comes to its overrides if what its folder holds is to make way for it."""
        return [f"anew='{self.launch}'"] if self.run.anew else []  # quoted: its digits may look like a number

    def finish(self, lend: Lend = _lend_all, start: Callable[[], Ended] | None = None) -> float | None:
        """Run it if it is to be run; write down and print how it stands; return its objective.

        Args:
            lend: gives it its devices.
            start: runs it to its end; None: in a process of its own.
        """
        outcome, name = self.outcome, self.run.path.name
        if outcome is None:
            try:
                self.run.take_word()  # of an earlier launch
                with lend(self.trainer, self.workers) as given:
                    begun = time.monotonic()
                    if given:
                        gpus = given.get("CUDA_VISIBLE_DEVICES")
                        print(f"{name}: started{'' if gpus is None else f' on GPU {gpus}'}", flush=True)
                    environment, output = {**self.environment, **given}, OUTPUT if given else ""
                    ended = start() if start else _start(self, environment, output)
                self.signal, self.exit_status = ended.signal, ended.status
                seconds = round(time.monotonic() - begun, 1)
                outcome = replace(outcome_of(ended, self.run, self.sweep), seconds=seconds)
            except LeaseRefused:  # the sweep was broken off before its turn
                return None
            except (DanceposeError, OSError) as error:  # no devices, or no memory for one more process
                outcome = Outcome("failed", str(error), goes_on=True)
        return self.tell(outcome)

    def tell(self, outcome: Outcome) -> float | None:
        """Write down and print how it stands; return its objective."""
        name = self.run.path.name
        self.sweep.record(name, self.launch, outcome)
        print(f"{name}: {outcome.status}{outcome.cause and f': {outcome.cause}'}", flush=True)
        return outcome.objective


def _start(job: SweepJob, environment: Mapping[str, str], output: str = "") -> Ended:
    """Run a job to its end: the one place that decides where, in a process of its own.

    Args:
        job: to be run.
        environment: all of it.
        output: name of a file in its folder for what it prints.
    """
    overrides = [*lasting(job.hydra.overrides.task, keys_not("handed_on")), "reuse=true", *job.handed_on]
    command = job_command(job.hydra, overrides, path := job.run.path)
    return run_child(command, environment, job.hydra.runtime.cwd, path / output if output else None)


def outcome_of(ended: Ended, run: RunDirectory, sweep: Sweep) -> Outcome:
    """Return what came of a job that was run; put back what made way for it if it came to nothing.

    Args:
        ended: how it ended.
        run: its folder.
        sweep: the folder of all.
    """
    if ended.status == TAKEN:
        return Outcome("running")
    try:
        settle(run, sweep)
    except JobTaken:  # another launcher was quick to go on with it, and puts back
        return Outcome("running")
    word, metrics = run.take_word(), run.read_metrics()
    if ended.status == 0:
        return Outcome("done", objective=None if run.makes_way else metrics.get("objective"))
    if ended.status in INTERRUPTED:
        return Outcome("interrupted")
    if ended.cause:  # killed: with the same command it goes on
        return Outcome("failed", ended.cause, goes_on=True)
    unsaid = f"exit status {ended.status}"  # it could not even say so itself
    if run.makes_way:  # it never began, and another run is in its folder
        if metrics.get("status") == "failed":
            run.note_failure(word or unsaid)
        return Outcome("failed", word or unsaid, goes_on=True)
    if metrics.get("status") != "failed":
        run.note_failure(unsaid)
        metrics = run.read_metrics()
    return Outcome("failed", str(metrics.get("cause")), goes_on=not has_begun(metrics))
