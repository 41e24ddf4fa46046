"""`dancepose-train`: compose, train, test, leave a run directory behind."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from dancepose.tasks.sweep_job import SweepJob


def train(cfg: DictConfig) -> float | SweepJob | None:
    """Run one training, or one job of a sweep.

    Args:
        cfg: what conf/train.yaml composes to; of a training, its keys checked.

    Returns:
        The value of `objective`, for a sweep; None where the run has no such metric. Of a job of a pool,
        which runs it itself: the job.

    Raises:
        ConfigError: a setting cannot work, or the folder holds a run that this one would be mixed with.
        JobTaken: the folder is a job of a sweep, which another process is running.
        SystemExit: the run was interrupted; 130 by Ctrl-C, 143 by SIGTERM.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode == RunMode.MULTIRUN:
        from dancepose.tasks.sweep_job import run_sweep_job

        gc.enable()
        return run_sweep_job(cfg, lambda: _train_job(cfg))
    if cfg.dry_run:
        gc.enable()
        _tell_plan(cfg)
        return None
    return _train_alone(cfg)


def _train_job(cfg: DictConfig) -> float | None:
    """Run one training as a job of a sweep that has this process to itself."""
    from hydra.core.hydra_config import HydraConfig

    from dancepose.config import check_composed

    check_composed(cfg, HydraConfig.get())
    cfg.reuse = True
    return _train_alone(cfg)


def _train_alone(cfg: DictConfig) -> float | None:
    """Run one training while no other process writes into its folder."""
    from hydra.core.hydra_config import HydraConfig
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    from dancepose.tasks.holding import holding_run
    from dancepose.tasks.training import run_training

    gc.enable()
    main_rank = getattr(rank_zero_only, "rank", 0) in (None, 0)  # Lightning sets it where there is one
    with holding_run(Path(HydraConfig.get().runtime.output_dir).resolve()) if main_rank else nullcontext():
        return run_training(cfg, main_rank)


def _tell_plan(cfg: DictConfig) -> None:
    """Print what a training would be; nothing is written."""
    from hydra.core.hydra_config import HydraConfig

    from dancepose.sweeps.outcome_table import plan_table
    from dancepose.targets import plain
    from dancepose.tasks.breaking_off import raising_sigterm
    from dancepose.tasks.planning import leaving_nothing, planned_alone
    from dancepose.tasks.run_directory import RunDirectory
    from dancepose.tasks.sweep_checks import settled

    run = RunDirectory(HydraConfig.get().runtime.output_dir)
    with raising_sigterm(), leaving_nothing(run):
        print(plan_table({run.path.name: planned_alone(settled(plain(cfg)), run)}))


def main() -> None:
    """Run `dancepose-train`."""
    from dancepose.allocator import keep_freed_memory
    from dancepose.entry import run
    from dancepose.tasks.child import die_with_launcher

    die_with_launcher()
    keep_freed_memory()
    gc.disable()  # for the imports: they make a million objects and no garbage, and take a tenth less time

    run(train, "train")


if __name__ == "__main__":
    main()
