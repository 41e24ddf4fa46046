"""What launchers share."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn, run_job
from omegaconf import open_dict


def plan_all(launcher: Any, job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Look at all jobs of a dry run, in their order and in the main thread, where Ctrl-C ends it at once.

    Args:
        launcher: the plugin, with what Hydra gave it.
        job_overrides: of each job.
        first: number of the first one.
    """
    return [prepare(launcher, first + index, overrides) for index, overrides in enumerate(job_overrides)]


def prepare(launcher: Any, number: int, overrides: Sequence[str]) -> JobReturn:
    """Compose the configuration of a job and let the task look at it.

    Args:
        launcher: the plugin, with what Hydra gave it.
        number: of the job.
        overrides: of the job.

    Returns:
        Hydra's record of it. Its value is a `SweepJob`, but None for a dry run.
    """
    config = launcher.context.config_loader.load_sweep_config(launcher.config, list(overrides))
    with open_dict(config):
        config.hydra.job.id = config.hydra.job.num = number
    return run_job(
        hydra_context=launcher.context,
        task_function=launcher.task,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
        configure_logging=False,
    )
